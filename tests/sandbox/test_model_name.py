"""Suffixes of a model name: any order, any case, conflicts refused."""

from __future__ import annotations

import pytest

from nanogpt_client.sandbox.errors import Refusal
from nanogpt_client.sandbox.model_name import BACKENDS, Chosen, parse

GLM = "zai-org/glm-5"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-5.2", Chosen("openai/gpt-5.2")),
        ("openai/gpt-5.2:online", Chosen("openai/gpt-5.2", search=("openai", "standard"))),
        ("openai/o3:online", Chosen("openai/o3", search=("openai", "standard"))),
        ("openai/gpt-4o:online", Chosen("openai/gpt-4o", search=("linkup", "standard"))),
        (
            "anthropic/claude-opus-4.6:memory-30:online/linkup-deep:reasoning-exclude",
            Chosen(
                "anthropic/claude-opus-4.6",
                search=("linkup", "deep"),
                memory_days=30,
                hide_reasoning=True,
            ),
        ),
        (f"{GLM}:Reasoning-Exclude:MEMORY", Chosen(GLM, memory_days=30, hide_reasoning=True)),
        (f"{GLM}:memory-999", Chosen(GLM, memory_days=365)),
        (f"{GLM}:memory-0", Chosen(GLM, memory_days=1)),
        (f"{GLM}:piiredacted:online", Chosen(GLM, search=("linkup", "standard"), redaction=True)),
        (f"{GLM}:floor", Chosen(GLM, routing="price")),
        (f"{GLM}:FAST", Chosen(GLM, routing="speed")),
        (f"{GLM}:Cerebras", Chosen(GLM, provider="cerebras")),
        (f"{GLM}:thinking:fast", Chosen(f"{GLM}:thinking", routing="speed")),
        (
            "anthropic/claude-sonnet-4.6:thinking:8192:reasoning-exclude",
            Chosen("anthropic/claude-sonnet-4.6:thinking", hide_reasoning=True),
        ),
        (f"{GLM}:official", Chosen(GLM)),
        ("openai/gpt-5.2:cerebras", Chosen("openai/gpt-5.2:cerebras")),
        ("sandbox/fault/503:online", Chosen("sandbox/fault/503", search=("linkup", "standard"))),
    ],
)
def test_parse(name, expected):
    assert parse(name) == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_documented_backend(backend):
    assert parse(f"{GLM}:online/{backend}").search == BACKENDS[backend]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (f"{GLM}:fast:cheap", "speed_suffix_conflict"),
        (f"{GLM}:fast:cerebras", "speed_suffix_conflict"),
        (f"{GLM}:tools:fast", "speed_suffix_conflict"),
        (f"{GLM}:cerebras:deepinfra", "speed_suffix_conflict"),
        (f"{GLM}:online/gopher", "invalid_parameter_value"),
        ("", "missing_required_parameter"),
        (None, "missing_required_parameter"),
    ],
)
def test_refusals(name, code):
    with pytest.raises(Refusal) as caught:
        parse(name)
    assert (caught.value.status, caught.value.code) == (400, code)
