"""Context memory without a chat: a conversation compressed into one message.

Follows https://docs.nano-gpt.com/api-reference/endpoint/memory
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Unpack

from nanogpt_client._protocol.call import Call, Reply, RetrySafety
from nanogpt_client.budget import AtLeast
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._chat_estimate import prompt_tokens
from nanogpt_client.endpoints._requests import post, read_object
from nanogpt_client.errors import InvalidResponseError
from nanogpt_client.types._coerce import dicts
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import MessageDict, Usage
from nanogpt_client.types.memory import CompressedMemory
from nanogpt_client.types.options import MemoryOptions

# The price on that page; only a `Budget` uses it, to reserve.
USD_PER_INPUT_TOKEN = Decimal("0.000005")


def compress_memory(
    messages: str | Sequence[MessageDict], **options: Unpack[MemoryOptions]
) -> Call[CompressedMemory]:
    """Compress a conversation into one message; no model answers."""
    given = _checks.body_options(options, MemoryOptions)
    body = {"messages": _checks.check_messages(messages), **given}
    return Call(
        post("/memory", body, options),
        _memory,
        "memory",
        None,
        RetrySafety.IF_REJECTED,
        billable=True,
        estimate=lambda: AtLeast(USD_PER_INPUT_TOKEN * prompt_tokens(body)),
    )


def _memory(reply: Reply) -> CompressedMemory:
    body = read_object(reply)
    found = CompressedMemory(
        messages=tuple(dicts(body.get("messages"))),
        usage=Usage.read(body.get("usage"), body.get("x_nanogpt_pricing")),
        billing=Billing.read(body, reply.headers),
        raw=body,
    )
    if not found.text.strip():
        raise InvalidResponseError("NanoGPT answered without a compressed conversation")
    return found
