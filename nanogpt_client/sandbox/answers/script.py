"""A sandbox model that answers what a test wrote down.

    script = Script(ToolCalls(escalate={"ticket": "A-77"}), "A human will call you.")
    with Sandbox(model=script) as box:
        ...
    script.assert_exhausted()

Running out of answers is an error that shows the request.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Self

from nanogpt_client.sandbox.answers.turn import ChatRequest, Model, ToolCall, Turn, text_of, turn_of
from nanogpt_client.sandbox.faults.replies import REPLIES

_SHOWN_MESSAGES = 4
_SHOWN_CHARACTERS = 300


class ScriptError(AssertionError):
    """A request that the script has no right answer for."""


class Failure(Exception):  # noqa: N818 - no error of the sandbox: an answer it gives
    """A scripted failure of NanoGPT: `Failure(429)`, `Failure("context")`, `Failure("cut-before")`.

    It may be an answer of a `Script`, or be raised by any sandbox model. Nothing is charged.
    """

    def __init__(self, fault: str | int) -> None:
        """Name a fault that takes the place of the answer. Raises `ValueError` for another."""
        if str(fault) not in REPLIES:
            raise ValueError(
                f"unknown fault {str(fault)!r}; the faults are {', '.join(sorted(REPLIES))}"
            )
        super().__init__(str(fault))
        self.fault = str(fault)


class ToolCalls(Turn):
    """A turn that calls tools: `ToolCalls(search={"q": "cats"}, weather={"city": "Paris"})`.

    `ToolCall` values come before the named ones, for several calls of one tool. In a `Script`,
    every tool must be one that the request offers; a plain `Turn` is not checked.
    """

    __slots__ = ()

    def __init__(self, /, *calls: ToolCall, **named: Mapping[str, Any] | str) -> None:
        """Call each tool with its arguments, in the given order."""
        called = (*calls, *(ToolCall(name, arguments) for name, arguments in named.items()))
        super().__init__(tool_calls=called)

    def saying(self, text: str = "", *, reasoning: str = "") -> ToolCalls:
        """Return the same calls with text before them, or reasoning."""
        said = ToolCalls()
        Turn.__init__(said, text, reasoning, self.tool_calls)
        return said


Answer = str | Turn | Exception | Model


class Script:
    """Answer in order; or with what `when` says for a request.

    An answer is a string, a `Turn` (`ToolCalls` is one), a `Failure`, another exception, or a
    callable that takes the `ChatRequest` (a `Script` is one). Each choice of a request takes one.
    It may be asked by several threads at once.
    """

    def __init__(self, *answers: Answer) -> None:
        """Take the answers for the requests that match no rule."""
        self._answers = deque(answers)
        self._given = 0
        self._rules: list[tuple[Callable[[ChatRequest], bool], Answer]] = []
        self._lock = threading.Lock()

    def when(
        self,
        *,
        contains: str | None = None,
        tool: str | None = None,
        result_of: str | None = None,
        model: str | None = None,
        then: Answer,
    ) -> Self:
        """Answer every request that fits all conditions with `then`; the first rule that fits wins.

        Args:
            contains: Text that the last user message contains.
            tool: The name of a tool that the request offers.
            result_of: The name of the tool whose result is the last message.
            model: The model's name as it is sent.
            then: The answer; a `Script` to give several in order.
        """

        def fits(request: ChatRequest) -> bool:
            return (
                (contains is None or contains in request.text)
                and tool in (None, *_offered(request))
                and result_of in (None, _last_tool(request))
                and model in (None, request.model)
            )

        with self._lock:
            self._rules.append((fits, then))
        return self

    @property
    def remaining(self) -> int:
        """How many of the answers in order are left."""
        return len(self._answers)

    def assert_exhausted(self) -> None:
        """Raise `ScriptError` if answers in order are left, here or in a rule's script."""
        if self._answers:
            raise ScriptError(
                f"{self.remaining} answers were never asked for; next: {self._answers[0]!r}"
            )
        for _, then in self._rules:
            if isinstance(then, Script):
                then.assert_exhausted()

    def __call__(self, request: ChatRequest) -> Turn:
        """Return the turn. Raises `ScriptError`, and the exceptions of the script."""
        answer = self._next(request)
        if isinstance(answer, Exception):
            raise answer
        turn = turn_of(answer if isinstance(answer, Turn | str) else answer(request))
        calls = turn.tool_calls if isinstance(turn, ToolCalls) else ()
        for name in (call.name for call in calls if call.name not in _offered(request)):
            raise _error(f"the script calls {name!r}, which is not offered by", request)
        return turn

    def _next(self, request: ChatRequest) -> Answer:
        with self._lock:
            for fits, then in self._rules:
                if fits(request):
                    return then
            if not self._answers:
                raise _error(f"the script has no answer left after {self._given} for", request)
            self._given += 1
            return self._answers.popleft()


def _offered(request: ChatRequest) -> list[str]:
    return [tool["name"] for tool in request.tools]


def _last_tool(request: ChatRequest) -> str | None:
    last = request.messages[-1]
    if last["role"] != "tool":
        return None
    calls = (call for message in request.messages for call in message.get("tool_calls") or ())
    return {call["id"]: call["function"]["name"] for call in calls}.get(last["tool_call_id"])


def _error(what: str, request: ChatRequest) -> ScriptError:
    messages = request.messages
    lines = [f"{what} this request:", f"  model: {request.model}"]
    lines += [f"  tools: {', '.join(_offered(request)) or 'none'}"]
    if (left_out := len(messages) - _SHOWN_MESSAGES) > 0:
        lines += [f"  ({left_out} earlier messages)"]
    return ScriptError(
        "\n".join(lines + [f"  {_line(each)}" for each in messages[-_SHOWN_MESSAGES:]])
    )


def _line(message: Mapping[str, Any]) -> str:
    calls = [f"calls {json.dumps(call['function'])}" for call in message.get("tool_calls") or ()]
    said = [part[:_SHOWN_CHARACTERS] for part in (text_of(message), *calls) if part]
    return f"{message['role']}: {' '.join(said)}"
