"""Chat: whole and streamed, tools, reasoning, limits, search, memory, subscription, media."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Citation, Reply, SandboxApp, ToolCall, Turn
from nanogpt_client.sandbox.media.audio import synthesize
from tests.sandbox.asking import (
    CHAT,
    HELLO,
    MODEL,
    QUESTION,
    WEATHER,
    ask,
    chat,
    chunks,
    code,
    data_url,
    deltas,
    image,
    message,
    pdf,
)

REASONING = "anthropic/claude-opus-4.6:thinking"
OPEN = "zai-org/glm-5"
GEMINI = "google/gemini-3-flash-preview"
DRAWING = "gemini-3-pro-image-preview"
SMALL = "Doctor-Shotgun/MS3.2-24B-Magnum-Diamond"  # 16,384 tokens
CALL = ToolCall("look", {"where": "in the garden behind the house"})
SOURCE = Citation("https://a.example", "A", 4, 9, "quick")


def saying(*args: Any, **kwargs: Any) -> SandboxApp:
    """Return an app whose model always gives this turn."""
    return SandboxApp(model=lambda _: Turn(*args, **kwargs))


def content(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]


def cost(reply: Reply) -> Decimal:
    assert reply.status == 200, reply.content
    return Decimal(str(reply.json()["x_nanogpt_pricing"]["cost"]))


def test_a_whole_reply_and_its_price():
    reply = chat(SandboxApp(clock=lambda: 1_700_000_000.5))
    found = reply.json()
    assert (found["object"], found["created"]) == ("chat.completion", 1_700_000_000)
    assert (found["model"], found["choices"][0]["finish_reason"]) == (MODEL, "stop")
    assert message(reply)["role"] == "assistant"
    assert message(reply)["content"]
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}
    dollars = usage["prompt_tokens"] * Decimal("1.75") + usage["completion_tokens"] * 14
    assert cost(reply) == dollars / 1_000_000
    assert found["x_nanogpt_pricing"]["paymentSource"] == "USD"


@pytest.mark.parametrize("usage", [False, True])
def test_a_stream_starts_with_the_role_and_ends_with_the_finish(usage):
    options = {"stream_options": {"include_usage": True}} if usage else {}
    first, *middle, last = chunks(chat(SandboxApp(), stream=True, **options))
    assert first["choices"][0]["delta"] == {"role": "assistant"}
    assert {chunk["object"] for chunk in (first, *middle, last)} == {"chat.completion.chunk"}
    assert {chunk["choices"][0]["finish_reason"] for chunk in (first, *middle)} == {None}
    assert last["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert last["x_nanogpt_pricing"]["cost"] > 0
    assert ("usage" in last) is usage
    assert not [chunk for chunk in middle if {"usage", "x_nanogpt_pricing"} & chunk.keys()]
    assert len({chunk["id"] for chunk in (first, *middle, last)}) == 1


@pytest.mark.parametrize("extra", [
    {}, {"model": REASONING}, {"tools": [WEATHER]}, {"model": f"{MODEL}:online"},
    {"model": DRAWING},
])  # fmt: skip
def test_a_stream_adds_up_to_the_whole_reply(extra):
    whole = chat(SandboxApp(), QUESTION, **extra).json()["choices"][0]
    streamed = chat(SandboxApp(), QUESTION, stream=True, **extra)
    for name in ("content", "reasoning"):
        assert "".join(deltas(streamed, name)) == (whole["message"].get(name) or "")
    for name in ("annotations", "images"):
        assert [each for delta in deltas(streamed, name) for each in delta] == whole["message"].get(
            name, []
        )
    calls = [call for calls in deltas(streamed, "tool_calls") for call in calls]
    if calls:
        first, *rest = calls
        (call,) = whole["message"]["tool_calls"]
        assert first["function"] == {"name": "get_weather", "arguments": ""}
        assert first["id"].startswith("call_")
        assert {frozenset(part) for part in rest} == {frozenset({"index", "function"})}
        arguments = "".join(part["function"]["arguments"] for part in rest)
        assert arguments == call["function"]["arguments"]
    assert chunks(streamed)[-1]["choices"][0]["finish_reason"] == whole["finish_reason"]


def test_several_choices():
    found = chat(SandboxApp(), n=3).json()
    assert [choice["index"] for choice in found["choices"]] == [0, 1, 2]
    streamed = chunks(chat(SandboxApp(), n=2, stream=True, stream_options={"include_usage": True}))
    ends = [chunk for chunk in streamed if chunk["choices"][0]["finish_reason"]]
    assert [chunk["choices"][0]["index"] for chunk in ends] == [0, 1]
    assert ["usage" in chunk for chunk in ends] == [False, True]


def test_a_stop_sequence_ends_everything_after_it():
    app = saying("The quick fox.", "", (CALL,), (SOURCE,))
    reply = chat(app, stop=["fox", "quick"])
    assert message(reply) == {"role": "assistant", "content": "The "}
    assert reply.json()["choices"][0]["finish_reason"] == "stop"
    assert message(chat(app, stop="fox"))["annotations"]  # of text before it


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(("turn", "limit", "left"), [
    (Turn("one two three four five six"), 3, {"content"}),
    (Turn("An answer.", "A long line of thought, word by word by word."), 4, {"reasoning"}),
    (Turn(tool_calls=(CALL, CALL)), 2, {"tool_calls"}),
])  # fmt: skip
def test_the_token_limit_counts_reasoning_text_and_calls(turn, limit, left, name):
    reply = chat(SandboxApp(model=lambda _: turn), model=REASONING, **{name: limit})
    found = message(reply)
    said = {key: found.get(key) for key in ("content", "reasoning", "tool_calls")}
    assert {key for key, value in said.items() if value} == left
    assert reply.json()["choices"][0]["finish_reason"] == "length"
    assert reply.json()["usage"]["completion_tokens"] <= limit
    if left == {"tool_calls"}:
        (call,) = found["tool_calls"]
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            json.loads(call["function"]["arguments"])


@pytest.mark.parametrize(("model", "extra", "reasons"), [
    (MODEL, {}, False), (MODEL, {"reasoning_effort": "low"}, True),
    (MODEL, {"reasoning": {"effort": "high"}}, True),
    (MODEL, {"reasoning": {"effort": "high"}, "reasoning_effort": "none"}, False),
    (REASONING, {}, True), (f"{REASONING}:8192", {}, True),
    (REASONING, {"reasoning_effort": "none"}, False),
    ("openai/gpt-4o", {"reasoning_effort": "high"}, False),
    (REASONING, {"reasoning": {"exclude": True}}, False),
    (f"{REASONING}:reasoning-exclude", {}, False),
])  # fmt: skip
def test_who_shows_reasoning(model, extra, reasons):
    found = message(chat(SandboxApp(), model=model, **extra))
    assert ("reasoning" in found) is reasons
    if reasons:
        details = "".join(part["text"] for part in found["reasoning_details"])
        assert details == found["reasoning"]


def test_hidden_reasoning_is_still_billed():
    hidden = chat(SandboxApp(), model=REASONING, reasoning={"exclude": True}).json()
    assert hidden["usage"] == chat(SandboxApp(), model=REASONING).json()["usage"]
    assert hidden["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize(("path", "extra"), [
    ("/api/v1legacy/chat/completions", {}),
    (CHAT, {"reasoning": {"delta_field": "reasoning_content"}}),
])  # fmt: skip
def test_the_legacy_name_of_reasoning(path, extra):
    body = {"model": REASONING, "messages": HELLO, **extra}
    found = message(ask(SandboxApp(), "POST", path, body))
    assert found["reasoning_content"]
    assert not {"reasoning", "reasoning_details"} & found.keys()
    streamed = ask(SandboxApp(), "POST", path, body | {"stream": True})
    assert "".join(deltas(streamed, "reasoning_content")) == found["reasoning_content"]


def test_the_thinking_root_puts_reasoning_into_the_content():
    body = {"model": f"{REASONING}:online", "messages": [{"role": "user", "content": "Nano?"}]}
    plain = message(ask(SandboxApp(), "POST", CHAT, body))
    inline = message(ask(SandboxApp(), "POST", "/api/v1thinking/chat/completions", body))
    assert inline["content"] == f"<think>\n{plain['reasoning']}\n</think>\n\n{plain['content']}"
    assert "reasoning" not in inline

    def cited(found: dict[str, Any]) -> list[str]:
        spans = [each["url_citation"] for each in found["annotations"]]
        return [found["content"][each["start_index"] : each["end_index"]] for each in spans]

    assert cited(inline) == cited(plain) != []


@pytest.mark.parametrize(("model", "extra", "price"), [
    ("openai/gpt-4o:online", {}, "0.006"),
    ("openai/gpt-4o:ONLINE/linkup-deep", {}, "0.06"), (f"{MODEL}:online", {}, "0.01"),
    (f"{MODEL}:online/tavily", {}, "0.008"),
    (MODEL, {"webSearch": {"enabled": True, "provider": "kagi"}}, "0.002"),
    (f"{MODEL}:online/linkup-deep", {"webSearch": {"enabled": True, "provider": "exa"}}, "0.005"),
])  # fmt: skip
def test_web_search_cites_and_costs(model, extra, price):
    app = SandboxApp(balance="50")
    reply = chat(app, "What is Nano?", model=model, **extra)
    found = message(reply)
    for annotation in found["annotations"]:
        cited = annotation["url_citation"]
        assert annotation["type"] == "url_citation"
        assert cited["url"].startswith("https://")
        assert 0 <= cited["start_index"] < cited["end_index"] <= len(found["content"])
    assert reply.json()["usage"]["num_search_queries"] == 1
    rate = cost(chat(app, "What is Nano?", model=model.partition(":")[0], max_tokens=1))
    assert 0 < cost(reply) - Decimal(price) < rate + Decimal("0.02")


@pytest.mark.parametrize(("suffix", "expected"), [
    (":online", "webSearch_balance_required"), (":memory", "memory_balance_required"),
    (":online:memory-30", "both_balance_required"),
])  # fmt: skip
def test_extras_that_the_balance_does_not_cover_are_named(suffix, expected):
    assert code(chat(SandboxApp(balance="0.000001"), model=MODEL + suffix)) == (402, expected)


def test_memory_costs_extra_and_lifts_the_window():
    plain = cost(chat(SandboxApp()))
    body = {"model": MODEL, "messages": HELLO}
    assert cost(chat(SandboxApp(), model=f"{MODEL}:memory")) > plain
    assert cost(ask(SandboxApp(), "POST", CHAT, body, headers={"memory": "true"})) > plain
    assert cost(chat(SandboxApp(), model=f"{MODEL}:memory", memory=False)) == plain
    long = "word " * 20_000
    assert chat(SandboxApp(), "word " * 10_000, model=SMALL).status == 200
    assert code(chat(SandboxApp(), long, model=SMALL)) == (400, "context_length_exceeded")
    assert chat(SandboxApp(), long, model=f"{SMALL}:memory").status == 200


SUBSCRIPTION = "/api/subscription/v1/chat/completions"


def test_the_subscription_covers_its_models():
    app = SandboxApp()
    assert cost(ask(app, "POST", SUBSCRIPTION, {"model": OPEN, "messages": HELLO})) == 0
    assert app.balance == 5
    other = ask(app, "POST", SUBSCRIPTION, {"model": MODEL, "messages": HELLO})
    assert code(other) == (403, "model_not_allowed")


@pytest.mark.parametrize(("extra", "headers"), [
    ({"billing_mode": "paygo"}, {}), ({"provider": "deepinfra"}, {}),
    ({}, {"x-billing-mode": "paid"}), ({}, {"x-provider": "cerebras"}),
])  # fmt: skip
def test_paying_as_you_go_beats_the_subscription(extra, headers):
    body = {"model": OPEN, "messages": HELLO, **extra}
    assert cost(ask(SandboxApp(), "POST", SUBSCRIPTION, body, headers=headers)) > 0


def test_a_chosen_provider_has_its_own_price():
    automatic = cost(chat(SandboxApp(), model=OPEN))
    assert cost(chat(SandboxApp(), model=f"{OPEN}:cerebras")) > automatic


def image_part(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, "detail": "low"}}


def test_images_are_described():
    red = image_part(data_url(image("red", (40, 30))))
    found = chat(SandboxApp(), content(red))
    assert "40x30" in message(found)["content"]
    assert "red" in message(found)["content"]
    assert found.json()["usage"]["prompt_tokens"] > 255
    elsewhere = "https://images.example/boat.jpg"
    found = chat(SandboxApp(), content(image_part(elsewhere)))
    assert elsewhere in message(found)["content"]
    app = SandboxApp()
    request = {"prompt": "a boat", "size": "256x128", "response_format": "url"}
    own = ask(app, "POST", "/api/v1/images/generations", request).json()["data"][0]["url"]
    assert "256x128" in message(chat(app, content(image_part(own))))["content"]


def test_recordings_are_transcribed():
    data = b64encode(synthesize("The red fox jumps.", format="wav")[0]).decode()
    part = {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    reply = chat(SandboxApp(), content(part), model=GEMINI)
    assert "The red fox jumps." in message(reply)["content"]
    assert reply.json()["usage"]["prompt_tokens_details"]["audio_tokens"] > 0


SECRET = b"The secret word is quokka."
PLAIN = b64encode(SECRET).decode()
PDF = data_url(pdf(b"BT /F1 12 Tf (" + SECRET + b") Tj ET"), "application/pdf")


@pytest.mark.parametrize("part", [
    {"type": "file", "file": {"filename": "a.txt", "file_data": data_url(SECRET, "text/plain")}},
    {"type": "file", "file": {"filename": "a.txt", "file_data": PLAIN}},
    {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
])  # fmt: skip
def test_documents_are_read(part):
    assert "quokka" in message(chat(SandboxApp(), content(part)))["content"]


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.4\n", pdf(b"BT /F1 12 Tf ET")[:80]])
def test_a_broken_pdf_breaks_nothing(data):
    part = {"type": "file", "file": {"filename": "a.pdf",
                                     "file_data": data_url(data, "application/pdf")}}  # fmt: skip
    assert chat(SandboxApp(), content(part)).status in {200, 400}


@pytest.mark.parametrize(("url", "named"), [
    ("https://films.example/cat.mp4", "https://films.example/cat.mp4"),
    ("data:video/mp4;base64,AAAA", "video/mp4, 3 bytes"),
])  # fmt: skip
def test_videos_are_named(url, named):
    part = {"type": "video_url", "video_url": {"url": url}}
    assert named in message(chat(SandboxApp(), content(part), model=GEMINI))["content"]


def test_a_drawing_model_draws():
    (drawn,) = message(chat(SandboxApp(), "Draw a boat.", model=DRAWING))["images"]
    assert drawn["image_url"]["url"].startswith("data:image/png;base64,")


def test_a_compressed_request():
    raw = gzip.compress(json.dumps({"model": MODEL, "messages": HELLO}).encode())
    reply = ask(SandboxApp(), "POST", CHAT, raw=raw, headers={"content-encoding": "gzip"})
    assert reply.status == 200


@pytest.mark.parametrize(("path", "headers", "expected"), [
    (CHAT, {"content-encoding": "zstd"}, (415, "unsupported_content_encoding")),
    ("/api/v1/embeddings", {"content-encoding": "gzip"}, (415, "unsupported_content_encoding")),
    (CHAT, {"content-encoding": "gzip", "content-type": "text/plain"},
     (415, "unsupported_media_type")),
    (CHAT, {"content-encoding": "gzip"}, (400, "invalid_json")),
])  # fmt: skip
def test_compression_that_is_refused(path, headers, expected):
    assert code(ask(SandboxApp(), "POST", path, raw=b"no gzip", headers=headers)) == expected


def test_a_bomb_is_too_large():
    bomb = gzip.compress(b" " * (33 * 1024 * 1024))
    reply = ask(SandboxApp(), "POST", CHAT, raw=bomb, headers={"content-encoding": "gzip"})
    assert reply.status == 413


def test_the_service_tier_is_echoed():
    assert chat(SandboxApp(), service_tier="flex").json()["service_tier"] == "flex"
    assert "service_tier" not in chat(SandboxApp()).json()
