"""Many texts in batches: who takes which, and what is kept when one of them fails.

`Work` decides and keeps; it sends nothing. Threads and tasks take batches from it until there is
none left, or until one has failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanogpt_client import ConfigurationError, Embeddings, NanoGPTError, ResponseFormatError

__all__ = ["Batch", "PartialEmbeddings", "Work"]


@dataclass(frozen=True, eq=False)
class PartialEmbeddings:
    """What had arrived when a batch failed: paid for, and kept in the error's ``partial``.

    Attributes:
        vectors: float32 of shape (n, dim), as for all texts; rows of missing texts are NaN.
        missing: the places of the texts that have no vector yet, in order.
        cost: USD paid for the others; ``None`` if NanoGPT did not say it of each batch.
    """

    vectors: NDArray[np.float32]
    missing: list[int]
    cost: Decimal | None


@dataclass(frozen=True)
class Batch:
    """Neighbouring texts, and the place of the first."""

    start: int
    texts: list[str] = field(default_factory=list)


class Work:
    """Batches to be embedded, and the vectors of those that are; safe to share by threads."""

    def __init__(
        self,
        texts: Sequence[str],
        most_texts: int,
        most_bytes: int,
        advance: Callable[[int], Any] = lambda _: None,
    ) -> None:
        self.batches = list(_batches(texts, most_texts, most_bytes))
        self._texts = len(texts)
        self._left = iter(self.batches)
        self._answers: dict[int, Embeddings] = {}
        self._failure: NanoGPTError | None = None
        self._advance = advance
        self._lock = threading.Lock()

    def take(self) -> Batch | None:
        """Return the next batch; none once all are taken, or one has failed."""
        with self._lock:
            return next(self._left, None)

    @contextmanager
    def embedding(self, batch: Batch) -> Iterator[Callable[[Embeddings], None]]:
        """Keep what is handed to the yielded function; after an error nothing more is taken."""
        try:
            yield lambda answer: self._keep(batch, answer)
        except NanoGPTError as error:
            self.stop()
            with self._lock:
                self._failure = self._failure or error

    def stop(self) -> None:
        """Let nobody take another batch."""
        with self._lock:
            self._left = iter(())

    def _keep(self, batch: Batch, answer: Embeddings) -> None:
        with self._lock:
            known = next(iter(self._answers.values()), answer)
            widths = {known.vectors.shape[1], answer.vectors.shape[1]}
            if len(widths) > 1:
                msg = f"NanoGPT's vectors have the lengths {sorted(widths)}"
                raise ResponseFormatError(msg, maybe_billed=True)
            self._answers[batch.start] = answer
            self._advance(len(batch.texts))

    def result(self, width: int | None) -> NDArray[np.float32]:
        """Return all vectors, float32 of shape (n, dim).

        Raises:
            NanoGPTError: what failed first; its ``partial`` is a `PartialEmbeddings`, unless
                nothing had arrived.
        """
        parts = [self._answers[start].vectors for start in sorted(self._answers)]
        if self._failure is not None:
            if parts:
                partial = self._failure.partial = self._partial(parts[0].shape[1])
                done = f"{self._texts - len(partial.missing)} of {self._texts} texts"
                paid = "a cost that is unknown" if partial.cost is None else f"{partial.cost} USD"
                self._failure.add_note(f"{done} are embedded, for {paid}: error.partial has them")
            raise self._failure
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, width or 0), np.float32)

    def _partial(self, width: int) -> PartialEmbeddings:
        vectors = np.full((self._texts, width), np.nan, np.float32)
        missing = np.ones(self._texts, bool)
        for start, answer in self._answers.items():
            place = slice(start, start + len(answer.vectors))
            vectors[place], missing[place] = answer.vectors, False
        costs = [answer.billing.cost for answer in self._answers.values()]
        known = [cost for cost in costs if cost is not None]
        cost = sum(known, Decimal(0)) if len(known) == len(costs) else None
        return PartialEmbeddings(vectors, np.flatnonzero(missing).tolist(), cost)


def _batches(texts: Sequence[str], most_texts: int, most_bytes: int) -> Iterator[Batch]:
    """Yield texts in their order, in batches that stay within both limits."""
    if isinstance(texts, str):
        raise ConfigurationError("texts must be a list of texts, not a single one", param="texts")
    batch, size = Batch(0), 0
    for at, text in enumerate(texts):
        if not isinstance(text, str):
            msg = f"texts[{at}] is a {type(text).__name__}, not a text"
            raise ConfigurationError(msg, param="texts")
        length = len(text.encode("utf-8", "replace"))
        if batch.texts and (len(batch.texts) == most_texts or size + length > most_bytes):
            yield batch
            batch, size = Batch(at), 0
        batch.texts.append(text)
        size += length
    if batch.texts:
        yield batch
