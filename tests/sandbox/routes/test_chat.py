"""Chat: whole and streamed, tools, reasoning, limits, search, memory, subscription, media."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64encode
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.media.audio import synthesize
from tests.sandbox.asking import HELLO, MODEL, ask, chat, code, frames, message
from tests.sandbox.pdfs import pdf

THINKER = "anthropic/claude-opus-4.6:thinking"
OPEN = "zai-org/glm-5"
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
QUESTION = "What is the weather in 'Lisbon'?"


def png(colour: str = "red") -> str:
    target = BytesIO()
    Image.new("RGB", (40, 30), colour).save(target, "PNG")
    return "data:image/png;base64," + b64encode(target.getvalue()).decode()


def wav(text: str) -> str:
    return b64encode(synthesize(text, format="wav")[0]).decode()


def show(kind: str, **part) -> list[dict]:
    question = {"type": "text", "text": "What is this?"}
    return [{"role": "user", "content": [question, {"type": kind, **part}]}]


def joined(reply: Reply, name: str = "content") -> str:
    return "".join(frame["choices"][0]["delta"].get(name) or "" for frame in frames(reply))


def cost(reply: Reply) -> Decimal:
    assert reply.status == 200, reply.content
    return Decimal(str(reply.json()["x_nanogpt_pricing"]["cost"]))


def test_a_whole_reply():
    reply = chat(SandboxApp(clock=lambda: 1_700_000_000.5))
    found = reply.json()
    assert found["object"] == "chat.completion"
    assert found["created"] == 1_700_000_000
    assert found["model"] == MODEL
    assert found["choices"][0]["finish_reason"] == "stop"
    assert message(reply)["role"] == "assistant"
    assert message(reply)["content"]
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}


def test_the_price_is_the_catalogues():
    found = chat(SandboxApp()).json()
    usage = found["usage"]
    dollars = usage["prompt_tokens"] * Decimal("1.75") + usage["completion_tokens"] * 14
    assert Decimal(str(found["x_nanogpt_pricing"]["cost"])) == dollars / 1_000_000
    assert found["x_nanogpt_pricing"]["paymentSource"] == "USD"


def test_a_stream_starts_with_the_role_and_ends_with_the_finish():
    first, *middle, last = frames(chat(SandboxApp(), stream=True))
    assert first["choices"][0]["delta"] == {"role": "assistant"}
    assert all(frame["object"] == "chat.completion.chunk" for frame in (first, *middle, last))
    assert {frame["choices"][0]["finish_reason"] for frame in (first, *middle)} == {None}
    assert last["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert last["x_nanogpt_pricing"]["cost"] > 0
    assert not [frame for frame in (first, *middle) if "x_nanogpt_pricing" in frame]
    assert len({frame["id"] for frame in (first, *middle, last)}) == 1


def test_usage_is_on_the_finish_frame_when_asked_for():
    silent = frames(chat(SandboxApp(), stream=True))
    assert not [frame for frame in silent if "usage" in frame]
    asked = frames(chat(SandboxApp(), stream=True, stream_options={"include_usage": True}))
    assert [frame for frame in asked if "usage" in frame] == [asked[-1]]
    assert asked[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("extra", [{}, {"model": THINKER}, {"tools": [WEATHER]}])
def test_a_stream_adds_up_to_the_whole_reply(extra):
    whole = message(chat(SandboxApp(), QUESTION, **extra))
    streamed = chat(SandboxApp(), QUESTION, stream=True, **extra)
    assert joined(streamed) == (whole["content"] or "")
    assert joined(streamed, "reasoning") == whole.get("reasoning", "")
    pieces = [
        call
        for frame in frames(streamed)
        for call in frame["choices"][0]["delta"].get("tool_calls", ())
    ]
    arguments = "".join(piece["function"]["arguments"] for piece in pieces)
    calls = whole.get("tool_calls") or [{"function": {"arguments": ""}}]
    assert arguments == calls[0]["function"]["arguments"]


def test_a_streamed_tool_call_names_itself_once():
    found = frames(chat(SandboxApp(), QUESTION, stream=True, tools=[WEATHER]))
    calls = [frame["choices"][0]["delta"].get("tool_calls") for frame in found]
    first, *rest = [call[0] for call in calls if call]
    assert (first["index"], first["function"]) == (0, {"name": "get_weather", "arguments": ""})
    assert first["id"].startswith("call_")
    assert rest
    assert all(set(piece) == {"index", "function"} for piece in rest)
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_tool_is_called_and_its_result_used():
    app = SandboxApp()
    first = chat(app, QUESTION, tools=[WEATHER])
    assert first.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert message(first)["content"] is None
    (call,) = message(first)["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Lisbon"}
    talk = [
        {"role": "user", "content": QUESTION},
        message(first),
        {"role": "tool", "tool_call_id": call["id"], "content": "19 degrees"},
    ]
    assert "19 degrees" in message(chat(app, talk, tools=[WEATHER]))["content"]


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", False),
        ("required", True),
        ({"type": "function", "function": {"name": "get_weather"}}, True),
    ],
)
def test_tool_choice(choice, called):
    reply = chat(SandboxApp(), "Tell me a joke.", tools=[WEATHER], tool_choice=choice)
    assert bool(message(reply).get("tool_calls")) is called


def test_parallel_tool_calls_can_be_turned_off():
    other = {"type": "function", "function": {"name": "get_time"}}
    tools = [WEATHER, other]
    both = message(chat(SandboxApp(), QUESTION, tools=tools))["tool_calls"]
    assert len(both) == 2
    one = message(chat(SandboxApp(), QUESTION, tools=tools, parallel_tool_calls=False))
    assert one["tool_calls"][0]["function"] == both[0]["function"]
    assert len(one["tool_calls"]) == 1


def test_several_choices():
    found = chat(SandboxApp(), n=3).json()
    assert [choice["index"] for choice in found["choices"]] == [0, 1, 2]
    streamed = frames(chat(SandboxApp(), n=2, stream=True, stream_options={"include_usage": True}))
    ends = [frame for frame in streamed if frame["choices"][0]["finish_reason"]]
    assert [frame["choices"][0]["index"] for frame in ends] == [0, 1]
    assert ["usage" in frame for frame in ends] == [False, True]


def test_a_stop_sequence_ends_the_text():
    whole = message(chat(SandboxApp(), "Count: one two three four"))["content"]
    word = whole.split()[2]
    cut = chat(SandboxApp(), "Count: one two three four", stop=[word, "never"])
    assert message(cut)["content"] == whole[: whole.index(word)]
    assert cut.json()["choices"][0]["finish_reason"] == "stop"
    kept = chat(
        SandboxApp(), "Count: one two three four", stop=word, include_stop_str_in_output=True
    )
    assert message(kept)["content"] == whole[: whole.index(word) + len(word)]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_token_limit_ends_the_text(name):
    whole = message(chat(SandboxApp()))["content"]
    reply = chat(SandboxApp(), **{name: 3})
    assert whole.startswith(message(reply)["content"])
    assert message(reply)["content"] != whole
    assert reply.json()["choices"][0]["finish_reason"] == "length"
    assert reply.json()["usage"]["completion_tokens"] <= 3


def test_the_token_limit_breaks_off_a_tool_call():
    reply = chat(SandboxApp(), QUESTION, tools=[WEATHER], max_tokens=2)
    (call,) = message(reply)["tool_calls"]
    assert reply.json()["choices"][0]["finish_reason"] == "length"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(call["function"]["arguments"])


def test_the_token_limit_ends_a_row_of_tool_calls():
    question = "What is the weather in Lisbon and the weather in Oslo?"
    reply = chat(SandboxApp(), question, tools=[WEATHER], max_tokens=3)
    assert len(message(reply)["tool_calls"]) == 1


def test_log_probabilities():
    choice = chat(SandboxApp(), logprobs=True, top_logprobs=2).json()["choices"][0]
    content = choice["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content) == choice["message"]["content"]
    assert all(entry["logprob"] < 0 and len(entry["top_logprobs"]) == 2 for entry in content)
    assert "logprobs" not in chat(SandboxApp()).json()["choices"][0]
    streamed = frames(chat(SandboxApp(), logprobs=True, stream=True))
    spoken = [frame["choices"][0] for frame in streamed if "logprobs" in frame["choices"][0]]
    assert "".join(entry["logprobs"]["content"][0]["token"] for entry in spoken) == joined(
        chat(SandboxApp(), stream=True)
    )


@pytest.mark.parametrize(
    ("model", "extra", "reasons"),
    [
        (MODEL, {}, False),
        (MODEL, {"reasoning_effort": "low"}, True),
        (MODEL, {"reasoning": {"effort": "high"}}, True),
        (MODEL, {"reasoning": {"effort": "high"}, "reasoning_effort": "none"}, False),
        (THINKER, {}, True),
        (f"{THINKER}:8192", {}, True),
        (THINKER, {"reasoning_effort": "none"}, False),
        ("openai/gpt-4o", {"reasoning_effort": "high"}, False),
        (THINKER, {"reasoning": {"exclude": True}}, False),
        (f"{THINKER}:reasoning-exclude", {}, False),
    ],
)
def test_who_shows_reasoning(model, extra, reasons):
    assert ("reasoning" in message(chat(SandboxApp(), model=model, **extra))) is reasons


def test_hidden_reasoning_is_still_billed():
    hidden = chat(SandboxApp(), model=THINKER, reasoning={"exclude": True}).json()
    shown = chat(SandboxApp(), model=THINKER).json()
    assert hidden["usage"] == shown["usage"]
    assert hidden["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


@pytest.mark.parametrize(
    ("path", "extra"),
    [
        ("/api/v1legacy/chat/completions", {}),
        ("/api/v1/chat/completions", {"reasoning": {"delta_field": "reasoning_content"}}),
        ("/api/v1/chat/completions", {"reasoning_delta_field": "reasoning_content"}),
        ("/api/v1/chat/completions", {"reasoning_content_compat": True}),
    ],
)
def test_the_legacy_name_of_reasoning(path, extra):
    body = {"model": THINKER, "messages": HELLO, **extra}
    found = message(ask(SandboxApp(), "POST", path, body))
    assert found["reasoning_content"]
    assert "reasoning" not in found
    assert "reasoning_details" not in found
    streamed = ask(SandboxApp(), "POST", path, body | {"stream": True})
    assert joined(streamed, "reasoning_content") == found["reasoning_content"]


def test_reasoning_details_mirror_the_reasoning():
    found = message(chat(SandboxApp(), model=THINKER))
    assert "".join(part["text"] for part in found["reasoning_details"]) == found["reasoning"]


def test_the_thinking_root_puts_reasoning_into_the_content():
    path = "/api/v1thinking/chat/completions"
    plain = message(chat(SandboxApp(), model=THINKER))
    found = message(ask(SandboxApp(), "POST", path, {"model": THINKER, "messages": HELLO}))
    assert found["content"] == f"<think>\n{plain['reasoning']}\n</think>\n\n{plain['content']}"
    assert "reasoning" not in found


@pytest.mark.parametrize(
    ("model", "extra", "price"),
    [
        ("openai/gpt-4o:online", {}, "0.006"),
        ("openai/gpt-4o:ONLINE/linkup-deep", {}, "0.06"),
        (f"{MODEL}:online", {}, "0.01"),
        (f"{MODEL}:online/tavily", {}, "0.008"),
        (MODEL, {"webSearch": {"enabled": True, "provider": "kagi"}}, "0.002"),
        (MODEL, {"linkup": {"enabled": True}}, "0.006"),
        (
            f"{MODEL}:online/linkup-deep",
            {"webSearch": {"enabled": True, "provider": "exa"}},
            "0.005",
        ),
    ],
)
def test_web_search_cites_and_costs(model, extra, price):
    plain_model = model.partition(":")[0]
    app = SandboxApp(balance="50")
    reply = chat(app, "What is Nano?", model=model, **extra)
    found = message(reply)
    for annotation in found["annotations"]:
        cited = annotation["url_citation"]
        assert annotation["type"] == "url_citation"
        assert cited["url"].startswith("https://")
        assert 0 <= cited["start_index"] < cited["end_index"] <= len(found["content"])
    usage = reply.json()["usage"]
    assert usage["num_search_queries"] == 1
    tokens = chat(app, "What is Nano?", model=plain_model, max_tokens=1)
    rate = cost(tokens)
    assert cost(reply) > Decimal(price)
    assert cost(reply) - Decimal(price) < rate + Decimal("0.02")


def test_a_stream_brings_the_same_citations():
    whole = message(chat(SandboxApp(), "What is Nano?", model=f"{MODEL}:online"))
    streamed = frames(chat(SandboxApp(), "What is Nano?", model=f"{MODEL}:online", stream=True))
    deltas = [frame["choices"][0]["delta"] for frame in streamed]
    (annotations,) = [delta["annotations"] for delta in deltas if "annotations" in delta]
    assert annotations == whole["annotations"]


def test_citations_move_with_the_text_on_the_thinking_root():
    body = {
        "model": f"{THINKER}:online",
        "messages": [{"role": "user", "content": "What is Nano?"}],
    }
    plain = message(ask(SandboxApp(), "POST", "/api/v1/chat/completions", body))
    inline = message(ask(SandboxApp(), "POST", "/api/v1thinking/chat/completions", body))
    for before, after in zip(plain["annotations"], inline["annotations"], strict=True):
        first, second = before["url_citation"], after["url_citation"]
        assert (
            plain["content"][first["start_index"] : first["end_index"]]
            == inline["content"][second["start_index"] : second["end_index"]]
        )


def test_search_options_narrow_the_hits():
    options = {"enabled": True, "provider": "perplexity", "searchDomainFilter": ["news.example"]}
    found = message(chat(SandboxApp(), "What is Nano?", webSearch=options))
    hosts = {note["url_citation"]["url"].split("/")[2] for note in found["annotations"]}
    assert hosts == {"news.example"}


@pytest.mark.parametrize(
    ("model", "extra", "expected"),
    [
        (f"{MODEL}:online", {}, "webSearch_balance_required"),
        (f"{MODEL}:memory", {}, "memory_balance_required"),
        (f"{MODEL}:online:memory-30", {}, "both_balance_required"),
    ],
)
def test_extras_that_the_balance_does_not_cover_are_named(model, extra, expected):
    app = SandboxApp(balance="0.000001")
    assert code(chat(app, model=model, **extra)) == (402, expected)


def test_memory_costs_extra_and_lifts_the_window():
    plain = cost(chat(SandboxApp()))
    for reply in (
        chat(SandboxApp(), model=f"{MODEL}:memory"),
        ask(
            SandboxApp(),
            "POST",
            "/api/v1/chat/completions",
            {"model": MODEL, "messages": HELLO},
            headers={"memory": "true"},
        ),
    ):
        assert cost(reply) > plain
    assert cost(chat(SandboxApp(), model=f"{MODEL}:memory", memory=False)) == plain
    small = "Doctor-Shotgun/MS3.2-24B-Magnum-Diamond"
    long = "word " * 20_000
    assert code(chat(SandboxApp(), long, model=small)) == (400, "context_length_exceeded")
    assert chat(SandboxApp(), long, model=f"{small}:memory").status == 200


def test_the_subscription_covers_its_models():
    app = SandboxApp()
    path = "/api/subscription/v1/chat/completions"
    covered = ask(app, "POST", path, {"model": OPEN, "messages": HELLO})
    assert covered.json()["x_nanogpt_pricing"]["cost"] == 0
    assert app.balance == 5
    other = ask(app, "POST", path, {"model": MODEL, "messages": HELLO})
    assert code(other) == (403, "model_not_allowed")


@pytest.mark.parametrize(
    ("extra", "headers"),
    [
        ({"billing_mode": "paygo"}, {}),
        ({"provider": "deepinfra"}, {}),
        ({}, {"x-billing-mode": "paid"}),
        ({}, {"x-provider": "cerebras"}),
    ],
)
def test_paying_as_you_go_beats_the_subscription(extra, headers):
    app = SandboxApp()
    body = {"model": OPEN, "messages": HELLO, **extra}
    reply = ask(app, "POST", "/api/subscription/v1/chat/completions", body, headers=headers)
    assert cost(reply) > 0
    assert app.balance < 5


def test_a_chosen_provider_has_its_own_price():
    automatic = cost(chat(SandboxApp(), model=OPEN))
    assert cost(chat(SandboxApp(), model=f"{OPEN}:cerebras")) > automatic
    assert cost(chat(SandboxApp(), model=f"{OPEN}:cheap")) < automatic


def test_pictures_are_looked_at():
    found = chat(SandboxApp(), show("image_url", image_url={"url": png("red"), "detail": "low"}))
    assert "40" in message(found)["content"]
    assert "30" in message(found)["content"]
    assert "red" in message(found)["content"]
    assert found.json()["usage"]["prompt_tokens"] > 255


def test_pictures_elsewhere_are_named():
    url = "https://pictures.example/boat.jpg"
    found = message(chat(SandboxApp(), show("image_url", image_url={"url": url})))
    assert url in found["content"]


def test_our_own_pictures_are_looked_at_by_url():
    app = SandboxApp()
    request = {"prompt": "a boat", "size": "256x128", "response_format": "url"}
    drawn = ask(app, "POST", "/api/v1/images/generations", request).json()["data"][0]["url"]
    assert "256x128" in message(chat(app, show("image_url", image_url={"url": drawn})))["content"]


def test_sound_is_heard():
    sound = show("input_audio", input_audio={"data": wav("The red fox jumps."), "format": "wav"})
    reply = chat(SandboxApp(), sound, model="google/gemini-3-flash-preview")
    assert "The red fox jumps." in message(reply)["content"]
    assert reply.json()["usage"]["prompt_tokens_details"]["audio_tokens"] > 0


@pytest.mark.parametrize(
    "part",
    [
        {
            "type": "file",
            "file": {
                "filename": "a.txt",
                "file_data": "data:text/plain;base64,"
                + b64encode(b"The secret word is quokka.").decode(),
            },
        },
        {
            "type": "input_file",
            "filename": "a.txt",
            "file_data": b64encode(b"The secret word is quokka.").decode(),
        },
        {
            "type": "document",
            "title": "a.txt",
            "source": {
                "type": "base64",
                "media_type": "text/plain",
                "data": b64encode(b"The secret word is quokka.").decode(),
            },
        },
    ],
)
def test_files_are_read(part):
    talk = [
        {"role": "user", "content": [{"type": "text", "text": "What is the secret word?"}, part]}
    ]
    assert "quokka" in message(chat(SandboxApp(), talk))["content"]


def test_a_pdf_is_read():
    document = pdf(b"BT /F1 12 Tf (The secret word is quokka.) Tj ET")
    url = "data:application/pdf;base64," + b64encode(document).decode()
    talk = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is the secret word?"},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": url}},
            ],
        }
    ]
    assert "quokka" in message(chat(SandboxApp(), talk))["content"]
    refused = chat(SandboxApp(), talk, model="openai/gpt-4o")
    assert code(refused) == (400, "unsupported_input_modality")


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://films.example/cat.mp4", "https://films.example/cat.mp4"),
        ("data:video/mp4;base64,AAAA", "video/mp4, 3 bytes"),
    ],
)
def test_videos_are_named(url, named):
    reply = chat(
        SandboxApp(),
        show("video_url", video_url={"url": url}),
        model="google/gemini-3-flash-preview",
    )
    assert named in message(reply)["content"]


def test_a_drawing_model_draws():
    reply = chat(SandboxApp(), "Draw a boat.", model="gemini-3-pro-image-preview")
    (image,) = message(reply)["images"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    streamed = chat(SandboxApp(), "Draw a boat.", model="gemini-3-pro-image-preview", stream=True)
    deltas = [frame["choices"][0]["delta"] for frame in frames(streamed)]
    assert [delta["images"] for delta in deltas if "images" in delta] == [[image]]


def test_a_generated_image_names_its_model(monkeypatch):
    specs: list[Any] = []
    monkeypatch.setattr("nanogpt_client.sandbox.routes.chat.render", specs.append)
    monkeypatch.setattr("nanogpt_client.sandbox.routes.chat.data_url", lambda _: png())
    chat(SandboxApp(), "Draw a boat.", model="gemini-3-pro-image-preview")
    assert [(spec.prompt, spec.model) for spec in specs] == [
        ("Draw a boat.", "gemini-3-pro-image-preview")
    ]


def test_a_schema_is_filled():
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "place", "strict": True, "schema": schema},
    }
    reply = chat(SandboxApp(), "I live in the city of 'Lisbon'.", response_format=wanted)
    assert json.loads(message(reply)["content"]) == {"city": "Lisbon"}


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("gzip, identity", gzip.compress),
    ],
)
def test_a_compressed_request(encoding, pack):
    raw = pack(json.dumps({"model": MODEL, "messages": HELLO}).encode())
    headers = {"content-encoding": encoding}
    path = "/api/v1/chat/completions"
    assert ask(SandboxApp(), "POST", path, raw=raw, headers=headers).status == 200


@pytest.mark.parametrize(
    ("path", "headers", "status", "expected"),
    [
        ("chat/completions", {"content-encoding": "zstd"}, 415, "unsupported_content_encoding"),
        ("embeddings", {"content-encoding": "gzip"}, 415, "unsupported_content_encoding"),
        (
            "chat/completions",
            {"content-encoding": "gzip", "content-type": "text/plain"},
            415,
            "unsupported_media_type",
        ),
        ("chat/completions", {"content-encoding": "gzip"}, 400, "invalid_json"),
    ],
)
def test_compression_that_is_refused(path, headers, status, expected):
    reply = ask(SandboxApp(), "POST", f"/api/v1/{path}", raw=b"no gzip", headers=headers)
    assert code(reply) == (status, expected)


def test_a_bomb_is_too_large():
    raw = gzip.compress(b" " * (33 * 1024 * 1024))
    path = "/api/v1/chat/completions"
    reply = ask(SandboxApp(), "POST", path, raw=raw, headers={"content-encoding": "gzip"})
    assert reply.status == 413


def test_the_service_tier_is_echoed():
    assert chat(SandboxApp(), service_tier="flex").json()["service_tier"] == "flex"
    assert "service_tier" not in chat(SandboxApp()).json()
