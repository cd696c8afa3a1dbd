"""Which provider a request is given, and which `provider` values are refused."""

from __future__ import annotations

import pytest

from nanogpt_client.sandbox import SandboxApp, catalog
from nanogpt_client.sandbox.errors import Refusal
from nanogpt_client.sandbox.model_name import parse
from nanogpt_client.sandbox.providers import choose
from tests.sandbox.asking import chat, code

GLM = "zai-org/glm-5"  # deepinfra fp8, cerebras fp16 (no cache), fireworks bf16, novita fp8


def chosen(name: str = GLM, headers: dict[str, str] | None = None, **body) -> str | None:
    asked = parse(name)
    return choose(body, headers or {}, asked, catalog.find("text", asked.id))


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (GLM, {}, None),
        (f"{GLM}:cheap", {}, "novita"),
        (f"{GLM}:tools", {}, "deepinfra"),
        (f"{GLM}:caching", {}, "deepinfra"),
        (GLM, {"caching": True}, "deepinfra"),
        (GLM, {"provider": "Fireworks"}, "fireworks"),
        (GLM, {"provider": {"only": ["cerebras"]}}, "cerebras"),
        (GLM, {"provider": {"order": ["unknown", "fireworks"]}}, "fireworks"),
        (GLM, {"provider": {"ignore": ["novita"]}}, "deepinfra"),
        (GLM, {"provider": {"sort": "price"}}, "novita"),
        (GLM, {"provider": {"sort": "auto"}}, None),
        (GLM, {"provider": {"quantizations": ["bf16"]}}, "fireworks"),
        (GLM, {"provider": {"min_quantization": "fp16"}}, "fireworks"),
        (GLM, {"provider": {"max_price": {"prompt": 0.28}}}, "novita"),
        (GLM, {"provider": {"allow_fallbacks": False}}, None),
        ("openai/gpt-5.2", {"provider": "cerebras"}, None),
    ],
)
def test_choice(name, body, expected):
    assert chosen(name, **body) == expected


def test_the_header_chooses():
    assert chosen(headers={"x-provider": "cerebras"}) == "cerebras"
    assert chosen("openai/gpt-5.2", {"x-provider": "cerebras"}) is None


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        (f"{GLM}:fast", {"provider": "cerebras"}, "speed_suffix_conflict"),
        (f"{GLM}:cerebras", {"provider": "cerebras"}, "speed_suffix_conflict"),
        (f"{GLM}:tools", {"caching": True}, "speed_suffix_conflict"),
        ("openai/gpt-5.2:fast", {}, "provider_selection_not_supported"),
        (GLM, {"provider": "nobody"}, "provider_unknown_provider"),
        (GLM, {"provider": {"only": ["nobody"]}}, "provider_unknown_provider"),
        (GLM, {"provider": {"only": ["novita"], "ignore": ["novita"]}}, "no_fallback_available"),
        (GLM, {"provider": {"only": "novita"}}, "invalid_parameter_value"),
        (GLM, {"provider": {"sort": "beauty"}}, "invalid_parameter_value"),
        (GLM, {"provider": {"allow_fallbacks": "no"}}, "invalid_parameter_value"),
        (GLM, {"provider": {"quantizations": []}}, "invalid_parameter_value"),
        (GLM, {"provider": {"min_quantization": "unknown"}}, "invalid_parameter_value"),
        (
            GLM,
            {"provider": {"quantizations": ["int4"], "min_quantization": "fp16"}},
            "invalid_parameter_value",
        ),
        (GLM, {"provider": {"max_price": {"prompt": -1}}}, "invalid_parameter_value"),
        (GLM, {"provider": {"max_price": 3}}, "invalid_parameter_value"),
        ("openai/gpt-5.2", {"provider": {"only": 3}}, "invalid_parameter_value"),
        ("openai/gpt-5.2", {"provider": 3}, "invalid_parameter_value"),
    ],
)
def test_refusals(name, body, expected):
    with pytest.raises(Refusal) as caught:
        chosen(name, **body)
    assert (caught.value.status, caught.value.code) == (400, expected)


def test_a_refusal_reaches_the_client():
    reply = chat(SandboxApp(), model=f"{GLM}:fast:cheap")
    assert code(reply) == (400, "speed_suffix_conflict")
