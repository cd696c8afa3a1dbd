"""Where the figures of a scene stand: sky above, mountains behind, the rest in a row in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from nanogpt_client.sandbox.brain.scene import Figure

    Placed = tuple[Figure, tuple[float, float, float]]

_SKY: Final = frozenset({"sun", "moon", "cloud", "star", "bird", "rocket"})
ON_LAND: Final = frozenset(
    {"mountain", "house", "tree", "cat", "dog", "car", "flower", "robot", "boat"}
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """The size of a picture in pixels; figures keep to the upper `art` rows."""

    width: int
    height: int
    art: int


def placed(figures: tuple[Figure, ...], sheet: Sheet, rng: Generator) -> Iterator[Placed]:
    """Yield every figure with its box (left, top, side), from the back to the front."""
    on_ground = any(figure.shape in ON_LAND for figure in figures)
    back = [figure for figure in figures if figure.shape == "mountain"]
    above = [figure for figure in figures if on_ground and figure.shape in _SKY]
    front = [figure for figure in figures if figure not in back and figure not in above]
    yield from _row(above, sheet, (0.04, 0.36), rng)
    yield from _row(back, sheet, (0.1 if not front else 0.16, 1.0), rng)
    yield from _row(
        front, sheet, (0.34 if back or above else 0.1, 0.97 if on_ground else 0.92), rng
    )


def _row(
    figures: list[Figure], sheet: Sheet, rows: tuple[float, float], rng: Generator
) -> Iterator[Placed]:
    """Share the width of the sheet among the figures, standing on the lower of the two rows."""
    top, bottom = rows[0] * sheet.art, rows[1] * sheet.art
    for index, figure in enumerate(figures):
        slot = sheet.width / len(figures)
        side = min(bottom - top, slot * 0.92)
        loose = (slot - side) * rng.uniform(0.35, 0.65)
        free = bottom - top - side if figure.shape not in ON_LAND else 0.0
        yield figure, (slot * index + loose, bottom - side - free / 2, side)
