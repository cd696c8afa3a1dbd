"""Costs in the traces of LangSmith, Langfuse and OpenInference, by their real packages.

Each test makes the same calls, and compares model, tokens and exact cost with the client's ledger.
"""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableLambda
from langfuse import Langfuse
from langsmith import Client
from openinference.instrumentation.langchain import LangChainInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langchain_nanogpt import (
    ChatNanoGPT,
    NanoGPTCostCallbackHandler,
    NanoGPTEmbeddings,
    NanoGPTToolkit,
    NanoGPTWebSearchRetriever,
)
from langchain_nanogpt.tracing import (
    NanoGPTLangfuseHandler,
    NanoGPTLangSmithTracer,
    NanoGPTOpenInferenceHandler,
)
from nanogpt_client import Ledger, LedgerEntry, NanoGPTClient
from nanogpt_client.sandbox import DEFAULT_KEY as KEY
from nanogpt_client.sandbox import Sandbox
from nanogpt_client.tracing import OpenTelemetryExporter

MODEL = "openai/gpt-5.2"
EMBEDDING_MODEL = "text-embedding-3-small"
IMAGE_MODEL = "hidream"


class Calls:
    """Makes calls with a callback; ``paid`` are their ledger entries."""

    def __init__(self, sandbox: Sandbox, callback: BaseCallbackHandler, on_entry: Any) -> None:
        ledger = Ledger(on_entry=on_entry)
        self.client = NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url, ledger=ledger)
        self.config: Any = {"callbacks": [callback]}
        self.model = ChatNanoGPT(model=MODEL, client=self.client)
        self.embeddings = NanoGPTEmbeddings(model=EMBEDDING_MODEL, client=self.client)

    @property
    def paid(self) -> list[LedgerEntry]:
        return [entry for entry in self.client.ledger if entry.cost]

    def invoke(self) -> None:
        self.model.invoke("hi", self.config)

    def stream(self) -> None:
        assert list(self.model.stream("hello, you", self.config))

    async def astream(self) -> None:
        assert [chunk async for chunk in self.model.astream("hello, you two", self.config)]

    def embed(self) -> None:
        self.embeddings.embed_query("a query of five words")

    def tool(self) -> None:
        (tool,) = NanoGPTToolkit(client=self.client, include=("generate_image",)).get_tools()
        tool.invoke({"prompt": "a fox"}, self.config)

    def retrieve(self) -> None:
        NanoGPTWebSearchRetriever(client=self.client).invoke("Nano", self.config)

    async def all(self) -> None:
        self.invoke()
        self.stream()
        await self.astream()
        self.embed()
        self.tool()
        self.retrieve()

    def close(self) -> None:
        self.client.close()


