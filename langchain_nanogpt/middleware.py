"""Middleware for agents (extra ``agents``): costs, budget, fallback, moderation, memory.

>>> from langchain.agents import create_agent
>>> agent = create_agent(
...     ChatNanoGPT(model="openai/gpt-5.2"), tools, middleware=[NanoGPTModerationMiddleware()]
... )
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any, Literal, Unpack

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import RunnableLambda

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from langchain_nanogpt._run_middleware import (
    NanoGPTBudgetMiddleware,
    NanoGPTCostMiddleware,
    NanoGPTFallbackMiddleware,
    RunCost,
)
from langchain_nanogpt._to_wire import messages_to_wire
from nanogpt_client import Moderation, NanoGPTClient
from nanogpt_client._adapters.client_arguments import ClientArguments
from nanogpt_client._adapters.moderation import ModerationSettings, refusal
from nanogpt_client.extras import needs
from nanogpt_client.types.options import ContextLimit, MemoryDays, MemoryOptions

with needs("agents", "langchain_nanogpt.middleware"):
    from langchain.agents.middleware import (
        AgentMiddleware,
        AgentState,
        SummarizationMiddleware,
        hook_config,
    )
    from langgraph.runtime import Runtime

__all__ = [
    "NanoGPTBudgetMiddleware",
    "NanoGPTCostMiddleware",
    "NanoGPTFallbackMiddleware",
    "NanoGPTMemoryCompressionMiddleware",
    "NanoGPTModerationMiddleware",
    "RunCost",
]

OnFlagged = Literal["end", "raise"]
_REMOVED = "[removed: flagged by moderation]"


class _Moderator(LangChainSettings, ModerationSettings):
    """Checks the input of a conversation that no model has answered yet."""

    def check(self, messages: Sequence[AnyMessage]) -> Moderation | None:
        with map_errors():
            given = self._input_of(messages_to_wire(messages))
            return self._client().moderate(given, model=self.model) if given else None

    async def acheck(self, messages: Sequence[AnyMessage]) -> Moderation | None:
        with map_errors():
            given = self._input_of(messages_to_wire(messages))
            if not given:
                return None
            return await self._async_client().moderate(given, model=self.model)


class _Compressor(LangChainSettings):
    """Compresses messages into a text."""

    expiration_days: MemoryDays | None = None
    model_context_limit: ContextLimit | None = None

    @property
    def _options(self) -> MemoryOptions:
        return {
            "expiration_days": self.expiration_days,
            "model_context_limit": self.model_context_limit,
        }

    def compress(self, messages: Sequence[AnyMessage]) -> str:
        with map_errors():
            conversation = messages_to_wire(messages)
            return self._client().compress_memory(conversation, **self._options).text

    async def acompress(self, messages: Sequence[AnyMessage]) -> str:
        with map_errors():
            conversation, client = messages_to_wire(messages), self._async_client()
            return (await client.compress_memory(conversation, **self._options)).text


class NanoGPTModerationMiddleware(AgentMiddleware[Any, Any, Any]):
    """Checks an agent's input with a moderation model before a chat model is paid for it.

    Each user message is checked once, when the agent is about to send it; with
    ``check_tool_results`` also what tools returned. A flagged message is replaced by a note in the
    thread, so that its next turn does not send it either. NanoGPT's own check within a chat
    (``ChatNanoGPT(moderation=True)``) is one request less, but sends and checks the whole
    conversation each time.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/moderations

    Args:
        model: id of the moderation model; by default NanoGPT's choice.
        on_flagged: what to do with flagged input: ``"end"`` the run with ``answer``, or ``"raise"``
            `nanogpt_client.ContentPolicyError`, which is also a ``ModelInvalidRequestError``.
        answer: the agent's answer to flagged input; the verdict is in its ``response_metadata``.
        check_tool_results: check also what tools returned; each result is a paid check.
        check_images: check images as well, which the moderation model must support.
        client: a client to share, e.g. a chat model's; else the ``settings`` of one, such as
            ``api_key``, ``budget`` and ``ledger``.

    Raises:
        ConfigurationError: no key was found, or a setting is invalid.
    """

    def __init__(
        self,
        *,
        model: str | None = None,
        on_flagged: OnFlagged = "end",
        answer: str = "I cannot help with this request.",
        check_tool_results: bool = False,
        check_images: bool = True,
        client: NanoGPTClient | None = None,
        **settings: Unpack[ClientArguments],
    ) -> None:
        super().__init__()
        self._moderator = _Moderator(
            model=model,
            check_tool_results=check_tool_results,
            check_images=check_images,
            client=client,
            **settings,
        )
        self._on_flagged, self._answer = on_flagged, answer

    @hook_config(can_jump_to=["end"])
    def before_model(
        self,
        state: AgentState[Any],
        runtime: Runtime[Any],  # noqa: ARG002 - as LangChain calls it
    ) -> dict[str, Any] | None:
        """Check the input that no model has answered yet."""
        found = self._moderator.check(state["messages"])
        return self._outcome(found, state["messages"])

    @hook_config(can_jump_to=["end"])
    async def abefore_model(
        self,
        state: AgentState[Any],
        runtime: Runtime[Any],  # noqa: ARG002
    ) -> dict[str, Any] | None:
        """Check the input that no model has answered yet."""
        found = await self._moderator.acheck(state["messages"])
        return self._outcome(found, state["messages"])

    def _outcome(
        self, found: Moderation | None, messages: Sequence[AnyMessage]
    ) -> dict[str, Any] | None:
        if found is None or not found.flagged:
            return None
        if self._on_flagged == "raise":
            with map_errors():
                raise refusal(found)
        verdict = {"model": found.model, "flagged": True, "categories": list(found.categories)}
        answer = AIMessage(self._answer, response_metadata={"moderation": verdict})
        return {"messages": [*self._removed(messages), answer], "jump_to": "end"}

    def _removed(self, messages: Sequence[AnyMessage]) -> list[AnyMessage]:
        """Return what replaces the flagged messages: the thread's next turn must not send them."""
        kinds = HumanMessage | ToolMessage if self._moderator.check_tool_results else HumanMessage
        unanswered = takewhile(lambda each: not isinstance(each, AIMessage), reversed(messages))
        removed: list[AnyMessage] = [
            message.model_copy(update={"content": _REMOVED})
            for message in unanswered
            if isinstance(message, kinds)
        ]
        return removed[::-1]


