"""Tell which words are of one family: draw, picture and image; cost, price and balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain.lexicon import FAMILIES
from nanogpt_client.sandbox.media.words import stem

if TYPE_CHECKING:
    from collections.abc import Iterable

KIN: dict[str, frozenset[int]] = {}
"""The families that each stem belongs to, by number."""
for _number, _family in enumerate(FAMILIES):
    for _word in _family:
        KIN[stem(_word)] = KIN.get(stem(_word), frozenset()) | {_number}


def families(words: Iterable[str]) -> frozenset[int]:
    """Return the families that any of some stems belongs to."""
    return frozenset(family for word in words for family in KIN.get(word, ()))
