"""Split a request into steps and give each the tool it needs.

`find X, then draw it, and tell me the weather in Paris and Rome` has four: two in order, and two
calls of one tool that can run at once. A piece that fits no tool belongs to the step before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from nanogpt_client.sandbox.brain import arith, mine
from nanogpt_client.sandbox.brain.carry import kinds_of_file, says_what
from nanogpt_client.sandbox.brain.guess import role_of
from nanogpt_client.sandbox.brain.lexicon import ROLES
from nanogpt_client.sandbox.brain.phrase import points_back
from nanogpt_client.sandbox.brain.source import Field
from nanogpt_client.sandbox.brain.tools import FITS, Tool, Toolbox, vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

_CUT = re.compile(
    r"(?:[.;!?]+\s+(?:\d{1,2}[.)]\s+)?|\n+(?:\s*(?:[-*•]|\d+[.)])\s+)?|,?\s+and then\s+"
    r"|,?\s*\bthen\s+|,?\s+after that,?\s+|,?\s+and finally,?\s+|,?\s+finally,?\s+"
    r"|,?\s+and also\s+|,?\s+as well as\s+|,\s+and\s+|,\s+|\s+and\s+|\s+or\s+|\s+also\s+)",
    re.IGNORECASE,
)
_IN_ORDER = re.compile(r"then|after that|finally|next|\d[.)]", re.IGNORECASE)
_OPENS_IN_ORDER = re.compile(
    r"^\W*(?:then|next|after(?:wards| that)|finally|lastly)\b", re.IGNORECASE
)
_FRAGMENT = re.compile(
    r"^(?:and |or )?(?:(?:in|for|at|of|to|from|about)\s+)?(?:the "
    r")?(?P<value>[^\s,]+(?:\s+[^\s,]+){0,2}?)[.?! ]*$",
    re.IGNORECASE,
)
_USE_TOOL = re.compile(
    r"\b(?:us(?:e|ing)|call|with|via) (?:the |a |your |an? )?(?:[\w-]+ )?(?:tools?|functions?)\b",
    re.IGNORECASE,
)
_NO_TOOLS = re.compile(
    r"\b(?:do not|don't|without|never|no) (?:\w+ ){0,4}?(?:use |using |calling |call )?(?:\w+ "
    r"){0,3}?tools?\b",
    re.IGNORECASE,
)
_SUMS_UP = re.compile(  # what can be told once all else is done
    r"\b(?:costs?|spent|spend|paid|bill|balance|credits?|left on|money left)\b", re.IGNORECASE
)
_THERE = re.compile(r"(?<!\bis )(?<!\bare )\b(?:in |over )?there\b", re.IGNORECASE)
_INNER = re.compile(r"(?<=\w )(?=the (?P<inner>\w+(?: \w+)? (?:of|in) [^,;?]+?)[?.!]*$)")
_STEP_NUMBER = re.compile(
    r"[,;]?\s*(?:\b(?:step|part|task) (?=\d{1,2}\s*[:.)-])|\()(\d{1,2})\s*[:.)-]\s*", re.IGNORECASE
)
_MOST_READ, _MOST_PIECES = 4000, 60
_NUMBER_FRAGMENT = re.compile(r"(?:and |or )?(?:of |for )?-?\d[\d.,]*[.?!]*", re.IGNORECASE)
_ENTITY_ROLES = frozenset({"place", "name", "code", "currency", "url", "email", "language"})


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of the request, the tool it needs, and whether it must wait for the one before."""

    text: str
    tool: Tool
    waits: bool = False


class _Piece(NamedTuple):
    """A clause, whether it has to follow the one before, and what stands between the two."""

    text: str
    waits: bool
    glue: str


def wants_no_tools(request: str) -> bool:
    """Tell whether the user forbids tools."""
    return _NO_TOOLS.search(request) is not None


def steps_of(request: str, box: Toolbox) -> list[Step]:
    """Return the steps of a request that need a tool, in order."""
    request = _STEP_NUMBER.sub(r"\n\1. ", request[:_MOST_READ])
    steps: list[Step] = []
    before = ""
    for text, waits, glue in _pieces(request)[:_MOST_PIECES]:
        tool, score = box.best(text)
        if steps and steps[-1].tool is tool and not _says_more(text, tool):
            continue
        if tool is not None and score >= FITS and not _is_more_of(text, steps, tool):
            clear = _with_place(text, steps)
            goes_on = points_back(clear) or _SUMS_UP.search(clear) is not None
            goes_on = goes_on or (tool.needs_file and not kinds_of_file(clear))
            waits_for_it = waits or (bool(steps) and goes_on)
            steps.append(Step(f"{before}{glue if before else ''}{clear}", tool, waits_for_it))
            before = ""
        elif steps and not waits and (more := _again(text, steps[-1])):
            steps.append(more)
        elif steps:
            steps[-1] = replace(steps[-1], text=f"{steps[-1].text}{glue}{text}")
        else:
            before = f"{before}{glue if before else ''}{text}"
    if not steps and box.tools and (_USE_TOOL.search(request) or box.best(request)[1] >= FITS):
        tool, _ = box.best(request)
        steps = [Step(request, tool)] if tool else []
    inside_out = [each for step in steps for each in _inside_out(step, box)]
    return [each for step in inside_out for each in _one_by_one(step, box)]


