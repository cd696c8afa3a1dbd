"""Voice clones: submitted and charged, then polled; `/api/voice-clone/minimax` and `.../qwen`.

A preview is the text in the sandbox's own voice, a speaker's embedding a file without tensors: no
voice is cloned.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.errors import Refusal, Style, missing, require
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import Bill, Charge
from nanogpt_client.sandbox.routes.audio import recording
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.world import Exchange, Job

_VOICE_ID = re.compile(r"[A-Za-z][A-Za-z0-9]{7,}")
_MODELS = {
    "minimax": ("MiniMax-Voice-Clone", Decimal("1.00")),
    "qwen": ("qwen-voice-clone", Decimal("0.25")),
}


def submit(exchange: Exchange) -> Reply:
    """Queue a clone and charge for it. Raises `Refusal`."""
    provider = exchange.params["provider"]
    model, usd = _model(provider)
    body, upload = recording(exchange, "audio", ("audioUrl", "audio_url"))
    require(upload.content, "The audio file is empty.", "audio")
    if provider == "minimax":
        voice = body.get("customVoiceId") or body.get("custom_voice_id")
        if not isinstance(voice, str):
            raise missing("customVoiceId")
        message = "customVoiceId must match ^[A-Za-z][A-Za-z0-9]{7,}$."
        require(_VOICE_ID.fullmatch(voice), message, "customVoiceId")
        result: dict[str, Any] = {
            "audioUrls": _previews(exchange, body.get("text") or body.get("previewText"))
        }
    else:
        url = exchange.store(_embedding(), "application/octet-stream", "safetensors")
        result = {"speakerEmbeddingUrl": url}
    bill = Bill(usd, exchange.world.account.charge(Charge(model, usd)))
    job = exchange.queue(f"voice-{provider}", model, bill.cost, result)
    return json_reply(
        {
            "status": "pending",
            "runId": job.id,
            "model": model,
            "cost": bill.cost,
            "paymentSource": "USD",
            "isApiRequest": True,
            "fileName": upload.name,
            "fileSize": len(upload.content),
        },
        202,
    )


def status(exchange: Exchange) -> Reply:
    """Poll a clone."""
    provider = exchange.params["provider"]
    model, _ = _model(provider)
    name = read_json(exchange.request).get("runId")
    if not isinstance(name, str):
        raise missing("runId")
    polled = exchange.world.poll(f"voice-{provider}", name)
    if polled is None:
        raise Refusal(400, "Invalid runId")
    return json_reply(_state(*polled) | {"metadata": {"model": model}})


def _state(job: Job, stage: int) -> dict[str, Any]:
    if stage < job.stages:
        return {"status": "processing" if stage else "pending"}
    if job.outcome == "failed":
        return {"status": "failed", "error": "The voice could not be cloned"}
    return {"status": "completed", **job.result}


def _model(provider: str) -> tuple[str, Decimal]:
    if provider not in _MODELS:
        raise Refusal(404, f"No voice clone provider '{provider}'.", code="not_found")
    return _MODELS[provider]


def _previews(exchange: Exchange, text: object) -> list[str]:
    from nanogpt_client.sandbox.media.audio import synthesize  # noqa: PLC0415 - an extra

    if not isinstance(text, str) or not text.strip():
        return []
    audio, mime = synthesize(text, voice="nova", format="mp3", speed=1.0)
    return [exchange.store(audio, mime, "mp3")]


def _embedding() -> bytes:
    """Return a safetensors file that holds nothing but a note."""
    header = json.dumps({"__metadata__": {"note": "made by the NanoGPT sandbox"}}).encode()
    return len(header).to_bytes(8, "little") + header


ROUTES = [
    Route("POST", "voice-clone/{provider}", submit, style=Style.SIMPLE),
    Route("POST", "voice-clone/{provider}/status", status, style=Style.SIMPLE, polled=True),
]