class NanoGPTMemoryCompressionMiddleware(SummarizationMiddleware):
    """Replaces old messages by NanoGPT's context memory, instead of a summary by a model.

    It is LangChain's ``SummarizationMiddleware`` with another author of the summary: ``trigger``
    and ``keep`` are as there, and a tool's result stays with the call that it answers. Context
    memory keeps details that a summary drops, and has about 8,000 to 20,000 tokens.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/memory

    Args:
        model: the agent's chat model, whose context is managed; it is not called.
        trigger: when to compress, e.g. ``("tokens", 100_000)`` or ``("fraction", 0.8)``.
        keep: how much to keep as it is, e.g. ``("messages", 20)``.
        expiration_days: days for which NanoGPT keeps what it compressed; 1 to 365, by default 30.
        model_context_limit: tokens of the context to compress for; by default 128,000.
        token_counter: counts the tokens of messages.
        client: a client to share, e.g. the chat model's; else the ``settings`` of one, such as
            ``api_key``, ``budget`` and ``ledger``.

    Raises:
        ConfigurationError: no key was found, or a setting is invalid.
    """

    def __init__(  # noqa: PLR0913 - the settings of a middleware, all but one by name
        self,
        model: str | BaseChatModel,
        *,
        trigger: Any = ("tokens", 100_000),
        keep: Any = ("messages", 20),
        expiration_days: int | None = None,
        model_context_limit: int | None = None,
        token_counter: Callable[[Iterable[Any]], int] = count_tokens_approximately,
        client: NanoGPTClient | None = None,
        **settings: Unpack[ClientArguments],
    ) -> None:
        compressor = _Compressor(
            expiration_days=expiration_days,
            model_context_limit=model_context_limit,
            client=client,
            **settings,
        )
        by_memory = RunnableLambda(compressor.compress, compressor.acompress, name="context_memory")
        super().__init__(
            model,
            trigger=trigger,
            keep=keep,
            token_counter=token_counter,
            trim_tokens_to_summarize=None,
            summarizer=by_memory,
        )
