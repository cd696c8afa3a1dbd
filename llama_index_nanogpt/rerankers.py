"""`NanoGPTRerank`: retrieved nodes in the order of their relevance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llama_index.core.callbacks import CBEventType, EventPayload
from llama_index.core.instrumentation.events.rerank import ReRankEndEvent, ReRankStartEvent
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle
from llama_index_instrumentation import get_dispatcher

from llama_index_nanogpt._errors import map_errors
from llama_index_nanogpt.callbacks import report_call, report_failures
from nanogpt_client import InvalidArgumentError, Reranking
from nanogpt_client._adapters.ranking import RerankSettings, best_first, rankable
from nanogpt_client._adapters.settings import ClientSettings

__all__ = ["NanoGPTRerank"]


class NanoGPTRerank(ClientSettings, RerankSettings, BaseNodePostprocessor):
    """Keeps the ``top_n`` most relevant of many nodes, e.g. ``NanoGPTRerank(top_n=3)``.

    Retrieve more than you need and let it choose:

    >>> engine = index.as_query_engine(
    ...     similarity_top_k=50, node_postprocessors=[NanoGPTRerank(top_n=4)]
    ... )

    The nodes' scores become those of the reranker: any real number, higher is better. A node
    without text, such as an image, is kept, unscored, behind the others.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank

    Raises:
        NanoGPTError: from its methods; see `nanogpt_client.errors`.
    """

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores this class."""
        return "NanoGPTRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query, texts = _query(query_bundle), _texts(nodes)
        sent, found = rankable(texts), None
        with self._reported(nodes, query) as ranked:
            if sent:
                with map_errors(), report_failures("rerank", self.model):
                    found = self._client().rerank(
                        query.query_str, [texts[at] for at in sent], **self._rerank_options
                    )
            ranked.extend(self._ranked(nodes, sent, found))
        return ranked

    async def _apostprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        query, texts = _query(query_bundle), _texts(nodes)
        sent, found = rankable(texts), None
        with self._reported(nodes, query) as ranked:
            if sent:
                with map_errors(), report_failures("rerank", self.model):
                    found = await self._async_client().rerank(
                        query.query_str, [texts[at] for at in sent], **self._rerank_options
                    )
            ranked.extend(self._ranked(nodes, sent, found))
        return ranked

    @contextmanager
    def _reported(
        self, nodes: list[NodeWithScore], query: QueryBundle
    ) -> Iterator[list[NodeWithScore]]:
        """Send LlamaIndex's events around a ranking; what is yielded is for its result."""
        top_n, ranked = self.top_n or len(nodes), list[NodeWithScore]()
        started = ReRankStartEvent(query=query, nodes=nodes, top_n=top_n, model_name=self.model)
        payload: dict[str, Any] = {
            EventPayload.NODES: nodes,
            EventPayload.MODEL_NAME: self.model,
            EventPayload.QUERY_STR: query.query_str,
            EventPayload.TOP_K: top_n,
        }
        get_dispatcher().event(started)
        with self.callback_manager.event(CBEventType.RERANKING, payload=payload) as event:
            yield ranked
            event.on_end(payload={EventPayload.NODES: ranked})
        get_dispatcher().event(ReRankEndEvent(nodes=ranked))

    def _ranked(
        self, nodes: Sequence[NodeWithScore], sent: Sequence[int], found: Reranking | None
    ) -> list[NodeWithScore]:
        if found is not None:
            billing, usage = found.billing, found.usage
            tokens = None if usage is None else usage.prompt_tokens
            report_call(
                "rerank", self.model, billing.cost, request_id=billing.request_id, tokens=tokens
            )
        return [
            NodeWithScore(node=nodes[at].node, score=score)
            for at, score in best_first(found, sent, len(nodes), self.top_n)
        ]


def _query(query: QueryBundle | None) -> QueryBundle:
    if query is None:
        msg = "a reranker needs the query: pass query_bundle=… or query_str=…"
        raise InvalidArgumentError(msg, param="query_bundle")
    return query


def _texts(nodes: Sequence[NodeWithScore]) -> list[str]:
    return [node.node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
