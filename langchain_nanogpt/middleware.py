"""Middleware for LangChain's agents (extra ``agents``): moderation, and compression of memory.

>>> from langchain.agents import create_agent
>>> agent = create_agent(
...     ChatNanoGPT(model="openai/gpt-5.2"), tools, middleware=[ModerationMiddleware()]
... )
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    SummarizationMiddleware,
    hook_config,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.runnables import RunnableLambda
from langgraph.runtime import Runtime

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import map_errors
from langchain_nanogpt._to_wire import messages_to_wire
from nanogpt_client import Moderation, NanoGPTClient
from nanogpt_client._adapters.moderation import ModerationSettings, refusal
from nanogpt_client.types.options import MemoryOptions

__all__ = ["MemoryCompressionMiddleware", "ModerationMiddleware"]

OnFlagged = Literal["end", "raise"]


class _Moderator(LangChainSettings, ModerationSettings):
    """The settings of `ModerationMiddleware`, and its clients."""


class ModerationMiddleware(AgentMiddleware[Any, Any, Any]):
    """Checks an agent's input with a moderation model before a chat model is paid for it.

    Each user message is checked once, when the agent is about to send it; with
    ``check_tool_results`` also what tools returned. NanoGPT's own check within a chat
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
        **settings: Any,
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
    def before_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Check the input that no model has answered yet."""
        del runtime
        with map_errors():
            given = self._moderator._input_of(messages_to_wire(state["messages"]))
            if not given:
                return None
            client = self._moderator._client()
            return self._outcome(client.moderate(given, model=self._moderator.model))

    @hook_config(can_jump_to=["end"])
    async def abefore_model(
        self, state: AgentState[Any], runtime: Runtime[Any]
    ) -> dict[str, Any] | None:
        """Check the input that no model has answered yet."""
        del runtime
        with map_errors():
            given = self._moderator._input_of(messages_to_wire(state["messages"]))
            if not given:
                return None
            client = self._moderator._async_client()
            return self._outcome(await client.moderate(given, model=self._moderator.model))

    def _outcome(self, found: Moderation) -> dict[str, Any] | None:
        if not found.flagged:
            return None
        if self._on_flagged == "raise":
            raise refusal(found)
        verdict = {"model": found.model, "flagged": True, "categories": list(found.categories)}
        answer = AIMessage(self._answer, response_metadata={"moderation": verdict})
        return {"messages": [answer], "jump_to": "end"}


class MemoryCompressionMiddleware(SummarizationMiddleware):
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
        **settings: Any,
    ) -> None:
        self._settings = LangChainSettings(client=client, **settings)
        self._options: MemoryOptions = {
            "expiration_days": expiration_days,
            "model_context_limit": model_context_limit,
        }
        super().__init__(
            model,
            trigger=trigger,
            keep=keep,
            token_counter=token_counter,
            trim_tokens_to_summarize=None,
            summarizer=RunnableLambda(self._compress, self._acompress, name="context_memory"),
        )

    def _compress(self, messages: Sequence[AnyMessage]) -> str:
        with map_errors():
            conversation = messages_to_wire(messages)
            return self._settings._client().compress_memory(conversation, **self._options).text

    async def _acompress(self, messages: Sequence[AnyMessage]) -> str:
        with map_errors():
            conversation, client = messages_to_wire(messages), self._settings._async_client()
            return (await client.compress_memory(conversation, **self._options)).text
