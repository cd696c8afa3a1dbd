"""Read the lists of a text: `apples, pears and plums`, several numbers, several records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.answers.text import sentences
from nanogpt_client.sandbox.brain import mine, scalars
from nanogpt_client.sandbox.brain.guess import is_strict, shaped
from nanogpt_client.sandbox.brain.source import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nanogpt_client.sandbox.brain.source import Field, Source

_CLAUSE = re.compile(r"[.;:?!]+(?:\s|$)|\n")
_AND = re.compile(r"\s(?:and|or|&)\s", re.IGNORECASE)
_LONGEST_ITEM = 40
_BETWEEN = re.compile(r",?\s+(?:and|or|&)\s+|,\s*|\n+")
_LEAD = re.compile(
    r"^.*\b(?:of|for|are|with|like|including|include|buy|add|to|about|me|is|tags|list|numbers"
    r"|items|the)\s+",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^(?:please )?(?:generate|create|write|give|extract|make|tell|find|use|draw)\b", re.IGNORECASE
)
_TRAIL = re.compile(
    r"\s+(?:to|on|in|from|using|into|with|for)\s+(?:my|the|your|our|a)\b.*$", re.IGNORECASE
)
_RECORD_BREAK = re.compile(r";\s*|\n+|,?\s+and\s+(?=[A-Z])|,\s+(?=[A-Z][\w']+ (?:is|was|has|\())")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(.+)$", re.MULTILINE)


def listed(kind: str, item: Any, field: Field, source: Source) -> list[Any]:
    """Return the items of a kind that the nearest texts list, in order."""
    for number, text in source.numbered():
        own = _free(number, shaped(field, text), source) if kind == "string" else []
        quoted = _free(number, mine.quoted(text), source) if kind == "string" else []
        found = quoted if len(quoted) > 1 and not is_strict(field) else own
        if found := found or ([] if is_strict(field) else _in_text(kind, item, text)):
            return found
    return []


def _free(number: int, spans: Iterable[mine.Span], source: Source) -> list[str]:
    """Return the values that no other field has taken."""
    return [
        span.value
        for span in spans
        if source.is_free(Candidate(span.value, (number, span.start, span.end)))
    ]


def records(text: str) -> list[str]:
    """Split a text into the parts that each speak of one thing."""
    return [
        part.strip()
        for sentence in sentences(text)
        for part in _RECORD_BREAK.split(sentence)
        if part.strip()
    ]


def _in_text(kind: str, item: Any, text: str) -> list[Any]:
    """Return the items that a text lists, whatever the field is called."""
    if isinstance(item, dict) and "enum" in item:
        return [each.value for each in scalars.mentioned(item["enum"], text)]
    if kind in {"number", "integer"}:
        return [mine.whole(each.value) for each in mine.numbers(text)]
    return _spelled_out(text) if kind == "string" else []


def _spelled_out(text: str) -> list[str]:
    """Return the items of a bulleted or comma-separated list, or several names."""
    if bullets := [match.strip() for match in _BULLET.findall(text)]:
        return bullets
    for clause in _CLAUSE.split(text):
        if found := _enumeration(clause):
            return found
    names = [span.value for span in mine.names(text)]
    return names if len(names) > 1 else []


def _enumeration(clause: str) -> list[str]:
    """Return the items of a clause such as `buy apples, pears and plums`, without the verb."""
    commas = clause.count(",")
    if commas + bool(_AND.search(clause)) < 2 or not commas:
        return []
    items = [each.strip(" .!?\"'") for each in _BETWEEN.split(clause) if each.strip()]
    first = _LEAD.sub("", items[0])
    if first == items[0] and _COMMAND.match(first):
        return []
    items = [first, *items[1:-1], _TRAIL.sub("", items[-1])]
    return [each for each in items if each] if max(map(len, items)) <= _LONGEST_ITEM else []
