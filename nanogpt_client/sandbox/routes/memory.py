"""`POST /v1/memory`: a conversation as one message.

The real service builds a tree of summaries. This one writes down who said what; where that is
longer than a compressed context (page context-memory: 8,000 to 20,000 tokens), it keeps the
beginning of each message, so that all of them remain.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import integer
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import Refusal, Reply, json_reply, require
from nanogpt_client.sandbox.money import exact

_ROLES = {"system", "user", "assistant", "tool", "function"}
_MOST_TOKENS = 20_000
_INPUT, _OUTPUT = Decimal(5), Decimal(10)  # USD per million tokens (page memory)


@Route("POST", "v1/memory", simple=True)
def compress(exchange: Exchange) -> Reply:
    """Answer a request to compress a conversation. Raises `Refusal`."""
    body = exchange.json()
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages must be a non-empty array")
    for name in ("expiration_days", "model_context_limit"):
        integer(body, name, 0)
    said = [_said(message) for message in messages]
    text = "\n\n".join(said)
    if (length := count_tokens(text)) > _MOST_TOKENS:
        text = "\n\n".join(each[: int(len(each) * _MOST_TOKENS / length)] for each in said)
    tokens, written = sum(map(count_tokens, said)), count_tokens(text)
    usd = exact((tokens * _INPUT + written * _OUTPUT) / 1_000_000)
    bill = exchange.bill("Context Memory", usd, tokens, written)
    found = {
        "messages": [{"role": "system", "content": text}],
        "usage": {
            "prompt_tokens": tokens,
            "completion_tokens": written,
            "total_tokens": tokens + written,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }
    return json_reply(found, headers=bill.headers)


def _said(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    require(role in _ROLES, f"messages have a role of {', '.join(sorted(_ROLES))}.", "messages")
    content = message.get("content")
    if not isinstance(content, str | None):
        content = json.dumps(content, ensure_ascii=False)
    return f"{role}: {content or ''}"
