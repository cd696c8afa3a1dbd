"""The costs of a block of code, or of runs with certain tags: a handler of LlamaIndex's events.

The client's `Ledger` has every call; a handler has those of its block or tags, whatever index,
agent or query engine made them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.exception import ExceptionEvent
from llama_index.core.instrumentation.events.llm import (
    LLMChatEndEvent,
    LLMChatStartEvent,
    LLMCompletionEndEvent,
    LLMCompletionStartEvent,
)
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.span import active_span_id
from pydantic import Field, PrivateAttr

from nanogpt_client import Ledger, LedgerEntry, NanoGPTError
from nanogpt_client._adapters.costs import ShowsLedger
from nanogpt_client._adapters.recent import Recent

if TYPE_CHECKING:  # chats do not need it
    from nanogpt_client import Embeddings

__all__ = [
    "NanoGPTCallEvent",
    "NanoGPTCostHandler",
    "NanoGPTProgressEvent",
    "report_call",
    "report_embedding",
    "report_failures",
]

CLASS_NAME = "NanoGPT_LLM"


class _OwnEvent(BaseEvent):
    """An event of a class that LlamaIndex does not have.

    Handlers of spans, such as tracers, log an error for each event of an unknown class in a span,
    and ignore events outside of spans. So the span's id has another name here.
    """

    span_id: str | None = None
    within_span_id: str | None = Field(default_factory=active_span_id.get)  # type: ignore[arg-type]


class NanoGPTCallEvent(_OwnEvent):
    """A call without an event of LlamaIndex's own: embeddings, tools, web search, failures.

    Attributes:
        entry: the ledger entry of the call.
        within_span_id: the span in which it happened; ``span_id`` is ``None``.
    """

    entry: LedgerEntry

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex logs this event."""
        return "NanoGPTCallEvent"


class NanoGPTProgressEvent(_OwnEvent):
    """The progress of a long call, e.g. for a video; see `nanogpt_client.Progress`.

    Attributes:
        kind: ``"video"``, ``"speech"``, ``"transcription"`` or ``"image"``.
        status: of a job: submitted, queued, running, completed, failed, cancelled; else working.
        done: the parts that are done, of ``total``.
        seconds: the time waited for the job so far.
        run_id: the id of the job, by which it can be fetched after a crash.
        within_span_id: the span in which it happens; ``span_id`` is ``None``.
    """

    kind: str
    status: str
    done: int
    total: int
    seconds: float
    run_id: str | None = None

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex logs this event."""
        return "NanoGPTProgressEvent"


class NanoGPTCostHandler(ShowsLedger, BaseEventHandler):
    """Records the calls of NanoGPT's models in a block of code, from LlamaIndex's events.

    >>> with NanoGPTCostHandler() as costs:
    ...     index.as_query_engine(llm=llm).query("What is Nano?")
    >>> costs.total_usd, costs.ledger.totals_by("model")
    >>> print(costs)  # a table of models, calls, tokens and USD

    A response that is reported several times counts once.
    """

    tags: dict[str, Any] = Field(default_factory=dict)
    """Record only calls with these ``instrument_tags``; by default all."""
    _ledger: Ledger = PrivateAttr(default_factory=Ledger)
    _running: dict[str, str] = PrivateAttr(default_factory=dict)
    _responses: Recent = PrivateAttr(default_factory=Recent)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this handler."""
        return "NanoGPTCostHandler"

    @property
    def ledger(self) -> Ledger:
        """One entry per call: model, tokens, USD or unknown, outcome."""
        return self._ledger

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Record the call that an event reports."""
        if any(event.tags.get(name) != value for name, value in self.tags.items()):
            return
        match event:
            case LLMChatStartEvent(model_dict=model) | LLMCompletionStartEvent(model_dict=model):
                if model.get("class_name") == CLASS_NAME:
                    self._running[event.span_id or ""] = str(model.get("model"))
            case LLMChatEndEvent(response=response) | LLMCompletionEndEvent(response=response):
                self._finished(event, getattr(response, "raw", None))
            case ExceptionEvent(exception=error):
                self._failed(event, error)
            case NanoGPTCallEvent(entry=entry, within_span_id=span):
                self._running.pop(span or "", None)
                self._ledger.record(entry)

    def _finished(self, event: BaseEvent, raw: Any) -> None:
        """Record a response; wrappers such as structured LLMs report it again, without cost."""
        model = self._running.pop(event.span_id or "", None)
        if not isinstance(raw, Mapping) or "cost_source" not in raw:
            return
        response_id = raw.get("request_id") or raw.get("id") or event.id_
        if not self._responses.is_new(response_id):
            return
        usage, cost = raw.get("usage") or {}, raw.get("cost")
        self._ledger.record(
            LedgerEntry(
                kind="chat",
                model=raw.get("model") or model,
                outcome="ok",
                cost=None if cost is None else Decimal(str(cost)),
                prompt_tokens=usage.get("prompt_tokens"),
                completion_tokens=usage.get("completion_tokens"),
                request_id=raw.get("request_id"),
            )
        )

    def _failed(self, event: BaseEvent, error: BaseException) -> None:
        """Record a call that failed, or a stream that was not read to its end."""
        model = self._running.pop(event.span_id or "", None)
        if model is None:
            return
        if isinstance(error, NanoGPTError):
            self._ledger.record(_failure("chat", model, error))
        else:
            self._ledger.record(LedgerEntry("chat", model, "abandoned", None))

    def __enter__(self) -> Self:
        get_dispatcher().add_event_handler(self)
        return self

    def __exit__(self, *raised: object) -> None:
        get_dispatcher().event_handlers.remove(self)


@contextmanager
def report_failures(kind: str, model: str | None) -> Iterator[None]:
    """Report a call that fails or is stopped to handlers, which LlamaIndex does not."""
    try:
        yield
    except NanoGPTError as error:
        get_dispatcher().event(NanoGPTCallEvent(entry=_failure(kind, model, error)))
        raise
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        abandoned = LedgerEntry(kind, model, "abandoned", None)
        get_dispatcher().event(NanoGPTCallEvent(entry=abandoned))
        raise


def report_embedding(embeddings: Embeddings, model: str) -> None:
    """Report a request for embeddings to handlers."""
    usage, billing = embeddings.usage, embeddings.billing
    tokens = None if usage is None else usage.prompt_tokens
    report_call("embedding", model, billing.cost, request_id=billing.request_id, tokens=tokens)


def report_call(
    kind: str,
    model: str | None,
    cost: Decimal | None,
    *,
    request_id: str | None = None,
    tokens: int | None = None,
) -> None:
    """Report a call to handlers; ``cost`` is USD, ``None`` if it was not reported."""
    entry = LedgerEntry(kind, model, "ok", cost, prompt_tokens=tokens, request_id=request_id)
    get_dispatcher().event(NanoGPTCallEvent(entry=entry))


def _failure(kind: str, model: str | None, error: NanoGPTError) -> LedgerEntry:
    outcome = type(error).__name__
    return LedgerEntry(kind, model, outcome, error.charged, request_id=error.request_id)
