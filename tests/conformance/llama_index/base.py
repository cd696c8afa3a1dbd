"""What all parts of the kit stand on: the hooks a provider fills in, and how an LLM is asked."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.llms.function_calling import FunctionCallingLLM

from tests.conformance.llama_index.wire import WireServer

CHAT_WAYS = ("chat", "achat", "stream_chat", "astream_chat")
STREAMS = ("stream_chat", "astream_chat")
COMPLETION_WAYS = ("complete", "acomplete", "stream_complete", "astream_complete")
WAYS = (*CHAT_WAYS, *COMPLETION_WAYS)

Serve = Callable[..., tuple[Any, WireServer]]


class Hooks:
    """What a provider says of its LLM."""

    KEY = "sk-conformance-key"
    """The key that `make_llm` gives to the LLM; the kit looks for it where it must not be."""

    has_tools = True
    """Whether the LLM calls tools."""
    has_reasoning = True
    """Whether it reads a model's thoughts."""
    has_pictures = True
    """Whether it reads the pictures that a model draws, from ``message.images``."""

    def make_llm(self, base_url: str, model: str = "test/model", **words: Any) -> Any:
        """Return an LLM that sends to ``base_url`` (``http://127.0.0.1:…/api/v1``) with `KEY`.

        ``words`` are constructor words that all of LlamaIndex's LLMs share: ``temperature``,
        ``max_tokens``, ``system_prompt``. It is to know nothing of the model beforehand but, if it
        must be told, that it chats and calls tools.
        """
        raise NotImplementedError

    async def close_llm(self, llm: Any) -> None:
        """Free what the LLM holds open, if its class has a way to."""

    def finish_reason(self, response: Any) -> Any:
        """Return why the model stopped, as the LLM tells it.

        By default it is looked for in ``additional_kwargs`` and in ``raw``, be that a dict or an
        object, at its root or in its first choice.
        """
        places = [response.additional_kwargs, response.raw, *(_get(response.raw, "choices") or ())]
        return next(filter(None, (_get(place, "finish_reason") for place in places)), None)

    @pytest.fixture
    async def serve(self) -> AsyncIterator[Serve]:
        """Start servers with given answers, each with an LLM; all end with the test."""
        llms = []
        with ExitStack() as servers:

            def start(*answers: Any, **words: Any) -> tuple[Any, WireServer]:
                server = servers.enter_context(WireServer(*answers))
                llm = self.make_llm(server.base_url, **words)
                llms.append(llm)
                return llm, server

            yield start
            for llm in llms:
                await self.close_llm(llm)


def _get(place: Any, name: str) -> Any:
    return place.get(name) if isinstance(place, Mapping) else getattr(place, name, None)


async def ask(llm: FunctionCallingLLM, way: str, about: Any = "hi", **kwargs: Any) -> list[Any]:
    """Return the response of a method, or all items of its stream."""
    given = [ChatMessage(about)] if "chat" in way and isinstance(about, str) else about
    answer: Any = getattr(llm, way)(given, **kwargs)
    if inspect.isawaitable(answer):
        answer = await answer
    if hasattr(answer, "__aiter__"):
        return [item async for item in answer]
    return list(answer) if inspect.isgenerator(answer) else [answer]


def calls_of(llm: FunctionCallingLLM, response: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the tool calls in a response, as the LLM reads them."""
    found = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return [(call.tool_id, call.tool_name, call.tool_kwargs) for call in found]
