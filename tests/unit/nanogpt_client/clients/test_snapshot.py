"""What a stream adds up to: so far, at its end, and where it has none."""

from __future__ import annotations

import pytest

from nanogpt_client import NanoGPTError, ServerError, Speech, StreamInterruptedError
from nanogpt_client.types.chat import ChatCompletion
from tests.support.driving import DONE, frame, sse
from tests.support.rawserver import (
    EVENT_STREAM,
    LAST_CHUNK,
    End,
    RawServer,
    Script,
    chunked,
    http_reply,
)
from tests.unit.nanogpt_client.clients.shell import BOTH, Shell

pytestmark = pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
FRAMES = [frame("He"), frame("llo"), frame("!"), frame(finish="stop", usage={"prompt_tokens": 3})]
# All events in one piece, so that they arrive long before their chunks are asked for.
AT_ONCE: Script = [EVENT_STREAM, chunked(sse(*FRAMES, DONE)), LAST_CHUNK]
CUT: Script = [EVENT_STREAM, chunked(sse(*FRAMES[:2])), End.CLOSE]
REFUSED: Script = [EVENT_STREAM, chunked(sse(FRAMES[0], {"error": {"message": "x", "code": 500}}))]


def test_a_snapshot_is_what_the_chunks_so_far_add_up_to_and_never_changes(shell: Shell):
    with RawServer(AT_ONCE) as server:
        snapshots, whole = shell.final({"base_url": server.base_url}, "stream_chat", 3)
    assert [snapshot.text for snapshot in snapshots] == ["", "He", "Hello", "Hello!"]
    assert [snapshot.finish_reason for snapshot in snapshots] == [None] * 4
    assert (whole.text, whole.finish_reason, whole.usage.prompt_tokens) == ("Hello!", "stop", 3)
    assert isinstance(whole, ChatCompletion)


def test_the_whole_answer_of_a_stream_nobody_has_iterated_over(shell: Shell):
    with RawServer(AT_ONCE) as server:
        assert shell.final({"base_url": server.base_url}, "stream_chat")[1].text == "Hello!"
        assert server.posts == 1


def test_spoken_text_as_a_whole(shell: Shell):
    sound = http_reply(b"ID3 sound", headers={"content-type": "audio/mpeg"})
    with RawServer([sound]) as server:
        _, speech = shell.final({"base_url": server.base_url}, "stream_speech")
    assert isinstance(speech, Speech)
    assert (speech.data, speech.mime_type) == (b"ID3 sound", "audio/mpeg")


@pytest.mark.parametrize("taken", [0, 2])
@pytest.mark.parametrize(
    ("script", "error"), [(CUT, StreamInterruptedError), (REFUSED, ServerError)]
)
def test_a_failed_stream_has_no_whole_answer(
    shell: Shell, script: Script, error: type[NanoGPTError], taken: int
):
    with RawServer(script) as server, pytest.raises(error) as caught:
        shell.final({"base_url": server.base_url}, "stream_chat", taken)
    assert caught.value.partial.text in {"He", "Hello"}


def test_a_stream_that_was_closed_early_has_no_whole_answer(shell: Shell):
    cut_later: Script = [EVENT_STREAM, chunked(sse(FRAMES[0])), 5.0, LAST_CHUNK]
    with RawServer(cut_later) as server, pytest.raises(StreamInterruptedError) as caught:
        shell.final({"base_url": server.base_url}, "stream_chat", 1, closed=True)
    assert caught.value.partial.text == "He"


def test_what_had_arrived_of_a_stream_that_is_closed_is_not_lost(shell: Shell):
    with RawServer(AT_ONCE) as server:
        _, whole = shell.final({"base_url": server.base_url}, "stream_chat", 1, closed=True)
    assert (whole.text, whole.usage.prompt_tokens) == ("Hello!", 3)
