"""Langfuse's handler with costs; `langchain_nanogpt.tracing` loads it, as Langfuse is optional."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from langchain_core.outputs import LLMResult

from langchain_nanogpt.callbacks import (
    COST_EVENT,
    UNREPORTED,
    entry_of,
    first_message,
    message_cost,
)
from nanogpt_client import LedgerEntry

try:
    from langfuse.langchain import CallbackHandler
except ModuleNotFoundError as error:
    msg = "NanoGPTLangfuseHandler needs Langfuse: pip install langfuse"
    raise ModuleNotFoundError(msg, name=error.name) from error

__all__ = ["NanoGPTLangfuseHandler"]


class NanoGPTLangfuseHandler(CallbackHandler):
    """Langfuse's handler for LangChain, with NanoGPT's costs (USD) as ``cost_details``.

    >>> model.invoke("hi", config={"callbacks": [NanoGPTLangfuseHandler()]})

    It takes the arguments of Langfuse's own handler. Without it Langfuse infers costs from its
    price list, by the model's name. What a tool or a retriever cost is a generation below its
    observation, because Langfuse has costs for generations and embeddings only. The cost of a call
    that failed is in the ledger alone.

    Raises:
        ModuleNotFoundError: ``langfuse`` is not installed.
    """

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **more: Any) -> Any:
        """Add the cost to the generation, and end it."""
        message = first_message(response)
        cost = None if message is None else message_cost(message)
        generation: Any = self._runs.get(run_id)
        if cost is not None and generation is not None:
            generation.update(cost_details={"total": float(cost)})
        return super().on_llm_end(response, run_id=run_id, **more)

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **_: Any) -> None:
        """Record what a tool or a retriever reports of its run."""
        observation = self._runs.get(run_id)
        if name == COST_EVENT and observation is not None:
            _observe(observation, "generation", entry_of(data))

    def on_entry(self, entry: LedgerEntry) -> None:
        """Trace what LangChain does not report, such as embeddings. Pass it to `Ledger`."""
        if entry.kind in UNREPORTED:
            kind = "embedding" if entry.kind == "embedding" else "generation"
            _observe(self._langfuse_client, kind, entry)


def _observe(parent: Any, kind: str, entry: LedgerEntry) -> None:
    cost = None if entry.cost is None else {"total": float(entry.cost)}
    tokens = None if entry.prompt_tokens is None else {"input": entry.prompt_tokens}
    parent.start_observation(
        name=f"NanoGPT {entry.kind}",
        as_type=kind,
        model=entry.model,
        usage_details=tokens,
        cost_details=cost,
        metadata={"request_id": entry.request_id, "outcome": entry.outcome},
    ).end()
