"""The costs of a chain's or an agent's runs, or of a block of code.

The client's `Ledger` has every call; a callback handler has those of its runs, anywhere in a chain.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from langchain_core.callbacks import (
    BaseCallbackHandler,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook

from langchain_nanogpt._content_blocks import PROVIDER
from nanogpt_client import Ledger, LedgerEntry, NanoGPTError
from nanogpt_client._adapters.costs import ShowsLedger
from nanogpt_client._adapters.recent import Recent
from nanogpt_client.types.plain import exact

if TYPE_CHECKING:
    from langchain_core.callbacks.manager import AsyncRunManager, RunManager

__all__ = [
    "COST_EVENT",
    "NanoGPTCostCallbackHandler",
    "UNREPORTED",
    "areport_call",
    "entry_of",
    "first_message",
    "message_cost",
    "report_call",
]

UNREPORTED = frozenset({"embedding", "memory", "moderation", "rerank"})
"""The kinds of calls that no callback of LangChain reports."""
COST_EVENT = "nanogpt_cost"
"""The custom event by which tools and retrievers report what their run cost."""


class NanoGPTCostCallbackHandler(ShowsLedger, BaseCallbackHandler):
    """Records the calls of NanoGPT's models, tools and retrievers in the runs it is a callback of.

    Pass it in ``config={"callbacks": [costs]}``, or open it around a block of code:

    >>> with NanoGPTCostCallbackHandler() as costs:
    ...     agent.invoke(...)
    >>> costs.total_usd, costs.ledger.totals_by("model")
    >>> print(costs)  # a table of models, calls, tokens and USD

    Responses from LangChain's cache cost nothing. A run that is reported several times counts once.
    LangChain reports no embeddings: those are in the ledger of their client.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        """One entry per call: model, tokens, USD or unknown, outcome."""
        self._ended = Recent()
        self._running: dict[UUID, str | None] = {}
        self._token: Token[NanoGPTCostCallbackHandler | None] | None = None

    def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002 - as LangChain calls it
        messages: list[list[BaseMessage]],  # noqa: ARG002
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Remember a run of a NanoGPT model: a later cancellation does not name the model."""
        metadata = metadata or {}
        if metadata.get("ls_provider") == PROVIDER:
            self._running[run_id] = metadata.get("ls_model_name")

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """Record a finished call."""
        self._running.pop(run_id, None)
        message = first_message(response)
        if message is None or message.response_metadata.get("model_provider") != PROVIDER:
            return
        metadata = message.response_metadata
        usage: dict[str, Any] = {**(message.usage_metadata or {})}
        self._record(
            run_id,
            LedgerEntry(
                kind="chat",
                model=metadata.get("model_name"),
                outcome="cached" if _is_cached(message) else "ok",
                cost=message_cost(message),
                prompt_tokens=usage.get("input_tokens"),
                completion_tokens=usage.get("output_tokens"),
                request_id=metadata.get("request_id"),
            ),
        )

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """Record a call that failed or was stopped: cancelled, interrupted, or closed early."""
        is_running = run_id in self._running
        model = self._running.pop(run_id, None)
        if isinstance(error, NanoGPTError):
            outcome = type(error).__name__
            cost = error.charged
        elif is_running:
            outcome, cost = "abandoned", None
        else:
            return
        request_id = getattr(error, "request_id", None)
        self._record(run_id, LedgerEntry("chat", model, outcome, cost, request_id=request_id))

    def on_custom_event(self, name: str, data: Any, *, run_id: UUID, **_: Any) -> None:
        """Record what a tool or a retriever reports of its run."""
        if name == COST_EVENT:
            self._record(run_id, entry_of(data))

    def _record(self, run_id: UUID, entry: LedgerEntry) -> None:
        if self._ended.is_new(run_id):
            self.ledger.record(entry)

    def __enter__(self) -> Self:
        self._token = _active.set(self)
        return self

    def __exit__(self, *raised: object) -> None:
        if self._token is not None:
            _active.reset(self._token)
            self._token = None


_active: ContextVar[NanoGPTCostCallbackHandler | None] = ContextVar("nanogpt_costs", default=None)
register_configure_hook(_active, inheritable=True)


def message_cost(message: AIMessage) -> Decimal | None:
    """Return what a response cost in USD: 0 from LangChain's cache, ``None`` if unknown."""
    if message.response_metadata.get("model_provider") != PROVIDER:
        return None
    cost = 0 if _is_cached(message) else message.response_metadata.get("cost")
    return None if cost is None else Decimal(str(cost))


def _is_cached(message: AIMessage) -> bool:
    # LangChain sets this on responses from its cache, and keeps the old cost.
    usage: dict[str, Any] = {**(message.usage_metadata or {})}
    return usage.get("total_cost") == 0


def first_message(response: LLMResult) -> AIMessage | None:
    """Return the first choice, which has the usage and the cost of all."""
    for generations in response.generations:
        for generation in generations:
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
                return generation.message
    return None


def report_call(manager: RunManager | None, **call: Any) -> None:
    """Report to handlers what a run of a tool or a retriever cost; see `_event`."""
    if manager is not None:
        dispatch_custom_event(COST_EVENT, _event(**call), config=_config(manager))


async def areport_call(manager: AsyncRunManager | None, **call: Any) -> None:
    """Report to handlers what a run of a tool or a retriever cost; see `_event`."""
    if manager is not None:
        await adispatch_custom_event(COST_EVENT, _event(**call), config=_config(manager))


def _config(manager: Any) -> Any:
    return {"callbacks": manager.get_child()}


def _event(
    kind: str, model: str | None, cost: Decimal | None, request_id: str | None
) -> dict[str, Any]:
    """Return the event's data, which is JSON; ``cost`` is USD as text, with all its digits."""
    return {"kind": kind, "model": model, "cost": exact(cost), "request_id": request_id}


def entry_of(event: dict[str, Any]) -> LedgerEntry:
    """Return the ledger entry that a cost event stands for."""
    cost = None if event["cost"] is None else Decimal(event["cost"])
    kind, model, request_id = event["kind"], event["model"], event["request_id"]
    return LedgerEntry(kind, model, "ok", cost, request_id=request_id)
