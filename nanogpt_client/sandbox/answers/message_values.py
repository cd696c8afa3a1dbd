"""The values that stand in a message: numbers, quoted strings, dates and other single words.

They fill the arguments of tools and the properties of schemas, in order, each once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

_NUMBER = re.compile(  # none that is part of a date, a time, a version or a name
    r"(?<![\w.])(?<!\d[-:/])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\w|[-.:/,]\d)", re.ASCII
)
_QUOTED = re.compile(
    r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|`([^`\n]+)`|(?<!\w)['‘]([^'’\n]+)['’](?!\w)"
)
_WORD = re.compile(r"[^\s\"“”«»`,;!?()<>]+")

Accepts = Callable[[Any], bool]


class Found(NamedTuple):
    """A value and its half-open place in the message."""

    value: Any
    start: int
    end: int


class MessageValues:
    """The values of one message that are still free.

    `taken` may be remembered and set again, to take back what was taken since.
    """

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self.taken: tuple[Found, ...] = ()

    def number(self, accepts: Accepts) -> Found | None:
        """Take the first number that fits."""
        numbers = ((_read(match[0]), *match.span()) for match in _NUMBER.finditer(self.text))
        return self._take(numbers, accepts)

    def quoted(self, accepts: Accepts) -> Found | None:
        """Take the first quoted string that fits."""
        quotes = _QUOTED.finditer(self.text)
        strings = ((next(filter(None, match.groups())), *match.span()) for match in quotes)
        return self._take(strings, accepts)

    def word(self, accepts: Accepts) -> Found | None:
        """Take the first single word that fits: a date, an address, a code."""
        words = (
            (word, *match.span())
            for match in _WORD.finditer(self.text)
            for word in dict.fromkeys((match[0].strip(".:'‘’[]{}"), match[0]))
        )
        return self._take(words, accepts)

    def option(self, options: Sequence[Any], accepts: Accepts) -> Found | None:
        """Take the first of the given values that stands in the message."""
        found = [
            (option, *match.span())
            for option in options
            if isinstance(option, str | int | float) and not isinstance(option, bool)
            for match in re.finditer(_pattern(str(option)), self.text, re.IGNORECASE)
        ]
        return self._take(sorted(found, key=lambda each: (each[1], -each[2])), accepts)

    def whole(self, accepts: Accepts) -> Found | None:
        """Take the message itself."""
        return self._take([(self.text, -1, 0)] if self.text else [], accepts)

    def _take(self, candidates: Iterable[tuple[Any, int, int]], accepts: Accepts) -> Found | None:
        for value, start, end in candidates:
            free = all(end <= each.start or each.end <= start for each in self.taken)
            if free and accepts(value):
                self.taken = (*self.taken, Found(value, start, end))
                return self.taken[-1]
        return None


def _read(number: str) -> int | float:
    plain = number.replace(",", "")
    return float(plain) if "." in plain else int(plain)


def _pattern(option: str) -> str:
    """Match an option as a whole word; `dark_mode` also as `dark mode`."""
    words = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", option))) if option else "(?!)"
    return rf"(?<!\w){words}(?!\w)"
