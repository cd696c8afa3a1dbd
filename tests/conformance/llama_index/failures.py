"""What goes wrong is told, and told as what it is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage

from tests.conformance.llama_index.answers import EACH_CHAT, EACH_STREAM, HELLO, TEXT
from tests.conformance.llama_index.base import Hooks, ask
from tests.conformance.llama_index.wire import event, sse, stream
from tests.support.rawserver import (
    EVENT_STREAM,
    EVENT_STREAM_UNTIL_CLOSE,
    LAST_CHUNK,
    End,
    chunked,
    http_reply,
)

PIECES = stream({"content": "Hel"}, {"content": "lo"}, finish_reason=None)
CUT = b"".join(map(event, PIECES))
ERROR = {"message": "the model fell over", "code": "server_error"}
BROKEN = stream({}, finish_reason="error")[-1] | {"error": ERROR}
CUTS = {
    "HTTP says so": [EVENT_STREAM, chunked(CUT), End.CLOSE],
    "HTTP says all is well": [EVENT_STREAM, chunked(CUT), LAST_CHUNK],
    "the connection closes": [EVENT_STREAM_UNTIL_CLOSE, CUT, End.CLOSE],
}
NO_ANSWERS = {
    "an error": {"error": ERROR},
    "no choices": {"id": "chat-1", "object": "chat.completion", "choices": []},
    "null choices": {"id": "chat-1", "object": "chat.completion", "choices": None},
}
# What code raises that did not expect the reply.
ACCIDENTS = (TypeError, IndexError, KeyError, AttributeError)


async def failure(llm: Any, way: str) -> Exception:
    """Return what a call raises; it must raise something."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which, is the provider's affair
        await ask(llm, way)
    return caught.value


class Failures(Hooks):
    """Invariants of calls that do not go well."""

    @EACH_STREAM
    async def test_an_error_in_a_stream_is_raised(self, serve, way):
        """An error event within a stream is raised."""
        llm, _ = serve([EVENT_STREAM, chunked(sse([*PIECES, BROKEN])), LAST_CHUNK])
        assert "fell over" in str(await failure(llm, way))

    @EACH_STREAM
    @pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
    async def test_a_cut_stream_is_no_answer(self, serve, way, cut):
        """A stream that ends without a finish reason raises an error."""
        llm, _ = serve(cut)
        await failure(llm, way)

    @EACH_CHAT
    @pytest.mark.parametrize("reply", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
    async def test_a_reply_without_an_answer_is_an_error(self, serve, way, reply):
        """A response with status 200 but no answer is a clear error, not a crash."""
        llm, _ = serve([http_reply(json.dumps(reply).encode())])
        assert not isinstance(await failure(llm, way), ACCIDENTS)

    @EACH_CHAT
    async def test_a_lost_answer_is_not_asked_for_again(self, serve, way):
        """A request whose answer was lost is not sent again: it may have been billed."""
        llm, server = serve([End.CLOSE])
        await failure(llm, way)
        assert server.posts == 1

    @EACH_STREAM
    async def test_leaving_early_hangs_up(self, serve, way):
        """Leaving a stream early closes its connection, and the LLM stays usable."""
        llm, server = serve([EVENT_STREAM, chunked(event(PIECES[0])), End.HOLD], HELLO)
        if way == "stream_chat":
            items = llm.stream_chat([ChatMessage("hi")])
            assert next(items).delta == "Hel"
            items.close()
        else:
            stream = await llm.astream_chat([ChatMessage("hi")])
            assert (await anext(stream)).delta == "Hel"
            await stream.aclose()
        await _soon(lambda: server.open_connections == 0)
        assert (await ask(llm, way))[-1].message.content == TEXT


async def _soon(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    until = time.monotonic() + 5
    while not true():
        assert time.monotonic() < until, "it did not become true"
        await asyncio.sleep(0.01)
