"""The adapters as users of either framework write them; see `api` for how this is checked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, assert_type

from langchain.agents.middleware import AgentMiddleware
from langchain_core.document_loaders import BaseBlobParser, BaseLoader
from langchain_core.documents import BaseDocumentCompressor
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import BaseTool, BaseToolkit
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.memory import BaseMemoryBlock
from llama_index.core.postprocessor.types import BaseNodePostprocessor

from langchain_nanogpt import (
    ChatNanoGPT,
    NanoGPTAudioParser,
    NanoGPTCostCallbackHandler,
    NanoGPTEmbeddings,
    NanoGPTImageTool,
    NanoGPTRerank,
    NanoGPTToolkit,
    NanoGPTWebLoader,
    NanoGPTWebSearchRetriever,
    register,
    with_footnotes,
)
from langchain_nanogpt.middleware import (
    NanoGPTBudgetMiddleware,
    NanoGPTFallbackMiddleware,
    NanoGPTMemoryCompressionMiddleware,
    NanoGPTModerationMiddleware,
)
from langchain_nanogpt.tracing import NanoGPTLangSmithTracer, NanoGPTOpenInferenceHandler
from llama_index_nanogpt import (
    NanoGPT,
    NanoGPTCostHandler,
    NanoGPTEmbedding,
    NanoGPTMemoryBlock,
    NanoGPTModerator,
    NanoGPTToolSpec,
)
from llama_index_nanogpt import NanoGPTRerank as LlamaIndexRerank
from llama_index_nanogpt.tools import ToolContent
from llama_index_nanogpt.tracing import NanoGPTOpenInferenceHandler as LlamaIndexHandler
from nanogpt_client import Budget, Ledger, NanoGPTClient
from nanogpt_client.tracing import OpenTelemetryExporter

MODEL = "openai/gpt-5.2"


def langchain(client: NanoGPTClient, ledger: Ledger) -> None:
    chat: BaseChatModel = ChatNanoGPT(
        model=MODEL, api_key="key", temperature=0.2, web_search=True, timeout=30, max_retries=0
    )
    assert_type(chat.invoke("hi"), AIMessage)
    for chunk in ChatNanoGPT(model=MODEL, client=client, stop=["."]).stream("hi"):
        assert_type(chunk, AIMessageChunk)
    assert_type(with_footnotes(chat.invoke("hi")), str)
    embeddings: Embeddings = NanoGPTEmbeddings(
        model="BAAI/bge-m3", budget=Budget(usd=1), ledger=ledger, dimensions=512
    )
    assert_type(embeddings.embed_query("hi"), list[float])


def langchain_tools(client: NanoGPTClient) -> None:
    tool: BaseTool = NanoGPTImageTool(client=client, output_dir="out", confirm_above_usd="0.50")
    toolkit: BaseToolkit = NanoGPTToolkit(client=client)
    assert_type(toolkit.get_tools(), list[BaseTool])
    retriever: BaseRetriever = NanoGPTWebSearchRetriever(client=client)
    parser: BaseBlobParser = NanoGPTAudioParser(client=client)
    reranker: BaseDocumentCompressor = NanoGPTRerank(client=client, top_n=None)
    guard: AgentMiddleware = NanoGPTModerationMiddleware(client=client, on_flagged="raise")
    chat = ChatNanoGPT(model=MODEL, client=client)
    memory: AgentMiddleware = NanoGPTMemoryCompressionMiddleware(chat, keep=("messages", 2))
    loader: BaseLoader = NanoGPTWebLoader(urls="https://example.com", client=client, stealth=True)
    _ = tool, retriever, parser, reranker, guard, memory, loader


def llama_index(client: NanoGPTClient) -> None:
    llm: FunctionCallingLLM = NanoGPT(
        model=MODEL, api_key="key", temperature=0.2, web_search=True, timeout=30, max_retries=0
    )
    assert_type(llm.chat([ChatMessage("hi")]), ChatResponse)
    assert_type(llm.complete("hi"), CompletionResponse)
    embedding: BaseEmbedding = NanoGPTEmbedding(model_name="BAAI/bge-m3", client=client)
    assert_type(embedding.get_query_embedding("hi"), list[float])
    reranker: BaseNodePostprocessor = LlamaIndexRerank(client=client, top_n=3)
    block: BaseMemoryBlock[str] = NanoGPTMemoryBlock(client=client, expiration_days=7)
    moderated = NanoGPT(model=MODEL, moderator=NanoGPTModerator(client=client), moderation=False)
    _ = reranker, block, moderated


async def llama_index_tools(client: NanoGPTClient) -> None:
    spec = NanoGPTToolSpec(client=client, output_dir="out", image_model="hidream")
    assert_type(spec.generate_image(prompt="a fox", n=2), ToolContent)
    assert_type(await spec.aspeak(text="hi", voice="nova"), ToolContent)


def what_a_run_cost() -> None:
    with NanoGPTCostCallbackHandler() as chain, NanoGPTCostHandler() as pipeline:
        assert_type(chain.total_usd, Decimal)
        assert_type(pipeline.total_usd, Decimal)


def in_traces_and_agents() -> None:
    exporter = OpenTelemetryExporter(kinds=["embedding"])
    ledger = Ledger(on_entry=exporter)
    tracer = NanoGPTLangSmithTracer(project_name="agent")
    chat = ChatNanoGPT(model=MODEL, ledger=Ledger("spent.jsonl", on_entry=tracer.on_entry))
    chat.invoke("hi", config={"callbacks": [tracer, NanoGPTOpenInferenceHandler()]})
    LlamaIndexHandler().instrument()
    register()
    budget: AgentMiddleware[Any, Any, Any] = NanoGPTBudgetMiddleware(usd="0.50", text="Enough.")
    fallback: AgentMiddleware = NanoGPTFallbackMiddleware("a/b", "c/d", pay_again=True)
    _ = ledger, budget, fallback


def mistakes() -> None:
    ChatNanoGPT(model=MODEL, temperature="hot")  # type: ignore[arg-type]
    ChatNanoGPT(model=MODEL, temprature=0.2)  # type: ignore[call-arg]
    ChatNanoGPT(model=MODEL, reasoning_effort="huge")  # type: ignore[arg-type]
    ChatNanoGPT()  # type: ignore[call-arg]
    NanoGPTEmbeddings(model="BAAI/bge-m3", dimensions="many")  # type: ignore[arg-type]
    NanoGPTImageTool(sise="512x512")  # type: ignore[call-arg]
    NanoGPT(model=MODEL, temperature="hot")  # type: ignore[arg-type]
    NanoGPT(model=MODEL, temprature=0.2)  # type: ignore[call-arg]
    NanoGPTRerank(top_n="many")  # type: ignore[arg-type]
    LlamaIndexRerank(topn=3)  # type: ignore[call-arg]
    NanoGPTModerationMiddleware(on_flagged="ignore")  # type: ignore[arg-type]
    NanoGPTModerationMiddleware(apikey="key")  # type: ignore[call-arg]
    NanoGPTEmbedding(model="BAAI/bge-m3")  # type: ignore[call-arg]
    NanoGPTToolSpec(api_key="key").speak(txt="hi")  # type: ignore[call-arg]
    NanoGPTToolSpec(api_key="key").generate_image(prompt="a fox", n="two")  # type: ignore[arg-type]
    Ledger(on_entry="print")  # type: ignore[arg-type]
    NanoGPTBudgetMiddleware()  # type: ignore[call-arg]
