"""Recall what the built-in corpus says about a question of general knowledge.

An article answers a question when it holds nearly all of its words (rare ones count more), or
most of them where the question is about the article's title. Else nothing is recalled: better
than something beside the point.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import sentences, terms
from nanogpt_client.sandbox.brain.entity import identifiers
from nanogpt_client.sandbox.brain.extract import Extract, extract, kinds_expected, opens_pointing
from nanogpt_client.sandbox.media.search import rarity, search
from nanogpt_client.sandbox.media.words import concepts, importance, stem, units

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanogpt_client.sandbox.brain.types import Hit

_SURE = 0.8  # share of the question that an article must hold
_TITLED = 0.6  # the same where the question is about the article's title
_NAMED = 0.3  # for being called what the question names
_SAME_MEANING = 0.6
_CANDIDATES = 5
_OPENING = 2  # sentences that tell what something is
_LONGEST = 400  # characters of a question
_ASKING = frozenset(
    map(
        stem,
        """explain describe define definition tell mean meaning work difference between compare
        comparison
        use used fact thing list name give show know overview introduction briefly detail word
        sentence sentences term simple called please people one two three four five""".split(),
    )
)
_NO_KNOWLEDGE = re.compile(
    r"\b(?:today|now|current(?:ly)?|latest|tonight|tomorrow|what time|my|our|we|your?)\b"
    r"|(?<!tell )(?<!give )(?<!show )(?<!to )\bme\b"
    r"|(?<!how do )(?<!how can )(?<!how should )\bi\b",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:compare|differences? between|how (?:do|does))\s+(?P<one>.+?)"
    r"\s+(?:and|with|to|differ from)"
    r"\s+(?P<other>.+?)(?:\s+differ)?\W*$",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r",? and (?=(?:what|who|when|where|which|how|why)\b)", re.IGNORECASE)
_SUBJECT = re.compile(r"^(?:he|she|it|they)\s", re.IGNORECASE)
_REMARK = re.compile(r" \(|:")
_SEVERAL = re.compile(r",|:| and ")


def recall(question: str, count: int | None = None) -> Extract:
    """Answer a question from the corpus, in `count` sentences where that is given.

    An extract without sentences means that the corpus does not answer the question.
    """
    if len(question) > _LONGEST or _NO_KNOWLEDGE.search(question):
        return Extract()
    articles = search(question, limit=_CANDIDATES)
    found = answered(question, articles, count)
    if found.sentences:
        told = _introduced(list(found.sentences), articles[found.sources[0]])[:count]
        return Extract(tuple(told), found.sources[:1] * len(told), found.score)
    if pair := _COMPARES.search(question):
        both = [answered(pair[side], search(pair[side]), 1) for side in ("one", "other")]
        if all(each.sentences for each in both):
            return Extract(both[0].sentences + both[1].sentences, (0, 1), both[0].score)
    return found


def answered(question: str, articles: Sequence[Hit], count: int | None = None) -> Extract:
    """Answer a question from the article that it is about, if one of these is.

    The sentences are the article's own; the sources of the extract are its number.
    """
    wanted = _wanted(question)
    spelt = [span.value for span in identifiers(question)]
    fitting = [
        (fit, -number)
        for number, hit in enumerate(articles)
        if all(each in hit.content for each in spelt) and (fit := _fit(question, wanted, hit))
    ]
    if not fitting:
        return Extract()
    fit, place = max(fitting)
    chosen = _told(question, articles[-place], count)
    return Extract(tuple(chosen), (-place,) * len(chosen), min(1.0, fit))


def _wanted(question: str) -> list[str]:
    """Return the stems of the words that an article must speak of."""
    return [word for word in dict.fromkeys(terms(question)) if word not in _ASKING]


def _told(question: str, article: Hit, count: int | None) -> list[str]:
    """Return what an article says on each clause of a question."""
    first, *more = _CLAUSES.split(question)
    wanted = _wanted(first)
    is_definition = _title_words(article).issuperset(wanted)
    chosen = _opening(wanted, article, count) if is_definition else _best(first, article, count)
    for clause in more if count is None else ():
        further = extract(clause, [article.content], most=1).sentences
        chosen = [*chosen[:1], *(each for each in further if each not in chosen[:1])]
    return chosen


def _fit(question: str, wanted: list[str], article: Hit) -> float:
    """Return how well an article fits, 0 where it is beside the point."""
    title = _title_words(article)
    if not wanted or (
        len(wanted) == 1 and wanted[0] not in title and _is_in_passing(wanted[0], article)
    ):
        return 0.0
    is_titled = title.issubset(wanted)
    covered = _coverage(wanted, f"{article.title} {article.content}")
    if covered < (_TITLED if is_titled else _SURE):
        return 0.0
    named = 1.0 if title == {*wanted} else _NAMED * is_titled
    return covered + named + extract(question, [article.content]).score / 4


def _is_in_passing(word: str, article: Hit) -> bool:
    """Tell whether an article only mentions a word, once and late."""
    opening = next(iter(sentences(article.content)), "")
    return word not in units(opening) and units(article.content).count(word) < _OPENING


def _title_words(hit: Hit) -> set[str]:
    return set(terms(_name(hit)))


def _name(hit: Hit) -> str:
    """Return an article's title without what follows in brackets or after a colon."""
    return _REMARK.split(hit.title)[0]


def _coverage(wanted: list[str], article: str) -> float:
    """Return the share of the wanted words that an article holds, rare ones counting more."""
    have = set(units(article))
    meanings = {meaning for unit in have for meaning in concepts(unit)}
    held = total = 0.0
    for word in wanted:
        weight = importance(word) * rarity(word)
        total += weight
        if word in have:
            held += weight
        elif not meanings.isdisjoint(concepts(word)):
            held += _SAME_MEANING * weight
    return held / total if total else 0.0


def _opening(wanted: list[str], article: Hit, count: int | None) -> list[str]:
    """Return the sentences that begin where an article first speaks of what is asked for."""
    whole = sentences(article.content)
    first = next((i for i, each in enumerate(whole) if {*units(each)}.intersection(wanted)), 0)
    return whole[first:][: count or _OPENING]


def _best(question: str, article: Hit, count: int | None) -> list[str]:
    """Return the sentences that answer best; where more are wanted, those that follow them."""
    whole = sentences(article.content)
    title = _title_words(article)  # each sentence is about it, whether it says so or not
    asked = [word for word in question.split() if not title.issuperset(units(word) or {""})]
    chosen = list(extract(" ".join(asked), [article.content]).sentences)
    expected = kinds_expected(question)
    if expected and not any(kind.search(each) for each in chosen for kind in expected):
        chosen = [each for each in whole if any(kind.search(each) for kind in expected)][:1]
    chosen = chosen or whole[:_OPENING]
    if count is not None:
        first = min(whole.index(chosen[0]), max(0, len(whole) - count))
        chosen = chosen[:count] if len(chosen) >= count else whole[first : first + count]
    return chosen


def _introduced(chosen: list[str], article: Hit) -> list[str]:
    """Let the first sentence name its subject, which it may only call `it`."""
    title, whole = _name(article), sentences(article.content)
    named = _title_words(article).intersection(units(chosen[0]))
    if not opens_pointing(chosen[0]) and (named or " it " not in chosen[0]):
        return chosen
    if _SUBJECT.match(chosen[0]) and not _SEVERAL.search(title):
        return [_SUBJECT.sub(f"{title} ", chosen[0]), *chosen[1:]]
    before = whole[: whole.index(chosen[0])][-1:]
    return [*before, *chosen]