def _with_place(text: str, steps: Sequence[Step]) -> str:
    """Say where `there` is: the last place named, or else what the step before finds out."""
    if not steps or not _THERE.search(text) or mine.names(text):
        return text
    before = steps[-1].text
    names = mine.names(before)
    finds_place = any(ROLES.get(word) == "place" for word in re.findall(r"[a-z]+", before))
    place = "it" if finds_place or not names else names[-1].value
    return _THERE.sub(f"in {place}", text, count=1)


def _inside_out(step: Step, box: Toolbox) -> list[Step]:
    """Split off what must be known first: `the weather in the capital of France`.

    What is only foretold is not done first: `the cost of drawing a cat`.
    """
    if step.tool.foretells:
        return [step]
    for opening in reversed(list(_INNER.finditer(step.text))):
        inner, rest = opening["inner"], step.text[opening.end("inner") :]
        outer = f"{step.text[: opening.start()]}it{rest}"
        (first, fits), (second, also_fits) = box.best(inner), box.best(outer)
        if first and second and first != second and min(fits, also_fits) >= FITS:
            return [Step(inner, first, step.waits), Step(outer, second, waits=True)]
    return [step]


def _pieces(request: str) -> list[_Piece]:
    """Cut a request at the ends of its clauses."""
    kept = {i for each in arith.sums(request) for i in range(each.start, each.end)}
    kept |= {i for span in mine.quoted(request) for i in range(span.start - 1, span.end + 1)}
    kept |= {i for span in mine.names(request) for i in range(span.start + 1, span.end)}
    pieces: list[_Piece] = []
    start, waits, glue = 0, False, ""
    for cut in _CUT.finditer(request):
        if cut.start() in kept or cut.end() - 1 in kept:
            continue
        end = cut.start() + len(cut[0]) - len(cut[0].lstrip(".!?"))
        if piece := request[start:end].strip():
            pieces.append(_Piece(piece, waits or bool(_OPENS_IN_ORDER.match(piece)), glue))
        waits = bool(pieces) and bool(_IN_ORDER.search(cut[0]))
        start, glue = cut.end(), request[end : cut.end()]
    if piece := request[start:].strip():
        waits = waits or (bool(pieces) and bool(_OPENS_IN_ORDER.match(piece)))
        pieces.append(_Piece(piece, waits, glue))
    return pieces


def _says_more(text: str, tool: Tool) -> bool:
    """Tell whether a piece says with what, not only what to do.

    In `What is Nano? Search the web.` the second sentence does not.
    """
    return bool(points_back(text) or mine.quoted(text) or says_what(text, vocabulary(tool)))


def _is_more_of(text: str, steps: Sequence[Step], tool: Tool) -> bool:
    """Tell whether a piece only adds to the step before: `… in Paris, with units in celsius`."""
    if not steps or steps[-1].tool is not tool:
        return False
    adds = re.match(r"^(?:with|using|as|by|within|limit|use|please)\b", text, re.IGNORECASE)
    return adds is not None


def _again(text: str, step: Step) -> Step | None:
    """Return the same step for another place or name: `and in Rome`."""
    if _NUMBER_FRAGMENT.fullmatch(text) and len(_numeric(step.tool)) == 1:
        return Step(text, step.tool)
    parameter = _entity_parameter(step.tool)
    match = _FRAGMENT.match(text)
    if not parameter or not match:
        return None
    if not mine.names(text) and not _follows_lower(match["value"], step.text):
        return None
    return Step(text, step.tool)


def _follows_lower(value: str, before: str) -> bool:
    """Tell whether a lower-case fragment can stand for a name: the one before did, too."""
    return value.isalpha() and not mine.names(before) and len(value) > 3


def _entity_parameter(tool: Tool) -> str:
    """Return the only parameter of a tool that takes a name, or ""."""
    if any(isinstance(e, dict) and e.get("type") == "array" for e in tool.properties.values()):
        return ""
    required = tool.parameters.get("required") or list(tool.properties)
    found = [
        name
        for name in required
        if isinstance(schema := tool.properties.get(name), dict)
        and schema.get("type", "string") == "string"
        and "enum" not in schema
        and role_of(Field(name, str(schema.get("description") or ""))) in _ENTITY_ROLES
    ]
    return found[0] if len(found) == 1 else ""


def _one_by_one(step: Step, box: Toolbox) -> list[Step]:
    """Split a longer sum for tools that do one operation each: 2 * 4 first, then 20 + 8."""
    found = arith.sums(step.text)
    operations = arith.single_operations(found[0]) if len(found) == 1 else []
    if len(operations) < 2 or len(_numeric(step.tool)) != 2:
        return [step]
    tools = [box.best(each) for each in operations]
    if any(tool is None or score < FITS for tool, score in tools):
        return [step]
    pairs = enumerate(zip(operations, tools, strict=True))
    return [Step(text, tool, step.waits or n > 0) for n, (text, (tool, _)) in pairs if tool]


def _numeric(tool: Tool) -> list[str]:
    """Return the parameters of a tool that take one number each."""
    return [
        name
        for name, each in tool.properties.items()
        if isinstance(each, dict) and each.get("type") in ("integer", "number")
    ]
