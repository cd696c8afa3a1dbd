"""Decide which tool calls come next, given the request and the calls made so far.

The steps of the request are worked out afresh each time, those already called are struck off,
and the next ones are filled from their own words, earlier results and the rest of the
conversation. The same call is never planned twice; a call that failed is tried once more, in
another way. So every loop ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.answers.text import squeeze
from nanogpt_client.sandbox.brain import arith, carry, condense, mine
from nanogpt_client.sandbox.brain.check import same
from nanogpt_client.sandbox.brain.context import told
from nanogpt_client.sandbox.brain.courtesy import is_small_talk, is_statement
from nanogpt_client.sandbox.brain.handoff import handoff_options
from nanogpt_client.sandbox.brain.phrase import phrase, point_to, points_back
from nanogpt_client.sandbox.brain.schema import fill
from nanogpt_client.sandbox.brain.source import Source
from nanogpt_client.sandbox.brain.steps import Step, steps_of, wants_no_tools
from nanogpt_client.sandbox.brain.tasks import choice_in
from nanogpt_client.sandbox.brain.tools import FITS, Tool, Toolbox, tools_of, vocabulary
from nanogpt_client.sandbox.brain.turn import PlannedCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nanogpt_client.sandbox.brain.conversation import Call, Conversation

_LONG = 600  # a longer request may bring a text, whose words ask for nothing
_SHORT = 80  # results up to here are put in the place of "it"
_MOST_RETRIES = 1
_MOST_CALLS = 40
_HINT = re.compile(
    r"\b(?:valid|available|allowed|supported|known|expected|try|did you mean|one of|must be"
    r"|use)\b[^:]{0,40}?:?\s(.+)",
    re.IGNORECASE | re.DOTALL,
)
_OF_NAME = re.compile(r"\b(?:there|he|she|him|his|her|its|their)\b", re.IGNORECASE)
_GOES_ON = re.compile(
    r"^\W*(?:and|what about|how about|now|also|yes|yes please|please do|do it|go ahead|sure"
    r"|ok(?:ay)?"
    r"|same (?:for|with|again)|again|continue|try again)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request says about calling tools."""

    tools: tuple[Tool, ...]
    mode: str  # none, auto or required
    parallel: bool = True


def choice_of(body: Mapping[str, Any]) -> Choice:
    """Read tools, tool_choice and parallel_tool_calls; a named choice leaves that tool alone."""
    tools = tools_of(body)
    wanted = body.get("tool_choice")
    if isinstance(wanted, dict):
        function = wanted.get("function")
        name = function.get("name") if isinstance(function, dict) else wanted.get("name")
        named = [tool for tool in tools if tool.name == name]
        tools, wanted = named or tools, "required"
    mode = {"none": "none", "required": "required", "any": "required"}.get(str(wanted), "auto")
    return Choice(tuple(tools), mode, body.get("parallel_tool_calls") is not False)


def plan(talk: Conversation, choice: Choice, answer: str = "") -> list[PlannedCall]:
    """Return the tool calls to make now; none means that it is time to answer."""
    if choice.mode == "none" or not choice.tools or len(talk.calls) >= _MOST_CALLS:
        return []
    forced = choice.mode == "required"
    request = _whole_request(talk, choice)
    if not forced and (is_small_talk(request) or is_statement(request) or wants_no_tools(request)):
        return []
    box = Toolbox(handoff_options(choice.tools, talk))
    doing = [tool for tool in box.tools if not tool.is_form]
    steps = steps_of(request, Toolbox(doing) if forced and doing else box)
    planned = _next(talk, steps, choice, answer)
    if planned or not forced:
        return planned
    left = Step(request, _fallback(box, talk, request, is_done=bool(steps)))
    return [_filled(left, talk, answer, ())]


def _whole_request(talk: Conversation, choice: Choice) -> str:
    """Return the request, made clear by what was said before where it only goes on from there."""
    request = told(talk.request) if len(talk.request) > _LONG else talk.request
    if talk.history and _OF_NAME.search(request) and not mine.names(request):
        heard = talk.earlier("user", "assistant")
        return condense.standalone(request, heard, talk.earlier("user"))
    before = next(iter(talk.earlier("user")), "")
    if before and _GOES_ON.match(request) and Toolbox(choice.tools).best(request)[1] < FITS:
        tool, score = Toolbox(choice.tools).best(before)
        if tool is not None and score >= FITS:
            return (
                f"{' '.join(tool.name.split('_'))}: {request}"
                if len(request) > len("yes please")
                else before
            )
    return request


def _fallback(box: Toolbox, talk: Conversation, request: str, *, is_done: bool) -> Tool:
    """Return the tool to call where one must be called: one not called yet, then the fittest.

    A form for the answer comes first where the work is done, or where nothing else fits.
    """
    called = {call.name for call in talk.calls}
    scores = box.scores(request)
    order = sorted(
        range(len(scores)),
        key=lambda i: (
            not (box.tools[i].is_form and (is_done or max(scores) < FITS)),
            box.tools[i].name in called,
            -scores[i],
            -i if called else i,
        ),
    )
    return box.tools[order[0]]


