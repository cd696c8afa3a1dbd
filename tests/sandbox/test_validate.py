"""What chat and embedding requests are refused for, and with which code."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, MODEL, ask, chat, code

EMPTY = {"type": "object", "properties": {}}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": EMPTY}}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "a cat"}
MISSING, BAD = "missing_required_parameter", "invalid_parameter_value"


@pytest.mark.parametrize(
    ("messages", "expected", "param"),
    [
        (None, MISSING, "messages"),
        ([], BAD, "messages"),
        ("Hello", BAD, "messages"),
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
    ],
)
def test_messages(messages, expected, param):
    body = {"model": MODEL, "messages": messages}
    reply = ask(SandboxApp(), "POST", "/api/v1/chat/completions", body)
    assert code(reply) == (400, expected)
    assert reply.json()["error"]["param"] == param


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": role, "content": "Hi"} for role in ("system", "developer", "user")],
        [*HELLO, {"role": "assistant", "content": None, "tool_calls": [CALL]}, RESULT],
        [*HELLO, {"role": "assistant", "content": "", "reasoning": "Hm."}, *HELLO],
        [*HELLO, {"role": "function", "name": "look", "content": "x"}],
        [{"role": "user", "content": "Hi", "name": "Ann", "extra": 1}],
    ],
)
def test_messages_that_are_fine(messages):
    assert chat(SandboxApp(), messages).status == 200


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("temperature", [0, 2, 0.5, None], [-0.1, 2.1, "1", True]),
        ("top_p", [0, 1], [1.1, -1]),
        ("min_p", [0, 1], [1.5]),
        ("tfs", [1], [2]),
        ("typical_p", [0.5], [2]),
        ("top_k", [1, 100], [0, 1.5]),
        ("frequency_penalty", [-2, 2], [2.5]),
        ("presence_penalty", [-2, 2], [-2.5]),
        ("repetition_penalty", [1.2], [3]),
        ("mirostat_mode", [0, 2], [3]),
        ("max_tokens", [1, 10**6], [0, -1, 1.5, "5"]),
        ("min_tokens", [0], [-1]),
        ("n", [1, 2], [0]),
        ("seed", [-1, 0, 7], ["x", 1.5]),
        ("no_repeat_ngram_size", [0], [-1]),
        ("stop", ["x", ["x", "y"], []], [1, [1]]),
        ("reasoning_effort", ["none", "xhigh"], ["most", 1]),
        ("reasoning", [{}, {"effort": "low"}], ["high", {"effort": "most"}]),
        ("stream_options", [{}], ["yes"]),
        ("webSearch", [{}, {"enabled": False}], [True, {"enabled": True, "provider": "gopher"}]),
        ("unheard_of", [1, "x"], []),
    ],
)
def test_options(name, good, bad):
    app = SandboxApp(rate=None)
    for value in good:
        assert chat(app, **{name: value}).status == 200, value
    for value in bad:
        reply = chat(app, **{name: value})
        assert code(reply) == (400, BAD), value
        assert reply.json()["error"]["param"].startswith(name)


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("look", "invalid_tool_spec"),
        (["look"], "invalid_tool_spec"),
        ([{"type": "web"}], "invalid_tool_spec"),
        ([{"type": "function", "function": {}}], "invalid_tool_spec"),
        ([{"type": "function", "function": {"name": "x", "parameters": []}}], "invalid_tool_spec"),
        (
            [{"type": "function", "function": {"name": "x", "description": "y" * 205_000}}],
            "tool_spec_too_large",
        ),
    ],
)
def test_malformed_tools(tools, expected):
    assert code(chat(SandboxApp(), tools=tools)) == (400, expected)


def test_tools_of_just_200_kb_pass():
    tool = {"type": "function", "function": {"name": "x", "description": "y" * 200_000}}
    assert chat(SandboxApp(), tools=[tool]).status == 200


def test_tools_need_a_model_that_calls_them():
    reply = chat(SandboxApp(), model="Doctor-Shotgun/MS3.2-24B-Magnum-Diamond", tools=[TOOL])
    assert code(reply) == (400, "tool_choice_unsupported")


@pytest.mark.parametrize(
    ("tools", "choice", "status"),
    [
        ([TOOL], "auto", 200),
        ([TOOL], None, 200),
        (None, "auto", 200),
        (None, "none", 200),
        ([TOOL], "required", 200),
        (None, "required", 400),
        ([], "required", 400),
        ([TOOL], "sometimes", 400),
        ([TOOL], {"type": "function", "function": {"name": "other"}}, 400),
        ([TOOL], {"type": "function"}, 400),
    ],
)
def test_tool_choice(tools, choice, status):
    assert chat(SandboxApp(), tools=tools, tool_choice=choice).status == status


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("json", (400, BAD)),
        ({"type": "xml"}, (400, BAD)),
        ({"type": "json_schema"}, (400, MISSING)),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, (400, MISSING)),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, (400, "invalid_json_schema")),
    ],
)
def test_response_format(wanted, expected):
    assert code(chat(SandboxApp(), response_format=wanted)) == expected
    assert chat(SandboxApp(), response_format={"type": "text"}).status == 200


@pytest.mark.parametrize("model", ["nobody/nothing", "OpenAI/GPT-5.2", f"{MODEL}:odd", "hidream"])
def test_strict_models_refuse_an_unknown_model(model):
    app = SandboxApp(strict_models=True)
    assert code(chat(app, model=model)) == (404, "model_not_found")


@pytest.mark.parametrize("model", ["hidream", "tts-1", "text-embedding-3-small"])
def test_a_model_of_another_kind_does_not_chat(model):
    assert code(chat(SandboxApp(), model=model)) == (404, "model_not_found")


@pytest.mark.parametrize("model", [None, "", 5, ["x"]])
def test_a_missing_model(model):
    assert code(chat(SandboxApp(), model=model)) == (400, MISSING)


def test_a_prompt_over_the_window():
    model = "Doctor-Shotgun/MS3.2-24B-Magnum-Diamond"  # 16,384 tokens
    assert chat(SandboxApp(), "word " * 10_000, model=model).status == 200
    reply = chat(SandboxApp(), "word " * 20_000, model=model)
    assert code(reply) == (400, "context_length_exceeded")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "https://x.example/y.png"}},
            "image_input_not_supported",
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}},
            "unsupported_input_modality",
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x.example/y.mp4"}},
            "video_input_not_supported",
        ),
    ],
)
def test_input_that_the_model_cannot_take(part, expected):
    talk = [{"role": "user", "content": [part]}]
    assert code(chat(SandboxApp(), talk, model="zai-org/glm-5")) == (400, expected)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url"},
        {"type": "image_url", "image_url": {"url": ""}},
        {"type": "image_url", "image_url": {"url": "ftp://x/y.png"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "data:image/gif;base64,R0lGODlh"}},
        {"type": "image_url", "image_url": {"url": "data:image/png,plain"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA"}},
        {"type": "input_audio", "input_audio": "AAAA"},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "!"}},
        {"type": "file", "file": {"file_data": "é"}},
    ],
)
def test_unreadable_parts(part):
    talk = [{"role": "user", "content": [part]}]
    assert code(chat(SandboxApp(), talk, model="google/gemini-3-flash-preview")) == (400, BAD)


def embed(app: SandboxApp, value: Any, model: str = "text-embedding-3-small", **extra: Any) -> Any:
    return ask(app, "POST", "/api/v1/embeddings", {"model": model, "input": value, **extra})


@pytest.mark.parametrize(
    ("value", "extra", "expected"),
    [
        (None, {}, MISSING),
        ([], {}, BAD),
        ("", {}, BAD),
        (["a", ""], {}, BAD),
        ([1, 2, 3], {}, BAD),
        ([[1, 2], [3]], {}, BAD),
        (["a"] * 2049, {}, BAD),
        ("a", {"encoding_format": "int8"}, BAD),
        ("a", {"dimensions": 0}, BAD),
        ("a", {"dimensions": 1537}, BAD),
        ("a", {"dimensions": "256"}, BAD),
        ("a", {"model": None}, MISSING),
        ("word " * 20_000, {}, "context_length_exceeded"),
    ],
)
def test_embedding_requests_that_are_refused(value, extra, expected):
    assert code(embed(SandboxApp(), value, **extra)) == (400, expected)


def test_embedding_requests_that_are_fine():
    app = SandboxApp()
    assert embed(app, ["a"] * 2048, dimensions=8).status == 200
    assert embed(app, "a", model="BAAI/bge-m3", dimensions=1024).status == 200
    assert code(embed(app, "a", model="BAAI/bge-m3", dimensions=512)) == (400, BAD)
    assert code(embed(app, "a", model=MODEL)) == (404, "model_not_found")
