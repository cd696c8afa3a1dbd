"""The model lists and what stands in them."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp, catalog
from tests.sandbox.asking import ask

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


def test_the_normalized_image_list_leads_to_prices():
    (model,) = [
        model
        for model in listed("/api/v1/images/models")
        if model["id"] == "pruna-ai/p-image/text-to-image"
    ]
    found = ask(SandboxApp(), "GET", model["endpoints"]).json()
    assert found["id"] == model["id"]
    assert found["endpoints"][0]["pricing"][0]["cost_usd"] == 0.005


def test_providers_of_a_model():
    found = ask(SandboxApp(), "GET", "/api/models/zai-org/glm-5/providers").json()
    assert found["supportsProviderSelection"]
    assert "cerebras" in {offer["provider"] for offer in found["providers"]}
    closed = ask(SandboxApp(), "GET", "/api/models/openai/gpt-5.2/providers").json()
    assert not closed["supportsProviderSelection"]
    assert ask(SandboxApp(), "GET", "/api/models/nobody/providers").status == 404
