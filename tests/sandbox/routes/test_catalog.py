"""The model lists and what stands in them."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from nanogpt_client.sandbox import SandboxApp, catalog
from tests.sandbox.asking import ask, code

NAMED = {
    "text": """openai/gpt-5.2 anthropic/claude-opus-4.6 anthropic/claude-opus-4.6:thinking
        anthropic/claude-sonnet-4.6 anthropic/claude-sonnet-4.6:thinking
        google/gemini-3-flash-preview deepseek/deepseek-v3.2 zai-org/glm-5
        moonshotai/kimi-k2.6""",
    "image": "hidream gpt-image-1 flux-kontext",
    "video": "veo2-video sora-2",
    "tts": "tts-1 gpt-4o-mini-tts Kokoro-82m Elevenlabs-Turbo-V2.5",
    "stt": "Whisper-Large-V3 Elevenlabs-STT",
    "embedding": "text-embedding-3-small text-embedding-3-large BAAI/bge-m3",
}


def picture() -> str:
    target = BytesIO()
    Image.new("RGB", (64, 64), "red").save(target, "PNG")
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode()


PICTURE = picture()


def listed(path: str) -> list[dict[str, Any]]:
    reply = ask(SandboxApp(), "GET", path)
    assert reply.status == 200
    assert reply.json()["object"] == "list"
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


@pytest.mark.parametrize("kind", NAMED)
def test_the_ids_of_the_documentation_are_there(kind):
    assert set(NAMED[kind].split()) <= {model.id for model in catalog.models(kind)}


def test_basic_and_detailed():
    basic = {model["id"]: model for model in listed("/api/v1/models")}
    assert set(basic["openai/gpt-5.2"]) == {"id", "object", "created", "owned_by"}
    detailed = {model["id"]: model for model in listed("/api/v1/models?detailed=true")}
    assert basic.keys() == detailed.keys()
    model = detailed["openai/gpt-5.2"]
    assert model["pricing"]["prompt"] == 1.75
    assert model["capabilities"]["tool_calling"]
    assert model["context_length"] == 400_000
    assert not [entry for entry in detailed.values() if "sandbox" in entry]


def test_lists_deny_what_works():
    models = {model["id"]: model for model in listed("/api/v1/models?detailed=true")}
    assert models["openai/gpt-4o"]["capabilities"]["tool_calling"] is False
    tool = {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object", "properties": {}}},
    }
    body = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    app = SandboxApp()
    assert ask(app, "POST", "/api/v1/chat/completions", body | {"tools": [tool]}).status == 200
    images = {model["id"]: model for model in listed("/api/v1/image-models")}
    name = "flux-dev-image-to-image"
    assert images[name]["capabilities"]["image_to_image"] is False
    order = {"model": name, "prompt": "a cat"}
    reply = ask(app, "POST", "/api/v1/images/generations", order)
    assert code(reply) == (400, "missing_image_input")
    order["imageDataUrl"] = PICTURE
    assert ask(app, "POST", "/api/v1/images/generations", order).status == 200


def test_live_shapes_of_media():
    (film,) = [m for m in listed("/api/v1/video-models") if m["id"] == "bytedance/seedance-2.5"]
    nested = film["supported_parameters"]
    assert nested["defaults"]["duration"] == nested["parameters"]["duration"]["default"] == "5"
    assert {"value": "4", "label": "4 seconds"} in nested["parameters"]["duration"]["options"]
    made_up = {
        "max_input_characters", "formats", "ignores_format", "streaming", "diarization",
        "max_upload_bytes", "per_thousand_characters", "cacheRead",
    }  # fmt: skip
    for path in ("audio-models", "video-models", "image-models", "models?detailed=true"):
        for model in listed(f"/api/v1/{path}"):
            named = {*(model.get("supported_parameters") or {}), *model["pricing"]}
            assert not named & made_up


def test_the_variants_share_the_models_between_them():
    every = {model["id"] for model in listed("/api/v1/models")}
    included = {model["id"] for model in listed("/api/subscription/v1/models")}
    paid = {model["id"] for model in listed("/api/paid/v1/models")}
    assert included
    assert paid
    assert included | paid == every
    assert not included & paid


@pytest.mark.parametrize("kind", ["image", "video", "audio", "embedding", "moderation"])
def test_media_lists_are_detailed_by_default(kind):
    first = listed(f"/api/v1/{kind}-models")[0]
    assert "pricing" in first
    assert "sandbox" not in first
    assert "pricing" not in listed(f"/api/v1/{kind}-models?detailed=false")[0]


def test_audio_models_by_type():
    speaking = {model["id"] for model in listed("/api/v1/audio-models?type=tts")}
    hearing = {model["id"] for model in listed("/api/v1/audio-models?type=stt")}
    assert "tts-1" in speaking
    assert "Whisper-Large-V3" in hearing
    assert {model["id"] for model in listed("/api/v1/audio-models")} == speaking | hearing
    assert ask(SandboxApp(), "GET", "/api/v1/audio-models?type=music").status == 400
