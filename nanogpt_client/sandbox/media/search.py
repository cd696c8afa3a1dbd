"""Search the built-in corpus: what the sandbox's `:online` models and `/api/web` find.

Ranks by BM25 over stemmed words; the title counts threefold and words of the same meaning
count a little. The corpus is `data/corpus.json`: short articles written for this package,
under reserved example domains, so that no link leads to a real site.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple
from urllib.parse import urlsplit

from nanogpt_client.sandbox.answers.turn import SearchResult
from nanogpt_client.sandbox.media.words import concepts, importance, units

_K1, _B = 1.2, 0.6
_TITLE_REPEATS = 3
_SAME_MEANING = 0.3


class _Index(NamedTuple):
    """The corpus with its word counts, one Counter an article, and how rare each term is."""

    results: tuple[SearchResult, ...]
    counts: tuple[Counter[str], ...]
    rarity: dict[str, float]
    mean_length: float


def search(
    query: str,
    *,
    limit: int = 5,
    include_domains: Sequence[str] = (),
    exclude_domains: Sequence[str] = (),
    from_date: str | None = None,
    to_date: str | None = None,
) -> list[SearchResult]:
    """Return up to `limit` articles on `query`, best first.

    A domain covers its subdomains; dates are ISO days and inclusive. When no word of the query
    occurs, the newest articles that pass the filters are returned rather than none.
    """
    index = _index()
    allowed = [
        number
        for number, result in enumerate(index.results)
        if _domain_passes(result.url, include_domains, exclude_domains)
        and (from_date or "") <= result.date <= (to_date or "9999")
    ]
    scores = {number: _score(index, number, _terms(query)) for number in allowed}
    if any(scores.values()):
        found = [number for number in allowed if scores[number]]
        found.sort(key=lambda number: (-scores[number], number))
    else:
        found = sorted(allowed, key=lambda number: index.results[number].date, reverse=True)
    return [index.results[number] for number in found[: max(0, limit)]]


def rarity(term: str) -> float:
    """Return how rare a stemmed word is in the corpus; one that it lacks is the rarest."""
    index = _index()
    return index.rarity.get(term, math.log(1 + 2 * len(index.results)))


def _domain_passes(url: str, included: Iterable[str], excluded: Iterable[str]) -> bool:
    """Tell whether the host of `url` is wanted."""
    host = urlsplit(url).hostname or ""
    wanted = [_covers(domain, host) for domain in included]
    return (not wanted or any(wanted)) and not any(_covers(domain, host) for domain in excluded)


def _covers(domain: str, host: str) -> bool:
    """Tell whether `host` is `domain` or below it."""
    domain = domain.lower().removeprefix("*.").strip(".")
    return host == domain or host.endswith("." + domain)


def _terms(text: str) -> list[str]:
    """Return the words of `text` and, marked, the meanings they share with other words."""
    words = units(text)
    return words + [f"={meaning}" for word in words for meaning in concepts(word)]


def _score(index: _Index, number: int, query: Iterable[str]) -> float:
    """Return the BM25 score of one article."""
    counts = index.counts[number]
    stretch = _K1 * (1 - _B + _B * counts.total() / index.mean_length)
    score = 0.0
    for term in dict.fromkeys(query):
        if count := counts[term]:
            weight = _SAME_MEANING if term.startswith("=") else importance(term)
            score += weight * index.rarity[term] * count * (_K1 + 1) / (count + stretch)
    return score


@cache
def _index() -> _Index:
    """Read and count the corpus, once."""
    file = resources.files("nanogpt_client.sandbox") / "data" / "corpus.json"
    results = tuple(
        SearchResult(**article) for article in json.loads(file.read_text(encoding="utf-8"))
    )
    counts = tuple(
        Counter(_terms(" ".join([result.title] * _TITLE_REPEATS + [result.content])))
        for result in results
    )
    spread = Counter(term for counter in counts for term in counter)
    rarity = {term: math.log(1 + len(results) / (n + 0.5)) for term, n in spread.items()}
    return _Index(results, counts, rarity, sum(c.total() for c in counts) / len(counts))
