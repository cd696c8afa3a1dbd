"""Histories that a provider behind NanoGPT refuses are refused here, with the place."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, chat, code


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
