"""What the kit finds by itself in LLMs of other makers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from llama_index.core.base.llms.types import ChatMessage, ChatResponse

from tests.conformance.llama_index.base import Hooks

SAID = {"finish_reason": "stop"}


@pytest.mark.parametrize(
    "words",
    [
        {"raw": SAID},
        {"raw": {"choices": [SAID]}},
        {"raw": SimpleNamespace(choices=[SimpleNamespace(**SAID)])},
        {"raw": None, "additional_kwargs": SAID},
    ],
)
def test_the_finish_reason_is_found(words):
    assert Hooks().finish_reason(ChatResponse(message=ChatMessage("a"), **words)) == "stop"


@pytest.mark.parametrize("raw", [None, {}, {"choices": []}, SimpleNamespace(choices=None)])
def test_an_answer_without_a_finish_reason_has_none(raw):
    assert Hooks().finish_reason(ChatResponse(message=ChatMessage("a"), raw=raw)) is None
