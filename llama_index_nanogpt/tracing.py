"""What calls cost, in the spans that OpenInference (Phoenix, Arize) makes of LlamaIndex's.

Every call, whichever framework makes it, reaches OpenTelemetry through `nanogpt_client.tracing`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.events.llm import LLMChatEndEvent, LLMCompletionEndEvent
from llama_index.core.instrumentation.span import BaseSpan
from llama_index.core.instrumentation.span_handlers import BaseSpanHandler
from llama_index_instrumentation import get_dispatcher
from pydantic import PrivateAttr

from llama_index_nanogpt.callbacks import NanoGPTCallEvent
from llama_index_nanogpt.llms import NanoGPT
from nanogpt_client import ConfigurationError, LedgerEntry, Totals
from nanogpt_client.tracing import cost_attributes

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ["NanoGPTOpenInferenceHandler"]


class _SpansOfLLMs(BaseSpanHandler[BaseSpan]):
    """Remembers OpenInference's spans of LLMs: a stream ends when none of them is current."""

    _instrumentation: Any = PrivateAttr()
    _spans: WeakValueDictionary[str, Span] = PrivateAttr(default_factory=WeakValueDictionary)

    def __init__(self, instrumentation: Any) -> None:
        super().__init__()
        self._instrumentation = instrumentation

    def new_span(
        self,
        id_: str,
        bound_args: inspect.BoundArguments,  # noqa: ARG002 - as LlamaIndex calls it
        instance: Any | None = None,
        parent_span_id: str | None = None,  # noqa: ARG002
        tags: dict[str, Any] | None = None,  # noqa: ARG002
        **_: Any,
    ) -> BaseSpan | None:
        if isinstance(instance, NanoGPT) and (span := self.current()) is not None:
            self._spans[id_] = span
        return None

    def prepare_to_exit_span(self, *_: Any, **__: Any) -> BaseSpan | None:
        return None

    def prepare_to_drop_span(self, *_: Any, **__: Any) -> BaseSpan | None:
        return None

    def current(self) -> Span | None:
        span: Span | None = self._instrumentation.get_current_span()
        return span

    def of(self, span_id: str | None) -> Span | None:
        return self._spans.get(span_id or "")


class NanoGPTOpenInferenceHandler(BaseEventHandler):
    """Adds costs to the spans of OpenInference's ``LlamaIndexInstrumentor``.

    >>> LlamaIndexInstrumentor().instrument(tracer_provider=provider)
    >>> NanoGPTOpenInferenceHandler().instrument()

    The spans of LLMs (also streamed), embeddings, tools and retrievers get ``llm.cost.total`` (USD)
    and OpenTelemetry's ``gen_ai.usage.cost.*``; those of embeddings also their tokens, which
    LlamaIndex does not report. Several requests of one span add up. The cost of a call that failed
    is in the ledger alone.

    Raises:
        ModuleNotFoundError: ``openinference-instrumentation-llama-index`` is not installed.
    """

    _llms: _SpansOfLLMs = PrivateAttr()
    _sums: WeakKeyDictionary[Span, Totals] = PrivateAttr(default_factory=WeakKeyDictionary)

    def __init__(self) -> None:
        super().__init__()
        try:
            module = importlib.import_module("openinference.instrumentation.llama_index")
        except ModuleNotFoundError as error:
            msg = (
                "NanoGPTOpenInferenceHandler needs OpenInference: "
                "pip install openinference-instrumentation-llama-index"
            )
            raise ModuleNotFoundError(msg, name=error.name) from error
        self._llms = _SpansOfLLMs(module)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this handler."""
        return "NanoGPTOpenInferenceHandler"

    def instrument(self) -> None:
        """Start adding costs.

        Raises:
            ConfigurationError: ``LlamaIndexInstrumentor().instrument()`` has not been called yet.
        """
        dispatcher = get_dispatcher()
        names = [type(handler).__module__ for handler in dispatcher.span_handlers]
        if not any(name.startswith("openinference.") for name in names):
            raise ConfigurationError("call LlamaIndexInstrumentor().instrument() first")
        dispatcher.add_span_handler(self._llms)  # after OpenInference's, which makes the span
        dispatcher.event_handlers.insert(0, self)  # before OpenInference's, which ends the span

    def uninstrument(self) -> None:
        """Stop adding costs."""
        dispatcher = get_dispatcher()
        dispatcher.span_handlers.remove(self._llms)
        dispatcher.event_handlers.remove(self)

    def handle(self, event: BaseEvent, **_: Any) -> None:
        """Add the cost that an event reports to its span."""
        match event:
            case LLMChatEndEvent(response=response) | LLMCompletionEndEvent(response=response):
                raw = getattr(response, "raw", None)
                span = self._llms.of(event.span_id)
                if span is not None and isinstance(raw, Mapping) and raw.get("cost") is not None:
                    entry = LedgerEntry("chat", None, "ok", Decimal(str(raw["cost"])))
                    span.set_attributes(_attributes(entry))
            case NanoGPTCallEvent(entry=entry):
                self._add(entry)

    def _add(self, entry: LedgerEntry) -> None:
        """Add a call to the current span, which may have several."""
        span = self._llms.current()
        if span is None or entry.outcome != "ok":
            return
        total = self._sums[span] = self._sums.get(span, Totals()).plus(entry)
        if not total.unknown_costs:
            span.set_attributes(_attributes(LedgerEntry(entry.kind, None, "ok", total.cost)))
        if total.prompt_tokens:
            tokens = total.prompt_tokens
            span.set_attributes({"llm.token_count.prompt": tokens, "llm.token_count.total": tokens})


def _attributes(entry: LedgerEntry) -> dict[str, Any]:
    return {"llm.cost.total": float(entry.cost or 0), **cost_attributes(entry)}
