"""Put tool results into words: each is mentioned, short ones word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain.extract import extract, lead
from nanogpt_client.sandbox.brain.text import shorten, squeeze

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nanogpt_client.sandbox.brain.conversation import Call

_LONG = 800  # longer results are read, not repeated


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
    return "\n".join(f"- {_title(call)}: {_said(question, call)}" for call in told)


def _one(question: str, call: Call) -> str:
    if call.failed:
        return f"The tool {call.name} could not do it and reported: {_said(question, call)}"
    said = _said(question, call)
    if len(call.result or "") > _LONG:
        return said
    return f"According to {call.name}: {said}" if said else f"{call.name} returned nothing."


def _said(question: str, call: Call) -> str:
    """Return a short result as it is, of a long one the sentences that answer the question."""
    result = (call.result or "").strip()
    if len(result) <= _LONG:
        return result
    found = extract(question, [result])
    return found.text or lead([result]).text


def _title(call: Call) -> str:
    """Name a call so that two calls of one tool can be told apart."""
    return f"{call.name} ({_arguments(call.arguments)})" if call.arguments else call.name


def _arguments(arguments: Mapping[str, Any]) -> str:
    values = [f"{key}={shorten(squeeze(str(value)), 40)}" for key, value in arguments.items()]
    return ", ".join(values[:4])
