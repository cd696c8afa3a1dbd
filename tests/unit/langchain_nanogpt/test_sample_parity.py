"""Every wire sample gives one final message, or one error, however it is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_nanogpt import ChatNanoGPT
from langchain_nanogpt._stream_state import without_invalid_ending
from nanogpt_client import NanoGPTError
from tests.conformance.test_samples import CHATS, STREAMS, expected_of, reply_of

pytestmark = pytest.mark.filterwarnings(  # v3 is said to be in beta
    "ignore::langchain_core._api.beta_decorator.LangChainBetaWarning"
)

EVENT_STREAM = {"content-type": "text/event-stream"}


class SampleWire:
    """Answers with a sample; a whole one is also told as a stream, to who asks for that."""

    def __init__(self, sample: Path) -> None:
        self.streamed = None
        if (sample / "stream.sse").exists():
            self.streamed = (sample / "stream.sse").read_bytes()
        else:
            self.reply = reply_of(sample)
            if expected_of(sample).get("error") is None:
                self.streamed = _as_stream(self.reply.json())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.streamed is not None and json.loads(request.content).get("stream"):
            return httpx.Response(200, content=self.streamed, headers=EVENT_STREAM)
        reply = self.reply
        return httpx.Response(reply.status_code, content=reply.body, headers=dict(reply.headers))

    async def answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)

    def model(self, **overrides: Any) -> ChatNanoGPT:
        return ChatNanoGPT(
            model="openai/gpt-5.2",
            api_key="sk-nano-of-the-test",
            max_retries=0,
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)),
            **overrides,
        )


def _as_stream(reply: dict[str, Any]) -> bytes:
    """Tell a whole answer as a stream: its role, its text in halves, the rest, the end."""
    (choice,) = reply["choices"]
    message = dict(choice["message"])
    deltas: list[dict[str, Any]] = [{"role": message.pop("role", "assistant")}]
    text = message.get("content")
    if isinstance(text, str) and text:
        del message["content"]
        deltas += [{"content": text[: len(text) // 2]}, {"content": text[len(text) // 2 :]}]
    if "tool_calls" in message:
        message["tool_calls"] = [
            call | {"index": at} for at, call in enumerate(message["tool_calls"])
        ]
    deltas.insert(1, message)  # reasoning comes before the text
    frames = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    frames.append({"choices": [choice | {"message": None, "delta": {}}]})
    top = {key: value for key, value in reply.items() if key != "choices"}
    lines = [f"data: {json.dumps(top | frame)}\n\n" for frame in frames]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def _summed(chunks: list[Any]) -> Any:
    first, *rest = chunks
    return sum(rest, first)


async def _streamed_ways(model: ChatNanoGPT) -> dict[str, Any]:
    async def astream() -> Any:
        return _summed([chunk async for chunk in model.astream("hi")])

    async def astream_events() -> Any:
        return await (await model.astream_events("hi", version="v3")).output

    return {
        "stream": await _ended(lambda: _summed(list(model.stream("hi")))),
        "astream": await _ended(astream),
        "invoke(stream=True)": await _ended(lambda: model.invoke("hi", stream=True)),
        "ainvoke(stream=True)": await _ended(lambda: model.ainvoke("hi", stream=True)),
        "v3": await _ended(lambda: model.stream_events("hi", version="v3").output),
        "async v3": await _ended(astream_events),
    }


async def _whole_ways(model: ChatNanoGPT) -> dict[str, Any]:
    return {
        "invoke": await _ended(lambda: model.invoke("hi")),
        "ainvoke": await _ended(lambda: model.ainvoke("hi")),
    }


async def _ended(call: Any) -> Any:
    try:
        result = call()
        return await result if hasattr(result, "__await__") else result
    except NanoGPTError as error:
        return error


def _said(outcome: Any) -> Any:
    """Return all that a user learns, in a form that compares."""
    if isinstance(outcome, NanoGPTError):
        text = outcome.partial.text if outcome.partial else ""
        return type(outcome), str(outcome), outcome.code, outcome.status_code, text
    metadata = {k: v for k, v in outcome.response_metadata.items() if k != "output_version"}
    blocks = sorted(map(_plain, outcome.content_blocks))
    calls = [(call["id"], call["name"], call["args"]) for call in outcome.tool_calls]
    invalid = [
        (c["id"], c["name"], without_invalid_ending(c["args"])) for c in outcome.invalid_tool_calls
    ]
    return blocks, metadata, outcome.usage_metadata, calls, invalid, outcome.text


def _plain(block: Any) -> str:
    """Without the index, which streams alone need, and with LangChain's forms of a call as one.

    It words the error of a call that it cannot read itself, and of streams it leaves such calls in
    the content (v1) as they came.
    """
    if block["type"] in {"tool_call_chunk", "invalid_tool_call"}:
        args = without_invalid_ending(block["args"])
        block = {"type": "invalid", "id": block["id"], "name": block.get("name"), "args": args}
    return repr(sorted((k, v) for k, v in block.items() if k != "index" and v not in ({}, None)))


def _same(outcomes: dict[str, Any]) -> Any:
    said = {way: _said(outcome) for way, outcome in outcomes.items()}
    first, *_ = said.values()
    for way, outcome in said.items():
        assert outcome == first, way
    return first


@pytest.mark.unwatched
@pytest.mark.parametrize("sample", [*CHATS, *STREAMS], ids=lambda sample: sample.name)
async def test_every_way_and_version_says_the_same(sample):
    outcomes: dict[str, Any] = {}
    for version in ("v0", "v1"):
        model = SampleWire(sample).model(output_version=version)
        ways = {} if sample in STREAMS else await _whole_ways(model)
        ways |= await _streamed_ways(model)
        outcomes |= {f"{version} {way}": outcome for way, outcome in ways.items()}
    assert len(outcomes) == (12 if sample in STREAMS else 16)
    _same(outcomes)