def _next(
    talk: Conversation, steps: Sequence[Step], choice: Choice, answer: str
) -> list[PlannedCall]:
    """Strike off what was called, and plan the next steps that need not wait for each other."""
    open_calls = [call for call in talk.calls if not call.failed]
    failures = [call for call in talk.calls if call.failed]
    planned: list[PlannedCall] = []
    for step in steps:
        if (done := _call_for(step, open_calls)) is not None:
            open_calls.remove(done)
            continue
        failed = [call for call in failures if call.name == step.tool.name]
        if len(failed) > _MOST_RETRIES:
            continue
        if planned and (step.waits or not choice.parallel):
            break
        if failed and not _HINT.search(failed[-1].result or ""):
            continue
        call = _filled(step, talk, answer, failed)
        if step.tool.lacks_file(call.arguments):
            continue
        if _is_new(call, talk, planned):
            planned.append(call)
        elif step.waits:
            break
    return planned


def _call_for(step: Step, calls: Sequence[Call]) -> Call | None:
    return next((call for call in calls if call.name == step.tool.name), None)


def _is_new(call: PlannedCall, talk: Conversation, planned: Sequence[PlannedCall]) -> bool:
    """Tell whether this very call was not made or planned before."""
    known = [(each.name, dict(each.arguments)) for each in talk.calls]
    known += [(each.name, each.arguments) for each in planned]
    return not any(call.name == name and same(call.arguments, given) for name, given in known)


def _refused(call: Call) -> list[str]:
    """Return the values of a failed call that its error names, or its only one."""
    values = [str(value) for value in call.arguments.values()]
    named = [value for value in values if value and value in (call.result or "")]
    return named or (values if len(values) == 1 else [])


def _carried(text: str, told: carry.Told, *, depicts: bool) -> tuple[str, str]:
    """Return a step's text with what "it" is, and the text to work on."""
    if depicts and told.subject:
        text = point_to(text, told.subject)
        return text, f"{phrase(text)}{told.depicted}"
    is_said = len(told.text) <= _SHORT and told.text[:1] not in {"{", "["}
    return point_to(text, squeeze(told.text)) if is_said else text, told.text


def _filled(step: Step, talk: Conversation, answer: str, failed: Sequence[Call]) -> PlannedCall:
    """Fill a tool's arguments for one step."""
    results, known = talk.results(), vocabulary(step.tool)
    text, carried = step.text, ""
    goes_on = points_back(text) or (step.waits and not carry.says_what(text, known))
    if results and goes_on:
        text, carried = _carried(text, carry.told_by(talk.calls), depicts=carry.depicts(known))
    if step.tool.edits:  # is told what to change, not what there is
        text, carried = step.text, ""
    hints = tuple(match[1] for call in failed if (match := _HINT.search(call.result or "")))
    if step.tool.is_calculator and (found := arith.sums(text)):
        text = arith.symbols(found[0].text)
    if not step.tool.properties:
        return PlannedCall(step.tool.name, {})
    chosen = choice_in(talk.request)
    hinted = (f"index: {chosen[0]}, choice: {chosen[0]}, reason: `{chosen[1]}`",) if chosen else ()
    first = results if step.tool.is_form else []
    own = (text, *hints, talk.request)
    made = carry.files(talk.earlier("tool", "assistant")) if step.tool.needs_file else []
    texts = (*hinted, *first, *own, *results, *made, *talk.earlier("user")[:4], talk.system)
    refused = frozenset(value for call in failed for value in _refused(call))
    known = frozenset() if step.tool.is_form else known
    source = Source(tuple(dict.fromkeys(texts)), answer, carried, refused, known)
    schema = _schema(step.tool)
    value = fill(schema, source)
    given = value if isinstance(value, dict) else {}
    said = "\n".join((step.text, *hints, talk.request, talk.system))
    kept = {
        name: each
        for name, each in given.items()
        if name in schema.get("required", ()) or not _is_stray(each, said, results, goes_on=goes_on)
    }
    return PlannedCall(step.tool.name, kept)


def _schema(tool: Tool) -> dict[str, Any]:
    """Return the schema of a tool's arguments; one that requires nothing is given its main text."""
    schema = {"type": "object", **tool.parameters}
    if (main := tool.main_text) and not schema.get("required"):
        plain = {"type": "string", "description": schema["properties"][main].get("description")}
        schema |= {"required": [main], "properties": schema["properties"] | {main: plain}}
    return schema


def _is_stray(value: Any, said: str, results: Sequence[str], *, goes_on: bool) -> bool:
    """Tell whether only an earlier result gave a value, and the step does not go on from there."""
    found = any(str(value) in result for result in results)
    is_said = re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", said) is not None
    return found and not is_said and not (goes_on and carry.kind_of_file(str(value)))
