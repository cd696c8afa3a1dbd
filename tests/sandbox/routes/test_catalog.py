"""The model lists, what stands in them, and what an unknown model is taken for."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from nanogpt_client.sandbox.model_choice import parse
from tests.sandbox.asking import ask, chat, data_url, function, image

NAMED = {
    "models": """openai/gpt-5.2 anthropic/claude-opus-4.6 anthropic/claude-opus-4.6:thinking
        anthropic/claude-sonnet-4.6 anthropic/claude-sonnet-4.6:thinking zai-org/glm-5
        google/gemini-3-flash-preview deepseek/deepseek-v3.2 moonshotai/kimi-k2.6""",
    "image-models": "hidream gpt-image-1 flux-kontext",
    "video-models": "veo2-video sora-2",
    "audio-models?type=tts": "tts-1 gpt-4o-mini-tts Kokoro-82m Elevenlabs-Turbo-V2.5",
    "audio-models?type=stt": "Whisper-Large-V3 Elevenlabs-STT",
    "embedding-models": "text-embedding-3-small text-embedding-3-large BAAI/bge-m3",
}
BUNDLED = [
    json.loads(line)
    for line in (files("nanogpt_client") / "data" / "models.jsonl").read_text("utf-8").splitlines()
]


def listed(path: str, app: SandboxApp | None = None) -> dict[str, dict[str, Any]]:
    reply = ask(app or SandboxApp(), "GET", path)
    assert reply.status == 200
    assert reply.json()["object"] == "list"
    return {model["id"]: model for model in reply.json()["data"]}


@pytest.mark.parametrize("kind", NAMED)
def test_the_ids_of_the_documentation_are_there(kind):
    assert set(NAMED[kind].split()) <= listed(f"/api/v1/{kind}").keys()


def test_every_bundled_model_is_listed_with_its_window_and_price():
    basic, detailed = listed("/api/v1/models"), listed("/api/v1/models?detailed=true")
    assert basic.keys() == detailed.keys()
    assert set(basic["openai/gpt-5.2"]) == {"id", "object", "created", "owned_by"}
    for model in BUNDLED:
        shown = detailed[model["id"]]
        assert shown["context_length"] == model["context_length"]
        assert shown["pricing"]["prompt"] == pytest.approx(model["pricing"]["prompt"])
        assert shown["owned_by"]
        assert "sandbox" not in shown
        chosen = parse(model["id"])
        assert (chosen.search, chosen.routing, chosen.memory_days) == (None, None, None)


def test_an_unknown_model_answers_at_the_documented_price():
    app = SandboxApp()
    before = listed("/api/v1/models", app)
    reply = chat(app, model="nobody/nothing", reasoning_effort="low").json()
    usage, pricing = reply["usage"], reply["x_nanogpt_pricing"]
    expected = (usage["prompt_tokens"] + 4 * usage["completion_tokens"]) / 1_000_000
    assert pricing["cost"] == pytest.approx(expected)
    assert listed("/api/v1/models", app) == before
    assert chat(app, model="nobody/nothing:online:memory-5").json()["model"] == "nobody/nothing"
    shown = [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": data_url(image())}},
    ]}]  # fmt: skip
    assert chat(app, shown, model="nobody/nothing", tools=[function("f")]).status == 200


def test_an_unlisted_variant_is_its_plain_model():
    odd, plain = (chat(SandboxApp(), model=f"openai/gpt-5.2{each}").json() for each in (":odd", ""))
    assert odd["x_nanogpt_pricing"]["cost"] == plain["x_nanogpt_pricing"]["cost"]
    reply = chat(SandboxApp(), model="openai/gpt-4o:thinking").json()
    assert reply["choices"][0]["message"]["reasoning"]


def test_tools_of_models_that_the_list_denies_them():
    models = listed("/api/v1/models?detailed=true")
    for name in ("openai/gpt-4o", "gemini-2.5-pro"):
        assert models[name]["capabilities"]["tool_calling"] is False
        assert chat(SandboxApp(), model=name, tools=[function("f")]).status == 200
    refused = chat(SandboxApp(), model="mistralai/mistral-large", tools=[function("f")])
    assert refused.status == 400
    name = "flux-dev-image-to-image"
    assert listed("/api/v1/image-models")[name]["capabilities"]["image_to_image"] is False
    order = {"model": name, "prompt": "a cat", "imageDataUrl": data_url(image())}
    assert ask(SandboxApp(), "POST", "/api/v1/images/generations", order).status == 200


def test_live_shapes_of_media():
    nested = listed("/api/v1/video-models")["bytedance/seedance-2.5"]["supported_parameters"]
    assert nested["defaults"]["duration"] == nested["parameters"]["duration"]["default"] == "5"
    assert {"value": "4", "label": "4 seconds"} in nested["parameters"]["duration"]["options"]
    made_up = {
        "max_input_characters", "formats", "ignores_format", "streaming", "diarization",
        "max_upload_bytes", "per_thousand_characters", "cacheRead",
    }  # fmt: skip
    for path in ("audio-models", "video-models", "image-models", "models?detailed=true"):
        for model in listed(f"/api/v1/{path}").values():
            named = {*(model.get("supported_parameters") or {}), *model["pricing"]}
            assert not named & made_up


def test_the_variants_share_the_models_between_them():
    every, included, paid = (
        listed(f"/api/{root}/models").keys() for root in ("v1", "subscription/v1", "paid/v1")
    )
    assert included
    assert paid
    assert included | paid == every
    assert not included & paid
    speaking, hearing = (listed(f"/api/v1/audio-models?type={kind}") for kind in ("tts", "stt"))
    assert listed("/api/v1/audio-models").keys() == speaking.keys() | hearing.keys()
    assert ask(SandboxApp(), "GET", "/api/v1/audio-models?type=music").status == 400


@pytest.mark.parametrize("kind", ["image", "video", "audio", "embedding"])
def test_media_lists_are_detailed_by_default(kind):
    first = next(iter(listed(f"/api/v1/{kind}-models").values()))
    assert "pricing" in first
    assert "sandbox" not in first
    for model in listed(f"/api/v1/{kind}-models?detailed=false").values():
        assert "pricing" not in model
