"""Think aloud: a short chain of thought tied to the request and to what was decided."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import key_words, sentences, shorten
from nanogpt_client.sandbox.brain.context import take_apart

if TYPE_CHECKING:
    from nanogpt_client.sandbox.brain.conversation import Conversation
    from nanogpt_client.sandbox.brain.turn import Turn

_SHOWN = 160


def thoughts(talk: Conversation, turn: Turn) -> str:
    """Return why `turn` answers the request; the same request gives the same thoughts."""
    prompt = take_apart(talk.request)
    lines = [f"The user asks: “{shorten(prompt.question or talk.request, _SHOWN)}”."]
    if words := key_words(prompt.question)[:5]:
        lines.append(f"The words that matter are {', '.join(words)}.")
    if prompt.passages:
        count = sum(len(sentences(passage)) for passage in prompt.passages)
        lines.append(f"The context has {count} sentences; I look for those that share these words.")
    lines += [
        f"{call.name} returned “{shorten(call.result, _SHOWN)}”."
        for call in talk.calls
        if call.result is not None
    ]
    lines += [
        f"So I call {call.name} with "
        f"{shorten(json.dumps(call.arguments, ensure_ascii=False), _SHOWN)}."
        for call in turn.tool_calls
    ]
    if turn.citations:
        lines.append(f"The web search supports the answer with {turn.citations[0].title}.")
    if not turn.tool_calls:
        lines.append("Nothing more is needed, so I answer now.")
    return " ".join(lines)
