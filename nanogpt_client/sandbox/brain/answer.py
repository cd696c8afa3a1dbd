"""Answer in words: from the prompt's own context, tool results, pictures, or the conversation.

The nearest source that knows something wins: context in the message, attachments, the system
message, what was said before, the built-in corpus; at last the plain answers of `small_talk`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain import condense, small_talk
from nanogpt_client.sandbox.brain.context import (
    Prompt,
    context_of_system,
    facts_of_system,
    take_apart,
    told,
)
from nanogpt_client.sandbox.brain.courtesy import is_small_talk
from nanogpt_client.sandbox.brain.extract import Extract, extract, lead, wants_lead
from nanogpt_client.sandbox.brain.knowledge import recall
from nanogpt_client.sandbox.brain.phrase import turned
from nanogpt_client.sandbox.brain.shape import sentence_count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanogpt_client.sandbox.brain.conversation import Conversation
    from nanogpt_client.sandbox.brain.turn import Seen

_SURE = 0.55  # what was merely said before must fit this well
_LOOKS = re.compile(
    r"\b(?:images?|pictures?|photos?|drawings?|screenshots?|colou?rs?|see|shown?|look|this|these"
    r"|here|describe|size"
    r"|big|wide|width|height|pixels?|dimensions|what(?:'s| is) (?:it|in|on))\b",
    re.IGNORECASE,
)
_UNKNOWN = "The given context does not answer that."


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, the passages it was drawn from, and how well it fits (0 to 1)."""

    text: str
    passages: tuple[str, ...] = ()
    score: float = 0.0


def answer(
    talk: Conversation, *, seen: Sequence[Seen] = (), attachments: Sequence[str] = ()
) -> Answer:
    """Answer the request of a conversation."""
    prompt = take_apart(talk.request)
    given = [*prompt.passages, *attachments]
    pictures = describe(seen)
    if seen and (_LOOKS.search(prompt.question) or not given or not prompt.question):
        return Answer(pictures, tuple(given), 1.0)
    if given:
        found = best(prompt.question, given)
        if found.sentences:
            text = turned(found.text) if prompt.is_told else found.text
            return Answer(text, tuple(given), found.score)
    if is_small_talk(prompt.question) or small_talk.echo(prompt.question):
        return Answer(small_talk.reply(prompt.question))
    return _behind(talk, prompt, bool(given)) or _without_context(talk, prompt, given)


def best(question: str, passages: Sequence[str]) -> Extract:
    """Return the sentences that answer a question, or the opening ones where all are asked for."""
    return lead(passages) if wants_lead(question) else extract(question, passages)


def describe(seen: Sequence[Seen]) -> str:
    """Say what the pictures show."""
    if len(seen) == 1:
        return f"The picture is {seen[0].description}."
    parts = [f"picture {each.index + 1} is {each.description}" for each in seen]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _without_context(talk: Conversation, prompt: Prompt, given: Sequence[str]) -> Answer:
    """Answer where nothing that was said answers the question."""
    if computed := small_talk.calculation(prompt.question):
        return Answer(computed, score=1.0)
    if given or prompt.existing:
        return Answer(prompt.existing or _UNKNOWN, tuple(given))
    question = prompt.question or talk.request or talk.system
    if said := small_talk.reply(question):
        return Answer(said, score=1.0)
    said_before = talk.earlier("user", "assistant")
    if said_before and condense.refers_back(question):
        question = condense.standalone(question, said_before, talk.earlier("user"))
    if (known := recall(question, sentence_count(told(talk.request)))).sentences:
        return Answer(known.text, (known.text,), known.score)
    return Answer(small_talk.unknown(question))


def _behind(talk: Conversation, prompt: Prompt, has_context: bool) -> Answer | None:
    """Look in the system message, earlier tool results and what was said before."""
    question = prompt.question
    if passages := context_of_system(talk.system):
        found = best(question, passages)
        if found.sentences:
            return Answer(found.text, passages, found.score)
        if not has_context and not talk.history and "?" in question:
            return Answer(_UNKNOWN, passages)
    if "?" not in question and not re.match(
        r"\W*(?:tell|remind|repeat|what|who|how)\b", question, re.IGNORECASE
    ):
        return None
    if small_talk.calculation(question):
        return None
    for heard, swap in (
        (talk.earlier("user"), True),
        (talk.earlier("tool"), False),
        (facts_of_system(talk.system), False),
        (talk.earlier("assistant"), False),
    ):
        stated = tuple(text for text in heard if not text.rstrip().endswith("?"))
        found = extract(question, stated, most=1)
        if found.sentences and found.score >= _SURE:
            return Answer(turned(found.text) if swap else found.text, stated, found.score)
    return None
