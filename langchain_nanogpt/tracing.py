"""What calls cost, in the traces of LangSmith, Langfuse and OpenInference (Phoenix, Arize).

Each handler is a callback: ``model.invoke(…, config={"callbacks": [handler]})``. LangChain reports
no embeddings; their traces come from the ledger: ``Ledger(on_entry=handler.on_entry)``. Every call,
whichever framework makes it, reaches OpenTelemetry through `nanogpt_client.tracing`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import LLMResult
from langchain_core.tracers.langchain import LangChainTracer
from langchain_core.tracers.schemas import Run
from langsmith import RunTree, get_current_run_tree

from langchain_nanogpt._content_blocks import PROVIDER
from langchain_nanogpt.callbacks import (
    COST_EVENT,
    UNREPORTED,
    entry_of,
    first_message,
    message_cost,
)
from nanogpt_client import LedgerEntry
from nanogpt_client.tracing import cost_attributes

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from langchain_nanogpt._langfuse import NanoGPTLangfuseHandler

__all__ = [
    "NanoGPTLangSmithTracer",
    "NanoGPTLangfuseHandler",
    "NanoGPTOpenInferenceHandler",
]


def __getattr__(name: str) -> Any:
    if name != "NanoGPTLangfuseHandler":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module("langchain_nanogpt._langfuse")  # Langfuse is optional
    return module.NanoGPTLangfuseHandler


class NanoGPTLangSmithTracer(LangChainTracer):
    """LangSmith's tracer, with ``total_cost`` (USD) in the usage of each run that cost something.

    >>> tracer = NanoGPTLangSmithTracer(project_name="agent")
    >>> model.invoke("hi", config={"callbacks": [tracer]})

    It takes the arguments of LangChain's ``LangChainTracer`` and the place of the one that
    ``LANGSMITH_TRACING=true`` adds. Runs of chat models (also streamed), tools and retrievers have
    their costs; LangSmith adds them up. Without a reported cost there is none. The cost of a call
    that failed is in the ledger alone.
    """

    def on_entry(self, entry: LedgerEntry) -> None:
        """Trace what LangChain does not report, such as embeddings. Pass it to `Ledger`."""
        if entry.kind not in UNREPORTED:
            return
        start = datetime.fromtimestamp(entry.started_at, UTC)
        usage = {"input_tokens": entry.prompt_tokens, "total_tokens": entry.prompt_tokens}
        metadata = {
            "ls_provider": PROVIDER,
            "ls_model_name": entry.model,
            "ls_model_type": entry.kind,
            "usage_metadata": {name: v for name, v in usage.items() if v is not None}
            | _total_cost(entry),
        }
        described: dict[str, Any] = {
            "name": f"NanoGPT {entry.kind}",
            "run_type": "embedding" if entry.kind == "embedding" else "tool",
            "inputs": {},
            "start_time": start,
            "extra": {"metadata": metadata},
        }
        parent = get_current_run_tree()
        run = (
            RunTree(**described, ls_client=self.client, project_name=self.project_name)
            if parent is None
            else parent.create_child(**described)
        )
        error = None if entry.outcome == "ok" else entry.outcome
        run.end(outputs={}, error=error, end_time=start + timedelta(seconds=entry.seconds))
        run.post()

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **_: Any) -> None:
        """Add the cost that a tool or a retriever reports to its run."""
        run = self.run_map.get(str(run_id))
        if name == COST_EVENT and run is not None:
            _add_usage(run, _total_cost(entry_of(data)))

    def _on_llm_end(self, run: Run) -> None:
        """Add the cost to the usage before LangChain's own method reads it."""
        for message in _messages(run.outputs or {}):
            metadata, usage = message.get("response_metadata"), message.get("usage_metadata")
            if not isinstance(metadata, dict) or metadata.get("model_provider") != PROVIDER:
                continue
            cost = metadata.get("cost")
            if cost is not None and isinstance(usage, dict):
                usage.setdefault("total_cost", cost)  # 0 if LangChain's cache answered
            elif cost is not None:
                _add_usage(run, {"total_cost": cost})
        super()._on_llm_end(run)


def _messages(outputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the fields of the messages that a run returned, as LangChain stores them."""
    for generations in outputs.get("generations", []):
        for generation in generations:
            message = generation.get("message")
            if isinstance(message, dict) and isinstance(message.get("kwargs"), dict):
                yield message["kwargs"]


def _total_cost(entry: LedgerEntry) -> dict[str, Any]:
    return {} if entry.cost is None else {"total_cost": float(entry.cost)}


def _add_usage(run: Run, usage: dict[str, Any]) -> None:
    """Add to a run's usage; its metadata may be shared with other runs."""
    metadata = run.extra.get("metadata") or {}
    merged = {**(metadata.get("usage_metadata") or {}), **usage}
    run.extra["metadata"] = {**metadata, "usage_metadata": merged}


class NanoGPTOpenInferenceHandler(BaseCallbackHandler):
    """Adds costs to the spans of OpenInference's ``LangChainInstrumentor``.

    >>> LangChainInstrumentor().instrument(tracer_provider=provider)
    >>> model.invoke("hi", config={"callbacks": [NanoGPTOpenInferenceHandler()]})

    Spans get ``llm.cost.total`` (USD) and OpenTelemetry's ``gen_ai.usage.cost.*``. It must be
    passed with a call, as here: a handler in a constructor comes after OpenInference's, when the
    span has ended. Embeddings, of which LangChain reports nothing, get spans by
    ``Ledger(on_entry=OpenTelemetryExporter(kinds=["embedding"]))``.

    Raises:
        ModuleNotFoundError: ``openinference-instrumentation-langchain`` is not installed.
    """

    run_inline = True

    def __init__(self) -> None:
        try:
            module = importlib.import_module("openinference.instrumentation.langchain")
        except ModuleNotFoundError as error:
            msg = (
                "NanoGPTOpenInferenceHandler needs OpenInference: "
                "pip install openinference-instrumentation-langchain"
            )
            raise ModuleNotFoundError(msg, name=error.name) from error
        self._instrumentor = module.LangChainInstrumentor()

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """Add the cost of a chat model's call to its span."""
        message = first_message(response)
        cost = None if message is None else message_cost(message)
        self._add(run_id, LedgerEntry("chat", None, "ok", cost))

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **_: Any) -> None:
        """Add the cost that a tool or a retriever reports to its span."""
        if name == COST_EVENT:
            self._add(run_id, entry_of(data))

    def _add(self, run_id: UUID, entry: LedgerEntry) -> None:
        span: Span | None = self._instrumentor.get_span(run_id)
        if span is not None and entry.cost is not None:
            span.set_attributes({"llm.cost.total": float(entry.cost), **cost_attributes(entry)})
