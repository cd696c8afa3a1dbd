"""Put tool results into words: each is mentioned, short ones word for word."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import shorten, squeeze
from nanogpt_client.sandbox.brain.conversation import parse_loosely
from nanogpt_client.sandbox.brain.extract import extract, lead
from nanogpt_client.sandbox.brain.statement import stated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nanogpt_client.sandbox.brain.conversation import Call

_LONG = 800  # longer results are read, not repeated
_SHORT = 60  # characters of a value that makes one sentence
_FEWEST_WORDS = 3  # of a sentence
_TROUBLE = re.compile(
    r"\b(?:errors?|fail\w*|offline|unavailable|not found|time[ds]? ?out|denied|invalid|unknown"
    r"|cannot"
    r"|could not|unable|no such|missing)\b",
    re.IGNORECASE,
)
_PRICE = re.compile(r"\bfor (\d+(?:\.\d+)?) USD\b")
_ASKS_COSTS = re.compile(r"\b(?:cost|costs|spent|spend|price|bill|paid|charged?)\b", re.IGNORECASE)
_DATA = re.compile(r"[{\[]|\w+: ")
_EMPTY = ("[]", "{}", "null", "None", '""')


def report(question: str, calls: Sequence[Call]) -> str:
    """Say what the tools returned, in the order of the calls; "" if nothing has come back.

    A failure is reported unless a later call of the same tool went well.
    """
    answered = [call for call in calls if call.result is not None and not call.is_handoff]
    good = [call for call in answered if not call.failed]
    repaired = {call.name for call in good}
    told = [call for call in answered if not call.failed or call.name not in repaired]
    if len(told) == 1:
        return _one(question, told[0])
    lines = [_line(question, call) for call in told]
    return "\n".join(f"- {line}" for line in (*lines, *_total(question, told)))


def _total(question: str, calls: Sequence[Call]) -> list[str]:
    """Add up the prices that results tell, where the question is for costs."""
    prices = [Decimal(found) for call in calls for found in _PRICE.findall(call.result or "")]
    if len(prices) < 2 or not _ASKS_COSTS.search(question):
        return []
    return [f"Together, these calls cost {sum(prices, Decimal()).normalize():f} USD."]


def _one(question: str, call: Call) -> str:
    if call.failed:
        return f"The tool {call.name} could not do it and reported: {_said(question, call)}"
    said = _said(question, call)
    if len(call.result or "") > _LONG or _is_sentence(said):
        return said
    is_answer = said[:1] not in {"{", "["} and not _TROUBLE.search(said)
    return (is_answer and stated(question, said)) or _told(call, said)


def _line(question: str, call: Call) -> str:
    """Report one of several calls so that it can be told apart from the others."""
    said = _said(question, call)
    given = [str(value) for value in call.arguments.values()]
    if not call.failed and _is_sentence(said) and (not given or any(v in said for v in given)):
        return said
    if call.failed or not _is_value(said):
        return f"{_title(call)}: {said or 'nothing'}"
    return _told(call, said)


def _told(call: Call, said: str) -> str:
    """Say which tool returned what, and for what."""
    if not said or said in _EMPTY:
        return f"{call.name} returned nothing{_for(call.arguments)}."
    if not _is_value(said):
        return f"{call.name} returned:{chr(10) if chr(10) in said else ' '}{said}"
    return f"{call.name} returned {said}{_for(call.arguments)}."


def _is_sentence(said: str) -> bool:
    return said.endswith((".", "!", "?")) and len(said.split()) >= _FEWEST_WORDS


def _is_value(said: str) -> bool:
    """Tell whether a result is one value rather than prose or data."""
    return 0 < len(said) <= _SHORT and len(said.split()) < _FEWEST_WORDS and not _DATA.match(said)


def _said(question: str, call: Call) -> str:
    """Return a short result as it is, of a long one the sentences that answer the question."""
    result = (call.result or "").strip()
    if len(result) <= _LONG:
        return _fields(result) or result
    found = extract(question, [result])
    return found.text or lead([result]).text


def _fields(result: str) -> str:
    """Write a flat record as `name: Ada, id: 42`; return "" for anything else."""
    record = parse_loosely(result) if result.startswith("{") else None
    if not isinstance(record, dict) or not record:
        return ""
    is_flat = not any(isinstance(value, (dict, list)) for value in record.values())
    return ", ".join(f"{key}: {value}" for key, value in record.items()) if is_flat else ""


def _title(call: Call) -> str:
    """Name a call with what it was given."""
    return f"{call.name} ({', '.join(_values(call.arguments))})" if call.arguments else call.name


def _for(arguments: Mapping[str, Any]) -> str:
    *most, last = _values(arguments) or [""]
    return f" for {', '.join(most)}{' and ' * bool(most)}{last}" if last else ""


def _values(arguments: Mapping[str, Any]) -> list[str]:
    return [shorten(squeeze(str(value)), 40) for value in arguments.values()][:4]
