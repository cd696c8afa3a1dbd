"""Costs in OpenInference's spans of LlamaIndex, compared with the client's ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation import get_dispatcher
from openinference.instrumentation.llama_index import LlamaIndexInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from llama_index_nanogpt import (
    NanoGPT,
    NanoGPTEmbedding,
    NanoGPTToolSpec,
    NanoGPTWebSearchRetriever,
)
from llama_index_nanogpt.tracing import NanoGPTOpenInferenceHandler
from nanogpt_client import ConfigurationError, NanoGPTClient, NanoGPTError

# OpenInference calls a method that pydantic gave up; as an error it would end the span.
pytestmark = pytest.mark.filterwarnings("ignore:The `json` method is deprecated")

MODEL = "openai/gpt-5.2"
EMBEDDING_MODEL = "text-embedding-3-small"
ASK = [ChatMessage("hi")]
COST, AMOUNT = "llm.cost.total", "gen_ai.usage.cost.amount"


@pytest.fixture
def exported():
    exported, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    instrumentor = LlamaIndexInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    handler = NanoGPTOpenInferenceHandler()
    handler.instrument()
    yield exported
    handler.uninstrument()
    instrumentor.uninstrument()
    provider.shutdown()
    assert not any(isinstance(found, type(handler)) for found in get_dispatcher().event_handlers)


@pytest.fixture
def client(sandbox):
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url) as client:
        yield client


def costly(exported: InMemorySpanExporter) -> list[dict[str, Any]]:
    found = [dict(span.attributes or {}) for span in exported.get_finished_spans()]
    return [span for span in found if COST in span]


async def astream(llm: NanoGPT) -> None:
    assert [item async for item in await llm.astream_chat(ASK)]


WAYS: dict[str, Callable[[NanoGPT], Any]] = {
    "chat": lambda llm: llm.chat(ASK),
    "complete": lambda llm: llm.complete("hi"),
    "stream_chat": lambda llm: list(llm.stream_chat(ASK)),
    "stream_complete": lambda llm: list(llm.stream_complete("hi")),
    "achat": lambda llm: llm.achat(ASK),
    "astream_chat": astream,
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_span_of_a_chat_has_model_tokens_and_cost(client, exported, way):
    llm = NanoGPT(model=MODEL, client=client)
    result = WAYS[way](llm)
    if not isinstance(result, list) and hasattr(result, "__await__"):
        await result
    (entry,), (span,) = client.ledger.entries, costly(exported)
    assert span["llm.model_name"] == MODEL
    assert Decimal(str(span[COST])) == Decimal(str(span[AMOUNT])) == entry.cost
    assert span["llm.token_count.prompt"] == entry.prompt_tokens
    assert span["llm.token_count.completion"] == entry.completion_tokens
    await llm.aclose()


async def test_the_requests_for_embeddings_of_one_span_add_up(client, exported):
    embedding = NanoGPTEmbedding(model_name=EMBEDDING_MODEL, client=client, embed_batch_size=1)
    embedding.get_query_embedding("hi")
    await embedding.aget_text_embedding_batch(["one text", "and another one"])
    single, batch = costly(exported)
    first, *rest = client.ledger.entries
    assert single["embedding.model_name"] == EMBEDDING_MODEL
    assert Decimal(str(single[COST])) == first.cost
    assert single["llm.token_count.prompt"] == first.prompt_tokens
    assert Decimal(str(batch[COST])) == sum(entry.cost or 0 for entry in rest)
    assert batch["llm.token_count.prompt"] == sum(entry.prompt_tokens or 0 for entry in rest)
    await embedding.aclose()


def test_the_spans_of_tools_and_retrievers_have_costs(client, exported):
    (tool,) = NanoGPTToolSpec(client=client, include=("generate_image",)).to_tool_list()
    tool(prompt="a fox")
    NanoGPTWebSearchRetriever(client=client).retrieve("Nano")
    paid = [entry.cost for entry in client.ledger if entry.cost]
    assert [Decimal(str(span[COST])) for span in costly(exported)] == paid
    assert [span["openinference.span.kind"] for span in costly(exported)] == ["TOOL", "RETRIEVER"]


def test_a_failed_call_has_no_cost(client, exported):
    with pytest.raises(NanoGPTError):
        NanoGPT(model="sandbox/fault/401", client=client).chat(ASK)
    assert costly(exported) == []


def test_openinference_comes_first():
    with pytest.raises(ConfigurationError, match="LlamaIndexInstrumentor"):
        NanoGPTOpenInferenceHandler().instrument()


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "openinference.instrumentation.llama_index", None)
    with pytest.raises(ModuleNotFoundError, match="openinference-instrumentation-llama-index"):
        NanoGPTOpenInferenceHandler()
