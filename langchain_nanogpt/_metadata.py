"""What a message carries beside its text: citations, images, and what the call cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nanogpt_client as core
from langchain_nanogpt._content_blocks import PROVIDER

__all__ = ["billing_metadata", "citation_block", "image_block", "model_metadata"]

_TOP_LEVEL_KEYS = ("provider", "service_tier", "system_fingerprint")


def model_metadata(answer_id: str, model: str, finish_reason: str | None) -> dict[str, Any]:
    """Return who answered, and why the answer ended."""
    known = {"id": answer_id, "model_name": model, "finish_reason": finish_reason}
    return {"model_provider": PROVIDER} | {name: v for name, v in known.items() if v}


def billing_metadata(
    billing: core.Billing, usage: core.Usage | None, raw: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the call cost (floats, USD) and who served it, as far as NanoGPT said.

    It has no place in the usage, where LangChain allows whole numbers only. A missing cost is
    unknown; 0 was covered by the subscription.
    """
    known = {
        "cost": None if billing.cost is None else float(billing.cost),
        "cost_source": billing.source,
        "balance": None if billing.balance is None else float(billing.balance),
        "payment_source": billing.payment_source,
        "request_id": billing.request_id,
        "pricing": billing.pricing or None,
        "search_queries": None if usage is None else usage.search_queries,
        **{key: raw.get(key) for key in _TOP_LEVEL_KEYS},
    }
    return {name: value for name, value in known.items() if value is not None}


def citation_block(citation: core.Citation) -> dict[str, Any]:
    """Return LangChain's ``Citation``; its offsets count characters of the answer."""
    known = {
        "url": citation.url,
        "title": citation.title or None,
        "start_index": citation.start_index,
        "end_index": citation.end_index,
        "cited_text": citation.content or None,
    }
    return {"type": "citation"} | {name: v for name, v in known.items() if v is not None}


def image_block(url: str, position: int) -> dict[str, Any]:
    """Return LangChain's image block for a URL, which mostly is a ``data:`` one."""
    index = f"lc_img_{position}"
    head, _, data = url.partition(";base64,")
    if head.startswith("data:") and data:
        mime_type = head.removeprefix("data:")
        return {"type": "image", "base64": data, "mime_type": mime_type, "index": index}
    return {"type": "image", "url": url, "index": index}
