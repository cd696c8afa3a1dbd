"""Find the words of a request that a plain text parameter means.

`beside` reads what stands next to the parameter's own name: `the package X`, `the city of X`, `the
X table`. `outstanding` yields in falling order what looks like a value: identifiers, names, what
follows a preposition, at last the words that neither the tool nor a question accounts for.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain import mine
from nanogpt_client.sandbox.brain.mine import Span
from nanogpt_client.sandbox.media.words import importance, stem, units

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_TOKEN = re.compile(r"[^\s,;:!?()\[\]{}\"“”‘’`']+(?:['’]\w+)?")
_CODED = re.compile(
    r"_|[a-z][A-Z]|\w{2}[./]\w|\w[./]\w{2}|^[A-Za-z][\w-]*\d"
)  # as no word is spelt
_SIGNS = re.compile(r"[\d_/.@-]")
_MOST_READ = 2000  # characters
_LONGEST = 120  # characters of a value without spaces
_LINKS = frozenset("of called named is id number name with".split())
_DETERMINERS = frozenset(
    "the a an this that my our your of for in on to from by about with at and or".split()
)
_PREPOSITION = re.compile(
    r"\b(?:of|for|about|in|on|into|from|with|by|to|at)\s+(?:(?:the|an?|my|our|your|some|this)\s+)?",
    re.IGNORECASE,
)
_SUFFIXES = frozenset("name id key value number code string str".split())
_EMPTY = 0.2  # words at or below this importance have no meaning of their own
_UNTOLD = 0.35  # words at or below this importance are no values


def beside(words: Sequence[str], text: str, known: Collection[str]) -> Iterator[Span]:
    """Yield what stands beside a parameter's name (given as words) in a text.

    `known` are the stems that the tool itself speaks of.
    """
    nouns = [word for word in words if word not in _SUFFIXES] or list(words)
    noun = stem(nouns[-1]) if nouns else ""
    text = text[:_MOST_READ]
    tokens = _tokens(text)
    for i, token in enumerate(tokens):
        if stem(token.value.lower()) != noun:
            continue
        found = _after(tokens, i, text, known) or _before(tokens, i, text, known)
        if found:
            yield found


def outstanding(text: str, known: Collection[str]) -> Iterator[Span]:
    """Yield what looks like a value in a text, the likeliest first."""
    text = text[:_MOST_READ]
    yield from identifiers(text)
    names = (_without_verb(name, text, known) for name in mine.names(text))
    yield from (name for name in names if not is_known(name.value, known))
    runs = _runs(text, known)
    starts = {match.end() for match in _PREPOSITION.finditer(text)}
    yield from (run for run in runs if run.start in starts)
    yield from sorted(runs, key=lambda run: -len(run.value.split()))
    rest = [each for each in _tokens(text)[1:] if not is_known(each.value, known)]
    yield from (each for each in rest[-1:] if importance(stem(each.value.lower())) > _EMPTY)


def outstanding_names(text: str) -> list[Span]:
    """Return the identifiers and proper names of a text's beginning."""
    text = text[:_MOST_READ]
    return [*identifiers(text), *mine.names(text)]


def _without_verb(name: Span, text: str, known: Collection[str]) -> Span:
    """Drop a verb that is capitalised only because the request begins with it."""
    verb, _, rest = name.value.partition(" ")
    if rest and not text[: name.start].strip() and is_known(verb, known):
        return Span(rest, name.end - len(rest), name.end)
    return name


def _tokens(text: str) -> list[Span]:
    return [
        Span(match[0].rstrip("."), match.start(), match.start() + len(match[0].rstrip(".")))
        for match in _TOKEN.finditer(text)
        if match[0].rstrip(".")
    ]


def _after(tokens: list[Span], i: int, text: str, known: Collection[str]) -> Span | None:
    """Return the value behind the noun at `i`: `the package langchain_core`, `city of Ulm`."""
    at = i + 1
    while at < len(tokens) and tokens[at].value.lower() in _LINKS:
        at += 1
    if at >= len(tokens):
        return None
    token = tokens[at]
    if whole := _whole(token, text):
        return whole
    if _SIGNS.search(token.value):
        return token
    is_one = at > i + 1 or not i or tokens[i - 1].value.lower() in _DETERMINERS
    return token if is_one and _is_telling(token.value, known) else None


def _before(tokens: list[Span], i: int, text: str, known: Collection[str]) -> Span | None:
    """Return the value in front of the noun at `i`: `the orders table`, `the living room`."""
    if not i:
        return None
    token = tokens[i - 1]
    if token.value.endswith("ing") and token.value.islower():
        return Span(text[token.start : tokens[i].end], token.start, tokens[i].end)
    for span in (*mine.quoted(text), *mine.names(text)):
        if span.start <= token.start < span.end <= tokens[i].start:
            return span
    if _SIGNS.search(token.value):
        return token
    is_one = i > 1 and tokens[i - 2].value.lower() in _DETERMINERS
    return token if is_one and _is_telling(token.value, known) else None


def _whole(token: Span, text: str) -> Span | None:
    """Return the quotation, address or name that begins with a token."""
    spans = (*mine.quoted(text), *mine.found("url", text), *mine.names(text))
    return next((span for span in spans if span.start == token.start), None)


def identifiers(text: str) -> Iterator[Span]:
    """Yield what is spelt like a name in code: snake_case, CamelCase, a.dotted.path, A-17."""
    taken = {i for kind in ("url", "email") for each in mine.found(kind, text)
             for i in range(each.start, each.end)}  # fmt: skip
    for token in _tokens(text):
        if token.start not in taken and len(token.value) <= _LONGEST and _is_code(token.value):
            yield token


def _is_code(token: str) -> bool:
    return any(map(str.isalpha, token)) and _CODED.search(token) is not None


def _runs(text: str, known: Collection[str]) -> list[Span]:
    """Return the unbroken runs of words that neither the tool nor a question accounts for."""
    found = []
    words = groupby(_tokens(text), key=lambda token: _is_telling(token.value, known))
    for telling, group in words:
        run = list(group)
        if telling:
            found.append(Span(text[run[0].start : run[-1].end], run[0].start, run[-1].end))
    return found


def _is_telling(word: str, known: Collection[str]) -> bool:
    is_word = word[:1].isalpha() and word.lower() not in _DETERMINERS
    return is_word and importance(stem(word.lower())) > _UNTOLD and not is_known(word, known)


def is_known(words: str, known: Collection[str]) -> bool:
    """Tell whether the tool itself speaks of all these words."""
    parts = units(words)
    return bool(parts) and all(part in known for part in parts)
