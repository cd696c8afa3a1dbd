"""NanoGPT's routes: pure functions that check what is asked and return a `Call` or a `Flow`.

One function per route says how to ask and how to read the answer; no function here sends anything.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nanogpt_client.endpoints import (
        account,
        batch,
        batches,
        embeddings,
        images,
        media,
        memory,
        moderation,
        pages,
        payments,
        rerank,
        search,
        speech,
        transcription,
        video,
        voices,
    )

__all__ = [
    "account",
    "batch",
    "batches",
    "embeddings",
    "images",
    "media",
    "memory",
    "moderation",
    "pages",
    "payments",
    "rerank",
    "search",
    "speech",
    "transcription",
    "video",
    "voices",
]


def __getattr__(name: str) -> ModuleType:
    """Import a route's module with its first call: most programs use few of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
