"""Estimating the cost of a chat: catalogue price times tokens.

Only a `Budget` uses the estimate, to reserve; the ledger never records one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nanogpt_client.budget import AtLeast
from nanogpt_client.bundled_models import find
from nanogpt_client.types._coerce import as_count, as_list, as_text, dicts, first

CHARACTERS_PER_TOKEN = 4
# What providers count for an image, audio or document varies; this is the order of magnitude.
TOKENS_PER_ATTACHMENT = 1000


def estimated_usd(body: Mapping[str, Any]) -> Decimal | None:
    """Return USD for the input and ``max_tokens`` of output; ``None`` if the price is unknown.

    Without ``max_tokens`` it is `AtLeast` that of the input. A listed price of 0 is a price: such a
    model is free.
    """
    model = find(body["model"])
    if model is None or model.prompt_usd is None or model.completion_usd is None:
        return None
    most = as_count(first(body, "max_tokens", "max_completion_tokens")) or 0
    answer = most * (as_count(body.get("n")) or 1)
    usd = model.prompt_usd * prompt_tokens(body) + model.completion_usd * answer
    dollars = usd / Decimal(1_000_000)
    if body.get("advisor"):  # asked in between, and then the model once more (page advisor)
        return AtLeast(2 * dollars)
    return AtLeast(dollars) if model.completion_usd and not answer else dollars


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Return the tokens of a body's messages and tools, by their characters."""
    characters = len(json.dumps(body.get("tools") or ""))
    attachments = 0
    for message in dicts(body.get("messages")):
        content = message.get("content")
        characters += len(content) if isinstance(content, str) else 0
        for part in as_list(content):
            text = as_text(part.get("text")) if isinstance(part, dict) else as_text(part)
            characters += len(text)
            attachments += not text
    return characters // CHARACTERS_PER_TOKEN + attachments * TOKENS_PER_ATTACHMENT
