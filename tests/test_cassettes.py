"""Recorded exchanges, replayed with nothing listening: what was sent and answered still fits.

The cassettes in ``tests/cassettes/sandbox`` come from the sandbox, not from NanoGPT; ``make
record`` makes them anew, and with a key those of NanoGPT as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient

pytestmark = pytest.mark.vcr

MODEL = "openai/gpt-5.2"
EMBEDDING = "text-embedding-3-small"
ASK = "Reply with exactly one word: pong"


@pytest.fixture
def client(recorded) -> Iterator[NanoGPTClient]:
    with NanoGPTClient(recorded.api_key, base_url=recorded.base_url, max_retries=0) as client:
        yield client


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def test_chat(client):
    answer = client.chat(ASK, model=MODEL, max_tokens=64)
    assert "pong" in answer.text.lower()
    assert answer.finish_reason == "stop"
    assert answer.usage.total_tokens > 0
    assert answer.billing.cost > 0


def test_stream(client):
    chunks = list(client.stream_chat(ASK, model=MODEL, max_tokens=64))
    assert "pong" in "".join(chunk.text for chunk in chunks).lower()
    assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
    assert chunks[-1].billing.cost > 0


async def test_async_stream(client):
    shared = AsyncNanoGPTClient.sharing(client)
    chunks = [chunk async for chunk in shared.stream_chat(ASK, model=MODEL, max_tokens=64)]
    assert "pong" in "".join(chunk.text for chunk in chunks).lower()
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens


def test_web_search(client):
    answer = client.chat("What is the Nano currency?", model=MODEL, web_search=True, max_tokens=64)
    assert all(citation.url.startswith("http") for citation in answer.citations)


def test_embeddings(client):
    vectors = client.embed(["red", "blue"], model=EMBEDDING, dimensions=8).vectors
    assert vectors.shape == (2, 8)


def test_transcription(client, tmp_path):
    speech = client.speak("one two three", model="tts-1", voice="alloy")
    heard = client.transcribe(speech.save(tmp_path / "speech"), model="Whisper-Large-V3")
    assert "two" in heard.text


def test_models_and_balance(client):
    assert MODEL in {model.id for model in client.list_models("text")}
    assert client.balance().usd is not None


def test_langchain(client):
    model = ChatNanoGPT(model=MODEL, client=client, max_tokens=64)
    assert "pong" in model.invoke(ASK).text.lower()
    assert "pong" in "".join(chunk.text for chunk in model.stream(ASK)).lower()


def test_langchain_tools(client):
    model = ChatNanoGPT(model=MODEL, client=client, max_tokens=64).bind_tools([weather])
    answer = model.invoke([HumanMessage("What is the weather in Paris?")])
    assert answer.tool_calls[0]["args"] == {"city": "Paris"}


def test_langchain_embeddings(client):
    embeddings = NanoGPTEmbeddings(model=EMBEDDING, client=client, dimensions=8)
    assert [len(vector) for vector in embeddings.embed_documents(["red", "blue"])] == [8, 8]


def test_llama_index(client):
    llm = NanoGPT(model=MODEL, client=client, max_tokens=64)
    messages = [ChatMessage(content=ASK)]
    assert "pong" in (llm.chat(messages).message.content or "").lower()
    last = list(llm.stream_chat(messages))[-1]
    assert "pong" in (last.message.content or "").lower()


def test_llama_index_embedding(client):
    embedding = NanoGPTEmbedding(model_name=EMBEDDING, client=client, dimensions=8)
    assert len(embedding.get_text_embedding("red")) == 8
