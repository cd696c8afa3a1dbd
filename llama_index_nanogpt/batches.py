"""Conversations with a model as one batch, at half the token price.

The requests are built, and the responses read, by the same functions as those of `NanoGPT.chat`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Unpack

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole
from llama_index.core.llms.structured_llm import StructuredLLM
from pydantic import BaseModel

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt._from_wire import completion_from_wire
from llama_index_nanogpt._structured import read_object, structured_request
from llama_index_nanogpt._to_wire import messages_to_wire
from llama_index_nanogpt.llms import NanoGPT
from nanogpt_client import InvalidArgumentError, batch_row
from nanogpt_client._adapters.batches import BatchJobBase
from nanogpt_client.types.batches import BatchResult, BatchSubmitOptions

__all__ = ["BatchJob", "abatch_api", "batch_api"]

Conversation = str | Sequence[ChatMessage]


def batch_api(
    llm: NanoGPT | StructuredLLM,
    conversations: Sequence[Conversation],
    llm_kwargs: dict[str, Any] | None = None,
    **options: Unpack[BatchSubmitOptions],
) -> BatchJob:
    """Submit conversations as one batch of NanoGPT, at half the token price, and return its job.

    >>> job = batch_api(llm.as_structured_llm(Review), texts)
    >>> print(job.id)  # keep it: any process can collect the results
    >>> reviews = [response.raw for response in job.results()]  # up to 24 hours later

    Follows https://docs.nano-gpt.com/api-reference/endpoint/batches. Tools and structured output
    are sent as in a single call; NanoGPT documents them for another endpoint's rows.

    Args:
        llm: the model, also ``llm.as_structured_llm(output_cls)``.
        conversations: lists of messages, or texts, each of which is one user message.
        llm_kwargs: further options of each call, as of ``llm.chat``, such as ``tools``.
        options: see `nanogpt_client.types.batches.BatchSubmitOptions`.

    Raises:
        InvalidArgumentError: a conversation or setting is invalid; nothing was sent.
        OutcomeUnknownError: whether the batch exists is unknown; it was not submitted again.
    """
    with map_errors():
        model, rows = _model(llm), _Rows(llm, conversations, llm_kwargs)
        batch = model._client().batches.submit(rows.all(), **options)  # noqa: SLF001
    return BatchJob(batch.id, llm, len(conversations))


async def abatch_api(
    llm: NanoGPT | StructuredLLM,
    conversations: Sequence[Conversation],
    llm_kwargs: dict[str, Any] | None = None,
    **options: Unpack[BatchSubmitOptions],
) -> BatchJob:
    """Submit conversations as one batch of NanoGPT; see `batch_api`."""
    with map_errors():
        model, rows = _model(llm), _Rows(llm, conversations, llm_kwargs)
        batch = await model._async_client().batches.submit(rows.all(), **options)  # noqa: SLF001
    return BatchJob(batch.id, llm, len(conversations))


class BatchJob(BatchJobBase[ChatResponse | Exception]):
    """A submitted batch; ``BatchJob(id, llm)`` is one that was submitted elsewhere.

    ``results()`` returns what ``llm.chat`` would have returned, or raised, for each conversation:
    responses with usage and cost in ``raw``; of a structured model, ``raw`` is the object. No
    events are dispatched.

    Args:
        id: the batch's id.
        llm: the model that the batch was submitted with, or an equal one.
        count: number of conversations, if it is at hand.

    Raises:
        InvalidArgumentError: the model is not one of NanoGPT.
    """

    def __init__(self, id: str, llm: NanoGPT | StructuredLLM, count: int | None = None) -> None:
        self.id = id
        self.count = count
        self._llm = llm
        self._model = _model(llm)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.id, self._llm, self.count)

    @property
    def _settings(self) -> NanoGPT:
        return self._model

    def _mapped(self) -> AbstractContextManager[None]:
        return map_errors()

    def _outcome(self, result: BatchResult) -> ChatResponse | Exception:
        try:
            with map_errors():
                return self._response(result)
        except Exception as error:  # noqa: BLE001 - an outcome, whatever a single call raises
            return error

    def _response(self, result: BatchResult) -> ChatResponse:
        completion = result.unwrap()
        blocks = self._model.citation_blocks
        response = completion_from_wire(completion, self._model.model, citation_blocks=blocks)
        if not isinstance(self._llm, StructuredLLM):
            return response
        found = read_object(response, self._llm.output_cls)
        message = ChatMessage(role=MessageRole.ASSISTANT, content=found.model_dump_json())
        return ChatResponse(message=message, raw=found)


class _Rows:
    """The rows of conversations: what ``chat`` would have sent."""

    def __init__(
        self,
        llm: NanoGPT | StructuredLLM,
        conversations: Sequence[Conversation],
        llm_kwargs: dict[str, Any] | None,
    ) -> None:
        self._model = _model(llm)
        self._output: type[BaseModel] | None = None
        if isinstance(llm, StructuredLLM):
            self._output = llm.output_cls
        self._conversations = conversations
        self._kwargs = llm_kwargs or {}

    def all(self) -> Any:
        """Return the rows, built one after the other."""
        return map(self._row, self._conversations)

    def _row(self, given: Conversation) -> dict[str, Any]:
        llm = self._model
        messages = [ChatMessage(given)] if isinstance(given, str) else list(given)
        kwargs = dict(self._kwargs)
        if self._output is not None:
            messages, kwargs = self._structured(messages, kwargs)
        model, options = llm._options(kwargs)  # noqa: SLF001 - as `NanoGPT._chat` does
        conversation = messages_to_wire(messages, llm._recipient(model))  # noqa: SLF001
        return batch_row(conversation, model=model, **options)

    def _structured(
        self, messages: list[ChatMessage], kwargs: dict[str, Any]
    ) -> tuple[list[ChatMessage], dict[str, Any]]:
        llm, method = self._model, self._model._method()  # noqa: SLF001 - as in `structured_predict`
        if method is None or self._output is None:
            msg = f"pydantic_program_mode={llm.pydantic_program_mode} cannot be part of a batch"
            raise InvalidArgumentError(msg, param="llm")
        conversation = list(llm._extend_messages(messages))  # noqa: SLF001
        return structured_request(method, self._output, conversation, kwargs)


def _model(llm: Any) -> NanoGPT:
    model = llm.llm if isinstance(llm, StructuredLLM) else llm
    if not isinstance(model, NanoGPT):
        msg = f"a batch needs a NanoGPT model, also as_structured_llm, not {type(llm).__name__}"
        raise InvalidArgumentError(msg, param="llm")
    return model
