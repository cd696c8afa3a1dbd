"""Any framing of a stream folds to the same message; any JSON is an answer or a typed error.

The decoder of events and the folding of frames have properties of their own; these go through whole
calls: bytes in, `ChatCompletion` out, in the core and through both adapters.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llama_index.core.llms import ChatMessage

from nanogpt_client import ChatCompletion, NanoGPTClient, NanoGPTError
from nanogpt_client._protocol.policy import send_with_retries, stream_events
from nanogpt_client._protocol.steps import Chunk
from nanogpt_client.endpoints.chat import stream_chat
from tests.conformance.test_samples import ROUTES
from tests.promises.answers import (
    langchain_chat,
    langchain_embeddings,
    llama_chat,
    llama_embedding,
)
from tests.support.driving import END, ODD_VALUES, Driven, connected, context, drive, reply
from tests.support.paths import SAMPLES

# There are some hundred fields; the usual hundred examples would miss most.
EXAMPLES = 400

# Streams: the frames, and their way onto the wire

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
FRAGMENTS = st.builds(
    lambda index, text: {"tool_calls": [{"index": index, "function": {"arguments": text}}]},
    st.integers(0, 1),
    TEXTS,
)
DELTAS = st.one_of(
    st.builds(lambda text: {"content": text}, TEXTS),
    st.builds(lambda text: {"reasoning": text, "content": ""}, TEXTS),
    FRAGMENTS,
)
BEGINNING = [
    {"role": "assistant", "content": ""},
    *(
        {"tool_calls": [{"index": i, "id": f"c{i}", "function": {"name": f"f{i}"}}]}
        for i in range(2)
    ),
]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def frames_of(deltas: list[dict[str, Any]], finish: str, *, trailing: bool) -> list[Any]:
    """Return an answer's frames, with the usage beside or behind the finish reason."""
    frames = [
        {"id": "i", "model": "m", "choices": [{"index": 0, "delta": delta}]}
        for delta in [*BEGINNING, *deltas]
    ]
    ending = {"id": "i", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    costs = {"usage": USAGE, "x_nanogpt_pricing": {"costUsd": 0.25, "currency": "USD"}}
    last = [ending, {"choices": [], **costs}] if trailing else [{**ending, **costs}]
    return [*frames, *last]


PLAIN = {"end": b"\n", "indent": None, "noise": b"", "ascii": True, "done": True}
FRAMINGS = st.fixed_dictionaries(
    {
        "end": st.sampled_from([b"\n", b"\r\n", b"\r"]),
        "indent": st.sampled_from([None, 0, 1]),
        "noise": st.sampled_from([b"", b": keep-alive", b"event: message", b"id: 7", b":"]),
        "ascii": st.booleans(),
        "done": st.booleans(),
    }
)


def framed(frames: list[Any], framing: dict[str, Any]) -> bytes:
    """Return frames as an event stream; an indented one has several lines of data."""
    end, noise, lines = framing["end"], framing["noise"], []
    for frame in frames:
        text = json.dumps(frame, indent=framing["indent"], ensure_ascii=framing["ascii"])
        lines += [noise, b"", noise] if noise.startswith(b":") else [noise] if noise else []
        lines += [b"data: " + line.encode() for line in text.split("\n")]
        lines.append(b"")
    lines += [b"data: [DONE]", b""] if framing["done"] else []
    return b"".join(line + end for line in lines)


def folded(pieces: list[bytes]) -> tuple[ChatCompletion, Driven]:
    """Stream a chat whose bytes come in these pieces."""
    decoders: list[Any] = []
    call = stream_chat("hi", model="m")

    def decoder(headers: Any) -> Any:
        decoders.append(call.decoder(headers))
        return decoders[0]

    steps = stream_events(replace(call, decoder=decoder), context())
    driven = drive(steps, connected(), *map(Chunk, pieces), END, spare=True)
    return decoders[0].partial(), driven


@given(
    deltas=st.lists(DELTAS, max_size=8),
    finish=st.sampled_from(["stop", "tool_calls", "length"]),
    trailing=st.booleans(),
    framing=FRAMINGS,
    places=st.lists(st.integers(min_value=0), max_size=12),
)
def test_any_framing_folds_to_the_same_message(deltas, finish, trailing, framing, places):
    frames = frames_of(deltas, finish, trailing=trailing)
    data = framed(frames, framing)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges) if a < b]
    expected, plain = folded([framed(frames, PLAIN)])
    found, driven = folded(pieces)
    assert driven.error is plain.error is None
    assert found == expected
    assert driven.text == plain.text == found.text
    assert found.text == "".join(delta.get("content", "") for delta in deltas)
    assert found.choices[0].message.reasoning == "".join(d.get("reasoning", "") for d in deltas)
    assert (found.finish_reason, str(found.billing.cost)) == (finish, "0.25")


