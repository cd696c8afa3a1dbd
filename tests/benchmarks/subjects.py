"""What is measured: each subject does the same things by its own means.

A method prepares one thing to do, with the answer that the server gives under ``base``, and returns
the action that is timed. Asynchronous ones return coroutine functions. Imports stand in the
constructors, because each subject lives in a process of its own, some in another environment.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Protocol

import numpy as np

from tests.benchmarks import replies

Action = Callable[[], object]
AsyncAction = Callable[[], Awaitable[object]]

KEY = "sk-of-a-benchmark"
PROMPT = "What is Nano?"


class Subject(Protocol):
    """What can be asked of a subject; not every one can do everything."""

    def stream(self, base: str) -> Action: ...

    def astream(self, base: str) -> AsyncAction: ...

    def invoke(self, base: str) -> Action: ...

    def ainvoke(self, base: str) -> AsyncAction: ...

    def embed(self, base: str) -> Action: ...

    def embed_array(self, base: str) -> Action: ...


def number_in(base: str) -> tuple[str, int]:
    """Return what an address says of its answer: ``("text", 200)``."""
    kind, _, count = base.rsplit("/", 2)[1].partition("-")
    return kind, int(count or 0)


def texts(base: str) -> list[str]:
    return ["a text to embed"] * number_in(base)[1]


def drain(items: Iterator[object]) -> None:
    for _ in items:
        pass


async def adrain(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass


class _LangChain:
    """Any chat model and embeddings of LangChain."""

    def chat(self, base: str) -> Any:
        raise NotImplementedError

    def embeddings(self, base: str) -> Any:
        raise NotImplementedError

    def stream(self, base: str) -> Action:
        model = self.chat(base)
        return lambda: drain(model.stream(PROMPT))

    def astream(self, base: str) -> AsyncAction:
        model = self.chat(base)
        return lambda: adrain(model.astream(PROMPT))

    def first(self, base: str) -> Action:
        model = self.chat(base)
        return lambda: _first(model.stream(PROMPT))

    def invoke(self, base: str) -> Action:
        model = self.chat(base)
        return lambda: model.invoke(PROMPT)

    def ainvoke(self, base: str) -> AsyncAction:
        model = self.chat(base)
        return lambda: model.ainvoke(PROMPT)

    def embed(self, base: str) -> Action:
        model, batch = self.embeddings(base), texts(base)
        return lambda: model.embed_documents(batch)

    def embed_array(self, base: str) -> Action:
        model, batch = self.embeddings(base), texts(base)
        return lambda: np.asarray(model.embed_documents(batch), np.float32)


class LangChainNanoGPT(_LangChain):
    def __init__(self) -> None:
        self._package = importlib.import_module("langchain_nanogpt")

    def chat(self, base: str) -> Any:
        return self._package.ChatNanoGPT(model=replies.MODEL, api_key=KEY, base_url=base)

    def embeddings(self, base: str) -> Any:
        return self._package.NanoGPTEmbeddings(model="e", api_key=KEY, base_url=base)

    def embed_array(self, base: str) -> Action:
        model, batch = self.embeddings(base), texts(base)
        return lambda: model.embed_documents_array(batch)


class LangChainOpenAI(_LangChain):
    def __init__(self) -> None:
        self._package = importlib.import_module("langchain_openai")

    def chat(self, base: str) -> Any:
        return self._package.ChatOpenAI(model=replies.MODEL, api_key=KEY, base_url=base)

    def embeddings(self, base: str) -> Any:
        return self._package.OpenAIEmbeddings(
            model="e", api_key=KEY, base_url=base, check_embedding_ctx_length=False, chunk_size=2048
        )


class LangChainOpenRouter(_LangChain):
    def __init__(self) -> None:
        self._package = importlib.import_module("langchain_openrouter")

    def chat(self, base: str) -> Any:
        return self._package.ChatOpenRouter(model=replies.MODEL, api_key=KEY, base_url=base)


class LangChainFloor(_LangChain):
    """A chat model that only hands out chunks prepared before: what LangChain itself costs."""

    def __init__(self) -> None:
        from langchain_core.language_models import BaseChatModel
        from langchain_core.messages import AIMessage, AIMessageChunk
        from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

        class Prepared(BaseChatModel):
            chunks: list[Any]

            @property
            def _llm_type(self) -> str:
                return "prepared"

            def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
                message = AIMessage(content=" ".join(replies.WORDS))
                return ChatResult(generations=[ChatGeneration(message=message)])

            def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
                for chunk in self.chunks:
                    chunk.message.__dict__["id"] = None  # as new: LangChain gives it one
                    yield chunk

            async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
                for chunk in self.chunks:
                    chunk.message.__dict__["id"] = None
                    yield chunk

            async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
                return self._generate()

        def chunk(delta: dict[str, Any]) -> ChatGenerationChunk:
            calls = [
                {"index": call["index"], "id": call.get("id"), **_name_and_args(call["function"])}
                for call in delta.get("tool_calls", ())
            ]
            thoughts = {"reasoning_content": delta["reasoning"]} if "reasoning" in delta else {}
            message = AIMessageChunk(
                content=delta.get("content", ""),
                additional_kwargs=thoughts,
                tool_call_chunks=calls,  # type: ignore[arg-type]
                response_metadata={"model_provider": "nanogpt"},
            )
            return ChatGenerationChunk(message=message)

        self._chat, self._chunk = Prepared, chunk

    def chat(self, base: str) -> Any:
        kind, count = number_in(base)
        deltas = replies.DELTAS[kind](count) if count else ()
        return self._chat(chunks=[self._chunk(delta) for delta in deltas])


def _name_and_args(function: dict[str, Any]) -> dict[str, Any]:
    return {"name": function.get("name"), "args": function["arguments"]}


class _LlamaIndex:
    """Any LLM and embedding of LlamaIndex."""

    def __init__(self) -> None:
        self._message = importlib.import_module("llama_index.core.llms").ChatMessage

    def llm(self, base: str) -> Any:
        raise NotImplementedError

    def embedding(self, base: str) -> Any:
        raise NotImplementedError

    def stream(self, base: str) -> Action:
        llm, messages = self.llm(base), [self._message(PROMPT)]
        return lambda: drain(llm.stream_chat(messages))

    def astream(self, base: str) -> AsyncAction:
        llm, messages = self.llm(base), [self._message(PROMPT)]

        async def run() -> None:
            await adrain(await llm.astream_chat(messages))

        return run

    def first(self, base: str) -> Action:
        llm, messages = self.llm(base), [self._message(PROMPT)]
        return lambda: _first(llm.stream_chat(messages))

    def invoke(self, base: str) -> Action:
        llm, messages = self.llm(base), [self._message(PROMPT)]
        return lambda: llm.chat(messages)

    def ainvoke(self, base: str) -> AsyncAction:
        llm, messages = self.llm(base), [self._message(PROMPT)]
        return lambda: llm.achat(messages)

    def embed(self, base: str) -> Action:
        embedding, batch = self.embedding(base), texts(base)
        return lambda: embedding.get_text_embedding_batch(batch)


class LlamaIndexNanoGPT(_LlamaIndex):
    def __init__(self) -> None:
        super().__init__()
        self._package = importlib.import_module("llama_index_nanogpt")

    def llm(self, base: str) -> Any:
        return self._package.NanoGPT(model=replies.MODEL, api_key=KEY, base_url=base)

    def embedding(self, base: str) -> Any:
        return self._package.NanoGPTEmbedding(
            model_name="e", api_key=KEY, base_url=base, embed_batch_size=2048
        )


class LlamaIndexOpenAILike(_LlamaIndex):
    def __init__(self) -> None:
        super().__init__()
        self._llms = importlib.import_module("llama_index.llms.openai_like")
        self._embeddings = importlib.import_module("llama_index.embeddings.openai_like")

    def llm(self, base: str) -> Any:
        return self._llms.OpenAILike(
            model=replies.MODEL, api_key=KEY, api_base=base, is_chat_model=True
        )

    def embedding(self, base: str) -> Any:
        return self._embeddings.OpenAILikeEmbedding(
            model_name="e", api_key=KEY, api_base=base, embed_batch_size=2048
        )


class LlamaIndexFloor(_LlamaIndex):
    """An LLM that only hands out items prepared before: what LlamaIndex itself costs."""

    def __init__(self) -> None:
        super().__init__()
        from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata
        from llama_index.core.llms import CustomLLM
        from llama_index.core.llms.callbacks import llm_chat_callback

        class Prepared(CustomLLM):
            items: list[Any]

            @property
            def metadata(self) -> LLMMetadata:
                return LLMMetadata(is_chat_model=True)

            @llm_chat_callback()
            def chat(self, messages: Any, **kwargs: Any) -> ChatResponse:
                message = ChatMessage(" ".join(replies.WORDS), role="assistant")
                return ChatResponse(message=message)

            @llm_chat_callback()
            def stream_chat(self, messages: Any, **kwargs: Any) -> Iterator[ChatResponse]:
                yield from self.items

            @llm_chat_callback()
            async def astream_chat(self, messages: Any, **kwargs: Any) -> Any:
                async def items() -> AsyncIterator[ChatResponse]:
                    for item in self.items:
                        yield item

                return items()

            def complete(self, *args: Any, **kwargs: Any) -> Any:
                raise NotImplementedError

            stream_complete = complete

        def items(deltas: Iterator[dict[str, Any]]) -> Iterator[ChatResponse]:
            text = ""
            for delta in deltas:
                text += delta.get("content", "")
                message = ChatMessage(text, role="assistant")
                yield ChatResponse(message=message, delta=delta.get("content", ""), raw=delta)

        self._llm, self._items = Prepared, items

    def llm(self, base: str) -> Any:
        kind, count = number_in(base)
        deltas = replies.DELTAS[kind](count) if count else iter(())
        return self._llm(items=list(self._items(deltas)))


class NanoGPTClient:
    def __init__(self) -> None:
        self._package = importlib.import_module("nanogpt_client")

    def _client(self, base: str) -> Any:
        return self._package.NanoGPTClient(KEY, base_url=base)

    def _async_client(self, base: str) -> Any:
        return self._package.AsyncNanoGPTClient(KEY, base_url=base)

    def stream(self, base: str) -> Action:
        client = self._client(base)
        return lambda: drain(client.stream_chat(PROMPT, model=replies.MODEL))

    def astream(self, base: str) -> AsyncAction:
        client = self._async_client(base)
        return lambda: adrain(client.stream_chat(PROMPT, model=replies.MODEL))

    def first(self, base: str) -> Action:
        client = self._client(base)
        return lambda: _first(client.stream_chat(PROMPT, model=replies.MODEL))

    def invoke(self, base: str) -> Action:
        client = self._client(base)
        return lambda: client.chat(PROMPT, model=replies.MODEL)

    def ainvoke(self, base: str) -> AsyncAction:
        client = self._async_client(base)
        return lambda: client.chat(PROMPT, model=replies.MODEL)

    def embed(self, base: str) -> Action:
        client, batch = self._client(base), texts(base)
        return lambda: _lists(client.embed(batch, model="e"))

    def embed_array(self, base: str) -> Action:
        client, batch = self._client(base), texts(base)
        return lambda: client.embed(batch, model="e").vectors


class OpenAI:
    def __init__(self) -> None:
        self._package = importlib.import_module("openai")

    def stream(self, base: str) -> Action:
        chat = self._package.OpenAI(api_key=KEY, base_url=base).chat.completions
        return lambda: drain(chat.create(messages=MESSAGES, model=replies.MODEL, stream=True))

    def astream(self, base: str) -> AsyncAction:
        chat = self._package.AsyncOpenAI(api_key=KEY, base_url=base).chat.completions

        async def run() -> None:
            await adrain(await chat.create(messages=MESSAGES, model=replies.MODEL, stream=True))

        return run

    def first(self, base: str) -> Action:
        chat = self._package.OpenAI(api_key=KEY, base_url=base).chat.completions
        return lambda: _first(chat.create(messages=MESSAGES, model=replies.MODEL, stream=True))

    def invoke(self, base: str) -> Action:
        chat = self._package.OpenAI(api_key=KEY, base_url=base).chat.completions
        return lambda: chat.create(messages=MESSAGES, model=replies.MODEL)

    def ainvoke(self, base: str) -> AsyncAction:
        chat = self._package.AsyncOpenAI(api_key=KEY, base_url=base).chat.completions
        return lambda: chat.create(messages=MESSAGES, model=replies.MODEL)

    def embed(self, base: str) -> Action:
        embeddings = self._package.OpenAI(api_key=KEY, base_url=base).embeddings
        batch = texts(base)
        return lambda: [row.embedding for row in embeddings.create(input=batch, model="e").data]


class Raw:
    """httpx and the parser alone: what asking and reading cost without any library of models."""

    def __init__(self) -> None:
        self._httpx = importlib.import_module("httpx")

    def stream(self, base: str) -> Action:
        client = self._httpx.Client()

        def run() -> None:
            with client.stream("POST", f"{base}/chat/completions", json=BODY) as response:
                tail = b""
                for piece in response.iter_bytes():
                    *events, tail = (tail + piece).split(b"\n\n")
                    _parse(events)

        return run

    def astream(self, base: str) -> AsyncAction:
        client = self._httpx.AsyncClient()

        async def run() -> None:
            async with client.stream("POST", f"{base}/chat/completions", json=BODY) as response:
                tail = b""
                async for piece in response.aiter_bytes():
                    *events, tail = (tail + piece).split(b"\n\n")
                    _parse(events)

        return run

    def invoke(self, base: str) -> Action:
        client = self._httpx.Client()
        return lambda: json.loads(client.post(f"{base}/chat/completions", json=BODY).content)

    def ainvoke(self, base: str) -> AsyncAction:
        client = self._httpx.AsyncClient()

        async def run() -> object:
            return json.loads((await client.post(f"{base}/chat/completions", json=BODY)).content)

        return run

    def _vectors(self, base: str) -> Callable[[], list[Any]]:
        client, body = self._httpx.Client(), {"model": "e", "input": texts(base)}

        def run() -> list[Any]:
            reply = json.loads(client.post(f"{base}/embeddings", json=body).content)
            return [base64.b64decode(row["embedding"]) for row in reply["data"]]

        return run

    def embed(self, base: str) -> Action:
        get = self._vectors(base)
        return lambda: [np.frombuffer(row, "<f4").tolist() for row in get()]

    def embed_array(self, base: str) -> Action:
        get = self._vectors(base)
        return lambda: np.frombuffer(b"".join(get()), "<f4").reshape(number_in(base)[1], -1)


MESSAGES = [{"role": "user", "content": PROMPT}]
BODY = {"model": replies.MODEL, "messages": MESSAGES, "stream": True}


def _lists(answer: Any) -> Any:
    return answer.vectors.tolist()


def _first(items: Any) -> None:
    """Take the first piece that says something, and leave."""
    iterator = iter(items)
    next(iterator)
    iterator.close()


def _parse(events: list[bytes]) -> None:
    for event in events:
        if event != b"data: [DONE]":
            json.loads(event[6:])


async def together(action: AsyncAction, number: int) -> None:
    await asyncio.gather(*(action() for _ in range(number)))


SUBJECTS: dict[str, type] = {
    "langchain_nanogpt": LangChainNanoGPT,
    "langchain_openai": LangChainOpenAI,
    "langchain_openrouter": LangChainOpenRouter,
    "langchain floor": LangChainFloor,
    "llama_index_nanogpt": LlamaIndexNanoGPT,
    "OpenAILike": LlamaIndexOpenAILike,
    "llama_index floor": LlamaIndexFloor,
    "nanogpt_client": NanoGPTClient,
    "openai": OpenAI,
    "httpx + json": Raw,
}
