"""Recorded exchanges, replayed with nothing listening: what was sent and answered still fits.

The cassettes in ``tests/cassettes/sandbox`` come from the sandbox, not from NanoGPT; ``make
record`` makes them anew, and with a key those of NanoGPT as well. So no test depends on what a
model says.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage
from pydantic import BaseModel

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding
from nanogpt_client import AsyncNanoGPTClient, AuthenticationError, NanoGPTClient
from tests.unit.langchain_nanogpt.samples import picture

pytestmark = [
    pytest.mark.vcr,
    # LlamaIndex's own
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20"),
]

MODEL = "openai/gpt-5.2"
EMBEDDING = "text-embedding-3-small"
ASK = "Reply with exactly one word: pong"


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@pytest.fixture
def client(recorded) -> Iterator[NanoGPTClient]:
    with NanoGPTClient(recorded.api_key, base_url=recorded.base_url, max_retries=0) as client:
        yield client


def test_chat(client):
    answer = client.chat(ASK, model=MODEL, max_tokens=64)
    assert answer.text
    assert answer.finish_reason == "stop"
    assert answer.usage.total_tokens > 0
    assert answer.billing.cost > 0
    message = ChatNanoGPT(model=MODEL, client=client, max_tokens=64).invoke(ASK)
    assert message.text
    assert message.usage_metadata
    assert message.usage_metadata["total_tokens"] > 0
    response: Any = NanoGPT(model=MODEL, client=client, max_tokens=64).chat(
        [ChatMessage(content=ASK)]
    )
    assert response.message.content
    assert response.raw["cost"] > 0


async def test_stream(client):
    shared = AsyncNanoGPTClient.sharing(client)
    stream = client.stream_chat(ASK, model=MODEL, max_tokens=64)
    other = shared.stream_chat(ASK, model=MODEL, max_tokens=64)
    for chunks, either in ((list(stream), stream), ([chunk async for chunk in other], other)):
        last: Any = chunks[-1]
        assert "".join(chunk.text for chunk in chunks) == either.snapshot.text != ""
        assert [chunk.finish_reason for chunk in chunks if chunk.finish_reason] == ["stop"]
        assert last.usage.total_tokens > 0
        assert last.billing.cost > 0


def test_tool_call(client):
    model = ChatNanoGPT(model=MODEL, client=client, max_tokens=64).bind_tools([weather])
    answer = model.invoke([HumanMessage('What is the weather in "Paris"?')])
    assert [call["name"] for call in answer.tool_calls] == ["weather"]
    assert answer.tool_calls[0]["args"] == {"city": "Paris"}
    assert answer.tool_calls[0]["id"]


def test_structured(client):
    llm = NanoGPT(model=MODEL, client=client).as_structured_llm(Person)
    question = [ChatMessage(content='My name is "Ada", and I am 36 years old.')]
    whole, last = llm.chat(question), list(llm.stream_chat(question))[-1]
    assert isinstance(whole.raw, Person)
    assert last.raw == whole.raw


def test_vision(client):
    parts: list[Any] = [
        {"type": "text", "text": "What is in this picture?"},
        {
            "type": "image",
            "base64": base64.b64encode(picture("PNG")).decode(),
            "mime_type": "image/png",
        },
    ]
    answer = ChatNanoGPT(model=MODEL, client=client).invoke([HumanMessage(parts)])
    assert answer.text


def test_citations(client):
    answer = client.chat("What is the Nano currency?", model=f"{MODEL}:online", max_tokens=64)
    assert answer.citations
    assert all(citation.url.startswith("http") for citation in answer.citations)


def test_reasoning(client):
    model = ChatNanoGPT(model="deepseek/deepseek-v3.2:thinking", client=client)
    first, *rest = model.stream("What is 17 times 23?")
    blocks = [block["type"] for block in (first + rest).content_blocks]
    assert blocks == ["reasoning", "text"]


def test_embeddings(client):
    vectors = client.embed(["red", "blue"], model=EMBEDDING, dimensions=8).vectors
    assert vectors.shape == (2, 8)
    langchain = NanoGPTEmbeddings(model=EMBEDDING, client=client, dimensions=8)
    assert langchain.embed_documents(["red", "blue"]) == vectors.tolist()
    llama_index = NanoGPTEmbedding(model_name=EMBEDDING, client=client, dimensions=8)
    assert llama_index.get_text_embedding("red") == vectors[0].tolist()


def test_image(client):
    drawn = client.generate_image(
        "a red circle", model="hidream", size="256x256", response_format="b64_json"
    )
    assert [image.mime_type.partition("/")[0] for image in drawn] == ["image"]
    assert drawn.cost > 0


def test_speech_and_transcription(client, tmp_path):
    speech = client.speak("one two", model="tts-1", voice="alloy")
    heard = client.transcribe(speech.save(tmp_path / "speech"), model="Whisper-Large-V3")
    assert heard.text


def test_balance(client):
    assert client.balance().usd is not None


def test_error(recorded):
    with (
        NanoGPTClient("sk-nano-00000000-0000", base_url=recorded.base_url) as stranger,
        pytest.raises(AuthenticationError) as caught,
    ):
        stranger.chat(ASK, model=MODEL)
    assert caught.value.status_code == 401
    assert caught.value.sends == 1
    assert caught.value.maybe_billed is False
