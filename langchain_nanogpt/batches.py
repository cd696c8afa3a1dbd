"""Chats of a model or a chain as one batch, at half the token price.

The requests are built, and the responses read, by `ChatNanoGPT` itself: a copy of the model gets a
client that keeps the request instead of sending it, or that returns a response of the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Unpack

from langchain_core.messages import HumanMessage
from langchain_core.runnables import (
    Runnable,
    RunnableBinding,
    RunnableConfig,
    RunnableParallel,
    RunnableSequence,
)
from langsmith import tracing_context

from langchain_nanogpt._errors import map_errors
from langchain_nanogpt.chat_models import ChatNanoGPT
from nanogpt_client import InvalidArgumentError, batch_row
from nanogpt_client._adapters.batches import BatchJobBase
from nanogpt_client.types.batches import BatchResult, BatchSubmitOptions

__all__ = ["BatchJob", "abatch_api", "batch_api"]

_QUIET: RunnableConfig = {"callbacks": []}


def batch_api(
    model_or_chain: Runnable[Any, Any],
    inputs: Sequence[Any],
    config: RunnableConfig | None = None,
    **options: Unpack[BatchSubmitOptions],
) -> BatchJob:
    """Submit inputs as one batch of NanoGPT, at half the token price, and return its job.

    >>> job = batch_api(prompt | llm.with_structured_output(Review), inputs)
    >>> print(job.id)  # keep it: any process can collect the results
    >>> reviews = job.results()  # up to 24 hours later

    Follows https://docs.nano-gpt.com/api-reference/endpoint/batches. Tools and structured output
    are sent as in a single call; NanoGPT documents them for another endpoint's rows.

    Args:
        model_or_chain: a `ChatNanoGPT`, also with bound tools or structured output, or a sequence
            with one in it. What comes before it (a prompt, a retriever) runs now, what comes
            after it (a parser) when the results are read.
        inputs: the inputs of the model or chain.
        config: for what runs now.
        options: see `nanogpt_client.types.batches.BatchSubmitOptions`.

    Raises:
        InvalidArgumentError: an input or setting is invalid, or the chain has not exactly one model
            that is called once; nothing was sent.
        OutcomeUnknownError: whether the batch exists is unknown; it was not submitted again.
    """
    with map_errors():
        parts = _Parts.of(model_or_chain)
    prepared = list(inputs) if parts.before is None else parts.before.batch(list(inputs), config)
    with map_errors():
        rows = map(parts.row, prepared)
        batch = parts.model._client().batches.submit(rows, **options)  # noqa: SLF001
    return BatchJob(batch.id, model_or_chain, len(prepared))


async def abatch_api(
    model_or_chain: Runnable[Any, Any],
    inputs: Sequence[Any],
    config: RunnableConfig | None = None,
    **options: Unpack[BatchSubmitOptions],
) -> BatchJob:
    """Submit inputs as one batch of NanoGPT; see `batch_api`."""
    with map_errors():
        parts = _Parts.of(model_or_chain)
    prepared = list(inputs)
    if parts.before is not None:
        prepared = await parts.before.abatch(prepared, config)
    with map_errors():
        rows = map(parts.row, prepared)
        batch = await parts.model._async_client().batches.submit(rows, **options)  # noqa: SLF001
    return BatchJob(batch.id, model_or_chain, len(prepared))


class BatchJob(BatchJobBase[Any]):
    """A submitted batch; ``BatchJob(id, model_or_chain)`` is one that was submitted elsewhere.

    ``results()`` returns what ``model_or_chain.batch(inputs, return_exceptions=True)`` would have
    returned: `AIMessage`s with usage and cost, parsed objects, exceptions. No callbacks are called.

    Args:
        id: the batch's id.
        model_or_chain: what the batch was submitted with, or an equal one.
        count: number of inputs, if it is at hand.

    Raises:
        InvalidArgumentError: the chain has not exactly one model that is called once.
    """

    def __init__(
        self,
        id: str,
        model_or_chain: Runnable[Any, Any],
        count: int | None = None,
    ) -> None:
        self.id = id
        self.count = count
        self._chain = model_or_chain
        with map_errors():
            self._parts = _Parts.of(model_or_chain)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id, self._chain, self.count)

    @property
    def _settings(self) -> ChatNanoGPT:
        return self._parts.model

    def _mapped(self) -> AbstractContextManager[None]:
        return map_errors()

    def _outcome(self, result: BatchResult) -> Any:
        try:
            with tracing_context(enabled=False):
                return self._parts.after(_Replay(result)).invoke([HumanMessage("…")], _QUIET)
        except Exception as error:  # noqa: BLE001 - as `batch(return_exceptions=True)` does
            return error


class _Recorded(Exception):  # noqa: N818 - no error: it ends the call that would send
    """The row of a request."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row


