"""Transcription: from a file, a URL, or through a job."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    JobFailedError,
    NanoGPTError,
)
from tests.support.driving import (
    ODD_VALUES,
    AskedForMoreError,
    answer,
    context,
    drive,
    first_call,
    reply,
    requests_of,
)
from tests.support.typed import as_declared

WAV = b"RIFF\x00\x00\x00\x00WAVEsound"
TICKET = {
    "runId": "run_1",
    "status": "pending",
    "cost": 0.5,
    "paymentSource": "USD",
    "isApiRequest": True,
}


def call_of(audio: Any, **options: Any) -> Any:
    return first_call(transcribe(audio, model="Whisper-Large-V3", **options))


def test_a_file_goes_as_a_form(tmp_path):
    path = tmp_path / "talk.wav"
    path.write_bytes(WAV)
    call = call_of(path, language="en", diarize=True, temperature=0.5, timeout=9,
                   extra_body={"x": False}, extra_headers={"a": "b"})  # fmt: skip
    assert (call.kind, call.resend, call.billable) == (
        "transcription",
        RetrySafety.IF_REJECTED,
        True,
    )
    request = call.request
    assert (request.path, request.content, request.timeout) == ("/audio/transcriptions", None, 9)
    assert request.headers == {"a": "b"}
    assert request.form == {
        "model": "Whisper-Large-V3",
        "language": "en",
        "diarize": "true",
        "temperature": "0.5",
        "x": "false",
    }
    ((field, part),) = request.files
    assert (field, part.name, part.data, part.content_type) == (
        "file",
        "talk.wav",
        WAV,
        "audio/wav",
    )


def test_bytes_get_a_name():
    ((_, part),) = call_of(WAV).request.files
    assert part.name == "audio"


def test_a_url_goes_as_json():
    request = call_of("https://cdn/talk.mp3", language="en").request
    assert json.loads(request.content) == {
        "model": "Whisper-Large-V3", "language": "en", "file_url": "https://cdn/talk.mp3",
    }  # fmt: skip
    assert request.files == ()


@pytest.mark.parametrize(
    ("audio", "options", "match"),
    [
        ("missing.wav", {}, "audio: cannot read 'missing.wav'"),
        ("data:audio/wav;base64,", {}, "without base64 content"),
        (b"", {}, "audio is empty"),
        (None, {}, "cannot read"),
        (WAV, {"model": ""}, "model must be"),
        (WAV, {"langauge": "en"}, "did you mean 'language'"),
        ("https://cdn/x", {"temperature": 7}, "temperature=7"),
    ],
)
def test_what_cannot_work_is_refused_before_sending(audio, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        answer(transcribe(audio, **({"model": "m"} | options)))


def test_a_transcript():
    heard = answer(
        transcribe(WAV, model="m"), reply({"text": "hi", "language": "en"}, x_cost="0.1")
    )
    assert (heard.text, heard.language, str(heard.billing.cost)) == ("hi", "en", "0.1")


@pytest.mark.parametrize(
    "kind", ["text/plain; charset=utf-8", "text/vtt", "text/srt", "application/x-subrip"]
)
def test_a_plain_text(kind):
    heard = answer(transcribe(WAV, model="m"), reply(b"hi there", content_type=kind))
    assert heard.text == "hi there"


def test_a_job_is_waited_for():
    done = {
        "status": "completed",
        "transcription": "hi",
        "metadata": {"cost": 0.5},
        "words": [{"w": "hi"}],
    }
    driven = drive(
        run_flow(transcribe(WAV, model="m"), context()),
        reply(TICKET, 202), reply({"status": "processing"}), reply(done),
    )  # fmt: skip
    heard = driven.result
    assert (heard.text, heard.words, str(heard.billing.cost)) == ("hi", ({"w": "hi"},), "0.5")
    poll = requests_of(driven)[1]
    assert (poll.method, poll.root, poll.path) == ("POST", "api", "/transcribe/status")
    assert json.loads(poll.content or b"") == {
        "runId": "run_1", "cost": 0.5, "paymentSource": "USD", "isApiRequest": True,
    }  # fmt: skip


CLONE = {"status": "pending", "runId": "vc_run_789", "model": "qwen-voice-clone", "cost": 0.25,
         "paymentSource": "USD", "isApiRequest": True, "fileName": "audio_file", "fileSize": 0,
         "chargedDuration": 2.5, "diarize": False, "novelty": 1}  # fmt: skip
EMBEDDING = "https://storage.example.com/speaker-embedding.safetensors"


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("status", [202, 200])
def test_a_voice_is_cloned(nested, status):
    ticket = {"data": CLONE} if nested else CLONE
    final = {"status": "completed", "speakerEmbeddingUrl": EMBEDDING, "metadata": {"model": "q"}}
    done = {"data": final} if nested else final
    driven = drive(
        run_flow(transcribe(WAV, model="qwen-voice-clone"), context()),
        reply(ticket, status), reply(done),
    )  # fmt: skip
    voice = driven.result
    assert (voice.text, voice.voice_url, str(voice.cost)) == ("", EMBEDDING, "0.25")
    assert voice.raw == done
    sent = json.loads(requests_of(driven)[1].content or b"")
    assert sent == {
        "runId": "vc_run_789", "cost": 0.25, "paymentSource": "USD", "isApiRequest": True,
        "fileName": "audio_file", "fileSize": 0, "chargedDuration": 2.5, "diarize": False,
    }  # fmt: skip


def test_a_voice_may_be_cloned_at_once():
    done = {"status": "completed", "speakerEmbeddingUrl": EMBEDDING}
    for body in (done, done | {"runId": "r"}):
        assert answer(transcribe(WAV, model="m"), reply(body)).voice_url == EMBEDDING


@pytest.mark.parametrize("result", [{"embedding": [0.5]}, {"output": {"url": "https://a"}}])
def test_a_result_in_a_shape_of_its_own_is_returned(result):
    state = {"status": "completed", **result}
    heard = answer(transcribe(WAV, model="m"), reply(TICKET, 202), reply(state))
    assert (heard.text, heard.raw) == ("", state)


def test_a_completed_job_that_brought_nothing_is_an_error():
    state = {"status": "completed", "metadata": {"cost": 0.5}}
    with pytest.raises(JobFailedError, match="without a transcription") as caught:
        answer(transcribe(WAV, model="m"), reply(TICKET, 202), reply(state))
    error = caught.value
    assert (error.run_id, error.raw, error.maybe_billed) == ("run_1", state, True)
    assert str(error.cost) == "0.5"


def test_a_ticket_that_has_the_text_already_is_not_asked_about():
    body = {"runId": "r", "status": "completed", "transcription": "hi"}
    assert answer(transcribe(WAV, model="m"), reply(body)).text == "hi"


def test_a_job_that_fails_says_why():
    failed = reply({"status": "failed", "error": "too long"})
    with pytest.raises(JobFailedError, match="transcription job run_1 failed: too long"):
        answer(transcribe(WAV, model="m"), reply(TICKET, 202), failed)


@pytest.mark.parametrize(
    "body", [{}, {"runId": None}, {"runId": {}}, {"runId": []}, {"text": 7}, [], b"<html>"]
)
def test_what_is_no_transcript(body):
    with pytest.raises(InvalidResponseError):
        answer(transcribe(WAV, model="m"), reply(body))


KEYS = st.sampled_from(
    ["text", "transcription", "runId", "status", "metadata", "words", "data", "error"]
)


@given(
    st.lists(
        st.sampled_from(ODD_VALUES)
        | st.dictionaries(KEYS, st.sampled_from([*ODD_VALUES, "completed"])),
        min_size=2,
        max_size=2,
    )
)
def test_any_json_is_an_answer_or_an_error(bodies):
    for replies in ([reply(bodies[0])], [reply(TICKET, 202), reply(bodies[1])]):
        with suppress(NanoGPTError, AskedForMoreError):
            as_declared(answer(transcribe(WAV, model="m"), *replies))
