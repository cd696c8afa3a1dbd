"""Do the chores that frameworks give a model besides answering.

Condense a follow-up question, choose among numbered summaries or documents, rank passages, give
keywords, a title, search queries or questions: each is known by its wording, and done by the
same lexical ranking as answers.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import key_words, rank, sentences, shorten
from nanogpt_client.sandbox.brain import condense, mine
from nanogpt_client.sandbox.brain.context import Prompt, commands, take_apart
from nanogpt_client.sandbox.media.words import importance, units

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nanogpt_client.sandbox.brain.conversation import Conversation

_CHOICES = re.compile(r"^\((\d+)\)\s*([\s\S]*?)(?=^\(\d+\)|\n-{5,}|\Z)", re.MULTILINE)
_ASKED_OF_CHOICES = re.compile(r"relevant to the question: '([\s\S]*?)'\s*$", re.MULTILINE)
_DOCUMENTS = re.compile(
    r"^Document (\d+):\s*\n([\s\S]*?)(?=^Document \d+:|^Question:|\Z)", re.MULTILINE
)
_RANKED = re.compile(r"Rank the (\d+) passages above", re.IGNORECASE)
_PASSAGE = re.compile(r"^\[(\d+)\]\s*([\s\S]+)$")
_KEYWORDS = re.compile(
    r"\b(?:extract|give|list|provide)\b(?: up to)? ?(\d+)? ?(?:unique )?keywords\b", re.IGNORECASE
)
_QUERIES = re.compile(
    r"\bgenerate (\d+)? ?(?:different |search )*(?:search )?quer(?:ies|y)\b", re.IGNORECASE
)
_QUESTIONS = re.compile(
    r"\b(?:generate|write|create|setup|set up) (?:exactly )?(\d+)? ?questions?\b", re.IGNORECASE
)
_TITLE = re.compile(
    r"\btitle\b[^.]*[.?]?\s*Title:\s*$|\b(?:give|write|suggest|generate) (?:a|me "
    r"a)\b[^.\n]{0,20}\btitle\b",
    re.IGNORECASE,
)
_MOST_KEYWORDS = 10
_WELL = 0.6


def perform(talk: Conversation) -> str:
    """Return the result of a known chore, or "" where the request is none."""
    asked = commands(talk.request)
    if condense.asks_to_condense(f"{commands(talk.system)}\n{asked}"):
        return _condensed(talk)
    if chosen := choice_in(talk.request):
        number, reason = chosen
        if "ANSWER:" in talk.request:
            return f"ANSWER: {number}\n{reason}"
        return json.dumps([{"choice": number, "reason": reason}])
    if match := _RANKED.search(asked):
        return _ranking(talk, int(match[1]))
    for recognised, work in _CHORES:
        if match := recognised.search(asked):
            return work(talk.request, match)
    return ""


def choice_in(request: str) -> tuple[int, str] | None:
    """Choose among the numbered summaries of a prompt: (number from 1, reason), or None."""
    asked = _ASKED_OF_CHOICES.search(request)
    options = [(int(number), text.strip()) for number, text in _CHOICES.findall(request)]
    if not asked or not options:
        return None
    scores = rank(asked[1], [text for _, text in options])
    best = max(range(len(options)), key=lambda i: (scores[i], -i))
    have = set(units(options[best][1]))
    shared = [word for word in key_words(asked[1]) if have.intersection(units(word))]
    why = f"it speaks of {', '.join(shared)}" if shared else "nothing fits better"
    return options[best][0], f"Choice {options[best][0]} fits the question best: {why}."


def _condensed(talk: Conversation) -> str:
    """Rewrite the follow-up question, with the history in the prompt or in the messages."""
    if not condense.asks_to_condense(talk.request):
        said = talk.earlier("user", "assistant")
        return condense.standalone(talk.request, said, talk.earlier("user"))
    prompt = take_apart(talk.request)
    turns, asked = condense.turns_of(prompt.history)
    return condense.standalone(prompt.question, turns, asked)


def _ranking(talk: Conversation, count: int) -> str:
    """Order the passages that earlier messages numbered, best first."""
    query = re.search(r"Search Query: (.+?)\. *\n", talk.request)
    found = {
        int(m[1]): m[2] for text in talk.earlier("user") if (m := _PASSAGE.match(text.strip()))
    }
    numbers = sorted(found)[:count] or list(range(1, count + 1))
    scores = rank(query[1] if query else "", [found.get(number, "") for number in numbers])
    order = sorted(range(len(numbers)), key=lambda i: (-scores[i], i))
    return " > ".join(f"[{numbers[i]}]" for i in order)


def _documents(request: str, _match: re.Match[str]) -> str:
    """Choose the documents worth consulting, with a relevance from 1 to 10 each."""
    start = max(request.rfind("Let's try this now"), 0)
    found = [(int(number), text) for number, text in _DOCUMENTS.findall(request[start:])]
    asked = re.findall(r"^Question: (.+)$", request[start:], re.MULTILINE)
    scores = rank(asked[-1] if asked else "", [text for _, text in found])
    order = sorted(range(len(found)), key=lambda i: (-scores[i], i))
    chosen = [i for i in order if scores[i] > 0] or order[:1]
    return "\n".join(
        f"Doc: {found[i][0]}, Relevance: {max(1, min(10, round(scores[i] * 10)))}" for i in chosen
    )


def _keywords(request: str, match: re.Match[str]) -> str:
    """Return the words that say most, most frequent first."""
    body = _body(request, match)
    counts: dict[str, int] = {}
    spelling: dict[str, str] = {}
    for word in re.findall(r"[^\W\d_][\w-]+", body):
        unit = " ".join(units(word))
        if importance(unit) > _WELL:
            counts[unit] = counts.get(unit, 0) + 1
            spelling.setdefault(unit, word)
    best = sorted(counts, key=lambda unit: -counts[unit])[: int(match[1] or _MOST_KEYWORDS)]
    words = ", ".join(spelling[unit] for unit in best) or "none"
    return f"KEYWORDS: {words}" if "KEYWORDS:" in request else words


def _queries(request: str, match: re.Match[str]) -> str:
    """Return variations of a query, one on each line."""
    query = take_apart(request).question.strip().rstrip("?")
    core = " ".join(dict.fromkeys(re.findall(r"[^\W_][\w-]*", query)))
    forms = (query, f"{core} explained", f"{core} overview", f"{core} details", f"{core} examples")
    return "\n".join(forms[i % len(forms)] for i in range(int(match[1] or len(forms))))


def _questions(request: str, match: re.Match[str]) -> str:
    """Return questions that the context answers, one on each line."""
    subjects = list(dict.fromkeys(span.value for span in mine.names(_body(request, match))))
    subjects += [shorten(each, 80).rstrip(".") for each in sentences(_body(request, match))]
    chosen = subjects[: int(match[1] or 1)] or ["the context"]
    return "\n".join(
        f"{i}. What does the context say about {each}?" for i, each in enumerate(chosen, 1)
    )


def _title(request: str, match: re.Match[str]) -> str:
    """Return the opening of the text as a title."""
    opening = next(iter(sentences(_body(request, match))), "Untitled")
    return shorten(opening.removeprefix("Context:").strip().rstrip("."), 70)


def _body(request: str, match: re.Match[str]) -> str:
    """Return the text that a chore is about."""
    prompt: Prompt = take_apart(request)
    if prompt.passages:
        return "\n\n".join(prompt.passages)
    return match.string[: match.start()].strip() or match.string[match.end() :]


_CHORES: Sequence[tuple[re.Pattern[str], Callable[[str, re.Match[str]], str]]] = (
    (re.compile(r"Doc: \d+, Relevance: \d+|numbers of the documents", re.IGNORECASE), _documents),
    (_KEYWORDS, _keywords),
    (_QUERIES, _queries),
    (_QUESTIONS, _questions),
    (_TITLE, _title),
)
