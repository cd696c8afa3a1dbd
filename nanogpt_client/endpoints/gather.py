"""Running the flows of a batch concurrently; results are in their order.

No result is lost: each is reported to ``on_progress`` when it arrives, and an error has all of
them as its ``partial``. After a failure no further flow is started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, Unpack

from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, Gather, UserResult, ask_user
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError
from nanogpt_client.types.options import ProgressOptions

T = TypeVar("T")
MAX_CONCURRENCY = 4


def for_each(
    kind: str,
    function: Callable[[Any], Any],
    items: Sequence[Any],
    *,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[ProgressOptions],
) -> Flow[list[Any]]:
    """Call a function of each item; with the async client it may be a coroutine function."""
    flows: list[Flow[Any]] = [ask_user(function, item) for item in items]
    return (yield from gather(kind, flows, max_concurrency, options))


def gather(
    kind: str, flows: Sequence[Flow[T]], max_concurrency: int, options: Mapping[str, Any]
) -> Flow[list[T]]:
    """Run flows and return their results; report the progress of each."""
    with ProgressReporter(options) as reporter:
        parts = [reported(kind, flow, reporter, len(flows)) for flow in flows]
        return (yield from results(parts, max_concurrency))


def results(
    flows: Sequence[Flow[T]], max_concurrency: int, *, before: Sequence[T] = ()
) -> Flow[list[T]]:
    """Run flows and return their results; an error has those that arrived as its ``partial``."""
    check_concurrency(max_concurrency)
    outcomes: Sequence[UserResult | None] = yield Gather(flows, max_concurrency)
    values: list[Any] = [outcome and outcome.value for outcome in outcomes]
    for outcome in outcomes:
        if outcome is not None and outcome.error is not None:
            if isinstance(outcome.error, NanoGPTError):
                outcome.error.partial = [*before, *values]
            raise outcome.error
    return values


def check_concurrency(max_concurrency: int) -> None:
    """Refuse fewer than one request at a time."""
    if max_concurrency < 1:
        msg = f"max_concurrency must be at least 1, not {max_concurrency}"
        raise InvalidArgumentError(msg, param="max_concurrency")


def reported(kind: str, flow: Flow[T], reporter: ProgressReporter, total: int) -> Flow[T]:
    """Run a flow that is one of ``total``, and report that it is done."""
    result = yield from flow
    yield from reporter.finished(kind, total, result)
    return result


def sizes_of(texts: Sequence[str]) -> list[int]:
    """Return the size of each text in bytes of UTF-8."""
    return [len(text) if text.isascii() else len(text.encode("utf-8", "replace")) for text in texts]


def slices(sizes: Sequence[int], most_texts: int, most_bytes: int) -> list[slice]:
    """Return the rows of each request; a text above the limit is a request of its own."""
    found, start, total = [], 0, 0
    for at, size in enumerate(sizes):
        if at > start and (at - start == most_texts or total + size > most_bytes):
            found.append(slice(start, at))
            start, total = at, 0
        total += size
    return [*found, slice(start, len(sizes))] if sizes else []


def without_progress(options: Mapping[str, Any]) -> Any:
    """Return the options of one part; progress is reported for the batch."""
    return {name: v for name, v in options.items() if name not in {"on_progress", "progress"}}
