"""The clients' methods for routes that weigh texts: reranking, moderation, context memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from nanogpt_client import endpoints, types
from nanogpt_client._methods.base import AsyncMethods, Methods
from nanogpt_client.types.chat import MessageDict
from nanogpt_client.types.options import MemoryOptions, RequestOptions, RerankAllOptions

__all__ = ["AsyncTextMethods", "TextMethods"]


class TextMethods(Methods):
    """What `NanoGPTClient` inherits."""

    def rerank(
        self,
        query: str,
        documents: Iterable[str],
        *,
        model: str,
        **options: Unpack[RerankAllOptions],
    ) -> types.Reranking:
        """Order documents by their relevance to a query, best first; see `RerankOptions`.

        More than 1,024 are sent in parts, ``max_concurrency`` (4) at a time, and merged.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank

        Raises:
            InvalidArgumentError: there is no document, or one is blank; unsent.
            NanoGPTError: a request failed, and no further one was begun. What had arrived is paid
                for: it is the error's ``partial``.
        """
        return self.run(endpoints.rerank.rerank(query, documents, model=model, **options))

    def moderate(
        self,
        content: str | Sequence[str] | Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> types.Moderation:
        """Classify a text, several texts, or one content of text and ``image_url`` parts; billed.

        ``flagged`` of the result, and of each of its results, says whether it is unsafe. Without
        ``model``, NanoGPT chooses one; ``list_models("moderation")`` says which there are.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/moderations
        """
        call = endpoints.moderation.moderate(content, model=model, **options)
        return self.send(call)

    def compress_memory(
        self, messages: str | Sequence[MessageDict], **options: Unpack[MemoryOptions]
    ) -> types.CompressedMemory:
        """Compress a conversation into one message that replaces it; no model answers. Billed.

        Its ``messages``, followed by those to be answered, are the history of a chat.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/memory
        """
        return self.send(endpoints.memory.compress_memory(messages, **options))


class AsyncTextMethods(AsyncMethods):
    """What `AsyncNanoGPTClient` inherits."""

    async def rerank(
        self,
        query: str,
        documents: Iterable[str],
        *,
        model: str,
        **options: Unpack[RerankAllOptions],
    ) -> types.Reranking:
        """Order documents by their relevance to a query, best first; see `RerankOptions`.

        More than 1,024 are sent in parts, ``max_concurrency`` (4) at a time, and merged.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank

        Raises:
            InvalidArgumentError: there is no document, or one is blank; unsent.
            NanoGPTError: a request failed, and no further one was begun. What had arrived is paid
                for: it is the error's ``partial``.
        """
        return await self.run(endpoints.rerank.rerank(query, documents, model=model, **options))

    async def moderate(
        self,
        content: str | Sequence[str] | Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> types.Moderation:
        """Classify a text, several texts, or one content of text and ``image_url`` parts; billed.

        ``flagged`` of the result, and of each of its results, says whether it is unsafe. Without
        ``model``, NanoGPT chooses one; ``list_models("moderation")`` says which there are.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/moderations
        """
        call = endpoints.moderation.moderate(content, model=model, **options)
        return await self.send(call)

    async def compress_memory(
        self, messages: str | Sequence[MessageDict], **options: Unpack[MemoryOptions]
    ) -> types.CompressedMemory:
        """Compress a conversation into one message that replaces it; no model answers. Billed.

        Its ``messages``, followed by those to be answered, are the history of a chat.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/memory
        """
        return await self.send(endpoints.memory.compress_memory(messages, **options))
