"""Bring an answer into the shape that the user asked for: one word, yes or no, a number, a list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import sentences, terms
from nanogpt_client.sandbox.brain import mine
from nanogpt_client.sandbox.brain.context import take_apart, told
from nanogpt_client.sandbox.brain.extract import asked_number, short_answer

if TYPE_CHECKING:
    from nanogpt_client.sandbox.brain.conversation import Conversation

_Change = Callable[[str, str], str]  # (text, question) -> text in another shape

_VERB = r"(?:answer|reply|respond|return|output|give|say|write|use|provide|print)\w*"
_ONLY = rf"\b{_VERB}\b[^.\n]{{0,40}}?\b"
_NEGATED = re.compile(r"\b(?:not|no|never|n't|none|neither|cannot)\b", re.IGNORECASE)
_NUMBERS = {"a": 1, "single": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
_ANY_NUMBER = rf"(?:{'|'.join(_NUMBERS)}|[1-9])"
_COUNT = re.compile(
    rf"\b(?:in|using|with|to|than|most|exactly|{_VERB})(?: a)? (?P<count>{_ANY_NUMBER})"
    rf"(?: \w+)? sentences?\b|\b(?P<things>{_ANY_NUMBER})(?: \w+)? facts\b",
    re.IGNORECASE,
)


def shaped_answer(talk: Conversation, text: str, *, is_known: bool = True) -> str:
    """Return `text` in the shape that the request, else the system message, asks for.

    An answer that says only that nothing is known is not made into a list.
    """
    shapes = (*_SHORT, *_LISTS) if is_known else _SHORT
    question = take_apart(talk.request).question
    for wish in (told(talk.request), told(talk.system)):
        for pattern, change in shapes:
            if pattern.search(wish):
                return change(text, question)
        if (count := sentence_count(wish)) and is_known:
            return " ".join(sentences(text)[:count])
    return text


def sentence_count(wish: str) -> int | None:
    """Return how many sentences, or facts, a wish asks for, or None where it does not say."""
    found = _COUNT.search(wish)
    word = (found["count"] or found["things"]).lower() if found else ""
    return int(word) if word.isdigit() else _NUMBERS.get(word)


def _one_word(text: str, question: str) -> str:
    if " " not in text.strip():
        return text
    return short_answer(question, _last_value(text)).split()[0].strip(".,;:!?")


def _number(text: str, question: str) -> str:
    """Return the result of a sum, else the number that the question asks for."""
    return (asked_number(question, _last_value(text)) or text).strip(" .")


def _yes_no(text: str, question: str) -> str:
    if re.match(r"\W*(?:yes|no)\b", text, re.IGNORECASE):
        return (re.match(r"\W*(\w+)", text) or [text, text])[1].capitalize()
    asked = set(terms(question))
    have = set(terms(text))
    supported = bool(asked) and len(asked & have) >= 0.6 * len(asked)
    return (
        "Yes"
        if supported and bool(_NEGATED.search(text)) == bool(_NEGATED.search(question))
        else "No"
    )


def _bullets(text: str, _question: str) -> str:
    if re.match(r"\s*[-*•]", text):
        return text
    return "\n".join(f"- {each}" for each in _items(text))


def _numbered(text: str, _question: str) -> str:
    return "\n".join(f"{i}. {each}" for i, each in enumerate(_items(text), 1))


def _commas(text: str, _question: str) -> str:
    names = list(dict.fromkeys(span.value for span in mine.names(text)))
    return ", ".join(
        names if len(names) > 1 else [each.rstrip(".").replace(",", "") for each in _items(text)]
    )


def _capitals(text: str, _question: str) -> str:
    return text.upper()


def _items(text: str) -> list[str]:
    return [re.sub(r"^\s*(?:[-*•]|\d+[.)])\s+", "", each) for each in sentences(text)]


def _last_value(text: str) -> str:
    """Return what stands behind the equals sign of a worked-out sum."""
    is_sum = re.fullmatch(r"[^=]+=\s*[-\d.]+\.?", text.strip())
    return text.rpartition("=")[2] if is_sum else text


def _shape(pattern: str, change: _Change) -> tuple[re.Pattern[str], _Change]:
    return re.compile(pattern, re.IGNORECASE), change


_SHORT = (
    _shape(
        rf"{_ONLY}(?:yes or no|['\"]?yes['\"]?\s*(?:or|/)\s*['\"]?no)\b"
        r"|\byes or no(?: only)?[.:?]?\s*$",
        _yes_no,
    ),
    _shape(
        rf"{_ONLY}(?:one|a single|1)[- ]word\b|\b(?:one|single)[- ]word (?:answer|only|reply)\b"
        r"|\bin (?:one|a single) word\b",
        _one_word,
    ),
    _shape(
        rf"{_ONLY}(?:only|just) (?:with )?(?:the |a )?(?:final )?(?:number|digits?|numeric)"
        r"|\b(?:number|digits) only\b|\bonly (?:the|a) number\b",
        _number,
    ),
)
_LISTS = (
    _shape(r"\bcomma[- ]separated (?:list|values)\b", _commas),
    _shape(r"\bnumbered list\b", _numbered),
    _shape(
        r"\b(?:list of \w+ facts|bullet(?:ed)? (?:points?|list)|markdown list|bullets)\b", _bullets
    ),
    _shape(r"\b(?:in (?:all )?(?:upper ?case|capital letters|caps))\b", _capitals),
)
