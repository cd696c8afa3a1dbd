"""NanoGPT's routes: pure functions that check what is asked and return a `Call` or a `Flow`.

One function per route says how to ask and how to read the answer; no function here sends anything.
A route is loaded when it is first asked for: who only chats needs none of the others.
"""

from typing import TYPE_CHECKING

from nanogpt_client.lazy import names_of

if TYPE_CHECKING:
    from nanogpt_client.endpoints import (
        account,
        batch,
        embeddings,
        images,
        media,
        search,
        speech,
        transcription,
        video,
    )

__all__ = [
    "account",
    "batch",
    "embeddings",
    "images",
    "media",
    "search",
    "speech",
    "transcription",
    "video",
]

__getattr__, __dir__ = names_of(__name__, dict.fromkeys(__all__, ""))
