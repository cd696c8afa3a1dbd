"""NanoGPT's routes: pure functions that check what is asked and return a `Call` or a `Flow`.

One function per route says how to ask and how to read the answer; no function here sends anything.
"""

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
