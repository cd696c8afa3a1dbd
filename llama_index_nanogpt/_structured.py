"""The four methods of structured prediction, in place of LlamaIndex's programs.

Those drop the system prompt in their async form, do not force the tool in their streamed form, and
fail on JSON in a fence or in the text. How an object is asked for and read is in `_objects`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator
from typing import Any, cast

from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.instrumentation.events.llm import (
    LLMStructuredPredictEndEvent,
    LLMStructuredPredictStartEvent,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import Model
from llama_index_instrumentation import get_dispatcher

from llama_index_nanogpt._objects import (
    Method,
    PartialObject,
    choose_method,
    read_object,
    structured_request,
)

__all__ = ["StructuredPrediction"]

_dispatcher = get_dispatcher(__name__)


class StructuredPrediction(FunctionCallingLLM):
    """A mixin for a chat model that takes ``response_format`` and ``tools``."""

    @abstractmethod
    def _follows_schemas(self) -> bool:
        """Whether the model can be held to a JSON schema."""

    def structured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Return an object of the class, by one call.

        Raises:
            ValueError: the answer holds no such object.
            NanoGPTError: see `nanogpt_client.errors`.
        """
        method = self._method()
        if method is None:
            result = super().structured_predict(output_cls, prompt, llm_kwargs, **prompt_args)
            return cast("Model", result)
        _announce(output_cls, prompt, prompt_args)
        messages, words = self._ask(method, output_cls, prompt, llm_kwargs, prompt_args)
        result = read_object(self.chat(messages, **words), output_cls)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=result))
        return result

    async def astructured_predict(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Model:
        """Return an object of the class, by one call; see `structured_predict`."""
        method = self._method()
        if method is None:
            result = await super().astructured_predict(
                output_cls, prompt, llm_kwargs, **prompt_args
            )
            return cast("Model", result)
        _announce(output_cls, prompt, prompt_args)
        messages, words = self._ask(method, output_cls, prompt, llm_kwargs, prompt_args)
        result = read_object(await self.achat(messages, **words), output_cls)
        _dispatcher.event(LLMStructuredPredictEndEvent(output=result))
        return result

    def _structured_stream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Generator[Any, None, None]:
        method = self._method()
        if method is None:
            return super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)
        messages, words = self._ask(method, output_cls, prompt, llm_kwargs, prompt_args)
        return _objects(self.stream_chat(messages, **words), output_cls)

    async def _structured_astream_call(
        self,
        output_cls: type[Model],
        prompt: PromptTemplate,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> AsyncGenerator[Any, None]:
        method = self._method()
        if method is None:
            return await super()._structured_astream_call(
                output_cls, prompt, llm_kwargs, **prompt_args
            )
        messages, words = self._ask(method, output_cls, prompt, llm_kwargs, prompt_args)
        return _aobjects(await self.astream_chat(messages, **words), output_cls)

    def _method(self) -> Method | None:
        return choose_method(
            self.pydantic_program_mode,
            schemas=self._follows_schemas(),
            tools=self.metadata.is_function_calling_model,
        )

    def _ask(
        self,
        method: Method,
        output_cls: type[Model],
        prompt: PromptTemplate,
        words: dict[str, Any] | None,
        prompt_args: dict[str, Any],
    ) -> tuple[list[ChatMessage], dict[str, Any]]:
        conversation = self._extend_messages(prompt.format_messages(llm=self, **prompt_args))
        return structured_request(method, output_cls, conversation, words)


def _announce(output_cls: type[Model], prompt: PromptTemplate, prompt_args: dict[str, Any]) -> None:
    event = LLMStructuredPredictStartEvent(
        output_cls=output_cls, template=prompt, template_args=prompt_args
    )
    _dispatcher.event(event)


def _objects(
    responses: Generator[ChatResponse, None, None], output_cls: type[Model]
) -> Generator[Any, None, None]:
    """Yield the object as it grows, and at last the whole one."""
    partial, response = PartialObject(output_cls), None
    for response in responses:
        if (found := partial.read(response)) is not None:
            yield found
    if response is not None:
        yield read_object(response, output_cls)


async def _aobjects(
    responses: AsyncGenerator[ChatResponse, None], output_cls: type[Model]
) -> AsyncGenerator[Any, None]:
    """Yield the object as it grows, and at last the whole one."""
    partial, response = PartialObject(output_cls), None
    async for response in responses:
        if (found := partial.read(response)) is not None:
            yield found
    if response is not None:
        yield read_object(response, output_cls)
