"""What the rerankers of both frameworks share: their settings, and the order of what they rank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from nanogpt_client._adapters.documented import DocumentedModel
from nanogpt_client.types.rerank import Reranking

__all__ = ["RerankSettings", "best_first", "rankable"]


class RerankSettings(DocumentedModel):
    """How a reranker of either framework orders what was retrieved."""

    model: str = "nvidia/Nemotron-3.5-Rerank-8B-BF16"
    """The reranking model's id."""
    top_n: Annotated[int, Field(ge=1)] | None = 4
    """How many of the best to keep; ``None`` for all."""
    max_concurrency: Annotated[int, Field(ge=1)] = 4
    """Requests at the same time, at most; each takes 1,024 texts."""
    extra_body: Mapping[str, Any] | None = None
    """Keys added to the JSON body as they are; they override all others."""

    @property
    def _rerank_options(self) -> dict[str, Any]:
        names = ("model", "top_n", "max_concurrency", "extra_body")
        return {name: getattr(self, name) for name in names}


def rankable(texts: Sequence[str]) -> list[int]:
    """Return the indices of the texts that NanoGPT ranks: those that are not blank."""
    return [at for at, text in enumerate(texts) if text.strip()]


def best_first(
    ranked: Reranking | None, sent: Sequence[int], count: int, top_n: int | None
) -> list[tuple[int, float | None]]:
    """Return index and score, best first; what is blank, such as an image, comes last, unscored.

    ``sent`` are the indices of the texts in the request, ``count`` is the number of all.
    """

    def ordered() -> Iterator[tuple[int, float | None]]:
        yield from ((sent[document.index], document.score) for document in ranked or ())
        yield from ((at, None) for at in sorted({*range(count)} - {*sent}))

    return [*ordered()][:top_n]
