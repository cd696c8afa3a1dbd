"""Moderation: is a text or an image safe?

Follows https://docs.nano-gpt.com/api-reference/endpoint/moderations
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from nanogpt_client._protocol.call import Call, Reply, RetrySafety
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._requests import post, read_object
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.moderation import Moderation
from nanogpt_client.types.options import RequestOptions


def moderate(
    content: str | Sequence[str] | Sequence[Mapping[str, Any]],
    *,
    model: str | None = None,
    **options: Unpack[RequestOptions],
) -> Call[Moderation]:
    """Classify a text, several texts, or one content made of text and ``image_url`` parts."""
    _checks.checked(options, RequestOptions)
    given = _checked_content(content)
    body: dict[str, Any] = {"input": given}
    if model is not None:
        body["model"] = _checks.check_model(model)
    are_texts = isinstance(given, list) and isinstance(given[0], str)
    expected = len(given) if are_texts else 1
    return Call(
        post("/moderations", body, options),
        lambda reply: _moderation(reply, expected),
        "moderation",
        model,
        RetrySafety.IF_REJECTED,
        billable=True,
    )


def _checked_content(content: Any) -> str | list[Any]:
    if isinstance(content, str):
        return _checks.check_text("content", content)
    items = list(content) if isinstance(content, Sequence) else []
    texts = [item for item in items if isinstance(item, str)]
    parts = [dict(item) for item in items if isinstance(item, Mapping)]
    if not items or len(items) not in {len(texts), len(parts)}:
        msg = (
            "content must be a text, a list of texts, or a list of parts such as "
            '{"type": "text", "text": …} and {"type": "image_url", "image_url": {"url": …}}'
        )
        raise InvalidArgumentError(msg, param="content")
    for at, text in enumerate(texts):
        _checks.check_text(f"content[{at}]", text)
    return texts or parts


def _moderation(reply: Reply, expected: int) -> Moderation:
    body = read_object(reply)
    found = Moderation.read(body, Billing.read(body, reply.headers))
    if len(found) < expected:
        # Whoever asks must not take what was not classified for safe.
        msg = f"NanoGPT moderated {len(found)} of {expected} contents"
        raise InvalidResponseError(msg)
    return found
