"""``client.batches``: many chats in one job, at half the token price.

The rules are in `endpoints.batches`; both classes here run its flows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

from nanogpt_client._transport.runner import AsyncRunner, Runner
from nanogpt_client.endpoints import batches
from nanogpt_client.endpoints._batch_output import BatchResults
from nanogpt_client.endpoints._batch_rows import Rows, chat_row
from nanogpt_client.types._docs import describes_options
from nanogpt_client.types.batches import (
    Batch,
    BatchListOptions,
    BatchPage,
    BatchSubmitOptions,
    BatchWaitOptions,
)
from nanogpt_client.types.chat import MessageDict
from nanogpt_client.types.options import ChatOptions

__all__ = ["AsyncBatches", "Batches", "batch_row"]


def batch_row(
    messages: str | Iterable[MessageDict],
    *,
    model: str,
    custom_id: str | None = None,
    **options: Unpack[ChatOptions],
) -> dict[str, Any]:
    """Return the row of a batch for a chat; takes the arguments of ``client.chat``.

    ``max_tokens`` is needed for batches with a file. Tools and ``response_format`` are sent as in a
    single chat; NanoGPT documents them for rows of ``/v1/responses`` only.

    Args:
        messages: a list of message dicts, or the text of one user message.
        model: model id; all rows of a batch have the same.
        custom_id: identifies the row in the results; by default its number.
        options: see `ChatOptions`.

    Raises:
        InvalidArgumentError: an argument is invalid, or cannot be part of a row (headers).
    """
    return chat_row(messages, model=model, custom_id=custom_id, options=options)


@describes_options
class Batches:
    """NanoGPT's Batch API: many requests in one job, done within 24 hours, at half the token price.

    >>> rows = [batch_row(text, model="openai/gpt-5.2", max_tokens=50) for text in texts]
    >>> batch = client.batches.submit(rows)
    >>> print(batch.id)  # keep it: any process can collect the results
    >>> for result in client.batches.results(batch):
    ...     print(result.custom_id, result.error or result.completion.text)

    Files and batches go to NanoGPT's direct host, whatever the client's ``base_url`` of NanoGPT.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/batches
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def submit(self, rows: Rows, **options: Unpack[BatchSubmitOptions]) -> Batch:
        """Submit rows, once, and return the batch.

        Rows are what the documented JSONL file has a line of: ``custom_id`` (by default their
        number), ``body``; all with the same endpoint and model. They are checked before anything
        is sent, and pass through a temporary file, so they may be more than fits into memory. Up to
        10,000 rows, 20 MiB and 250,000 output tokens go in one request, more in a file, whose rows
        need ``max_tokens``. Inline rows without it get NanoGPT's limit of 4,096 tokens.

        A `Budget` reserves half the price of all inputs and limits until `results` has the cost.

        Args:
            rows: dicts such as `batch_row` returns, or the path of a JSONL file.
            options: see `BatchSubmitOptions`.

        Raises:
            InvalidArgumentError: a row is invalid; nothing was sent.
            BudgetExceededError: the batch may cost more than is left; no batch was created.
            OutcomeUnknownError: whether the batch exists is unknown. It was not submitted again
                and not found; the message says how to find it in `list`.
        """
        return self._runner.run(batches.submit(rows, **options))

    def status(self, batch: Batch | str) -> Batch:
        """Return the current state of a batch, given by itself or its id; free."""
        return self._runner.run(batches.status(batch))

    def wait(self, batch: Batch | str, **options: Unpack[BatchWaitOptions]) -> Batch:
        """Wait until a batch has ended and return its last state, also if it failed or expired.

        Asks every ``poll_interval`` (30) seconds, for at most ``poll_timeout`` (90,000) seconds.

        Raises:
            JobTimeoutError: it still runs; call this again.
            JobError: it could not be polled; it goes on.
        """
        return self._runner.run(batches.wait(batch, **options))

    def results(
        self,
        batch: Batch | str,
        *,
        order: Sequence[str] | None = None,
        **options: Unpack[BatchWaitOptions],
    ) -> BatchResults:
        """Wait until a batch has ended and return one result for each row, in their order.

        A row that failed, or has no answer because the batch expired or was cancelled, has an
        ``error``, the exception that a single call would have raised. The cost of the batch is
        recorded in the ledger, once, with the batch's id as ``request_id``.

        Args:
            batch: the batch, or its id.
            order: the ids of the rows; by default their order in the uploaded file.
            options: see `BatchWaitOptions`.

        Raises:
            JobFailedError: the batch failed as a whole, and its rows are unknown.
            JobTimeoutError: it still runs; call this again.
        """
        return self._runner.run(batches.results(batch, order=order, **options))

    def cancel(self, batch: Batch | str) -> Batch:
        """Cancel a batch that still runs; rows that are done by then are kept, and billed.

        Raises:
            APIStatusError: it has ended already.
        """
        return self._runner.run(batches.cancel(batch))

    def list(self, **options: Unpack[BatchListOptions]) -> BatchPage:
        """List the account's batches, newest first, e.g. after a crash; see `BatchListOptions`.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/batches-list
        """
        return self._runner.send(batches.listed(**options))


@describes_options
class AsyncBatches:
    """NanoGPT's Batch API for asyncio: `Batches` with ``await``."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def submit(self, rows: Rows, **options: Unpack[BatchSubmitOptions]) -> Batch:
        """Submit rows, once, and return the batch; see `Batches.submit`."""
        return await self._runner.run(batches.submit(rows, **options))

    async def status(self, batch: Batch | str) -> Batch:
        """Return the current state of a batch, given by itself or its id; free."""
        return await self._runner.run(batches.status(batch))

    async def wait(self, batch: Batch | str, **options: Unpack[BatchWaitOptions]) -> Batch:
        """Wait until a batch has ended and return its last state; see `Batches.wait`."""
        return await self._runner.run(batches.wait(batch, **options))

    async def results(
        self,
        batch: Batch | str,
        *,
        order: Sequence[str] | None = None,
        **options: Unpack[BatchWaitOptions],
    ) -> BatchResults:
        """Wait until a batch has ended and return its results; see `Batches.results`."""
        return await self._runner.run(batches.results(batch, order=order, **options))

    async def cancel(self, batch: Batch | str) -> Batch:
        """Cancel a batch that still runs; see `Batches.cancel`."""
        return await self._runner.run(batches.cancel(batch))

    async def list(self, **options: Unpack[BatchListOptions]) -> BatchPage:
        """List the account's batches, newest first; see `Batches.list`."""
        return await self._runner.send(batches.listed(**options))
