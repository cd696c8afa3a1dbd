"""Voice clones: submitted and charged at once, polled, refunded when they fail."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import ask, download, form

FILE = [("audio", b"RIFF a recording")]
OPTIONS: dict[str, dict[str, str]] = {"minimax": {"customVoiceId": "MyVoice001"}, "qwen": {}}
PRICES = {"minimax": "1.00", "qwen": "0.25"}


def poll(app: SandboxApp, provider: str, run: Any) -> Any:
    return ask(app, "POST", f"/api/voice-clone/{provider}/status", {"runId": run})


@pytest.mark.parametrize("provider", OPTIONS)
def test_a_clone_from_the_recording_to_the_voice(provider):
    app = SandboxApp()
    options = OPTIONS[provider] | ({"text": "Hello!"} if provider == "minimax" else {})
    reply = form(app, f"/api/voice-clone/{provider}", FILE, **options)
    job = reply.json()
    assert reply.status == 202
    assert job.items() >= {
        "status": "pending", "cost": float(PRICES[provider]), "paymentSource": "USD",
        "isApiRequest": True, "fileName": "a.wav", "fileSize": 16,
    }.items()  # fmt: skip
    assert app.balance == 5 - Decimal(PRICES[provider])
    states = [poll(app, provider, job["runId"]).json() for _ in range(3)]
    assert [state["status"] for state in states] == ["pending", "processing", "completed"]
    assert states[2]["metadata"] == {"model": job["model"]}
    url = states[2].get("speakerEmbeddingUrl") or states[2]["audioUrls"][0]
    data = download(app, url).content
    if provider == "qwen":
        length = int.from_bytes(data[:8], "little")
        assert json.loads(data[8 : 8 + length])["__metadata__"]["note"].endswith("sandbox")
    else:
        assert len(data) > 100


def test_without_a_text_there_is_no_preview():
    app = SandboxApp()
    run = form(app, "/api/voice-clone/minimax", FILE, customVoiceId="MyVoice001").json()["runId"]
    states = [poll(app, "minimax", run).json() for _ in range(3)]
    assert states[2]["audioUrls"] == []


@pytest.mark.parametrize(
    ("provider", "files", "options", "status", "message"),
    [
        ("minimax", FILE, {}, 400, "customVoiceId is required."),
        ("minimax", FILE, {"customVoiceId": "short"}, 400, "customVoiceId must match"),
        ("qwen", [("voice", b"x")], {"referenceText": "x"}, 400, "audio is required."),
        ("qwen", [("audio", b"")], {}, 400, "The audio file is empty."),
        ("inworld", FILE, {}, 404, "No voice clone provider"),
    ],
)
def test_requests_that_are_refused(provider, files, options, status, message):
    app = SandboxApp()
    reply = form(app, f"/api/voice-clone/{provider}", files, **options)
    assert (reply.status, reply.json()["error"].startswith(message)) == (status, True)
    assert app.balance == Decimal("5.00")


def test_a_recording_on_another_host_is_not_fetched():
    body = {"audioUrl": "https://example.com/a.mp3"}
    reply = ask(SandboxApp(), "POST", "/api/voice-clone/qwen", body)
    assert reply.status == 400
    assert "the sandbox reads its own URLs" in reply.json()["error"]


def test_a_job_of_another_provider_is_unknown():
    app = SandboxApp()
    run = form(app, "/api/voice-clone/qwen", FILE).json()["runId"]
    for provider, name in (("minimax", run), ("qwen", "run_0"), ("qwen", None)):
        assert poll(app, provider, name).status == 400


def test_a_failed_clone_is_refunded():
    app = SandboxApp(scenario="job-failed")
    run = form(app, "/api/voice-clone/qwen", FILE).json()["runId"]
    states = [poll(app, "qwen", run).json() for _ in range(3)]
    assert states[2].items() >= {"status": "failed"}.items()
    assert app.balance == Decimal("5.00")
