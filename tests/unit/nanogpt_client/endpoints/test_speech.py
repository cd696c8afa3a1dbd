"""Speech: bytes, a URL, or a job's ticket; the sound comes back in any case."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import Reply, RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints.speech import AudioDecoder, speak, stream_speech
from nanogpt_client.errors import (
    InsufficientBalanceError,
    InvalidArgumentError,
    InvalidResponseError,
    JobError,
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

MP3, WAV = b"ID3sound", b"RIFF\x00\x00\x00\x00WAVEsound"
TICKET = {
    "runId": "run_1",
    "status": "pending",
    "model": "el",
    "cost": 0.5,
    "paymentSource": "USD",
    "isApiRequest": True,
}
DONE = {"status": "completed", "audioUrl": "https://cdn/x.mp3"}


def sound(body: bytes = MP3, kind: str = "audio/mpeg", **headers: Any) -> Reply:
    return reply(body, content_type=kind, **headers)


def test_the_request():
    flow = speak("hi", model="tts-1", voice="nova", response_format="wav", speed=1.5)
    call = first_call(flow)
    assert (call.kind, call.resend, call.billable) == ("speech", RetrySafety.IF_REJECTED, True)
    assert (call.request.path, call.request.root) == ("/audio/speech", "v1")
    assert json.loads(call.request.content) == {
        "model": "tts-1", "input": "hi", "voice": "nova", "response_format": "wav", "speed": 1.5,
    }  # fmt: skip


def test_the_request_of_a_stream():
    call = stream_speech("hi", model="tts-1")
    assert json.loads(call.request.content or b"") == {
        "model": "tts-1",
        "input": "hi",
        "stream": True,
    }


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"text": ""}, "text must be"),
        ({"model": ""}, "model must be"),
        ({"speed": 6}, "speed=6"),
        ({"voices": "x"}, "'voice'"),
    ],
)
def test_what_cannot_work_is_refused_before_sending(options, match):
    options = {"text": "hi", "model": "m"} | options
    text = options.pop("text")
    with pytest.raises(InvalidArgumentError, match=match):
        answer(speak(text, **options))
    with pytest.raises(InvalidArgumentError, match=match):
        stream_speech(text, **options)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (sound(), "audio/mpeg"),
        (sound(WAV), "audio/wav"),  # whatever was told
        (sound(b"raw", "audio/pcm; rate=24000"), "audio/pcm"),
        (sound(b"raw", "application/octet-stream"), "application/octet-stream"),
        (Reply(200, {}, MP3), "audio/mpeg"),
    ],
)
def test_bytes(given, kind):
    speech = answer(speak("hi", model="m"), given)
    assert (speech.data, speech.mime_type, speech.url) == (given.body, kind, None)


def test_bytes_have_their_price_in_the_headers():
    speech = answer(speak("hi", model="m"), sound(x_cost="0.01", x_remaining_balance="3"))
    assert (str(speech.billing.cost), speech.billing.balance) == ("0.01", 3)


@pytest.mark.parametrize(
    "body",
    [{"url": "https://cdn/x"}, {"audioUrl": "https://cdn/x"}, {"data": {"url": "https://cdn/x"}},
     {"data": {"audioUrl": "https://cdn/x"}}, {"url": "", "audioUrl": "https://cdn/x"}],
)  # fmt: skip
def test_a_url_is_fetched(body):
    driven = drive(
        run_flow(speak("hi", model="m"), context()), reply(body | {"cost": 0.5}), sound(WAV)
    )
    assert requests_of(driven)[1].path == "https://cdn/x"
    speech = driven.result
    assert (speech.data, speech.mime_type, speech.url) == (WAV, "audio/wav", "https://cdn/x")
    assert str(speech.billing.cost) == "0.5"


def test_a_job_is_waited_for():
    driven = drive(
        run_flow(speak("hi", model="m"), context()),
        reply(TICKET, 202), reply({"status": "pending"}), reply(DONE), sound(),
    )  # fmt: skip
    assert driven.result.data == MP3
    assert driven.sleeps == [3.0]
    poll = requests_of(driven)[1]
    assert (poll.method, poll.root, poll.path) == ("GET", "api", "/tts/status")
    assert poll.query == {
        "runId": "run_1",
        "model": "el",
        "cost": "0.5",
        "paymentSource": "USD",
        "isApiRequest": "true",
    }


def test_a_bare_ticket_is_asked_about_by_the_models_own_name():
    driven = drive(
        run_flow(speak("hi", model="m"), context()), reply({"runId": 7}), reply(DONE), sound()
    )
    assert requests_of(driven)[1].query == {"runId": "7", "model": "m"}


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"status": "error", "error": "TTS generation failed."}, "TTS generation failed."),
        ({"status": "failed", "error": {"message": "no voice"}}, "no voice"),
        ({"status": "content_policy_violation", "message": "not this"}, "not this"),
        ({"status": "CANCELLED"}, "cancelled"),
        ({"status": "completed"}, "without audio"),
        ({"status": "completed", "audioUrl": 7.5, "error": None}, None),
    ],
)
def test_a_job_that_fails_says_why(state, why):
    with pytest.raises(NanoGPTError) as caught:
        answer(speak("hi", model="m"), reply(TICKET, 202), reply(state))
    if why is not None:
        assert type(caught.value) is JobFailedError
        refunded = state["status"] != "completed"
        assert (caught.value.run_id, caught.value.maybe_billed) == ("run_1", not refunded)
        assert str(caught.value.cost) == ("0" if refunded else "0.5")
        assert caught.value.raw == state
        assert str(caught.value) == f"speech job run_1 failed: {why}" or why in str(caught.value)


def test_a_job_that_cannot_be_asked_about_is_found_again_by_its_run_id():
    refused = reply({"error": "Insufficient balance", "status": 402}, 402)
    with pytest.raises(JobError, match=r"run_1 could not be read.*Insufficient") as caught:
        answer(speak("hi", model="m"), reply(TICKET, 202), refused)
    assert (type(caught.value), caught.value.run_id) == (JobError, "run_1")
    assert isinstance(caught.value.__cause__, InsufficientBalanceError)


@pytest.mark.parametrize(
    ("given", "cls"),
    [
        (sound(b""), InvalidResponseError),
        (sound(b"<html>", "text/html"), InvalidResponseError),
        (sound(b"sorry", "text/plain"), InvalidResponseError),
        (reply({}), InvalidResponseError),
        (reply({"url": {"x": 1}}), InvalidResponseError),
        (reply({"runId": {}}), InvalidResponseError),
        (reply({"url": None, "runId": ""}), InvalidResponseError),
        (reply({"error": "no", "status": 402}), InsufficientBalanceError),
    ],
)
def test_what_is_no_sound(given, cls):
    with pytest.raises(cls):
        answer(speak("hi", model="m"), given)


KEYS = st.sampled_from(["url", "audioUrl", "data", "runId", "error", "cost", "status"])


@given(
    st.sampled_from(ODD_VALUES) | st.dictionaries(KEYS, st.sampled_from([*ODD_VALUES, {"url": 7}]))
)
def test_any_json_is_an_answer_or_an_error(body):
    """With a URL or a ticket, more is asked for: then no reply is left."""
    with suppress(NanoGPTError, AskedForMoreError):
        assert as_declared(answer(speak("hi", model="m"), reply(body))).data
    decoder = AudioDecoder({})
    decoder.whole(reply(body))
    assert isinstance(decoder.failure, NanoGPTError)


@given(
    st.sampled_from(ODD_VALUES)
    | st.dictionaries(KEYS, st.sampled_from([*ODD_VALUES, "completed", "error"]))
)
def test_any_state_of_a_job_is_read(state):
    with suppress(NanoGPTError, AskedForMoreError):
        answer(speak("hi", model="m"), reply(TICKET, 202), reply(state))
