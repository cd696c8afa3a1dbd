"""What chat requests are refused for, histories too: code and place."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import CHAT, HELLO, MODEL, ask, chat, code, function

TOOL = function("look")
GEMINI, GEMMA = "google/gemini-3-flash-preview", "google/gemma-4-31b-it"
SMALL = "Doctor-Shotgun/MS3.2-24B-Magnum-Diamond"
MISSING, BAD = "missing_required_parameter", "invalid_parameter_value"


@pytest.mark.parametrize(("messages", "expected", "param"), [
    (None, MISSING, "messages"), ([], BAD, "messages"), ("Hello", BAD, "messages"),
    (["Hello"], BAD, "messages[0]"),
    ([{"role": "robot", "content": "Hi"}], BAD, "messages[0].role"),
    ([{"content": "Hi"}], BAD, "messages[0].role"),
    ([{"role": "user"}], MISSING, "messages[0].content"),
    ([{"role": "user", "content": 1}], BAD, "messages[0].content"),
    ([{"role": "tool", "content": "x"}], MISSING, "messages[0].tool_call_id"),
    ([{"role": "assistant", "tool_calls": "x"}], BAD, "messages[0].tool_calls"),
    ([{"role": "assistant", "tool_calls": [{"id": "c"}]}], BAD, "messages[0].tool_calls"),
    ([{"role": "user", "content": ["Hi"]}], BAD, "messages[0].content[0]"),
    ([{"role": "user", "content": [{"type": "odd"}]}], BAD, "messages[0].content[0]"),
    ([{"role": "user", "content": [{"type": "text"}]}], BAD, "messages[0].content[0]"),
])  # fmt: skip
def test_messages(messages, expected, param):
    reply = ask(SandboxApp(), "POST", CHAT, {"model": MODEL, "messages": messages})
    assert code(reply) == (400, expected)
    assert reply.json()["error"]["param"] == param


@pytest.mark.parametrize("messages", [
    [{"role": role, "content": "Hi"} for role in ("system", "developer", "user")],
    [*HELLO, {"role": "assistant", "content": "", "reasoning": "Hm."}, *HELLO],
    [*HELLO, {"role": "function", "name": "look", "content": "x"}],
    [{"role": "user", "content": "Hi", "name": "Ann", "extra": 1}],
])  # fmt: skip
def test_messages_that_are_fine(messages):
    assert chat(SandboxApp(), messages).status == 200


@pytest.mark.parametrize(("name", "good", "bad"), [
    ("temperature", [0, 2, 0.5, None], [-0.1, 2.1, "1", True]), ("top_p", [0, 1], [1.1, -1]),
    ("min_p", [0, 1], [1.5]), ("tfs", [1], [2]), ("typical_p", [0.5], [2]),
    ("top_k", [1, 100], [0, 1.5]), ("frequency_penalty", [-2, 2], [2.5]),
    ("presence_penalty", [-2, 2], [-2.5]), ("repetition_penalty", [1.2], [3]),
    ("mirostat_mode", [0, 2], [3]), ("max_tokens", [1, 10**6], [0, -1, 1.5, "5"]),
    ("min_tokens", [0], [-1]), ("n", [1, 2], [0]), ("seed", [-1, 0, 7], ["x", 1.5]),
    ("no_repeat_ngram_size", [0], [-1]), ("stop", ["x", ["x", "y"], []], [1, [1]]),
    ("reasoning_effort", ["none", "xhigh", "max"], ["most", 1]),
    ("reasoning", [{}, {"effort": "low"}], ["high", {"effort": "most"}]),
    ("stream_options", [{}], ["yes"]),
    ("webSearch", [{}, {"enabled": False}], [True, {"enabled": True, "provider": "gopher"}]),
    ("unheard_of", [1, "x"], []),
])  # fmt: skip
def test_options(name, good, bad):
    app = SandboxApp(rate=None)
    for value in good:
        assert chat(app, **{name: value}).status == 200, value
    for value in bad:
        reply = chat(app, **{name: value})
        assert code(reply) == (400, BAD), value
        assert reply.json()["error"]["param"].startswith(name)


def look(**more: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "look", **more}}]


CHOSEN = {"type": "function", "function": {"name": "other"}}
SCHEMA = "json_schema"


@pytest.mark.parametrize(("body", "expected"), [
    ({"tools": "look"}, "invalid_tool_spec"), ({"tools": ["look"]}, "invalid_tool_spec"),
    ({"tools": [{"type": "web"}]}, "invalid_tool_spec"),
    ({"tools": [{"type": "function", "function": {}}]}, "invalid_tool_spec"),
    ({"tools": look(parameters=[])}, "invalid_tool_spec"),
    ({"tools": look(description="y" * 200_000)}, None),
    ({"tools": look(description="y" * 205_000)}, "tool_spec_too_large"),
    ({"tools": [TOOL], "model": SMALL}, "tool_choice_unsupported"),
    ({"tools": [TOOL], "tool_choice": "auto"}, None),
    ({"tools": [TOOL], "tool_choice": None}, None), ({"tool_choice": "auto"}, None),
    ({"tool_choice": "none"}, None), ({"tool_choice": "required"}, BAD),
    ({"tools": [], "tool_choice": "required"}, BAD),
    ({"tools": [TOOL], "tool_choice": "sometimes"}, BAD),
    ({"tools": [TOOL], "tool_choice": CHOSEN}, BAD),
    ({"tools": [TOOL], "tool_choice": {"type": "function"}}, BAD),
    ({"response_format": {"type": "text"}}, None), ({"response_format": "json"}, BAD),
    ({"response_format": {"type": "xml"}}, BAD),
    ({"response_format": {"type": SCHEMA}}, MISSING),
    ({"response_format": {"type": SCHEMA, SCHEMA: {"schema": {}}}}, MISSING),
    ({"response_format": {"type": SCHEMA, SCHEMA: {"name": "x"}}}, "invalid_json_schema"),
    *(({"model": name}, MISSING) for name in (None, "", 5, ["x"])),
])  # fmt: skip
def test_tools_formats_and_models(body, expected):
    reply = chat(SandboxApp(), **body)
    assert (code(reply) if expected else reply.status) == ((400, expected) if expected else 200)


@pytest.mark.parametrize(("model", "strict"), [
    *((name, True) for name in ("nobody/nothing", "OpenAI/GPT-5.2", f"{MODEL}:odd", "hidream")),
    *((name, False) for name in ("hidream", "tts-1", "text-embedding-3-small")),
])  # fmt: skip
def test_models_that_do_not_chat(model, strict):
    app = SandboxApp(strict_models=strict)
    assert code(chat(app, model=model)) == (404, "model_not_found")


def link(url: str, kind: str = "image_url") -> dict[str, Any]:
    return {"type": kind, kind: {"url": url}}


@pytest.mark.parametrize(("part", "expected"), [
    (link("https://x.example/y.png"), "image_input_not_supported"),
    ({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
     "unsupported_input_modality"),
    (link("https://x.example/y.mp4", "video_url"), "video_input_not_supported"),
])  # fmt: skip
def test_input_that_the_model_does_not_support(part, expected):
    talk = [{"role": "user", "content": [part]}]
    assert code(chat(SandboxApp(), talk, model="zai-org/glm-5")) == (400, expected)


@pytest.mark.parametrize("part", [
    {"type": "image_url"}, link(""), link("ftp://x/y.png"), link("data:image/png;base64,!!"),
    link("data:image/png;base64,AAAA"), link("data:image/gif;base64,R0lGODlh"),
    link("data:image/png,plain"), {"type": "input_audio", "input_audio": {"data": "AAAA"}},
    {"type": "input_audio", "input_audio": "AAAA"}, {"type": "file", "file": {"file_id": "f"}},
    {"type": "file", "file": {"file_data": "!"}}, {"type": "file", "file": {"file_data": "é"}},
])  # fmt: skip
def test_unreadable_parts(part):
    talk = [{"role": "user", "content": [part]}]
    assert code(chat(SandboxApp(), talk, model=GEMINI)) == (400, BAD)


def call(identifier: str = "c1", arguments: Any = "{}", name: str = "look") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": identifier, "type": "function", "function": function}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(identifier: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "a cat"}


def assistant(**said: Any) -> dict[str, Any]:
    return {"role": "assistant", **said}


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **more}


EMPTY: list[dict[str, Any]] = [
    {}, {"content": None}, {"content": ""}, {"content": []}, {"content": "", "tool_calls": []},
]  # fmt: skip
ONE, TWO = calling(call()), calling(call(), call("c2"))
TEXT = {"type": "text", "text": "x"}
CALLS, ARGUMENTS = "messages[1].tool_calls", "messages[1].tool_calls[0].function.arguments"


@pytest.mark.parametrize(("turns", "place"), [
    # Each call has its result right behind it.
    ([ONE], CALLS), ([ONE, *HELLO], CALLS), ([TWO, result("c2"), *HELLO], CALLS),
    ([ONE, *HELLO, result()], CALLS),
    ([ONE, calling(call("c2")), result("c2")], CALLS),
    # Each result has a call.
    ([result("zz")], "messages[1].tool_call_id"),
    ([assistant(content="Yes."), result()], "messages[2].tool_call_id"),
    ([ONE, result(), result()], "messages[3].tool_call_id"),
    ([ONE, result(), *HELLO, result()], "messages[4].tool_call_id"),
    ([ONE, result("zz")], "messages[2].tool_call_id"),
    # Arguments are an object.
    *(([calling(call(arguments=text)), result()], ARGUMENTS)
      for text in ('{"a": "b', "", "[]", '""', "null", "look")),
    ([calling(call(arguments=None)), result()], CALLS),
    # Names are plain.
    *(([{"role": role, "name": name, "content": "Hi"}], "messages[1].name")
      for name in ("My Agent", "Zoë", "", "a.b", "x" * 65, 5)
      for role in ("user", "assistant", "system")),
    ([calling(call(name="look at it")), result()], "messages[1].tool_calls[0].function.name"),
    # Each message says something.
    *(([assistant(**empty), *HELLO], "messages[1].content")
      for empty in EMPTY),
    *(([user(empty)], "messages[1].content")
      for empty in ("", [], [TEXT | {"text": ""}], [TEXT, TEXT | {"text": ""}])),
])  # fmt: skip
def test_refusals_name_the_place(turns, place):
    for stream in (False, True):
        reply = chat(SandboxApp(), [*HELLO, *turns], stream=stream)
        assert code(reply) == (400, "invalid_parameter_value")
        error = reply.json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", place)
        assert place in error["message"]
        if place == CALLS and call(arguments=None) not in turns[0]["tool_calls"]:
            assert error["message"].endswith("has none for c1.")


@pytest.mark.parametrize("turns", [
    [TWO, result("c2"), result(), *HELLO], [ONE, result(), ONE, result()],
    [calling(call(), call()), result(), result()],  # Gemini behind gateways gives one id twice
    [calling(call(arguments=' {"a": 1}\n')), result()], [assistant(refusal="No."), *HELLO],
    [assistant(reasoning_content="Hm."), *HELLO], [assistant(content=[TEXT]), *HELLO],
])  # fmt: skip
def test_histories_that_are_fine(turns):
    assert chat(SandboxApp(), [*HELLO, *turns]).status == 200


@pytest.mark.parametrize("model", ["sonar", "deepseek-r1", "mistralai/mistral-large", GEMMA])
def test_where_roles_must_alternate_nothing_else_is_taken(model):
    def reply(*turns):
        return chat(SandboxApp(), [{"role": "system", "content": "Hm."}, *turns], model=model)

    yes = assistant(content="Yes.")
    for turns in ([*HELLO, *HELLO], [*HELLO, yes, yes], [*HELLO, ONE, result(), *HELLO]):
        refused = reply(*turns)
        assert code(refused) == (400, BAD)
        assert refused.json()["error"]["param"] == f"messages[{len(turns)}].role"
        assert chat(SandboxApp(), turns).status == 200
    assert reply(*HELLO, ONE, result(), yes, *HELLO, yes, *HELLO).status == 200


def test_a_system_message_of_qwens_stands_at_the_beginning():
    system = {"role": "system", "content": "Hm."}
    for turns in ([system, system, *HELLO], [*HELLO, system], [*HELLO, system, *HELLO]):
        assert code(chat(SandboxApp(), turns, model="qwen/qwen3-max")) == (400, BAD)
        assert chat(SandboxApp(), turns).status == 200
    assert chat(SandboxApp(), [system, *HELLO, *HELLO], model="qwen/qwen3-max").status == 200
