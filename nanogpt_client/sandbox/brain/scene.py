"""Read a prompt for what can be painted: figures, how many, their colours, and the ground.

A small grammar over words, no more: a colour belongs to the next figure ("a red circle"), or to
the ground after "on" and before "background" ("on blue", "blue sky"). What the prompt leaves
open, the painter chooses from the seed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from nanogpt_client.sandbox.brain.colours import NAMED

if TYPE_CHECKING:
    from nanogpt_client.sandbox.brain.colours import RGB

_FIGURES: Final[dict[str, str]] = {
    **dict.fromkeys(("circle", "ball", "disc", "disk", "dot", "sphere", "planet"), "circle"),
    **dict.fromkeys(("square", "box", "cube", "rectangle"), "square"),
    **dict.fromkeys(("triangle", "pyramid"), "triangle"),
    **dict.fromkeys(("star",), "star"),
    **dict.fromkeys(("heart",), "heart"),
    **dict.fromkeys(("sun", "sunrise", "sunset"), "sun"),
    **dict.fromkeys(("moon",), "moon"),
    **dict.fromkeys(("cloud",), "cloud"),
    **dict.fromkeys(("mountain", "hill", "alp"), "mountain"),
    **dict.fromkeys(("tree", "forest", "oak"), "tree"),
    **dict.fromkeys(("flower", "rose", "tulip", "daisy"), "flower"),
    **dict.fromkeys(("house", "home", "cottage", "hut"), "house"),
    **dict.fromkeys(("cat", "kitten", "kitty"), "cat"),
    **dict.fromkeys(("dog", "puppy"), "dog"),
    **dict.fromkeys(("fish",), "fish"),
    **dict.fromkeys(("bird",), "bird"),
    **dict.fromkeys(("boat", "ship", "sailboat"), "boat"),
    **dict.fromkeys(("car", "truck"), "car"),
    **dict.fromkeys(("robot", "android"), "robot"),
    **dict.fromkeys(("rocket", "spaceship"), "rocket"),
}
# Words that set the ground when no colour does: top and bottom of the sky, or of the space.
_SETTINGS: Final[dict[str, tuple[RGB, RGB]]] = {
    "night": ((10, 14, 44), (44, 52, 110)),
    "space": ((8, 8, 28), (40, 20, 70)),
    "sunset": ((88, 52, 140), (250, 146, 70)),
    "sunrise": ((110, 150, 220), (255, 190, 120)),
    "sea": ((120, 190, 240), (12, 96, 150)),
    "ocean": ((120, 190, 240), (12, 96, 150)),
    "lake": ((150, 200, 235), (30, 110, 150)),
    "beach": ((110, 190, 240), (236, 212, 160)),
    "desert": ((140, 196, 235), (226, 180, 110)),
    "forest": ((150, 200, 190), (30, 92, 60)),
    "snow": ((170, 200, 230), (245, 248, 252)),
    "winter": ((170, 200, 230), (245, 248, 252)),
    "sky": ((60, 130, 225), (190, 222, 250)),
}
_NUMBERS: Final = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
_COUNTS: Final = {
    **{word: count for count, word in enumerate(_NUMBERS, 2)},
    **{str(count): count for count in range(2, 10)},
    "couple": 2,
    "several": 4,
    "many": 7,
}
_STARRY: Final = frozenset({"night", "space", "galaxy"})
_ALIKE: Final = frozenset({"fish"})  # the same in singular and plural
_SOME: Final = 3  # how many a plural without a number means
_MOST: Final = 12  # figures in one picture
_ONTO: Final = frozenset({"on", "over", "against", "upon"})
_IS: Final = frozenset({"in", "is", "are"})
_ARTICLES: Final = frozenset({"a", "an", "the"})
_GROUND: Final = frozenset({"background", "backdrop", "sky", "ground", "canvas", "sea", "ocean"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing to paint; the painter chooses a colour where the prompt names none."""

    shape: str
    colour: RGB | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What a prompt says about a picture.

    `ground` is the top and bottom colour of the background; `accents` are the colours that
    belong to nothing named; `starry` asks for a night sky.
    """

    figures: tuple[Figure, ...]
    ground: tuple[RGB, RGB] | None = None
    accents: tuple[RGB, ...] = ()
    starry: bool = False


def read_scene(prompt: str) -> Scene:
    """Find figures, colours and setting in a prompt, in the order of its words."""
    reader = _Reader()
    words = re.findall(r"[a-z0-9]+", prompt.lower())
    for word, following in pairwise([*words, ""]):
        reader.read(word, following)
    return reader.finish()


def _singular(word: str) -> str | None:
    """Return the figure a word names, in singular or plural."""
    forms = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")
    return next((_FIGURES[form] for form in forms if form in _FIGURES), None)


class _Reader:
    """The state between two words: a colour without owner, a number, the words just read."""

    def __init__(self) -> None:
        self._figures: list[Figure] = []
        self._ground: tuple[RGB, RGB] | None = None
        self._setting: tuple[RGB, RGB] | None = None
        self._accents: list[RGB] = []
        self._starry = False
        self._colour: RGB | None = None
        self._count: int | None = None
        self._before = ""  # the word before, articles aside

    def read(self, word: str, following: str) -> None:
        self._setting = self._setting or _SETTINGS.get(word)
        self._starry = self._starry or word in _STARRY
        self._count = _COUNTS.get(word, self._count)
        shape = _singular(word)
        if word in NAMED:
            self._read_colour(NAMED[word], following)
        elif shape is not None:
            self._add(Figure(shape, self._colour), self._how_many(word))
        elif word in _GROUND:
            self._paint_ground()
        if word not in _ARTICLES:
            self._before = word

    def finish(self) -> Scene:
        if not self._figures:
            self._paint_ground()
        self._give_up_colour()
        ground = self._ground or self._setting
        return Scene(tuple(self._figures[:_MOST]), ground, tuple(self._accents), self._starry)

    def _read_colour(self, colour: RGB, following: str) -> None:
        self._give_up_colour()
        self._colour = colour
        owned = _singular(following) is not None or following in _GROUND
        if owned:  # "on a blue box", "in a blue sky"
            return
        if self._before in _ONTO:
            self._paint_ground()
        elif self._before in _IS:
            self._paint_last()

    def _add(self, figure: Figure, count: int) -> None:
        """Add a figure; a bare second mention ("the cat") means the one already there."""
        shapes = [known.shape for known in self._figures]
        if figure.colour is not None or count > 1 or figure.shape not in shapes:
            self._figures += [figure] * count
        self._colour = self._count = None

    def _how_many(self, word: str) -> int:
        if word in _FIGURES and word not in _ALIKE:  # one: "a two year old dog"
            return 1
        return self._count or (1 if word in _ALIKE else _SOME)

    def _paint_ground(self) -> None:
        if self._colour is not None:
            self._ground, self._colour = (self._colour, self._colour), None

    def _paint_last(self) -> None:
        """Give the colour to the last figure, if that has none."""
        if self._figures and self._figures[-1].colour is None:
            self._figures[-1] = Figure(self._figures[-1].shape, self._colour)
            self._colour = None

    def _give_up_colour(self) -> None:
        if self._colour is not None:
            self._accents.append(self._colour)
            self._colour = None
