"""Moderation: one result an input, categories by word lists."""

from __future__ import annotations

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import ask, code


def moderate(given, **extra):
    return ask(SandboxApp(), "POST", "/api/v1/moderations", {"input": given} | extra)


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ("A quiet day at the sea.", [False]),
        ("I will kill him.", [True]),
        (["peace", "a bomb"], [False, True]),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "stab"}], [True]),
    ],
)
def test_results(given, flags):
    found = moderate(given).json()
    assert [result["flagged"] for result in found["results"]] == flags
    assert found["model"] == "omni-moderation-latest"
    assert found["usage"]["total_tokens"] > 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", "empty_input"),
        ([], "empty_input"),
        (None, "invalid_parameter_value"),
        ([1], "invalid_parameter_value"),
        ([{"type": "image_url", "image_url": {"url": "x"}}], "unsupported_input_modality"),
        ("word " * 50_000, "context_length_exceeded"),
    ],
)
def test_refusals(given, expected):
    assert code(moderate(given)) == (400, expected)
    assert moderate("x", model="nobody").status == 404
