"""Cloned voices: submitted once, polled until they are there, resumed by their run id."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import Budget
from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client._protocol.steps import Addresses, Unreachable
from nanogpt_client.endpoints.voices import (
    clone_voice,
    submit_voice_clone,
    voice_clone_status,
    wait_for_voice_clone,
)
from nanogpt_client.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    NanoGPTError,
    OutcomeUnknownError,
    ServerError,
)
from tests.support.driving import ODD_VALUES, answer, context, drive, first_call, reply, requests_of
from tests.support.typed import as_declared

WAV = b"RIFF....WAVE"
MINE = {
    "status": "pending",
    "runId": "run-1",
    "model": "MiniMax-Voice-Clone",
    "cost": 1.0,
    "paymentSource": "USD",
    "isApiRequest": True,
    "fileName": "a.wav",
    "fileSize": 12,
}
READY: dict[str, Any] = {
    "minimax": {"status": "completed", "audioUrls": ["https://cdn/preview.mp3"]},
    "qwen": {"status": "completed", "speakerEmbeddingUrl": "https://cdn/v.safetensors"},
}
OPTIONS: dict[str, Any] = {"minimax": {"voice_id": "MyVoice001"}, "qwen": {}}
PROVIDERS = ["minimax", "qwen"]


def submitted(audio: Any = WAV, **options: Any) -> Any:
    driven = drive(run_flow(submit_voice_clone(audio, **options), context()), reply(MINE, 202))
    (request,) = requests_of(driven)
    assert (request.method, request.root) == ("POST", "api")
    return request, driven.result


def test_minimax_by_url():
    request, job = submitted(
        "https://cdn.example/me.mp3", provider="minimax", voice_id="MyVoice001",
        clone_model="speech-02-hd", reduce_noise=False, normalize_volume=True, accuracy=0.7,
        preview_text="Hello!",
    )  # fmt: skip
    assert request.path == "/voice-clone/minimax"
    assert request.json == {
        "audioUrl": "https://cdn.example/me.mp3", "customVoiceId": "MyVoice001",
        "voiceCloneModel": "speech-02-hd", "needNoiseReduction": False,
        "needVolumeNormalization": True, "accuracy": 0.7, "text": "Hello!",
    }  # fmt: skip
    assert (job.run_id, job.voice_id, job.cost, job.status) == (
        "run-1", "MyVoice001", Decimal(1), "queued",
    )  # fmt: skip
    assert not job.is_finished


def test_qwen_from_a_file(tmp_path):
    (tmp_path / "me.wav").write_bytes(WAV)
    request, _ = submitted(tmp_path / "me.wav", provider="qwen", reference_text="I am.")
    assert request.path == "/voice-clone/qwen"
    assert request.form == {"referenceText": "I am."}
    ((name, part),) = request.files
    assert (name, part.name, part.data) == ("audio", "me.wav", WAV)


def test_a_form_has_words_for_truth():
    request, _ = submitted(provider="minimax", voice_id="MyVoice001", reduce_noise=True)
    assert request.form == {"customVoiceId": "MyVoice001", "needNoiseReduction": "true"}


@pytest.mark.parametrize(("provider", "usd"), [("minimax", "1.00"), ("qwen", "0.25")])
def test_it_is_submitted_once_at_the_documented_price(provider, usd):
    call = first_call(submit_voice_clone(WAV, provider=provider, **OPTIONS[provider]))
    assert (call.kind, call.resend, call.billable) == ("voice", RetrySafety.IF_NOT_SENT, True)
    assert call.estimate() == Decimal(usd)
    for broken in (Unreachable(sent=True, reason="cut"), reply({"error": "busy"}, 503)):
        driven = drive(
            run_flow(clone_voice(WAV, provider=provider, **OPTIONS[provider]), context()), broken
        )
        assert isinstance(driven.error, OutcomeUnknownError | ServerError)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"provider": "elevenlabs"}, "provider must be minimax or qwen, not 'elevenlabs'"),
        ({"provider": None}, "provider must be"),
        ({"provider": "minimax"}, "minimax needs a voice_id that you choose"),
        ({"provider": "minimax", "voice_id": "short"}, "not 'short'"),
        ({"provider": "minimax", "voice_id": "1234567890"}, "a letter, then"),
        ({"provider": "qwen", "voice_id": "MyVoice001"}, "qwen has no option voice_id"),
        (
            {"provider": "minimax", "voice_id": "MyVoice001", "reference_text": "x"},
            "minimax has no option reference_text; it has voice_id",
        ),
        ({"provider": "minimax", "voice_id": "MyVoice001", "accuracy": 2}, "accuracy=2"),
        ({"provider": "qwen", "voice": "x"}, "unknown option 'voice'"),
    ],
)
def test_what_cannot_work_is_not_sent(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        answer(submit_voice_clone(WAV, **options))


def test_a_recording_in_a_private_network_is_not_sent():
    flow = submit_voice_clone("https://wiki.example/a.mp3", provider="qwen")
    driven = drive(flow, Addresses(trusted=False, addresses=["10.0.0.1"]))
    assert "leads to 10.0.0.1" in str(driven.failure(InvalidArgumentError))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_it_waits_for_the_voice(provider):
    flow = clone_voice(WAV, provider=provider, poll_interval=2, **OPTIONS[provider])
    waiting = reply({"status": "processing"})
    driven = drive(
        run_flow(flow, context()), reply(MINE, 202), waiting, waiting, reply(READY[provider])
    )
    voice = driven.result
    assert (voice.run_id, voice.provider, voice.cost) == ("run-1", provider, Decimal(1))
    assert (voice.voice_id, voice.model) == (
        OPTIONS[provider].get("voice_id"), "MiniMax-Voice-Clone",
    )  # fmt: skip
    assert voice.url == (READY[provider].get("audioUrls") or [voice.url])[0]
    assert voice.url
    assert driven.sleeps == [2, 2]
    *_, poll = requests_of(driven)
    assert poll.path == f"/voice-clone/{provider}/status"
    assert poll.json == {"runId": "run-1", "cost": 1.0, "paymentSource": "USD",
                         "isApiRequest": True}  # fmt: skip


def test_minimax_without_a_preview_is_a_voice():
    job = answer(
        submit_voice_clone(WAV, provider="minimax", voice_id="MyVoice001"), reply(MINE, 202)
    )
    voice = answer(wait_for_voice_clone(job), reply({"status": "completed"}))
    assert (voice.voice_id, voice.url) == ("MyVoice001", None)


def test_qwen_without_an_embedding_has_failed():
    with pytest.raises(JobFailedError, match="without the URL of the voice") as caught:
        answer(wait_for_voice_clone("run-1", provider="qwen"), reply({"status": "completed"}))
    assert (caught.value.run_id, caught.value.maybe_billed) == ("run-1", True)


def test_a_failed_job_is_refunded():
    failed = reply({"status": "failed", "error": "too much noise"})
    with pytest.raises(JobFailedError, match="voice job run-1 failed: too much noise") as caught:
        answer(clone_voice(WAV, provider="qwen"), reply(MINE, 202), failed)
    assert (caught.value.cost, caught.value.maybe_billed) == (Decimal(0), False)


def test_the_ledger_ends_at_what_was_charged():
    for final, spent in ((READY["qwen"], 1), ({"status": "failed"}, 0)):
        rules = context(budget=Budget(usd=5))
        flow = run_flow(clone_voice(WAV, provider="qwen"), rules)
        drive(flow, reply(MINE, 202), reply(final))
        assert rules.ledger.spent == spent
        assert rules.budget is not None
        assert rules.budget.spent == spent


def test_another_process_resumes_it_by_its_run_id():
    call = voice_clone_status("run-9", provider="minimax")
    assert (call.request.json, call.run_id) == ({"runId": "run-9"}, "run-9")
    assert (call.resend, call.billable) == (RetrySafety.ALWAYS, False)
    job = call.parse(reply(READY["minimax"]))
    assert (job.run_id, job.is_finished, job.url) == ("run-9", True, "https://cdn/preview.mp3")
    with pytest.raises(InvalidArgumentError, match="provider must be"):
        voice_clone_status("run-9")


def test_a_job_that_takes_too_long_is_not_lost():
    flow = clone_voice(WAV, provider="qwen", poll_timeout=0)
    with pytest.raises(JobTimeoutError) as caught:
        answer(flow, reply(MINE, 202), reply({"status": "pending"}))
    assert (caught.value.run_id, caught.value.cost) == ("run-1", Decimal(1))


def test_a_poll_that_is_refused_names_the_job():
    with pytest.raises(JobError, match="job run-1 could not be read"):
        answer(clone_voice(WAV, provider="qwen"), reply(MINE, 202), reply({"error": "no"}, 401))


def test_a_submission_without_a_run_id_may_be_paid():
    with pytest.raises(InvalidResponseError, match="no run id") as caught:
        answer(submit_voice_clone(WAV, provider="qwen"), reply({"status": "pending"}, 202))
    assert caught.value.maybe_billed


@given(st.sampled_from(ODD_VALUES), st.sampled_from([*MINE, *READY["minimax"], *READY["qwen"]]))
def test_odd_values_break_no_reader(value, name):
    with suppress(NanoGPTError):
        call = first_call(submit_voice_clone(WAV, provider="qwen"))
        as_declared(call.parse(reply({**MINE, name: value}, 202)))
    with suppress(NanoGPTError):
        call = voice_clone_status("run-1", provider="qwen")
        as_declared(call.parse(reply({**READY["qwen"], name: value})))
