"""The official `openai` SDK works against the sandbox's server with only address and key set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO

import openai
import pytest

from nanogpt_client.sandbox import Sandbox

MODEL = "openai/gpt-5.2"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
QUESTION = [{"role": "user", "content": "What is the weather in 'Lisbon'?"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(rate=None) as box:
        yield box


@pytest.fixture
def client(server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as found:
        yield found


def test_chat(client):
    reply = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": "Say hello."}]
    )
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens


def test_a_stream_says_what_the_whole_reply_says(client):
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "What is 6 times 7?"}]}
    whole = client.chat.completions.create(**asked)
    chunks = list(
        client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert [chunk.choices[0].finish_reason for chunk in chunks][-1] == "stop"
    assert chunks[-1].usage == whole.usage


def test_a_tool_is_called_and_its_result_used(client):
    first = client.chat.completions.create(model=MODEL, messages=QUESTION, tools=[WEATHER])
    (call,) = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Lisbon"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "19 degrees and sunny"}
    second = client.chat.completions.create(
        model=MODEL, messages=[*QUESTION, first.choices[0].message, result], tools=[WEATHER]
    )
    assert "19 degrees" in second.choices[0].message.content


def test_a_streamed_tool_call_adds_up(client):
    with client.chat.completions.stream(model=MODEL, messages=QUESTION, tools=[WEATHER]) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Lisbon"}


def test_structured_output(client):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    wanted = {"name": "place", "strict": True, "schema": schema}
    reply = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "I live in the city of 'Lisbon'."}],
        response_format={"type": "json_schema", "json_schema": wanted},
    )
    assert json.loads(reply.choices[0].message.content) == {"city": "Lisbon"}


def test_embeddings_by_the_default_base64(client, server):
    reply = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])
    assert [len(item.embedding) for item in reply.data] == [1536, 1536]
    floats = client.embeddings.create(
        model="text-embedding-3-small", input=["one", "two"], encoding_format="float"
    )
    for packed, plain in zip(reply.data, floats.data, strict=True):
        assert packed.embedding == pytest.approx(plain.embedding)


def test_images(client):
    reply = client.images.generate(model="hidream", prompt="a red boat", size="256x256")
    assert reply.data[0].b64_json
    edited = client.images.edit(
        model="gpt-image-1",
        prompt="make it blue",
        image=("boat.png", _bytes_of(reply), "image/png"),
    )
    assert edited.data[0].b64_json


def test_speech_is_transcribed_back(client):
    text = "The quick brown fox, at 9 o'clock."
    spoken = client.audio.speech.create(
        model="tts-1", input=text, voice="alloy", response_format="wav"
    )
    reply = client.audio.transcriptions.create(
        model="Whisper-Large-V3", file=("speech.wav", BytesIO(spoken.read()))
    )
    assert reply.text == text


def test_streamed_speech(client):
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts",
        input="Hello from the stream.",
        voice="nova",
        extra_body={"stream": True},
    ) as response:
        assert response.headers["content-type"] == "audio/mpeg"
        assert "content-length" not in response.headers
        assert b"".join(response.iter_bytes())[:3] == b"ID3"


def test_models(client):
    assert MODEL in [model.id for model in client.models.list()]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", openai.BadRequestError),
        ("401", openai.AuthenticationError),
        ("403", openai.PermissionDeniedError),
        ("409", openai.ConflictError),
        ("429", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("402", openai.APIStatusError),
        ("402-legacy", openai.APIStatusError),
        ("cut-before", openai.APIConnectionError),
    ],
)
def test_errors_are_the_sdks_own(client, fault, error):
    with pytest.raises(error):
        client.chat.completions.create(
            model=f"sandbox/fault/{fault}", messages=[{"role": "user", "content": "Hello"}]
        )


async def test_async(server):
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key=server.api_key) as client:
        stream = await client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": "Say hello."}], stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text


def _bytes_of(reply) -> bytes:
    import base64  # noqa: PLC0415

    return base64.b64decode(reply.data[0].b64_json)