@given(st.lists(DELTAS, max_size=4), FRAMINGS, st.integers(min_value=0))
def test_a_stream_that_is_cut_anywhere_is_no_answer(deltas, framing, place):
    """Up to the finish reason, of course, which is in the last frame here."""
    frames = frames_of(deltas, "stop", trailing=False)
    before = framed(frames[:-1], framing | {"done": False})
    partial, driven = folded([before[: place % (len(before) + 1)]])
    assert driven.error is not None
    assert driven.error.partial == partial
    whole = "".join(delta.get("content", "") for delta in deltas)
    assert whole.startswith(partial.text)


# Any JSON type in any field

JSON = st.recursive(
    st.sampled_from(ODD_VALUES),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["text", "url", "id", "error", "type"]), inner, max_size=2
        )
    ),
    max_leaves=5,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every field of a JSON value, at any depth, and to the value itself."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(each, (*path, key))


def with_value(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a reply with another value in one of its fields."""
    if not path:
        return value
    changed = place = copy.deepcopy(body)
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def bodies(*kinds: str) -> dict[str, Any]:
    """Return the JSON replies of the samples whose names begin so."""
    files = sorted(SAMPLES.glob("*/reply.json"))
    return {
        file.parent.name: json.loads(file.read_text("utf-8"))
        for file in files
        if file.parent.name.startswith(kinds)
    }


PREFIXES = {
    "chat": ("chat", "error"),
    "embed": ("embeddings",),
    "image": ("image",),
    "speech": ("speech",),
    "transcription": ("transcription",),
    "video": ("video-ticket",),
    "video_status": ("video",),
    "search": ("search",),
    "models": ("models",),
    "balance": ("balance",),
    "usage": ("usage",),
    "deposit": ("deposit",),
    "batch": ("batch-",),
    "batches": ("batch-",),
    "pages": ("pages",),
    "transcripts": ("transcripts",),
    "voice_status": ("voice",),
    "rerank": ("rerank",),
    "moderation": ("moderation",),
    "memory": ("memory",),
    "payment": ("payment", "error-x402"),
}


def odd_replies(*kinds: str) -> st.SearchStrategy[Any]:
    """Return samples with any JSON in any of their fields."""
    fields = [(body, path) for body in bodies(*kinds).values() for path in paths(body)]
    assert len(fields) > 3
    return st.builds(
        lambda field, value: with_value(field[0], field[1], value), st.sampled_from(fields), JSON
    )


@pytest.mark.parametrize("route", ROUTES)
def test_any_field_of_a_reply_may_be_anything(route):
    @settings(max_examples=EXAMPLES)
    @given(odd_replies(*PREFIXES[route]), st.sampled_from([200, 200, 400, 429, 503]))
    def check(body: Any, status: int) -> None:
        rules = context(max_retries=0, rate_limit_wait=0.0)
        driven = drive(send_with_retries(ROUTES[route](), rules), reply(body, status))
        assert (driven.error is None) == (rules.ledger.entries[0].outcome == "ok")
        assert len(rules.ledger.entries) == 1

    check()


class Answering:
    """An HTTP transport in this process that answers with the JSON it is given."""

    def __init__(self) -> None:
        self.body: Any = None

    def __call__(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200,
            content=json.dumps(self.body).encode(),
            headers={"content-type": "application/json"},
        )


CHAT_WAYS = {
    "LangChain invoke": lambda client: langchain_chat(client=client).invoke("hi"),
    "LangChain stream": lambda client: list(langchain_chat(client=client).stream("hi")),
    "LlamaIndex chat": lambda client: llama_chat(client=client).chat([ChatMessage("hi")]),
    "LlamaIndex stream": lambda client: list(
        llama_chat(client=client).stream_chat([ChatMessage("hi")])
    ),
}
EMBED_WAYS = {
    "LangChain embed": lambda client: langchain_embeddings(client=client).embed_query("hi"),
    "LlamaIndex embed": lambda client: llama_embedding(client=client).get_text_embedding("hi"),
}


@pytest.mark.parametrize("way", [*CHAT_WAYS, *EMBED_WAYS])
def test_the_adapters_take_any_field_too(way):
    server = Answering()
    ask = CHAT_WAYS.get(way) or EMBED_WAYS[way]
    with (
        httpx.Client(transport=httpx.MockTransport(server)) as http,
        NanoGPTClient("any", http_client=http, max_retries=0) as client,
    ):

        @settings(max_examples=EXAMPLES)
        @given(odd_replies("chat" if way in CHAT_WAYS else "embeddings"))
        def check(body: Any) -> None:
            server.body = body
            before = len(client.ledger)
            with suppress(NanoGPTError):
                ask(client)
            assert len(client.ledger) == before + 1

        check()
