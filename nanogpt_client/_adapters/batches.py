"""What the batches of both frameworks share: a job that any process can collect by its id."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Generic, TypeVar, Unpack

from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.endpoints._batch_output import BatchResults
from nanogpt_client.endpoints._batch_rows import own_id
from nanogpt_client.types.batches import Batch, BatchResult, BatchWaitOptions

__all__ = ["BatchJobBase"]

T = TypeVar("T")


class BatchJobBase(ABC, Generic[T]):
    """A submitted batch of a model's inputs; picklable as far as the model is.

    ``id`` is NanoGPT's; with it and the model, another process makes the same job.

    Attributes:
        id: the batch's id.
        count: number of inputs; ``None`` in a process that does not have them: NanoGPT has it, too.
    """

    id: str
    count: int | None

    @property
    @abstractmethod
    def _settings(self) -> ClientSettings:
        """The model whose client is used."""

    @abstractmethod
    def _mapped(self) -> AbstractContextManager[None]:
        """Raise the client's errors as the framework expects them."""

    @abstractmethod
    def _outcome(self, result: BatchResult) -> T:
        """Return what a single call with this result would have returned, or raised."""

    def status(self) -> Batch:
        """Return the batch's current state; free."""
        with self._mapped():
            return self._settings._client().batches.status(self.id)  # noqa: SLF001

    def wait(self, **options: Unpack[BatchWaitOptions]) -> Batch:
        """Wait until the batch has ended: completed, failed, expired or cancelled.

        Raises:
            JobTimeoutError: it still runs after ``poll_timeout`` (90,000) seconds.
        """
        with self._mapped():
            return self._settings._client().batches.wait(self.id, **options)  # noqa: SLF001

    def cancel(self) -> Batch:
        """Cancel the batch; inputs that are done by then keep their results, and are billed."""
        with self._mapped():
            return self._settings._client().batches.cancel(self.id)  # noqa: SLF001

    def results(self, **options: Unpack[BatchWaitOptions]) -> list[T]:
        """Wait until the batch has ended and return one outcome for each input, in their order.

        An input that failed, or has no answer, has the exception that a single call would have
        raised.

        Raises:
            JobFailedError: the batch failed as a whole, and the number of inputs is unknown.
            JobTimeoutError: it still runs after ``poll_timeout`` (90,000) seconds.
        """
        with self._mapped():
            client = self._settings._client()  # noqa: SLF001
            found = client.batches.results(self.id, order=self._order, **options)
        return self._outcomes(found)

    async def astatus(self) -> Batch:
        """Return the batch's current state; free."""
        with self._mapped():
            return await self._settings._async_client().batches.status(self.id)  # noqa: SLF001

    async def await_end(self, **options: Unpack[BatchWaitOptions]) -> Batch:
        """Wait until the batch has ended; see `wait`."""
        with self._mapped():
            client = self._settings._async_client()  # noqa: SLF001
            return await client.batches.wait(self.id, **options)

    async def acancel(self) -> Batch:
        """Cancel the batch; see `cancel`."""
        with self._mapped():
            return await self._settings._async_client().batches.cancel(self.id)  # noqa: SLF001

    async def aresults(self, **options: Unpack[BatchWaitOptions]) -> list[T]:
        """Wait until the batch has ended and return one outcome for each input; see `results`."""
        with self._mapped():
            client = self._settings._async_client()  # noqa: SLF001
            found = await client.batches.results(self.id, order=self._order, **options)
        return await asyncio.to_thread(self._outcomes, found)  # reads files

    @property
    def _order(self) -> list[str] | None:
        return None if self.count is None else [own_id(at) for at in range(self.count)]

    def _outcomes(self, found: BatchResults) -> list[T]:
        try:
            return list(map(self._outcome, found))
        finally:
            found.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.id!r}, …)"
