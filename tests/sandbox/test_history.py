"""Histories that a provider behind NanoGPT refuses are refused here, with the place."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, chat, code, message

BAD = "invalid_parameter_value"


def call(identifier: str = "c1", arguments: Any = "{}", name: str = "look") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": identifier, "type": "function", "function": function}


def calling(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def result(identifier: str = "c1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "a cat"}


def refused(messages: list[dict[str, Any]], param: str, **options: Any) -> str:
    """Check that a request is refused for a place that its message names, and return it."""
    reply = chat(SandboxApp(), messages, **options)
    assert code(reply) == (400, BAD)
    error = reply.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert param in error["message"]
    return str(error["message"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("turns", "missing"),
    [
        ([calling(call())], "c1"),
        ([calling(call()), *HELLO], "c1"),
        ([calling(call(), call("c2")), result("c2"), *HELLO], "c1"),
        ([calling(call()), *HELLO, result()], "c1"),
        ([calling(call()), calling(call("c2")), result("c2")], "c1"),
    ],
)
def test_calls_want_their_results_right_behind_them(turns, missing, stream):
    said = refused([*HELLO, *turns], "messages[1].tool_calls", stream=stream)
    assert said.endswith(f"has none for {missing}.")


@pytest.mark.parametrize(
    "turns",
    [
        [result("zz")],
        [{"role": "assistant", "content": "Yes."}, result()],
        [calling(call()), result(), result()],
        [calling(call()), result(), *HELLO, result()],
        [calling(call()), result("zz")],
    ],
)
def test_results_want_a_call(turns):
    refused([*HELLO, *turns], f"messages[{len(turns)}].tool_call_id")


@pytest.mark.parametrize(
    "turns",
    [
        [calling(call(), call("c2")), result("c2"), result(), *HELLO],
        [calling(call()), result(), calling(call()), result()],
        [calling(call(), call()), result(), result()],  # Gemini behind gateways gives one id twice
    ],
)
def test_calls_with_their_results_are_fine(turns):
    assert chat(SandboxApp(), [*HELLO, *turns]).status == 200


@pytest.mark.parametrize("arguments", ['{"a": "b', "", "[]", '""', "null", "look"])
def test_arguments_are_an_object(arguments):
    where = "messages[1].tool_calls[0].function.arguments"
    refused([*HELLO, calling(call(arguments=arguments)), result()], where)


def test_arguments_may_have_spaces_around_them():
    talk = [*HELLO, calling(call(arguments=' {"a": 1}\n')), result()]
    assert chat(SandboxApp(), talk).status == 200


def test_arguments_are_never_null():
    refused([*HELLO, calling(call(arguments=None)), result()], "messages[1].tool_calls")


@pytest.mark.parametrize("name", ["My Agent", "Zoë", "", "a.b", "x" * 65, 5])
@pytest.mark.parametrize("role", ["user", "assistant", "system"])
def test_names_are_plain(name, role):
    refused([{"role": role, "name": name, "content": "Hi"}, *HELLO], "messages[0].name")


def test_names_of_calls_are_plain():
    where = "messages[1].tool_calls[0].function.name"
    refused([*HELLO, calling(call(name="look at it")), result()], where)


@pytest.mark.parametrize(
    "empty",
    [{}, {"content": None}, {"content": ""}, {"content": []}, {"content": "", "tool_calls": []}],
)
def test_an_assistant_says_something(empty):
    refused([*HELLO, {"role": "assistant", **empty}, *HELLO], "messages[1].content")


@pytest.mark.parametrize(
    "said",
    [
        {"refusal": "No."},
        {"reasoning_content": "Hm."},
        {"content": [{"type": "text", "text": "x"}]},
    ],
)
def test_what_an_assistant_may_say(said):
    talk = [*HELLO, {"role": "assistant", **said}, *HELLO]
    assert message(chat(SandboxApp(), talk))["content"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        [],
        [{"type": "text", "text": ""}],
        [{"type": "text", "text": "x"}, {"type": "text", "text": ""}],
    ],
)
def test_a_user_says_something(content):
    refused([{"role": "user", "content": content}], "messages[0].content")
