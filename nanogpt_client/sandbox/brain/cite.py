"""Answer from web search results, each sentence followed by the number of its source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import shorten
from nanogpt_client.sandbox.brain.extract import extract, lead, wants_lead
from nanogpt_client.sandbox.brain.knowledge import answered
from nanogpt_client.sandbox.brain.turn import Cited

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nanogpt_client.sandbox.brain.types import Hit

_SNIPPET = 300
_MOST = 3
_CLOSE = 0.7  # how well the sentence of a further source must fit


def cited_answer(
    question: str, hits: Sequence[Hit], before: str = ""
) -> tuple[str, tuple[Cited, ...]]:
    """Return an answer drawn from the hits and the citations of its sentences.

    `before` opens the text; the offsets count from its beginning and are half-open.
    """
    text = f"{before}\n\n" if before else ""
    citations = []
    for sentence, number in _support(question, hits):
        start = len(text)
        text += f"{sentence} [{number + 1}] "
        citations.append(citation(hits[number], start, start + len(sentence)))
    return text.rstrip(), tuple(citations)


def citation(hit: Hit, start: int, end: int) -> Cited:
    """Return a citation of a hit for text[start:end]."""
    return Cited(hit.url, hit.title, start, end, shorten(hit.content, _SNIPPET))


def quotations(text: str, hits: Sequence[Hit], question: str) -> tuple[Cited, ...]:
    """Return citations for the sentences of the hits that a finished text holds."""
    found = []
    for sentence, number in _support(question, hits):
        if (start := text.find(sentence)) >= 0:
            found.append(citation(hits[number], start, start + len(sentence)))
    return tuple(found)


def _support(question: str, hits: Sequence[Hit]) -> list[tuple[str, int]]:
    """Choose up to three sentences, each with the number of its hit."""
    contents = [hit.content for hit in hits]
    found = lead(contents) if wants_lead(question) else answered(question, hits)
    if not found.sentences:
        found = extract(question, contents)
    pairs = list(zip(found.sentences, found.sources, strict=True))
    for number in range(len(hits)):
        if len(pairs) >= min(2, _MOST, len(hits)):
            break
        own = extract(question, [contents[number]], most=1)
        is_close = own.score >= (_CLOSE if pairs else 0)
        if number not in {used for _, used in pairs} and own.sentences and is_close:
            pairs.append((own.sentences[0], number))
    if not pairs and contents:
        opening = lead(contents[:1], most=2)
        pairs = [(sentence, 0) for sentence in opening.sentences]
    return pairs
