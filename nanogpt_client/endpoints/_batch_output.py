"""The output of a batch: JSONL files, indexed by ``custom_id`` and read line by line when needed.

Follows https://docs.nano-gpt.com/api-reference/endpoint/batches. A line is
``{"custom_id", "response": {"status_code", "body"}, "error"}``; the results of inline batches have
no witness and are read as the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, overload
from weakref import finalize

from nanogpt_client._protocol.call import Reply
from nanogpt_client.endpoints._batch_rows import IN_MEMORY, own_id, own_index
from nanogpt_client.endpoints.chat import completion_of
from nanogpt_client.errors import (
    JobFailedError,
    NanoGPTError,
    error_from_body,
    error_from_reply,
)
from nanogpt_client.types._coerce import as_count, as_dict, as_text, loads
from nanogpt_client.types.batches import CHAT, Batch, BatchResult
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.plain import usd

__all__ = ["BatchResults", "Output", "new_file", "row_ids"]


def new_file() -> IO[bytes]:
    """Return a temporary file, in memory as long as it is small."""
    return tempfile.SpooledTemporaryFile(IN_MEMORY)


@dataclass(slots=True)
class Output:
    """Lines of output in files, and where each row's is; of the ids in ``answered``, a success.

    ``cost`` is the sum in USD of all rows with a response, ``None`` if one does not report it.
    """

    files: list[IO[bytes]] = field(default_factory=list)
    at: dict[str, tuple[int, int]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    cost: Decimal | None = Decimal(0)

    def add_file(self, file: IO[bytes]) -> None:
        """Index a file of lines; it is read once, so this blocks."""
        self.files.append(file)
        offset = 0
        file.seek(0)
        for line in file:
            self._add(len(self.files) - 1, offset, _parsed(line))
            offset += len(line)

    def add_rows(self, rows: Iterable[Any]) -> None:
        """Add the results of an inline batch."""
        file = new_file()
        for row in rows:
            file.write(json.dumps(row).encode() + b"\n")
        self.add_file(file)

    def _add(self, number: int, offset: int, row: dict[str, Any]) -> None:
        name = as_text(row.get("custom_id"))
        if not name or name in self.answered:
            return
        self.at[name] = number, offset
        body = _success(row)
        if body is not None:
            self.answered.add(name)
            cost = Billing.read(body).cost
            self.cost = None if self.cost is None or cost is None else self.cost + cost

    def is_numbered(self, batch: Batch) -> bool:
        """Whether all ids are those of rows without one, which their numbers put into order."""
        return all(own_index(name, batch.total) is not None for name in self.at)

    def row(self, name: str) -> dict[str, Any]:
        """Return a row's line; empty if it has none."""
        number, offset = self.at.get(name, (0, -1))
        if offset < 0:
            return {}
        self.files[number].seek(offset)
        return _parsed(self.files[number].readline())

    def close(self) -> None:
        """Delete the files."""
        for file in self.files:
            file.close()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return as_dict(loads(line))
    except ValueError:  # a cut or foreign line; its row has no answer
        return {}