class _Recorder:
    """In place of a client: keeps the request of a chat instead of sending it."""

    http_client = None

    def chat(self, messages: Any, *, model: str, **options: Any) -> Any:
        raise _Recorded(batch_row(messages, model=model, **options))


class _Replay:
    """In place of a client: returns, or raises, the outcome of a batch's row."""

    http_client = None

    def __init__(self, result: BatchResult) -> None:
        self._result = result

    def chat(self, *_: Any, **__: Any) -> Any:
        return self._result.unwrap()


class _Parts(NamedTuple):
    """A chain in parts: what stands before the step with the model, that step, the rest."""

    before: Runnable[Any, Any] | None
    step: Runnable[Any, Any]
    rest: list[Runnable[Any, Any]]
    model: ChatNanoGPT
    options: dict[str, Any]

    @classmethod
    def of(cls, chain: Runnable[Any, Any]) -> _Parts:
        """Take a chain apart.

        Raises:
            InvalidArgumentError: it has not exactly one model that is called once.
        """
        steps = chain.steps if isinstance(chain, RunnableSequence) else [chain]
        found = [at for at, step in enumerate(steps) if _models(step)]
        if len(found) != 1:
            raise _unsupported(f"it has {len(found)} steps with a ChatNanoGPT, not one")
        at = found[0]
        (model, options), *others = _models(steps[at])
        if others:
            raise _unsupported("a step has several models")
        before = _sequence(steps[:at]) if at else None
        return cls(before, steps[at], steps[at + 1 :], model, options)

    def row(self, given: Any) -> dict[str, Any]:
        """Return the batch's row for an input of the model: what ``invoke`` would have sent."""
        model = _calling(self.model, _Recorder())
        try:
            with tracing_context(enabled=False):
                model.invoke(given, _QUIET, **self.options)
        except _Recorded as recorded:
            return recorded.row
        raise _unsupported("its model was not called")

    def after(self, client: _Replay) -> Runnable[Any, Any]:
        """Return the chain from the model on, with a model that calls this client."""
        step = _with(self.step, _calling(self.model, client))
        return _sequence([step, *self.rest])


def _calling(model: ChatNanoGPT, client: Any) -> ChatNanoGPT:
    """Return a copy that calls this client, whatever stands in between."""
    quiet = {"cache": False, "rate_limiter": None, "callbacks": None, "disable_streaming": True}
    return model.model_copy(update=quiet)._calling(client)  # noqa: SLF001 - the same package


def _sequence(steps: Sequence[Runnable[Any, Any]]) -> Runnable[Any, Any]:
    return steps[0] if len(steps) == 1 else RunnableSequence(*steps)


def _models(step: Any) -> list[tuple[ChatNanoGPT, dict[str, Any]]]:
    """Return the models in a step, with the options that are bound to them."""
    if isinstance(step, ChatNanoGPT):
        return [(step, {})]
    if isinstance(step, RunnableBinding) and type(step).invoke is RunnableBinding.invoke:
        return [(model, {**bound, **step.kwargs}) for model, bound in _models(step.bound)]
    if isinstance(step, RunnableParallel) and len(step.steps__) == 1:
        return [found for inner in step.steps__.values() for found in _models(inner)]
    return []


def _with(step: Any, model: ChatNanoGPT) -> Runnable[Any, Any]:
    """Return a step with another model in it."""
    if isinstance(step, RunnableBinding):
        return step.model_copy(update={"bound": _with(step.bound, model)})
    if isinstance(step, RunnableParallel):
        return RunnableParallel({name: _with(inner, model) for name, inner in step.steps__.items()})
    return model


def _unsupported(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"a batch sends one request for each input, so pass a ChatNanoGPT, also with tools or "
        f"structured output, or a sequence with one such step: {why}",
        param="model_or_chain",
    )
