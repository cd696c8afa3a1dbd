"""`TestModel`: the sandbox's default model, which exercises whatever a request offers.

It understands no language: it calls tools, fills schemas, repeats what it was given, or answers in
the form that a prompt shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.answers.extractive import answer_from_context, cited_answer, extract
from nanogpt_client.sandbox.answers.text import shorten
from nanogpt_client.sandbox.answers.turn import ChatRequest, ToolCall, Turn, text_of

_SCHEMA = re.compile(r"\bschema\b[^\n{]{0,160}:\s*(?:```\w*\s*)?(?=\{)", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"^\s*Example (?:Response|Output|Answer):\s*(\S(?:.|\n(?!\s*\n))*)", re.MULTILINE
)
_TRIPLET = re.compile(r"^\([^(),\n]+,[^(),\n]+,[^(),\n]+\)(?=\s*$)", re.MULTILINE)
_FENCED = re.compile(r"```(?:json)?\s*\n(\{.*?\})\s*\n```", re.DOTALL)
_LONGEST_RESULT = 2000  # characters of a tool's result or an attachment that are said back
_LONGEST_ECHO = 400
_KEY = re.compile(r"([`'\"])(\w+)\1")


@dataclass(eq=False)
class TestModel:
    """A deterministic model for tests: the same request always gets the same turn.

    It calls each offered tool once per user message, with the values of that message in order (as
    `schema_instance` says), then repeats what the tools returned. A JSON schema gets an instance,
    JSON mode an object, an example of the output something like it. Otherwise it answers from
    search results and context as `Extractive` does, says what images and documents contain, or
    repeats the request.

    Args:
        call_tools: The names of the tools to call; `all` or `none` of those that are offered.
            A `tool_choice` that demands a call is obeyed in any case.
        text: What to say once there is nothing left to call, instead of the above.
    """

    call_tools: Literal["all", "none"] | Sequence[str] = "all"
    text: str | None = None
    __test__: ClassVar[bool] = False  # its name is no test, for pytest

    def __call__(self, request: ChatRequest) -> Turn:
        """Call what is left to call, else answer."""
        names = self._left_to_call(request)
        if names:
            given = {tool["name"]: tool.get("parameters") or {} for tool in request.tools}
            schemas = [{"type": "object", **given[name]} for name in names]
            arguments = [_instance(schema, _question(request)) for schema in schemas]
            turn = Turn(tool_calls=tuple(map(ToolCall, names, arguments)))
            why = f"The request offers tools, so I call {', '.join(names)}."
        else:
            turn = Turn(self.text) if self.text is not None else _answer(request)
            why = "No tool is left to call, so I answer."
        return replace(turn, reasoning=why) if request.reasoning else turn

    def _left_to_call(self, request: ChatRequest) -> list[str]:
        """Return the tools to call now, in the order in which they are offered."""
        offered = [tool["name"] for tool in request.tools]
        choice = request.body.get("tool_choice")
        if isinstance(choice, Mapping):
            return [choice["function"]["name"]]
        called = [name for name, _ in _results(request)]
        wanted = offered if isinstance(self.call_tools, str) else self.call_tools
        left = [name for name in offered if name in wanted and name not in called]
        if self.call_tools == "none":
            left = []
        if choice in ("required", "any"):
            left = left or offered[:1]
        return left[:1] if request.body.get("parallel_tool_calls") is False else left


def _instance(schema: Any, text: str) -> Any:
    with needs("sandbox", "a schema"):  # only where there is one: jsonschema loads slowly
        from nanogpt_client.sandbox.answers.schema_instance import instance_of  # noqa: PLC0415
    return instance_of(schema, text)


def _answer(request: ChatRequest) -> Turn:
    wanted = request.body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        value = _instance(wanted["json_schema"].get("schema", {}), _question(request))
    elif wanted.get("type") != "json_object":
        return _in_text(request)
    elif (form := _shown_form(request.messages)).startswith("{"):
        value = json.loads(form)
    else:  # an object with the keys that the messages quote
        keys = [key for each in request.messages for _, key in _KEY.findall(text_of(each))]
        value = dict.fromkeys(keys or ["answer"], _in_text(request).text)
    return Turn(json.dumps(value, ensure_ascii=False))


def _shown_form(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return an answer in the form that the messages show, or "" where they show none."""
    prompt = "\n".join(map(text_of, messages))
    with suppress(ValueError, RecursionError):  # what looks like JSON may be none, or too deep
        if match := _SCHEMA.search(prompt):
            printed = prompt[match.end() :]
            if printed.startswith("{{"):  # escaped, for a template
                printed = printed.replace("{{", "{").replace("}}", "}")
            schema, end = json.JSONDecoder().raw_decode(printed)
            if {"properties", "$ref"} & schema.keys():
                return json.dumps(_instance(schema, prompt[: match.end()] + printed[end:]))
        fenced = [json.loads(match[1]) for match in _FENCED.finditer(prompt)]
        if len(fenced) > 2 and len(fenced) % 2:  # inputs with their outputs, and a last input
            names = dict.fromkeys(fenced[0], next(iter(fenced[-1]), ""))
            asked = prompt.rpartition("```")[2].splitlines()
            question = " ".join(line for line in asked if line and line[0] not in "<#")
            return json.dumps(_like(fenced[1], names, question))
    if match := _EXAMPLE.search(prompt):
        return match[1].strip()
    return "\n".join(_TRIPLET.findall(prompt) if "triplet" in prompt else ())


def _like(example: Any, names: dict[str, str], question: str) -> Any:
    """Return the example with one item a list, its names and its other texts replaced."""
    if isinstance(example, dict):
        return {key: _like(value, names, question) for key, value in example.items()}
    if isinstance(example, list):
        return [_like(value, names, question) for value in example[:1]]
    return names.get(example, question) if isinstance(example, str) else example


def _in_text(request: ChatRequest) -> Turn:
    """Say what the request brought, else repeat it."""
    results = _results(request)
    said = [f"{name} returned: {shorten(text, _LONGEST_RESULT)}" for name, text in results]
    images = request.image_descriptions
    said += [
        f"Image {n} shows {each}." if len(images) > 1 else f"The image shows {each}."
        for n, each in enumerate(images, 1)
    ]
    if request.search_results:
        return cited_answer(request.text, request.search_results, "\n".join(said))
    if not results and request.attachments:
        found = extract(request.text, request.attachments)
        said += [" ".join(found)] if found else [*request.attachments]
    if said:
        return Turn("\n".join(said))
    if form := _shown_form(request.messages):
        return Turn(form)
    echo = f"You said: {shorten(request.text, _LONGEST_ECHO)}"
    return answer_from_context(request) or Turn(echo)


def _question(request: ChatRequest) -> str:
    """Return the text of the user message that the tools of this turn are called for."""
    return text_of(request.messages[_start(request) - 1]) if _start(request) else ""


def _results(request: ChatRequest) -> list[tuple[str, str]]:
    names, found = {}, []
    for message in request.messages[_start(request) :]:
        for call in message.get("tool_calls") or ():
            names[call["id"]] = call["function"]["name"]
        if message["role"] == "tool":
            name = names.get(message.get("tool_call_id"), message.get("name", "The tool"))
            found.append((str(name), text_of(message)))
    return found


def _start(request: ChatRequest) -> int:
    """Return where the turn begins: behind the last user message that follows no tool's result.

    Such a one has the images of the result, which no tool message may hold.
    """
    roles = ["", *(message["role"] for message in request.messages)]
    starts = [i for i in range(1, len(roles)) if roles[i] == "user" and roles[i - 1] != "tool"]
    return starts[-1] if starts else 0