class Collector:
    """A loopback server that takes LangSmith's runs."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self._answer({"version": "0.10.0", "batch_ingest_config": BATCHES})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers["content-encoding"] == "gzip":
                    body = gzip.decompress(body)
                for runs in json.loads(body).values():
                    for run in runs:
                        collector.runs.setdefault(run["id"], {}).update(run)
                self._answer({})

            def _answer(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def usages(self, run_type: str) -> list[tuple[str | None, dict[str, Any]]]:
        """Return model and usage of the runs of a type, in their order."""
        found = [run for run in self.runs.values() if run["run_type"] == run_type]
        metadata = [
            run["extra"]["metadata"] for run in sorted(found, key=lambda r: r["start_time"])
        ]
        return [(m.get("ls_model_name"), m.get("usage_metadata", {})) for m in metadata]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


BATCHES = {
    "use_multipart_endpoint": False,
    "size_limit": 100,
    "size_limit_bytes": 20_971_520,
    "scale_up_nthreads_limit": 1,
    "scale_up_qsize_trigger": 1000,
}


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def langsmith(collector, sandbox):
    client = Client(api_url=collector.url, api_key="lsv2_x")
    tracer = NanoGPTLangSmithTracer(client=client)
    calls = Calls(sandbox, tracer, tracer.on_entry)
    yield calls
    calls.close()
    client.close()


def costs_of(entries: list[LedgerEntry], kind: str) -> list[float]:
    return [float(entry.cost or 0) for entry in entries if entry.kind == kind]


async def test_langsmith_gets_model_tokens_and_cost(langsmith, collector):
    await langsmith.all()
    langsmith.config["callbacks"][0].client.flush()
    chats = [entry for entry in langsmith.paid if entry.kind == "chat"]
    usages = collector.usages("llm")
    assert [(model, usage["total_cost"]) for model, usage in usages] == [
        (MODEL, float(entry.cost)) for entry in chats
    ]
    assert [(u["input_tokens"], u["output_tokens"]) for _, u in usages] == [
        (entry.prompt_tokens, entry.completion_tokens) for entry in chats
    ]
    assert KEY not in json.dumps(collector.runs)
    paid = langsmith.paid
    (embedding,) = (entry for entry in paid if entry.kind == "embedding")
    tokens = embedding.prompt_tokens
    assert collector.usages("embedding") == [(EMBEDDING_MODEL, {
        "input_tokens": tokens, "total_tokens": tokens, "total_cost": float(embedding.cost)
    })]  # fmt: skip
    assert [u["total_cost"] for _, u in collector.usages("tool")] == costs_of(paid, "image")
    assert [u["total_cost"] for _, u in collector.usages("retriever")] == costs_of(paid, "search")


def test_langsmiths_runs_of_an_agent_add_up_to_the_ledger(langsmith, collector):
    tools = NanoGPTToolkit(client=langsmith.client, include=("generate_image",)).get_tools()
    agent = create_agent(langsmith.model, tools)
    agent.invoke({"messages": [HumanMessage('Draw "a fox".')]}, langsmith.config)
    langsmith.config["callbacks"][0].client.flush()
    usages = [u for kind in ("llm", "tool", "chain") for _, u in collector.usages(kind)]
    total = sum(Decimal(str(usage["total_cost"])) for usage in usages if usage)
    assert total == langsmith.client.ledger.spent
    assert len(costs_of(langsmith.paid, "image")) == 1


def test_an_embedding_in_a_chain_is_a_child_of_its_run(langsmith, collector):
    def embed(text: str) -> int:
        return len(langsmith.embeddings.embed_query(text))

    RunnableLambda(embed).invoke("hi", langsmith.config)
    langsmith.config["callbacks"][0].client.flush()
    chain, embedding = sorted(collector.runs.values(), key=lambda run: run["start_time"])
    assert (chain["run_type"], embedding["run_type"]) == ("chain", "embedding")
    assert embedding["parent_run_id"] == chain["id"]


def test_what_langchains_cache_answers_is_free_in_langsmith(langsmith, collector):
    langsmith.model.cache = InMemoryCache()
    langsmith.invoke()
    langsmith.invoke()
    langsmith.config["callbacks"][0].client.flush()
    paid, cached = (usage["total_cost"] for _, usage in collector.usages("llm"))
    assert paid == float(langsmith.client.ledger.spent)
    assert cached == 0


def spans_of(exported: InMemorySpanExporter) -> list[tuple[str, dict[str, Any]]]:
    return [(span.name, dict(span.attributes or {})) for span in exported.get_finished_spans()]


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
def tracers(exported):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    yield provider
    provider.shutdown()


@pytest.fixture
def langfuse(exported, sandbox):
    provider = TracerProvider()  # Langfuse's own, which gets its exporter from it
    client = Langfuse(
        public_key="pk-lf-x",
        secret_key="sk-lf-x",
        base_url="http://127.0.0.1:9",
        tracer_provider=provider,
        span_exporter=exported,
    )
    handler = NanoGPTLangfuseHandler()
    calls = Calls(sandbox, handler, handler.on_entry)
    calls.flush = client.flush  # type: ignore[attr-defined]
    yield calls
    calls.close()
    client.shutdown()


async def test_langfuse_gets_model_tokens_and_cost(langfuse, exported):
    await langfuse.all()
    langfuse.flush()
    key = "langfuse.observation"
    found = [
        (
            span.get(f"{key}.model.name"),
            json.loads(span.get(f"{key}.usage_details", "{}")),
            json.loads(span[f"{key}.cost_details"]),
        )
        for _, span in spans_of(exported)
        if f"{key}.cost_details" in span
    ]
    assert [(model, cost) for model, _, cost in found] == [
        (entry.model, {"total": float(entry.cost)}) for entry in langfuse.paid
    ]
    for entry, (_, usage, _) in zip(langfuse.paid, found, strict=True):
        assert usage.get("input") == entry.prompt_tokens
        assert usage.get("output") == entry.completion_tokens
    assert KEY not in repr(spans_of(exported))
    types = [span[f"{key}.type"] for _, span in spans_of(exported)]
    assert types == [
        *["generation"] * 3, "embedding", "generation", "tool", "generation", "retriever"
    ]  # fmt: skip


@pytest.fixture
def openinference(tracers, sandbox):
    instrumentor = LangChainInstrumentor()
    instrumentor.instrument(tracer_provider=tracers)
    export = OpenTelemetryExporter(tracer_provider=tracers, kinds=["embedding"])
    calls = Calls(sandbox, NanoGPTOpenInferenceHandler(), export)
    yield calls
    calls.close()
    instrumentor.uninstrument()


async def test_openinference_gets_model_tokens_and_cost(openinference, exported):
    await openinference.all()
    spans = spans_of(exported)
    amounts = [Decimal(str(span["gen_ai.usage.cost.amount"])) for _, span in spans]
    assert amounts == [entry.cost for entry in openinference.paid]
    assert KEY not in repr(spans)
    chats = [entry for entry in openinference.paid if entry.kind == "chat"]
    for entry, (name, span) in zip(chats, spans, strict=False):
        assert name == "ChatNanoGPT"
        assert span["llm.model_name"] == entry.model
        assert span["llm.cost.total"] == float(entry.cost or 0)
        assert span["llm.token_count.prompt"] == entry.prompt_tokens
        assert span["llm.token_count.completion"] == entry.completion_tokens
    assert spans[3][1]["gen_ai.request.model"] == EMBEDDING_MODEL
    assert [name for name, _ in spans[4:]] == ["generate_image", "NanoGPTWebSearchRetriever"]


async def test_the_cost_handler_counts_tools_and_retrievers(sandbox):
    costs = NanoGPTCostCallbackHandler()
    calls = Calls(sandbox, costs, None)
    await calls.all()
    kinds = costs.ledger.totals_by("kind", "model")
    of_client = calls.client.ledger.totals_by("kind", "model")
    assert {key: total.cost for key, total in kinds.items()} == {
        key: total.cost
        for key, total in of_client.items()
        if total.cost and key[0] != "embedding"  # which LangChain does not report
    }
    calls.close()


@pytest.mark.parametrize(
    ("name", "module", "install"),
    [
        ("NanoGPTLangfuseHandler", "langfuse.langchain", "langfuse"),
        (
            "NanoGPTOpenInferenceHandler",
            "openinference.instrumentation.langchain",
            "openinference-instrumentation-langchain",
        ),
    ],
)
def test_a_missing_package_is_named(monkeypatch, name, module, install):
    from langchain_nanogpt import tracing  # noqa: PLC0415 - its lazy names

    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "langchain_nanogpt._langfuse")
    with pytest.raises(ModuleNotFoundError, match=f"pip install {install}"):
        getattr(tracing, name)()
