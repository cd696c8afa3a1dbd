"""Where the filler takes values from: texts of the conversation, nearest first.

A `Source` remembers which stretches of text were used, so that `12 times 7` fills two numbers
in order and no name is given to two fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_READ = 12_000  # characters of each text that are searched for values
Place = tuple[int, int, int]  # number of the text, start, end


class Field(NamedTuple):
    """What is known of the value wanted: the property's name, its description, its depth."""

    name: str = ""
    about: str = ""
    depth: int = 0

    @property
    def words(self) -> list[str]:
        """The lower-case words of the name."""
        return split_name(self.name)

    @property
    def about_words(self) -> list[str]:
        """The lower-case words of the description."""
        return re.findall(r"[a-z]+", self.about.lower())


class Candidate(NamedTuple):
    """A value that may fit, and the stretch of text it would use up."""

    value: Any
    place: Place | None = None


@dataclass(slots=True)
class Source:
    """The texts to fill from, the first being the request itself (or the step in hand).

    `answer` is the best answer found for the request and fills fields that want one; `carried`
    is an earlier result that the request calls "it"; `refused` are values not to use again;
    `known` are the stems of words that name the tool and its parameters, not their values.
    """

    texts: tuple[str, ...]
    answer: str = ""
    carried: str = ""
    refused: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    taken: list[Place] = field(default_factory=list)
    given: list[Any] = field(default_factory=list)

    @property
    def focus(self) -> str:
        """The nearest text."""
        return self.texts[0][:_MOST_READ] if self.texts else ""

    def numbered(self, *, near: bool = False) -> Iterator[tuple[int, str]]:
        """Iterate over (number, text), only the nearest if `near`."""
        for number, text in list(enumerate(self.texts))[: 1 if near else None]:
            yield number, text[:_MOST_READ]

    def is_free(self, candidate: Candidate) -> bool:
        """Tell whether a candidate's stretch of text, or else its value, is still unused."""
        if candidate.place is None:
            return candidate.value not in self.given
        number, start, end = candidate.place
        return not any(
            number == other and start < other_end and other_start < end
            for other, other_start, other_end in self.taken
        )

    def take(self, candidate: Candidate) -> Any:
        """Use a candidate up and return its value."""
        if candidate.place is not None:
            self.taken.append(candidate.place)
        self.given.append(candidate.value)
        return candidate.value

    def used(self) -> tuple[list[Place], list[Any]]:
        """Return what is used up so far, for `restore`."""
        return list(self.taken), list(self.given)

    def restore(self, used: tuple[list[Place], list[Any]]) -> None:
        """Forget what was used up since `used`."""
        self.taken, self.given = list(used[0]), list(used[1])


def split_name(name: str) -> list[str]:
    """Return the lower-case words of an identifier in snake, kebab or camel case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W_]+", spaced)]
