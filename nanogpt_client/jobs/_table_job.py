"""What `EmbedTexts` and `ChatRows` share: a callable that adds columns to batches of any kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload

from nanogpt_client.account import Account
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.jobs._once import Rules
from nanogpt_client.jobs._settings import client_of
from nanogpt_client.jobs._tables import Column, column_of, with_columns
from nanogpt_client.jobs.store import PaidStore

__all__ = ["TableJob"]

Batch = TypeVar("Batch")


class TableJob(ABC):
    """A job for the rows of tables; it can be pickled, and its key is not in the pickle."""

    def __init__(
        self,
        rules: Rules,
        column: str,
        output: str,
        account: Account | None,
        settings: Mapping[str, Any],
    ) -> None:
        self.column, self.output = column, output
        self._rules = rules
        self._client = client_of(account, settings)

    @property
    def store(self) -> PaidStore | None:
        """Where the answers are stored."""
        return self._rules.store

    @property
    def client(self) -> NanoGPTClient:
        """The client that sends the requests; its ledger has their costs."""
        return self._client

    @overload
    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Any]: ...
    @overload
    def __call__(self, batch: Iterator[Batch]) -> Iterator[Batch]: ...
    @overload
    def __call__(self, batch: Batch) -> Batch: ...
    def __call__(self, batch: Any) -> Any:
        """Return a batch of the same kind with more columns; an iterator of them for an iterator.

        Raises:
            InvalidArgumentError: the batch is of another kind, or has no such column.
            NanoGPTError: a request failed, and no further one was sent. What had arrived is in the
                store.
        """
        if isinstance(batch, Iterator):  # what Spark's mapInPandas passes
            return map(self, batch)
        return with_columns(batch, self._columns(column_of(batch, self.column)))

    @abstractmethod
    def _columns(self, values: list[Any]) -> dict[str, Column]:
        """Return the new columns, for the values of the old one."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._rules.model!r}, store={self.store!r})"
