"""Speech and transcription: bytes, URLs and jobs; real audio files that are read back."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanogpt_client._media import audio_concat
from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.media import audio
from tests.sandbox.asking import ask, code, download, form

TEXT = "The quick brown fox, at 9 o'clock."
JOB = "Elevenlabs-Turbo-V2.5"
TRANSCRIPTIONS = "/api/v1/audio/transcriptions"


def say(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", "/api/v1/audio/speech", {"model": "tts-1", "input": TEXT} | body)


def transcribe(app: SandboxApp, data: bytes, **fields: str) -> Reply:
    return form(app, TRANSCRIPTIONS, [("file", data)], **{"model": "Whisper-Large-V3"} | fields)


def test_mp3_is_the_default_and_characters_are_billed():
    app = SandboxApp()
    reply = say(app)
    assert reply.content.startswith(b"ID3")
    assert float(reply.headers["x-cost"]) == pytest.approx(len(TEXT) * 0.015 / 1000)
    assert float(reply.headers["x-remaining-balance"]) == float(app.balance)
    for count, price in ((301, 0.18), (1, 0.09)):  # by blocks of characters
        spoken = say(app, model="bytedance/seed-audio-1.0", input="x" * count)
        assert spoken.json()["cost"] == price


def test_streamed_speech_is_the_same_audio_in_parts():
    whole = say(SandboxApp(), response_format="wav")
    streamed = say(SandboxApp(), response_format="wav", stream=True)
    assert (whole.streams, streamed.streams) == (False, True)
    assert streamed.content == whole.content
    assert not say(SandboxApp(), model="Kokoro-82m", stream=True).streams
    job = say(SandboxApp(), model=JOB, stream=True, response_format="wav")
    assert (job.status, job.headers["content-type"]) == (200, "audio/mpeg")


def test_a_model_that_answers_with_a_url():
    app = SandboxApp()
    found = say(app, model="Kokoro-82m", voice="bf_emma").json()
    assert (found["model"], found["voice"]) == ("Kokoro-82m", "bf_emma")
    assert found["contentType"] == "audio/wav"
    assert audio.transcribe(download(app, found["audioUrl"]).content).text == TEXT


def test_a_speech_job_is_completed_by_polls_or_by_time():
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0], job_pace=2)
    reply = say(app, model=JOB)
    found = reply.json()
    assert (reply.status, found["status"], found["isApiRequest"]) == (202, "pending", True)
    assert found["cost"] > 0
    path = f"/api/tts/status?runId={found['runId']}&model={JOB}&cost={found['cost']}"
    states = [ask(app, "GET", path).json() for _ in range(3)]
    assert [state["status"] for state in states] == ["pending", "pending", "completed"]
    assert audio.transcribe(download(app, states[2]["audioUrl"]).content).text == TEXT
    run = say(app, model=JOB).json()["runId"]
    now[0] = 4
    reply = ask(app, "GET", f"/api/tts/status?runId={run}&model={JOB}")
    assert reply.json()["status"] == "completed"


@pytest.mark.parametrize(("fault", "last"), [("job-failed", "error"), ("job-stuck", "pending")])
def test_speech_jobs_that_do_not_finish(fault, last):
    app, model = SandboxApp(), f"sandbox/fault/{fault}"
    run = say(app, model=model)
    assert run.status == 202
    for _ in range(5):
        reply = ask(app, "GET", f"/api/tts/status?runId={run.json()['runId']}&model={model}")
    assert reply.json()["status"] == last


@pytest.mark.parametrize(("body", "expected"), [
    ({"model": "hidream"}, (404, "model_not_found")),
    ({"model": None}, (400, "missing_required_parameter")),
    ({"input": ""}, (400, "missing_required_parameter")),
    ({"input": "x" * 4097}, (400, "input_too_long")), ({"voice": "nobody"}, (400, "invalid_voice")),
    ({"response_format": "midi"}, (400, "unsupported_format")),
    ({"speed": 5}, (400, "invalid_parameter_value")),
])  # fmt: skip
def test_speech_that_is_refused(body, expected):
    app = SandboxApp()
    assert code(say(app, **body)) == expected
    assert app.balance == 5


def test_a_transcription():
    app = SandboxApp()
    spoken = say(app).content
    found = transcribe(app, spoken, language="fr").json()
    assert (found["text"], found["language"]) == (TEXT, "fr")
    assert found["duration"] > 1
    assert transcribe(app, spoken, response_format="text").content.decode() == TEXT
    words = transcribe(app, spoken, response_format="verbose_json").json()["words"]
    assert [word["word"] for word in words] == TEXT.split()


def test_a_transcription_by_url():
    app = SandboxApp()
    url = say(app, model="Kokoro-82m").json()["audioUrl"]
    read = ask(app, "POST", TRANSCRIPTIONS, {"model": "Wizper", "file_url": url})
    assert read.json()["text"] == TEXT
    elsewhere = {"model": "Wizper", "file_url": "https://example.com/a.mp3"}
    assert code(ask(app, "POST", TRANSCRIPTIONS, elsewhere)) == (400, "file_download_failed")


def test_a_transcription_job():
    app = SandboxApp()
    reply = transcribe(app, say(app).content, model="Elevenlabs-STT")
    assert (reply.status, reply.json()["fileName"]) == (202, "a.wav")
    body = {"runId": reply.json()["runId"], "cost": 1, "paymentSource": "USD"}
    states = [ask(app, "POST", "/api/transcribe/status", body).json() for _ in range(3)]
    assert [state["status"] for state in states] == ["pending", "processing", "completed"]
    assert states[2]["transcription"] == TEXT
    assert [word["text"] for word in states[2]["words"]] == TEXT.split()
    assert states[2]["diarization"]["segments"][0]["text"] == TEXT
    failing = transcribe(app, say(app).content, model="sandbox/fault/job-failed").json()
    for _ in range(3):
        reply = ask(app, "POST", "/api/transcribe/status", {"runId": failing["runId"]})
    assert reply.json() == {"status": "failed", "error": "Audio file could not be processed"}


def test_jobs_and_recordings_that_are_refused():
    app = SandboxApp()
    for query, status in (("", 400), ("runId=x", 400), ("model=x", 400), ("runId=x&model=y", 404)):
        assert ask(app, "GET", f"/api/tts/status?{query}").status == status
    assert ask(app, "POST", "/api/transcribe/status", {"runId": "x"}).status == 404
    assert code(transcribe(app, b"no recording")) == (400, "invalid_audio")
    long = audio.synthesize("x", format="wav")[0] + bytes(4 * 1024 * 1024)
    assert code(transcribe(app, long)) == (413, "file_too_large")
    missing = (400, "missing_required_parameter")
    assert code(ask(app, "POST", TRANSCRIPTIONS, {"model": "Wizper"})) == missing
    assert code(form(app, TRANSCRIPTIONS, [("wrong", b"x")], model="Wizper")) == missing
    assert app.balance == 5


FORMATS = {"mp3": "audio/mpeg", "wav": "audio/wav", "opus": "audio/ogg", "flac": "audio/flac"}
QUOTED = (
    'Info: the "quick" brown fox\n jumps over \\ the lazy dog. Grüße aus Köln, 東京 und 🎉! ' * 4
)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_back_even_if_it_was_cut_or_joined_by_bytes(kind):
    data, mime_type = audio.synthesize(QUOTED, format=kind)
    assert mime_type == FORMATS[kind]
    assert audio.synthesize(QUOTED, format=kind) == (data, mime_type)
    found = audio.transcribe(data)
    assert found.text == audio.transcribe(data[: len(data) // 2]).text == QUOTED
    assert found.seconds == pytest.approx(len(QUOTED) / 15, abs=0.5)
    assert audio.transcribe(data + audio.synthesize("two", format=kind)[0]).text == f"{QUOTED} two"


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.sampled_from([*FORMATS]))
def test_any_text_is_read_back_exactly(text, kind):
    assert audio.transcribe(audio.synthesize(text, format=kind, speed=4)[0]).text == text


def test_what_a_client_joins_is_read_back():
    texts = [QUOTED, "one größe.", "Xing " * 90, "the end"]
    joined = audio_concat.join(
        [audio.synthesize(text, format="mp3")[0] for text in texts], "audio/mpeg"
    )
    found = audio.transcribe(joined)
    assert found.text == " ".join(texts)
    assert found.seconds == pytest.approx(len(found.text) / 15, abs=2)


def test_speed_voices_and_times():
    slow, plain, fast = (
        audio.transcribe(audio.synthesize("x" * 99, speed=each)[0]).seconds for each in (0.5, 1, 2)
    )
    assert [slow / plain, plain / fast] == pytest.approx([2, 2], abs=0.1)
    assert audio.synthesize("hello", voice="onyx")[0] != audio.synthesize("hello", voice="nova")[0]
    found = audio.transcribe(audio.synthesize("one  two\ud800\nthree")[0])
    assert [word for word, _, _ in found.words] == ["one", "two?", "three"]
    times = [time for _, start, end in found.words for time in (start, end)]
    assert times == sorted(times)
    assert times[-1] == found.seconds


def test_other_audio_has_no_speech():
    target = io.BytesIO()
    with wave.open(target, "wb") as silence:
        silence.setparams((1, 2, 8_000, 0, "NONE", ""))
        silence.writeframes(bytes(16_000))
    found = audio.transcribe(target.getvalue())
    assert (found.text, found.seconds, found.words) == (audio.NO_SPEECH, 1.0, ())


@pytest.mark.parametrize("data", [
    b"", b"hello, this is a text " * 50, np.random.default_rng(3).bytes(50_000),
    b"RIFF\x10\0\0\0WAVE", b"ID3 x" * 20,
])  # fmt: skip
def test_other_data_is_refused(data):
    with pytest.raises(ValueError, match=r"not an audio file|has no audio"):
        audio.transcribe(data)
