"""Speech and transcription: bytes, URLs and jobs."""

from __future__ import annotations

from typing import Any

import pytest

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
    run = ask(app, "POST", "/api/tts", {"model": model, "text": TEXT})
    assert run.status == 202
    for _ in range(5):
        reply = ask(app, "GET", f"/api/tts/status?runId={run.json()['runId']}&model={model}")
    assert reply.json()["status"] == last


def test_the_older_speech_route():
    app = SandboxApp()
    spoken = ask(app, "POST", "/api/tts", {"model": "tts-1", "text": TEXT}).content
    assert audio.transcribe(spoken).text == TEXT
    assert ask(app, "POST", "/api/tts", {"model": "Kokoro-82m", "text": TEXT}).json()["audioUrl"]
    reply = ask(app, "POST", "/api/tts", {"model": "tts-1", "text": "x" * 5000})
    assert (reply.status, isinstance(reply.json()["error"], str)) == (413, True)


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
    reply = form(app, "/api/transcribe", [("audio", spoken)], model="Wizper")
    assert reply.json()["transcription"] == TEXT
    assert reply.json()["metadata"]["cost"] > 0


def test_a_transcription_by_url():
    app = SandboxApp()
    url = say(app, model="Kokoro-82m").json()["audioUrl"]
    for name in ("file_url", "audio_url"):
        assert (
            ask(app, "POST", TRANSCRIPTIONS, {"model": "Wizper", name: url}).json()["text"] == TEXT
        )
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
