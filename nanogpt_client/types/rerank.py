"""Documents in the order of their relevance to a query.

Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client import errors  # by module: it reads its fields with this package's `_read`
from nanogpt_client.types._coerce import as_count, as_dict, as_float, as_text
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.display import Readable

__all__ = ["RankedDocument", "Reranking"]


@dataclass(frozen=True, slots=True, repr=False)
class RankedDocument(Readable):
    """One document: its index among those passed, and its score.

    The score is any real number, higher for more relevant; it says nothing on its own, and those of
    different models cannot be compared. ``text`` is there with ``return_documents``.
    """

    index: int
    score: float
    text: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, raw: dict[str, Any]) -> RankedDocument:
        """Read one result.

        Raises:
            InvalidResponseError: it has no index or no score.
        """
        index, score = as_count(raw.get("index")), as_float(raw.get("relevance_score"))
        if index is None or score is None:
            msg = f"NanoGPT returned a ranked document without index or score: {str(raw)[:200]}"
            raise errors.InvalidResponseError(msg)
        text = as_dict(raw.get("document")).get("text")
        return cls(index, score, as_text(text) if text is not None else None, raw)


@dataclass(frozen=True, slots=True, repr=False)
class Reranking(Readable):
    """Ranked documents, best first: iterate over it.

    Of documents that needed several requests, ``billing.cost`` and ``usage`` are the sums (the cost
    is ``None`` if one of them is unknown), and ``raw`` is ``{"responses": […]}``.
    """

    results: tuple[RankedDocument, ...]
    model: str
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def __iter__(self) -> Iterator[RankedDocument]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)
