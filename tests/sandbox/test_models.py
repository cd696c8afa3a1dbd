"""Names of models, their suffixes, the provider of a request, and prices to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp, catalog
from nanogpt_client.sandbox.http import Refusal
from nanogpt_client.sandbox.model_choice import BACKENDS, Chosen, choose, parse
from nanogpt_client.sandbox.money import (
    Account,
    Charge,
    Tokens,
    VideoOrder,
    chat_price,
    chat_rates,
    image_price,
    minutes_price,
    search_price,
    speech_price,
    video_price,
)
from tests.sandbox.asking import chat, code

GLM = "zai-org/glm-5"  # deepinfra, cerebras, fireworks, novita
GPT, OPUS, SONNET = "openai/gpt-5.2", "anthropic/claude-opus-4.6", "anthropic/claude-sonnet-4.6"
LINKUP, OPENAI = ("linkup", "standard"), ("openai", "standard")


@pytest.mark.parametrize(("name", "expected"), [
    (GPT, Chosen(GPT)), (f"{GPT}:online", Chosen(GPT, search=OPENAI)),
    ("openai/o3:online", Chosen("openai/o3", search=OPENAI)),
    ("openai/gpt-4o:online", Chosen("openai/gpt-4o", search=LINKUP)),
    (f"{OPUS}:memory-30:online/linkup-deep:reasoning-exclude",
     Chosen(OPUS, search=("linkup", "deep"), memory_days=30, hide_reasoning=True)),
    (f"{GLM}:Reasoning-Exclude:MEMORY", Chosen(GLM, memory_days=30, hide_reasoning=True)),
    (f"{GLM}:memory-999", Chosen(GLM, memory_days=365)),
    (f"{GLM}:memory-0", Chosen(GLM, memory_days=1)),
    (f"{GLM}:piiredacted:online", Chosen(GLM, search=LINKUP)),
    (f"{GLM}:floor", Chosen(GLM, routing="price")), (f"{GLM}:FAST", Chosen(GLM, routing="speed")),
    (f"{GLM}:Cerebras", Chosen(GLM, provider="cerebras")),
    (f"{GLM}:thinking:fast", Chosen(f"{GLM}:thinking", routing="speed")),
    (f"{SONNET}:thinking:8192:reasoning-exclude",
     Chosen(f"{SONNET}:thinking", hide_reasoning=True)),
    (f"{GLM}:official", Chosen(GLM)),
    (f"{GPT}:cerebras", Chosen(f"{GPT}:cerebras")),
    ("sandbox/fault/503:online", Chosen("sandbox/fault/503", search=LINKUP)),
    *((f"{GLM}:online/{each}", Chosen(GLM, search=BACKENDS[each])) for each in BACKENDS),
])  # fmt: skip
def test_suffixes_in_any_order_and_case(name, expected):
    assert parse(name) == expected


@pytest.mark.parametrize(("name", "body", "headers", "expected"), [
    (GLM, {}, {}, None), (f"{GLM}:cheap", {}, {}, None), (GLM, {"caching": True}, {}, None),
    (GLM, {"provider": "Fireworks"}, {}, "fireworks"),
    (GLM, {"provider": {"only": ["cerebras"]}}, {}, "cerebras"),
    (GLM, {"provider": {"order": ["unknown", "fireworks"]}}, {}, "fireworks"),
    (GLM, {"provider": {"only": ["novita"], "order": ["cerebras"]}}, {}, "novita"),
    (GLM, {"provider": {"sort": "price"}}, {}, None),
    (GLM, {"provider": {"sort": "auto"}}, {}, None),
    (GLM, {"provider": {"allow_fallbacks": False}}, {}, None),
    (GLM, {}, {"x-provider": "cerebras"}, "cerebras"), (GPT, {"provider": "cerebras"}, {}, None),
    (GPT, {}, {"x-provider": "cerebras"}, None),
])  # fmt: skip
def test_the_provider_of_a_request(name, body, headers, expected):
    chosen = parse(name)
    assert choose(body, headers, chosen, catalog.find("text", chosen.id)) == expected


CONFLICT, BAD = "speed_suffix_conflict", "invalid_parameter_value"


@pytest.mark.parametrize(("name", "provider", "expected"), [
    (f"{GLM}:fast:cheap", None, CONFLICT), (f"{GLM}:fast:cerebras", None, CONFLICT),
    (f"{GLM}:tools:fast", None, CONFLICT), (f"{GLM}:cerebras:deepinfra", None, CONFLICT),
    (f"{GLM}:fast", "cerebras", CONFLICT), (f"{GLM}:cerebras", "cerebras", CONFLICT),
    (f"{GLM}:online/gopher", None, BAD),
    (f"{GPT}:fast", None, "provider_selection_not_supported"),
    (GLM, "nobody", "provider_unknown_provider"),
    (GLM, {"only": ["nobody"]}, "provider_unknown_provider"),
    (GLM, {"only": "novita"}, BAD), (GLM, {"sort": "beauty"}, BAD),
    (GPT, {"only": 3}, BAD), (GPT, 3, BAD),
])  # fmt: skip
def test_refusals(name, provider, expected):
    body: dict[str, Any] = {} if provider is None else {"provider": provider}
    assert code(chat(SandboxApp(), model=name, **body)) == (400, expected)


def test_a_suffix_that_caching_contradicts():
    reply = chat(SandboxApp(), model=f"{GLM}:tools", caching=True)
    assert code(reply) == (400, CONFLICT)


RATES = chat_rates(catalog.find("text", SONNET))


def model(kind: str, name: str) -> catalog.Model:
    return catalog.find(kind, name)


def video(name: str, *args: Any, **options: Any) -> Decimal:
    return video_price(model("video", name), VideoOrder(*args, **options))


OMNI = "google/gemini-omni-flash/v1.1"


@pytest.mark.parametrize(("price", "expected"), [
    (chat_price(RATES, Tokens(1000, 100)), "0.0044914"),  # 1000 * 2.992 + 100 * 14.994
    (chat_price(RATES, Tokens(1000, 0, cache_read=1000)), "0.0002992"),
    (chat_price(RATES, Tokens(1000, 0, cache_written=1000)), "0.00374"),
    (chat_price(RATES, Tokens(1000, 0, cache_written=1000, cache_ttl="1h")), "0.005984"),
    (image_price(model("image", "hidream"), "512x512", 2), "0.016"),
    (speech_price(model("tts", "tts-1"), 1000), "0.015"),
    (speech_price(model("tts", "bytedance/seed-audio-1.0"), 1000), "0.36"),
    (minutes_price(model("stt", "Wizper"), 90), "0.015"), (search_price("linkup", "deep"), "0.06"),
    (search_price("exa", "neural"), "0.005"), (video("sora-2", 8), "0.8"),
    (video("lightricks-ltx-2-fast", 10), "0.4"),
    (video("bytedance/seedance-2.5", 5, "720p"), "0.5"), (video(OMNI, 8, "4k"), "3.12"),
    (video(OMNI, 8, "720p", source="image_to_video"), "1.12"), (video("kling-v26-pro", 10), "0.7"),
    (video("kling-v26-pro", 5, audio=True), "0.7"), (video("veo3-video", 8), "3.2"),
    (video("veo3-video", 8, audio=True), "4.8"),
])  # fmt: skip
def test_prices(price, expected):
    assert price == Decimal(expected)


def test_the_balance_never_falls_below_zero():
    account = Account(Decimal("0.01"), lambda: 7.0)
    assert account.charge(Charge("a", Decimal("0.01"))) == 0
    with pytest.raises(Refusal):
        account.charge(Charge("b", Decimal("0.000001")))
    account.charge(Charge("free", Decimal(0)))
    account.charge(Charge("covered", Decimal(1), covered=True))
    account.credit(Decimal(1))
    assert account.balance == 1
    charged = [(charge.model, charge.cost, charge.at) for charge in account.charges]
    assert charged == [("a", Decimal("0.01"), 7.0), ("free", 0, 7.0), ("covered", 0, 7.0)]
