"""Every wire shape that was seen: read whole, streamed, and cut at every byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client import errors
from nanogpt_client._protocol.call import Call, Reply
from nanogpt_client._protocol.policy import send_with_retries, stream_events
from nanogpt_client._protocol.steps import Chunk
from nanogpt_client.endpoints import (
    account,
    batches,
    catalog,
    embeddings,
    pages,
    payments,
    search,
    video,
    voices,
)
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.endpoints.images import generate_image
from nanogpt_client.endpoints.memory import compress_memory
from nanogpt_client.endpoints.moderation import moderate
from nanogpt_client.endpoints.rerank import rerank
from nanogpt_client.endpoints.speech import speak
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.errors import APIStatusError
from nanogpt_client.types.batches import Batch
from tests.support.driving import END, connected, context, drive, first_call
from tests.support.paths import SAMPLES

CASES = sorted(path for path in SAMPLES.iterdir() if path.is_dir())


# The call whose answer each route's samples are.
ROUTES: dict[str, Callable[[], Call[Any]]] = {
    "chat": lambda: chat("hi", model="m"),
    "embed": lambda: embeddings.embed(["a", "b"], model="m"),
    "image": lambda: first_call(generate_image("a cat", model="m")),
    "speech": lambda: first_call(speak("hi", model="m")),
    "transcription": lambda: first_call(transcribe(b"RIFF", model="m")),
    "video": lambda: first_call(video.submit_video("a cat", model="m")),
    "batch": lambda: batch_status("batch_abc123", inline=False),
    "batches": batches.listed,
    "video_status": lambda: video.video_status("vid_sample"),
    "pages": lambda: pages.scrape_pages(["https://example.com/a", "https://example.com/b"]),
    "transcripts": lambda: pages.youtube_transcripts(
        ["https://youtu.be/kJQP7kiw5Fk", "https://youtu.be/xxxxxxxxxxx"]
    ),
    "voice_status": lambda: voices.voice_clone_status("run", provider="qwen"),
    "search": lambda: search.search_web("nano"),
    "rerank": lambda: first_call(rerank("nano", ["a", "b"], model="m")),
    "moderation": lambda: moderate("nano"),
    "memory": lambda: compress_memory("nano"),
    "models": catalog.list_models,
    "balance": account.balance,
    "payment": lambda: payments.payment_status("pay_sample"),
    "usage": account.usage,
    "deposit": lambda: account.create_deposit("btc", 1),
}


def batch_status(name: str, *, inline: bool) -> Call[Any]:
    """Return the call for the state of a batch."""
    call: Call[Any] = first_call(batches.status(Batch(name, "validating", is_inline=inline)))
    return call


# How each word of an expected.json is read off the result; others are its attributes.
READ: dict[str, Callable[[Any], Any]] = {
    "prompt_tokens": lambda r: r.usage.prompt_tokens,
    "completion_tokens": lambda r: r.usage.completion_tokens,
    "cache_read_tokens": lambda r: r.usage.cache_read_tokens,
    "cost": lambda r: plain(r.billing.cost),
    "cost_nano": lambda r: plain(r.billing.cost_nano),
    "balance": lambda r: plain(r.billing.balance),
    "request_id": lambda r: r.billing.request_id,
    "tool_calls": lambda r: [[call.id, call.name, call.arguments] for call in r.tool_calls],
    "citations": lambda r: [citation.url for citation in r.citations],
    "images": lambda r: list(r.images),
    "refusal": lambda r: r.message.refusal,
    "vectors": lambda r: r.vectors.tolist(),
    "mime_type": lambda r: r[0].mime_type,
    "texts": lambda r: [item.text for item in r],
    "errors": lambda r: [item.error for item in r],
    "urls": lambda r: [hit.url for hit in r],
    "categories": lambda r: list(r.categories),
    "ranks": lambda r: [[each.index, each.score, each.text] for each in r],
    "ids": lambda r: [model.id for model in r],
    "batch_ids": lambda r: [batch.id for batch in r.batches],
    "prompt_usd": lambda r: [plain(model.prompt_usd) for model in r],
    "usd": lambda r: plain(r.usd),
    "cost_usd": lambda r: plain(r.cost_usd),
    "job": lambda r: r.status,
    "state": lambda r: r.status,
    "why": lambda r: r.error,
    "url": lambda r: r[0].url if hasattr(r, "images") else r.url,
}


def plain(amount: Any) -> str | None:
    return None if amount is None else str(amount)


def check(result: Any, expected: dict[str, Any]) -> None:
    words = [word for word in expected if word not in {"route", "status", "error"}]
    read = {word: READ.get(word, lambda r, w=word: getattr(r, w))(result) for word in words}
    assert read == {word: expected[word] for word in words}


def check_error(error: Any, expected: dict[str, Any]) -> None:
    assert type(error) is getattr(errors, expected["error"]), repr(error)
    for word in ("code", "type"):
        assert getattr(error, word) == expected.get(word, getattr(error, word))
    if "required_usd" in expected:
        assert plain(getattr(error, "required_usd", None)) == expected["required_usd"]
    if "text" in expected:
        assert error.partial.text == expected["text"]


def expected_of(sample: Path) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((sample / "expected.json").read_text("utf-8"))
    return expected


def reply_of(sample: Path) -> Reply:
    kind = "json" if (sample / "reply.json").exists() else "html"
    headers = {"content-type": "application/json" if kind == "json" else "text/html"}
    body = (sample / f"reply.{kind}").read_bytes()
    return Reply(expected_of(sample).get("status", 200), headers, body)


def named(samples: list[Path]) -> Any:
    return pytest.mark.parametrize("sample", samples, ids=lambda sample: sample.name)


STREAMS = [sample for sample in CASES if (sample / "stream.sse").exists()]
REPLIES = [sample for sample in CASES if sample not in STREAMS]
CHATS = [sample for sample in REPLIES if "route" not in expected_of(sample)]


@named(REPLIES)
def test_whole_replies(sample: Path):
    expected = expected_of(sample)
    call = ROUTES[expected.get("route", "chat")]()
    driven = drive(send_with_retries(call, context(max_retries=0)), reply_of(sample))
    if "error" in expected:
        check_error(driven.error, expected)
    else:
        assert driven.error is None
        check(driven.result, expected)


@named(CHATS)
def test_whole_replies_to_a_streamed_request(sample: Path):
    expected = expected_of(sample)
    rules = context(max_retries=0)
    steps = stream_events(stream_chat("hi", model="m"), rules)
    driven = drive(steps, reply_of(sample))
    if "error" in expected:
        check_error(driven.error, expected)
    else:
        assert driven.error is None
        whole = drive(send_with_retries(chat("hi", model="m"), context()), reply_of(sample)).result
        assert driven.text == whole.text
        assert "".join(chunk.reasoning for chunk in driven.items) == whole.reasoning
        assert driven.items[-1].usage == whole.usage
        assert driven.items[-1].billing == whole.billing


def streamed(pieces: list[bytes]) -> tuple[Any, Any]:
    """Stream these bytes; return the flow's record, and the whole of what arrived."""
    call = stream_chat("hi", model="m")
    decoders: list[Any] = []

    def decoder(headers: Any) -> Any:
        decoders.append(call.decoder(headers))
        return decoders[0]

    steps = stream_events(replace(call, decoder=decoder), context())
    # After [DONE] nothing is read any more.
    driven = drive(steps, connected(), *map(Chunk, pieces), END, spare=True)
    return driven, decoders[0].partial()


@named(STREAMS)
@pytest.mark.parametrize("size", [1, 7, 10**6])
def test_streams(sample: Path, size: int):
    data, expected = (sample / "stream.sse").read_bytes(), expected_of(sample)
    driven, partial = streamed([data[i : i + size] for i in range(0, len(data), size)])
    if "error" in expected:
        check_error(driven.error, expected)
        assert driven.text == expected["text"]
    else:
        assert driven.error is None
        check(partial, expected)
        assert driven.text == partial.text
        assert driven.items[-1].finish_reason == expected["finish_reason"]


@named(CASES)
def test_every_sample_says_where_its_shape_was_seen(sample: Path):
    source = (sample / "source.txt").read_text("utf-8")
    assert re.fullmatch(r"contract §\d \[[DLCS]\]: .+\n", source)
    kinds = {"reply.json", "reply.html", "stream.sse"}
    assert len(kinds & {path.name for path in sample.iterdir()}) == 1


@named([sample for sample in CHATS if "status" in expected_of(sample)])
def test_error_samples_keep_their_reply(sample: Path):
    error = errors.error_from_reply(reply_of(sample))
    assert isinstance(error, APIStatusError)
    assert error.response == reply_of(sample)
