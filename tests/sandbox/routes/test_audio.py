"""Speech and transcription: bytes, URLs and jobs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, Request, SandboxApp
from nanogpt_client.sandbox.media import audio
from tests.sandbox.asking import ask, code

TEXT = "The quick brown fox, at 9 o'clock."
JOB = "Elevenlabs-Turbo-V2.5"


def say(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", "/api/v1/audio/speech", {"model": "tts-1", "input": TEXT} | body)


def upload(app: SandboxApp, path: str, field: str, data: bytes, **fields: str) -> Reply:
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="a.wav"\r\n\r\n'
    )
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    raw = head.encode() + data + b"\r\n" + b"".join(parts) + f"--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return ask(app, "POST", path, raw=raw, headers=headers)


def transcribe(app: SandboxApp, data: bytes, **fields: str) -> Reply:
    fields = {"model": "Whisper-Large-V3"} | fields
    return upload(app, "/api/v1/audio/transcriptions", "file", data, **fields)


def download(app: SandboxApp, url: str) -> Reply:
    return app.handle(Request("GET", url.removeprefix("http://sandbox.invalid")))


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("opus", "audio/ogg"),
        ("flac", "audio/flac"),
        ("aac", "audio/aac"),
        ("pcm", "audio/pcm"),
    ],
)
def test_speech_in_every_format(name, mime):
    reply = say(SandboxApp(), response_format=name)
    assert reply.headers["content-type"] == mime
    assert audio.transcribe(reply.content).text == TEXT


def test_mp3_is_the_default_and_characters_are_billed():
    app = SandboxApp()
    reply = say(app)
    assert reply.content.startswith(b"ID3")
    assert float(reply.headers["x-cost"]) == pytest.approx(len(TEXT) * 0.015 / 1000)
    assert float(reply.headers["x-remaining-balance"]) == float(app.balance)


def test_a_voice_that_is_billed_by_blocks_of_characters():
    app = SandboxApp()
    spoken = say(app, model="bytedance/seed-audio-1.0", input="x" * 301)
    assert spoken.json()["cost"] == 0.18
    assert say(app, model="bytedance/seed-audio-1.0", input="x").json()["cost"] == 0.09


def test_streamed_speech_is_the_same_sound_in_pieces():
    whole = say(SandboxApp(), response_format="wav")
    streamed = say(SandboxApp(), response_format="wav", stream=True)
    assert streamed.streams
    assert not whole.streams
    assert streamed.content == whole.content
    assert not say(SandboxApp(), model="Kokoro-82m", stream=True).streams


def test_a_model_that_answers_with_a_url():
    app = SandboxApp()
    reply = say(app, model="Kokoro-82m", voice="bf_emma")
    found = reply.json()
    assert (found["model"], found["voice"], found["contentType"]) == (
        "Kokoro-82m",
        "bf_emma",
        "audio/wav",
    )
    assert audio.transcribe(download(app, found["audioUrl"]).content).text == TEXT


def test_a_speech_job():
    app = SandboxApp()
    ticket = say(app, model=JOB)
    assert ticket.status == 202
    found = ticket.json()
    assert (found["status"], found["isApiRequest"]) == ("pending", True)
    assert found["cost"] > 0
    path = f"/api/tts/status?runId={found['runId']}&model={JOB}&cost={found['cost']}"
    states = [ask(app, "GET", path).json() for _ in range(3)]
    assert [state["status"] for state in states] == ["pending", "pending", "completed"]
    assert audio.transcribe(download(app, states[2]["audioUrl"]).content).text == TEXT


def test_a_streamed_job_model_speaks_at_once():
    reply = say(SandboxApp(), model=JOB, stream=True, response_format="wav")
    assert (reply.status, reply.headers["content-type"]) == (200, "audio/mpeg")


def test_time_finishes_a_job_too():
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0], job_pace=2)
    run = say(app, model=JOB).json()["runId"]
    now[0] = 4
    reply = ask(app, "GET", f"/api/tts/status?runId={run}&model={JOB}")
    assert reply.json()["status"] == "completed"


@pytest.mark.parametrize(
    ("model", "last"),
    [("sandbox/fault/job-failed", "error"), ("sandbox/fault/job-stuck", "pending")],
)
def test_jobs_that_do_not_finish(model, last):
    app = SandboxApp()
    run = ask(app, "POST", "/api/tts", {"model": model, "text": TEXT})
    assert run.status == 202
    for _ in range(5):
        reply = ask(app, "GET", f"/api/tts/status?runId={run.json()['runId']}&model={model}")
    assert reply.json()["status"] == last


@pytest.mark.parametrize("query", ["", "runId=x", "model=x"])
def test_a_poll_needs_run_and_model(query):
    assert ask(SandboxApp(), "GET", f"/api/tts/status?{query}").status == 400


def test_an_unknown_job():
    assert ask(SandboxApp(), "GET", "/api/tts/status?runId=x&model=y").status == 404
    assert ask(SandboxApp(), "POST", "/api/transcribe/status", {"runId": "x"}).status == 404


def test_the_older_speech_route():
    app = SandboxApp()
    assert (
        audio.transcribe(
            ask(app, "POST", "/api/tts", {"model": "tts-1", "text": TEXT}).content
        ).text
        == TEXT
    )
    found = ask(app, "POST", "/api/tts", {"model": "Kokoro-82m", "text": TEXT}).json()
    assert found["audioUrl"]
    reply = ask(app, "POST", "/api/tts", {"model": "tts-1", "text": "x" * 5000})
    assert reply.status == 413
    assert isinstance(reply.json()["error"], str)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"model": "hidream"}, (404, "model_not_found")),
        ({"model": None}, (400, "missing_required_parameter")),
        ({"input": ""}, (400, "missing_required_parameter")),
        ({"input": "x" * 4097}, (400, "input_too_long")),
        ({"voice": "nobody"}, (400, "invalid_voice")),
        ({"response_format": "midi"}, (400, "unsupported_format")),
        ({"speed": 5}, (400, "invalid_parameter_value")),
    ],
)
def test_speech_that_is_refused(body, expected):
    app = SandboxApp()
    assert code(say(app, **body)) == expected
    assert app.balance == 5


def test_a_transcription():
    app = SandboxApp()
    sound = say(app).content
    found = transcribe(app, sound, language="fr").json()
    assert (found["text"], found["language"]) == (TEXT, "fr")
    assert found["duration"] > 1
    assert transcribe(app, sound, response_format="text").content.decode() == TEXT
    words = transcribe(app, sound, response_format="verbose_json").json()["words"]
    assert [word["word"] for word in words] == TEXT.split()


def test_a_transcription_by_url():
    app = SandboxApp()
    url = say(app, model="Kokoro-82m").json()["audioUrl"]
    for name in ("file_url", "audio_url"):
        body = {"model": "Wizper", name: url}
        assert ask(app, "POST", "/api/v1/audio/transcriptions", body).json()["text"] == TEXT
    elsewhere = {"model": "Wizper", "file_url": "https://example.com/a.mp3"}
    reply = ask(app, "POST", "/api/v1/audio/transcriptions", elsewhere)
    assert code(reply) == (400, "file_download_failed")


def test_a_transcription_job():
    app = SandboxApp()
    ticket = transcribe(app, say(app).content, model="Elevenlabs-STT")
    assert ticket.status == 202
    assert ticket.json()["fileName"] == "a.wav"
    body = {"runId": ticket.json()["runId"], "cost": 1, "paymentSource": "USD"}
    states = [ask(app, "POST", "/api/transcribe/status", body).json() for _ in range(3)]
    assert [state["status"] for state in states] == ["pending", "processing", "completed"]
    assert states[2]["transcription"] == TEXT
    assert [word["text"] for word in states[2]["words"]] == TEXT.split()
    assert states[2]["diarization"]["segments"][0]["text"] == TEXT


def test_a_transcription_job_that_fails():
    app = SandboxApp()
    sound = say(app).content
    run = transcribe(app, sound, model="sandbox/fault/job-failed").json()["runId"]
    for _ in range(3):
        reply = ask(app, "POST", "/api/transcribe/status", {"runId": run})
    assert reply.json() == {"status": "failed", "error": "Audio file could not be processed"}


def test_the_older_transcription_route():
    app = SandboxApp()
    reply = upload(app, "/api/transcribe", "audio", say(app).content, model="Wizper")
    assert reply.json()["transcription"] == TEXT
    assert reply.json()["metadata"]["cost"] > 0


def test_recordings_that_are_refused():
    app = SandboxApp()
    assert code(transcribe(app, b"no sound")) == (400, "invalid_audio")
    long = audio.synthesize("x", format="wav")[0] + bytes(4 * 1024 * 1024)
    assert code(transcribe(app, long)) == (413, "file_too_large")
    nothing = ask(app, "POST", "/api/v1/audio/transcriptions", {"model": "Wizper"})
    assert code(nothing) == (400, "missing_required_parameter")
    reply = upload(app, "/api/v1/audio/transcriptions", "wrong", b"x", model="Wizper")
    assert code(reply) == (400, "missing_required_parameter")
    assert app.balance == 5
