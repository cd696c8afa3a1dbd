"""Rewrite a follow-up question so that it can be understood without the conversation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import terms
from nanogpt_client.sandbox.brain import mine

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKS = re.compile(
    r"standalone (?:question|query)|(?:question|query)[^.\n]{0,80}understood without"
    r"|rephrase the (?:follow[- ]?up|last|latest)|condense the",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(it|its|they|them|their|he|him|his|she|her|hers|this one|that one|there)\b", re.IGNORECASE
)
_OWNED = frozenset({"its", "their", "his", "hers"})
_ELLIPSIS = re.compile(
    r"^(?:and|but|so)?,?\s*(?:what|how) about (.+?)\??$|^and (?:in |for |of )?(.+?)\??$",
    re.IGNORECASE,
)
_SPEAKER = re.compile(
    r"^\s*(?:user|human|assistant|ai|system)\s*[:：]\s*", re.IGNORECASE | re.MULTILINE
)
_OWN_QUESTION = re.compile(r"^\s*(?:user|human)\s*[:：]\s*(.+)$", re.IGNORECASE | re.MULTILINE)


def asks_to_condense(text: str) -> bool:
    """Tell whether a prompt wants a question rewritten, not answered."""
    return _ASKS.search(text) is not None


def refers_back(question: str) -> bool:
    """Tell whether a question cannot be understood without what was said before it."""
    is_open = _PRONOUN.search(question) or _ELLIPSIS.match(question.strip())
    return bool(is_open) and not mine.names(question)


def standalone(question: str, history: Sequence[str], asked: Sequence[str]) -> str:
    """Return the question with its pronouns and gaps filled from earlier texts.

    `history` holds what was said, newest first; `asked` the user's own part of it.
    """
    question = question.strip()
    if gap := _ELLIPSIS.match(question):
        return _refilled((gap[1] or gap[2]).strip(), asked) or question
    topic = _topic(question, history)
    if not topic:
        return question
    pronoun = _PRONOUN.search(question)
    if pronoun:
        if pronoun[0].lower() == "there":
            topic = f"in {topic}"
        owned = pronoun[0].lower() in _OWNED or _owns(question, pronoun)
        put = f"{topic}'s" if owned else topic
        return question[: pronoun.start()] + put + question[pronoun.end() :]
    if len(terms(question)) > 1:
        return question
    return f"{question.rstrip('?')} (about {topic})?"


def turns_of(history: str) -> tuple[list[str], list[str]]:
    """Split a written-out chat history; returns all turns and the user's, newest first."""
    asked = [match.strip() for match in _OWN_QUESTION.findall(history)]
    turns = [turn.strip() for turn in _SPEAKER.split(history) if turn.strip()]
    return turns[::-1], asked[::-1]


def _owns(question: str, pronoun: re.Match[str]) -> bool:
    """Tell whether `her` stands before a noun."""
    following = question[pronoun.end() :]
    return pronoun[0].lower() == "her" and re.match(r"\s+[a-z]", following) is not None


def _topic(question: str, history: Sequence[str]) -> str:
    """Return the newest name in the history that the question lacks, else its subject."""
    for text in history:
        for span in mine.names(text):
            if span.value.lower() not in question.lower():
                return span.value
    for text in history:
        if text.endswith("?") and (
            subject := re.search(r"\b(?:the|an?) [\w -]+?(?=\?|,| (?:in|of|is|do)\b)", text)
        ):
            return subject[0]
    return ""


def _refilled(value: str, asked: Sequence[str]) -> str:
    """Ask the question before again, for another name."""
    for text in asked:
        spans = mine.names(text)
        if spans:
            put = re.sub(r"^(?:in|for|of|at|to) ", "", value)
            return text[: spans[-1].start] + put + text[spans[-1].end :]
    return ""
