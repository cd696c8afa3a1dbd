"""The values that the sandbox's brain hands out."""

from __future__ import annotations

from nanogpt_client.sandbox.answers.turn import SearchResult as Hit

__all__ = ["Hit"]
