"""The clients' methods for routes that weigh texts: reranking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar, Unpack

from nanogpt_client import endpoints, types
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.types.options import RerankAllOptions

__all__ = ["AsyncTextMethods", "TextMethods"]

T = TypeVar("T")


class TextMethods:
    """What `NanoGPTClient` inherits."""

    if TYPE_CHECKING:

        def run(self, flow: Flow[T]) -> T: ...

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


class AsyncTextMethods:
    """What `AsyncNanoGPTClient` inherits."""

    if TYPE_CHECKING:

        async def run(self, flow: Flow[T]) -> T: ...

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
