"""Turn text into comparable words: the reading that embedding and search share.

`units` splits text at Unicode word borders, then splits CamelCase, snake_case and letters
from digits, lower-cases and stems each part. Scripts written without spaces (Chinese,
Japanese, Thai ...) become overlapping pairs of characters. `importance` and `concepts` read
`data/vocabulary.json`: how much common words should count, and which everyday words say the
same thing (remove, delete, drop). All results depend on the text alone.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache, lru_cache
from importlib import resources

_TOKEN = re.compile(r"\w+(?:['’]\w+)?")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
)
_FOREIGN_PART = re.compile(rf"[{_SPACELESS}]+|[^\W\d_{_SPACELESS}]+|\d+")
_UNSPACED = re.compile(f"[{_SPACELESS}]")
_POSSESSIVE = re.compile("['’](?:s$)?")
_VOWEL = re.compile("[aeiouy]")
_MAX_UNIT = 64
_MIN_STEM = 3
_LONG_ENDINGS = {"ment", "ly", "able", "ible"}


def units(text: str) -> list[str]:
    """Return the stemmed words of `text` in order, compound names split into their parts."""
    found: list[str] = []
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", text)):
        found.extend(_parts(token))
    return found


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return `word` (lower case) without its English inflection; other scripts unchanged."""
    if not word.isascii() or len(word) <= _MIN_STEM or not word.isalpha():
        return word
    return _tidy(_without_ending(_singular(word)))


def importance(unit: str) -> float:
    """Return how much a unit says, from nearly 0 (the) to 1 (any word that is not common)."""
    return _vocabulary()[0].get(unit, 1.0)


def concepts(unit: str) -> tuple[str, ...]:
    """Return the names of the meanings that a unit shares with other words."""
    return _vocabulary()[1].get(unit, ())


@cache
def _vocabulary() -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    """Return a weight in 0..1 of each common word, and the meanings that words share."""
    file = resources.files("nanogpt_client.sandbox") / "data" / "vocabulary.json"
    raw = json.loads(file.read_text(encoding="utf-8"))
    weights: dict[str, float] = {}
    for weight, words in raw["importance"].items():
        for word in words.split():
            weights.setdefault(stem(word), float(weight))
    meanings: dict[str, tuple[str, ...]] = {}
    for line in raw["same_meaning"]:
        for unit in dict.fromkeys(map(stem, line.split())):
            meanings[unit] = (*meanings.get(unit, ()), line)
    return weights, meanings


@lru_cache(maxsize=1 << 16)
def _parts(token: str) -> tuple[str, ...]:
    """Return the units of one token: a word, a number or a compound name."""
    found: list[str] = []
    pattern = _PART if token.isascii() else _FOREIGN_PART
    for part in pattern.findall(_POSSESSIVE.sub("", token)):
        word = part.casefold()
        if _UNSPACED.match(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(stem(word[:_MAX_UNIT]))
    return tuple(found)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _MIN_STEM + 1:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_ending(word: str) -> str:
    for ending in ("ly", "ment", "able", "ible", "ing", "ed", "er", "or"):
        shorter = word.removesuffix(ending)
        least = 5 if ending in _LONG_ENDINGS else _MIN_STEM
        if shorter != word and len(shorter) >= least and _VOWEL.search(shorter):
            word = shorter
    return word.removesuffix("ion") if word.endswith(("tion", "sion")) else word


def _tidy(word: str) -> str:
    """Give the remains of one word family the same end."""
    if word.endswith("e") and len(word) > _MIN_STEM:
        word = word[:-1]
    if word.endswith("y") and len(word) > _MIN_STEM:
        word = word[:-1] + "i"
    if len(word) > _MIN_STEM and word[-1] == word[-2] and word[-1] not in "aeiou":
        return word[:-1]
    if word.endswith("at") and len(word) > _MIN_STEM + 2 and word[-3] not in "aeou":
        return word[:-2]
    return word.replace("is", "iz") if word.endswith("is") else word
