"""Chat: what is asked, what is refused before, and the answer in every shape."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import Reply, RetrySafety
from nanogpt_client._protocol.policy import send_with_retries
from nanogpt_client.endpoints.chat import chat, stream_chat
from nanogpt_client.errors import (
    APIStatusError,
    AuthenticationError,
    InsufficientBalanceError,
    InvalidArgumentError,
    InvalidResponseError,
    NanoGPTError,
    ServerError,
    StreamInterruptedError,
)
from nanogpt_client.model_id import ModelId
from tests.support.driving import ODD_VALUES, context, drive, reply
from tests.support.typed import as_declared
from tests.unit.nanogpt_client._protocol.test_accumulator import ANY, DELTAS

NO_ARGUMENTS = {"type": "object", "properties": {}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": NO_ARGUMENTS}}


def body_of(messages: Any = "hi", *, model: Any = "m", **options: Any) -> Any:
    content = chat(messages, model=model, **options).request.content
    assert content is not None
    return json.loads(content)


def test_the_request():
    call = chat("hi", model="openai/gpt-5.2", temperature=0.5, timeout=7, extra_headers={"a": "b"})
    request = call.request
    assert (request.method, request.root, request.path) == ("POST", "chat", "/chat/completions")
    assert (request.timeout, request.headers) == (7, {"a": "b"})
    assert (call.kind, call.model, call.resend, call.billable) == (
        "chat", "openai/gpt-5.2", RetrySafety.IF_REJECTED, True,
    )  # fmt: skip
    assert request.content is not None
    assert json.loads(request.content) == {
        "model": "openai/gpt-5.2",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "include_usage": True,
    }


def test_the_request_of_a_stream():
    call = stream_chat("hi", model="m", stream_options={"extra": 1}, n=2)
    assert call.request.content is not None
    body = json.loads(call.request.content)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True, "extra": 1}
    assert "include_usage" not in body
    assert (call.resend, call.billable) == (RetrySafety.IF_REJECTED, True)


def test_usage_may_be_declined():
    call = stream_chat("hi", model="m", stream_options={"include_usage": False})
    assert b'"include_usage":false' in (call.request.content or b"")


def test_none_is_left_out():
    assert body_of(temperature=None, tools=None, web_search=None).keys() == {
        "model", "messages", "include_usage",
    }  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"prompt_caching": True},
        {"prompt_caching": {"enabled": True, "cut_after_message_index": 0}},
        {"logprobs": 5},
        {"logprobs": True},
        {"model_context_limit": 500},
        {"model_context_limit": "30000"},
        {"top_a": -1.5},
    ],
)
def test_documented_values_are_sent_as_they_are(options):
    body = body_of(**options)
    assert body | options == body
    (name,) = options
    assert type(body[name]) is type(options[name])  # true stays true, and does not become 1


def test_extra_body_wins():
    body = body_of(temperature=0.5, extra_body={"temperature": 9, "novelty": [1]})
    assert (body["temperature"], body["novelty"]) == (9, [1])


def test_the_usage_is_asked_for_whatever_extra_body_has():
    call = stream_chat("hi", model="m", extra_body={"stream_options": {"extra": 1}})
    assert json.loads(call.request.content or b"")["stream_options"] == {
        "include_usage": True,
        "extra": 1,
    }


def test_text_is_sent_as_it_is():
    assert "Ünïcode ✓".encode() in (chat("Ünïcode ✓", model="m").request.content or b"")


@pytest.mark.parametrize(
    ("model", "options", "sent"),
    [
        ("m", {"web_search": True}, "m:online"),
        ("m", {"web_search": "linkup-deep"}, "m:online/linkup-deep"),
        ("m:online", {"web_search": True}, "m:online"),
        ("m:online", {"web_search": False}, "m"),
        ("m", {"web_search": False}, "m"),
        ("m", {"memory": True}, "m:memory"),
        ("m", {"memory": 7}, "m:memory-7"),
        ("m", {"memory": 0}, "m:memory-0"),
        ("m", {"memory": 400}, "m:memory-400"),
        ("m:memory-7", {"memory": False}, "m"),
        ("m:thinking", {"memory": 7, "web_search": True}, "m:thinking:memory-7:online"),
        ("m:fast", {"caching": False}, "m:fast"),
        (ModelId("m").with_memory(), {}, "m:memory"),
    ],
)
def test_words_that_become_suffixes(model, options, sent):
    body = body_of(model=str(model), **options)
    assert body["model"] == sent
    assert not body.keys() & {"web_search", "memory", "webSearch"}


def test_a_search_with_more_to_say_goes_into_the_body():
    body = body_of(web_search={"provider": "exa", "depth": "fast"})
    assert body["webSearch"] == {"enabled": True, "provider": "exa", "depth": "fast"}
    assert body["model"] == "m"
    assert body_of(web_search={"enabled": False})["webSearch"] == {"enabled": False}


@pytest.mark.parametrize(
    ("model", "options", "match"),
    [
        ("m:online/linkup", {"web_search": "exa-fast"}, "contradict"),
        ("m:memory-7", {"memory": 8}, "contradict"),
        ("m", {"web_search": "bing"}, "unknown search backend 'bing'"),
        ("m", {"memory": -1}, "memory=-1"),
        ("m:fast", {"provider": "groq"}, "both choose the provider"),
        ("m:fast", {"provider": {"only": ["groq"]}}, "both choose the provider"),
        ("m:fast", {"extra_headers": {"X-Provider": "groq"}}, "both choose the provider"),
        ("m:fast", {"caching": True}, "both choose the provider"),
        ("m", {"temperature": 2.5}, "temperature=2.5: .*less than or equal to 2"),
        ("m", {"temprature": 1}, "did you mean 'temperature'"),
        ("m", {"max_completion_tokens": 9}, "did you mean 'max_tokens'"),
        ("m", {"functions": []}, "did you mean 'tools'"),
        ("m", {"extra_body": {"x": float("nan")}}, "cannot be encoded as JSON"),
        ("m", {"logit_bias": {"7": float("nan")}}, "logit_bias|JSON"),
        ("m", {"extra_body": {"x": object()}}, "cannot be encoded as JSON"),
        ("m", {"extra_body": {"stream": True}}, "extra_body must not have 'stream': call the"),
        ("m", {"extra_body": {"messages": []}}, "extra_body must not have 'messages'"),
        ("m", {"extra_body": {"model": "other"}}, "extra_body must not have 'model': pass model"),
        ("m", {"tools": [{"function": {}}]}, r"tools\[0\]"),
        ("", {}, "model must be a model id"),
        (" m", {}, "not a model id"),
    ],
)
def test_what_cannot_work_is_refused_before_sending(model, options, match):
    for ask in (chat, stream_chat):
        with pytest.raises(InvalidArgumentError, match=match):
            ask("hi", model=model, **options)


@pytest.mark.parametrize("messages", ["", [], [{"role": "bot", "content": "x"}]])
def test_messages_are_checked(messages):
    with pytest.raises(InvalidArgumentError):
        chat(messages, model="m")


def test_bodies_over_32_mb_are_refused():
    room = 32 * 1024 * 1024 - len(chat("x", model="m").request.content or b"") + 1
    assert len(chat("x" * room, model="m").request.content or b"") == 32 * 1024 * 1024
    with pytest.raises(
        InvalidArgumentError, match=r"33554433 bytes; NanoGPT accepts at most 33554432 \(32 MB\)"
    ):
        chat("x" * (room + 1), model="m")


def test_nesting_without_end_is_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidArgumentError, match="cannot be encoded as JSON"):
        chat("hi", model="m", extra_body={"x": deep})


def test_tools_and_formats_are_made_legal():
    schema = {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}}
    spec = {"name": "Page[int]", "strict": True, "schema": schema}
    given = {"type": "json_schema", "json_schema": spec}
    bare = {"type": "function", "function": {"name": "f"}}
    body = body_of(tools=[bare], response_format=given)
    assert body["tools"] == [TOOL]
    sent = body["response_format"]["json_schema"]
    assert sent["name"] == "Page_int_"
    assert sent["schema"]["required"] == ["a"]
    assert given["json_schema"] == {"name": "Page[int]", "strict": True, "schema": schema}
    assert body_of(response_format={"type": "json_object"})["response_format"] == {
        "type": "json_object"
    }


def test_a_tools_alternatives_are_sent_as_one_object_unless_it_is_strict():
    """Most providers refuse them at the root of its arguments."""
    properties = {"a": {"type": "string"}, "b": {"type": "string"}}
    plain = {"type": "object", "properties": properties}
    either = plain | {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    function = {"name": "f", "parameters": either}
    tool = {"type": "function", "function": function}
    strict = {"type": "function", "function": function | {"strict": True}}
    sent = [each["function"]["parameters"] for each in body_of(tools=[tool, strict])["tools"]]
    assert sent == [plain, either]
    assert "anyOf" in either


def test_tools_are_sent_and_a_choice_among_none_is_not():
    body = body_of(tools=[TOOL], tool_choice="auto", parallel_tool_calls=False)
    assert (body["tools"], body["tool_choice"], body["parallel_tool_calls"]) == (
        [TOOL],
        "auto",
        False,
    )
    assert not body_of(tools=[], tool_choice="auto", parallel_tool_calls=True).keys() & {
        "tools", "tool_choice", "parallel_tool_calls",
    }  # fmt: skip


def answer(body: Any, **headers: Any) -> Any:
    driven = drive(send_with_retries(chat("hi", model="m"), context()), reply(body, **headers))
    if driven.error is not None:
        raise driven.error
    return driven.result


def test_a_plain_answer():
    whole = answer(
        {
            "id": "chatcmpl-1",
            "model": "m",
            "object": "chat.completion",
            "novelty": 1,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hello"},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1},
        },
        x_cost="0.25",
    )
    assert (whole.text, whole.finish_reason, whole.id, whole.model) == (
        "Hello",
        "stop",
        "chatcmpl-1",
        "m",
    )
    assert (whole.usage.prompt_tokens, str(whole.billing.cost)) == (3, "0.25")
    assert whole.raw["novelty"] == 1


STREAMED = [
    {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
    {"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}, "cost": 0.25},
]


def streamed(events: list[Any], end: bytes = b"data: [DONE]\n\n") -> Reply:
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events) + end
    return Reply(200, {"content-type": "text/event-stream; charset=utf-8", "x-cost": "0.25"}, body)


def test_a_stream_that_nobody_asked_for_is_the_answer_that_was_paid():
    driven = drive(send_with_retries(chat("hi", model="m"), context()), streamed(STREAMED))
    whole = driven.result
    assert (whole.text, whole.finish_reason, whole.id) == ("Hello", "stop", "1")
    assert (whole.usage.prompt_tokens, str(whole.billing.cost)) == (3, "0.25")


def test_the_beginning_of_such_a_stream_is_on_the_error():
    cut = streamed(STREAMED[:1], end=b"")
    driven = drive(send_with_retries(chat("hi", model="m"), context()), cut)
    error = driven.failure(StreamInterruptedError)
    assert (error.partial.text, error.maybe_billed) == ("Hel", True)


@pytest.mark.parametrize(
    ("body", "cls"),
    [
        ({"choices": []}, InvalidResponseError),
        ({"choices": None}, InvalidResponseError),
        ({"choices": {}}, InvalidResponseError),
        ({}, InvalidResponseError),
        ({"choices": [{}]}, InvalidResponseError),
        ({"choices": [{"message": {"role": "assistant", "content": ""}}]}, InvalidResponseError),
        ({"choices": [{"error": {"code": 502, "message": "gone"}}]}, ServerError),
        ({"detail": "no"}, APIStatusError),
        ({"object": "error", "message": "no", "code": 401}, AuthenticationError),
        ([], InvalidResponseError),
        (None, InvalidResponseError),
        ("text", InvalidResponseError),
        (b"", InvalidResponseError),
        (b"<html>hi</html>", InvalidResponseError),
        (b"\xff\xfe", InvalidResponseError),
        (
            {"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]},
            InvalidResponseError,
        ),
        ({"error": "no", "status": 402}, InsufficientBalanceError),
        (
            {"error": {"code": "insufficient_quota"}, "payment": {}, "choices": []},
            InsufficientBalanceError,
        ),
    ],
)
def test_what_is_no_answer(body, cls):
    with pytest.raises(cls) as caught:
        answer(body)
    assert caught.value.maybe_billed


def test_html_is_shown_by_its_beginning():
    page = Reply(
        200, {"content-type": "text/html; charset=utf-8"}, b"<html>\n  <h1>Hi</h1>" + b"x" * 999
    )
    driven = drive(send_with_retries(chat("hi", model="m"), context()), page)
    line = str(driven.failure(InvalidResponseError))
    assert "text/html that begins with '<html> <h1>Hi</h1>" in line
    assert len(line) < 250


@given(
    st.sampled_from(ODD_VALUES)
    | st.dictionaries(st.sampled_from(["choices", "usage", "error", "id", "cost"]), ANY)
    | st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": DELTAS}))})
)
def test_any_json_is_an_answer_or_an_error(body):
    with suppress(NanoGPTError):
        assert as_declared(answer(body)).choices


def test_a_search_in_the_body_may_stand_beside_the_suffix():
    body = body_of(model="m:online/exa-fast", web_search={"provider": "kagi"})
    assert (body["model"], body["webSearch"]) == (
        "m:online/exa-fast",
        {"enabled": True, "provider": "kagi"},
    )
