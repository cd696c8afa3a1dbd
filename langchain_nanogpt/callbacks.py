"""The costs of a chain's or an agent's runs, or of a block of code.

The client's `Ledger` has every call; a callback handler has those of its runs, anywhere in a chain.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult
from langchain_core.tracers.context import register_configure_hook

from langchain_nanogpt._content_blocks import PROVIDER
from nanogpt_client import Ledger, LedgerEntry, NanoGPTError
from nanogpt_client._adapters.recent import Recent

__all__ = ["NanoGPTCostCallbackHandler"]


class NanoGPTCostCallbackHandler(BaseCallbackHandler):
    """Records the calls of NanoGPT's chat models in the runs that it is a callback of.

    Pass it in ``config={"callbacks": [costs]}``, or open it around a block of code:

    >>> with NanoGPTCostCallbackHandler() as costs:
    ...     agent.invoke(...)
    >>> costs.total_usd, costs.ledger.totals_by("model")

    Responses from LangChain's cache cost nothing. A run that is reported several times counts once.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        """One entry per call: model, tokens, USD or unknown, outcome."""
        self._ended = Recent()
        self._running: dict[UUID, str | None] = {}
        self._token: Token[NanoGPTCostCallbackHandler | None] | None = None

    @property
    def total_usd(self) -> Decimal:
        """USD spent; ``ledger.totals.unknown_costs`` counts the calls without a reported cost."""
        return self.ledger.spent

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
        message = _first_message(response)
        if message is None or message.response_metadata.get("model_provider") != PROVIDER:
            return
        metadata = message.response_metadata
        usage: dict[str, Any] = {**(message.usage_metadata or {})}
        # LangChain sets this on responses from its cache, and keeps the old cost.
        cached = usage.get("total_cost") == 0
        cost = 0.0 if cached else metadata.get("cost")
        self._record(
            run_id,
            LedgerEntry(
                kind="chat",
                model=metadata.get("model_name"),
                outcome="cached" if cached else "ok",
                cost=None if cost is None else Decimal(str(cost)),
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


def _first_message(response: LLMResult) -> AIMessage | None:
    """Return the first choice, which has the usage and the cost of all."""
    for generations in response.generations:
        for generation in generations:
            if isinstance(generation, ChatGeneration) and isinstance(generation.message, AIMessage):
                return generation.message
    return None