def _success(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the body of a successful response, ``None`` if there is none."""
    response = as_dict(row.get("response"))
    body = as_dict(response.get("body"))
    status = as_count(response.get("status_code")) or 200
    failed = row.get("error") or body.get("error") or not 200 <= status < 300
    return body if body and not failed else None


def row_ids(file: IO[bytes]) -> list[str]:
    """Return the ids in a JSONL file of requests, in its order."""
    file.seek(0)
    return [name for line in file if (name := as_text(_parsed(line).get("custom_id")))]


class BatchResults(Sequence[BatchResult]):
    """The results of a batch, one for each row, in the order of the rows.

    They are in a temporary file and are read from it as needed, so that a batch may be larger than
    the memory. ``results[0]`` and ``results["my-id"]`` are one result; iterate for all, in async
    code with ``async for``.

    Attributes:
        batch: the batch, as it ended.
        cost: what it cost in USD, as far as NanoGPT reports it; ``None`` if it does not.
    """

    def __init__(self, batch: Batch, output: Output, order: Sequence[str] | None) -> None:
        self.batch = batch
        self.cost = _cost(batch, output)
        self._output = output
        self._ids = _in_order(batch, output, order)
        self._lock = threading.Lock()
        self._closing = finalize(self, output.close)

    @property
    def ids(self) -> list[str]:
        """The ``custom_id`` of each row."""
        return list(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[BatchResult]:
        return map(self._result, self._ids)

    async def __aiter__(self) -> AsyncIterator[BatchResult]:
        """Yield the same, read off the event loop."""
        for name in self._ids:
            yield await asyncio.to_thread(self._result, name)

    @overload
    def __getitem__(self, key: int | str) -> BatchResult: ...

    @overload
    def __getitem__(self, key: slice) -> list[BatchResult]: ...

    def __getitem__(self, key: int | str | slice) -> BatchResult | list[BatchResult]:
        if isinstance(key, slice):
            return [self._result(name) for name in self._ids[key]]
        if isinstance(key, int):
            return self._result(self._ids[key])
        if key not in self._output.at and key not in self._ids:
            raise KeyError(key)
        return self._result(key)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the output as JSONL, in the order of the rows; a row without one has an error."""
        with Path(path).open("wb") as file:
            file.writelines(self.lines())

    def lines(self) -> Iterator[bytes]:
        """Yield the output as lines of JSON, in the order of the rows."""
        for result in self:
            row = result.raw or {
                "custom_id": result.custom_id,
                "response": None,
                "error": {
                    "code": getattr(result.error, "code", None),
                    "message": str(result.error),
                },
            }
            yield json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n"

    def close(self) -> None:
        """Delete the temporary file; it is deleted with this object, too."""
        self._closing()

    def __repr__(self) -> str:
        done, cost = len(self._output.answered), usd(self.cost, "unknown cost")
        return f"<BatchResults of {self.batch.id}: {done} of {len(self)} rows, {cost}>"

    def _result(self, name: str) -> BatchResult:
        with self._lock:
            row = self._output.row(name)
        return _read(self.batch, name, row)


def _cost(batch: Batch, output: Output) -> Decimal | None:
    if batch.billing.cost is not None:
        return batch.billing.cost
    if batch.is_refunded and not output.answered:
        return Decimal(0)
    return output.cost if output.answered else None


def _in_order(batch: Batch, output: Output, order: Sequence[str] | None) -> list[str]:
    """Return all ids in the order of the rows: as given, else by our own numbers, else as found."""
    if order is not None:
        given = set(order)
        return [*order, *(name for name in output.at if name not in given)]
    return list(map(own_id, range(batch.total))) if output.is_numbered(batch) else list(output.at)


def _read(batch: Batch, name: str, row: dict[str, Any]) -> BatchResult:
    """Return the outcome of a row from its line, which is empty if it has none."""
    if not row:
        return BatchResult(name, error=_unanswered(batch, name))
    response = as_dict(row.get("response"))
    body = as_dict(response.get("body")) or None
    if (answer := _success(row)) is None:
        return BatchResult(name, error=_refused(batch, row, response), body=body, raw=row)
    if batch.endpoint != CHAT:
        return BatchResult(name, body=body, raw=row)
    headers = {"x-request-id": as_text(response.get("request_id"))}
    try:
        return BatchResult(name, completion_of(answer, headers), body=body, raw=row)
    except NanoGPTError as error:  # empty choices and the like: paid for, but no answer
        error.maybe_billed = True
        return BatchResult(name, error=error, body=body, raw=row)


def _refused(batch: Batch, row: Mapping[str, Any], response: Mapping[str, Any]) -> NanoGPTError:
    """Return the exception that a single call with the same response would have raised."""
    status, body = as_count(response.get("status_code")), response.get("body")
    if status is not None and not 200 <= status < 300:
        headers = {"x-request-id": as_text(response.get("request_id"))}
        return error_from_reply(Reply(status, headers, json.dumps(body).encode()))
    given = row.get("error") or as_dict(body).get("error")
    if not given:
        return JobFailedError("NanoGPT returned neither a response nor an error", run_id=batch.id)
    error = error_from_body({"error": given})
    error.maybe_billed = False
    return error


def _unanswered(batch: Batch, name: str) -> JobFailedError:
    why = f": {batch.error}" if batch.error else ""
    return JobFailedError(
        f"row {name!r} of batch {batch.id} has no answer; the batch is {batch.status}{why}",
        run_id=batch.id,
        code=batch.code or f"batch_{batch.status}",
        cost=Decimal(0),
    )
