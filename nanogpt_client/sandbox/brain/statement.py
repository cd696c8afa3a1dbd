"""Turn a question and a value into a sentence.

`How many rows has X?` and 7 give `X has 7 rows.`
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain.context import bare
from nanogpt_client.sandbox.brain.phrase import turned

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 80  # characters of a value, and of a question, that make one sentence
_IS = re.compile(
    r"(?P<asks>what|who)(?P<be>'s| is| are| was| were) (?P<rest>(?!it\b|that\b|this\b|there\b|up\b)"
    r"[^,;?]+)",
    re.IGNORECASE,
)
_HAS = re.compile(
    r"how (?:many|much) (?P<what>[^,;?]+?) (?P<do>does|do|did) (?P<who>[^,;?]+) (?P<verb>[a-z]+)",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"how many (?P<what>\w+) (?!do|does|did|are|is|was|were|times)(?P<rest>\w+ [^,;?]+)",
    re.IGNORECASE,
)
_ARE = re.compile(
    r"how (?:many|much) (?P<what>[^,;?]+?) (?P<be>are|is|were|was)(?: there)? "
    r"(?P<where>(?:in|on|at|of|for)\b[^,;?]+)",
    re.IGNORECASE,
)
_PAST = {"have": "had", "get": "got", "make": "made", "take": "took", "contain": "contained"}


def stated(question: str, value: str) -> str:
    """Return a sentence that answers `question` with `value`, or "" where none is sure to fit."""
    asked = bare(question).strip().rstrip("?. ")
    value = value.strip().rstrip(".")
    if not value or max(len(asked), len(value)) > _LONGEST or "\n" in value:
        return ""
    for pattern, write in _FORMS:
        if match := pattern.fullmatch(asked):
            said = write(match, value)
            return f"{said[:1].upper()}{said[1:]}." if said else ""
    return ""


def _is(match: re.Match[str], value: str) -> str:
    """Say what something is; `what is X like` is no such question."""
    rest = match["rest"]
    if rest.endswith(" like") or (" and " in rest and not rest[:1].isdigit()):
        return ""
    verb = {"'s": "is"}.get(match["be"].lower(), match["be"].strip().lower())
    return f"{turned(rest, opens=False)} {verb} {value}"


def _has(match: re.Match[str], value: str) -> str:
    """Say how many things something has."""
    verb = match["verb"].lower()
    forms = {
        "do": verb,
        "does": "has" if verb == "have" else f"{verb}s",
        "did": _PAST.get(verb, ""),
    }
    form = forms[match["do"].lower()]
    who = turned(match["who"], opens=False)
    return f"{who} {form} {value} {match['what']}" if form and value[:1].isdigit() else ""


def _are(match: re.Match[str], value: str) -> str:
    """Say how many things there are."""
    if not value[:1].isdigit():
        return ""
    return f"there {match['be'].lower()} {value} {match['what']} {match['where']}"


def _counted(match: re.Match[str], value: str) -> str:
    """Say how many things do something."""
    rest = turned(match["rest"], opens=False)
    return f"{value} {match['what']} {rest}" if value[:1].isdigit() else ""


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], str]], ...] = (
    (_IS, _is), (_ARE, _are), (_HAS, _has), (_COUNTED, _counted),
)  # fmt: skip
