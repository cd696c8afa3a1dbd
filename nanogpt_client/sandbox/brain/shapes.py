"""Figures as data: every shape is a few parts in a unit square, painted by one function.

A part is (kind, tone, points[, width]); points run from (0, 0), top left, to (1, 1). Tones are
relative to the figure's own colour, so that a green cat is still shaded like a cat.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING, Final

from nanogpt_client.sandbox.brain.colours import NAMED, mix

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from nanogpt_client.sandbox.brain.colours import RGB

    Points = tuple[float, ...]
    Part = tuple[str, str, Points] | tuple[str, str, Points, float]

_INK: Final = (28, 26, 34)
_PAPER: Final = (250, 250, 246)
_FIXED: Final[dict[str, RGB]] = {
    "ink": _INK,
    "paper": _PAPER,
    "bark": (110, 70, 40),
    "leaf": (52, 140, 70),
    "glow": (255, 214, 102),
    "glass": (176, 220, 245),
    "rose": (240, 140, 150),
}


def _spikes(count: int, outer: float, inner: float) -> Points:
    """Return a star with points up and its centre in the middle of the square."""
    points: list[float] = []
    for step in range(2 * count):
        reach, angle = (inner if step % 2 else outer), pi * step / count
        points += [0.5 + reach * sin(angle), 0.5 - reach * cos(angle)]
    return tuple(points)


def _heart() -> Points:
    points: list[float] = []
    for step in range(60):
        turn = 2 * pi * step / 60
        points.append(0.5 + 0.46 * sin(turn) ** 3)
        wave = 13 * cos(turn) - 5 * cos(2 * turn) - 2 * cos(3 * turn) - cos(4 * turn)
        points.append(0.46 - wave / 34)
    return tuple(points)


def _petals() -> tuple[Part, ...]:
    parts: list[Part] = []
    for step in range(6):
        x, y = 0.5 + 0.19 * sin(pi * step / 3), 0.32 - 0.19 * cos(pi * step / 3)
        parts.append(("ellipse", "main", (x - 0.13, y - 0.13, x + 0.13, y + 0.13)))
    return tuple(parts)


SHAPES: Final[dict[str, tuple[Part, ...]]] = {
    "circle": (
        ("ellipse", "main", (0.04, 0.04, 0.96, 0.96)),
        ("ellipse", "tint", (0.22, 0.16, 0.46, 0.36)),
    ),
    "square": (("polygon", "main", (0.08, 0.08, 0.92, 0.08, 0.92, 0.92, 0.08, 0.92)),),
    "triangle": (("polygon", "main", (0.5, 0.06, 0.97, 0.92, 0.03, 0.92)),),
    "star": (("polygon", "main", _spikes(5, 0.5, 0.21)),),
    "heart": (("polygon", "main", _heart()),),
    "sun": (
        ("polygon", "tint", _spikes(14, 0.5, 0.34)),
        ("ellipse", "main", (0.2, 0.2, 0.8, 0.8)),
    ),
    "moon": (
        ("ellipse", "main", (0.1, 0.1, 0.9, 0.9)),
        ("ellipse", "shade", (0.24, 0.3, 0.42, 0.48)),
        ("ellipse", "shade", (0.56, 0.24, 0.66, 0.34)),
        ("ellipse", "shade", (0.52, 0.58, 0.76, 0.8)),
    ),
    "cloud": (
        ("ellipse", "main", (0.02, 0.44, 0.4, 0.76)),
        ("ellipse", "main", (0.2, 0.24, 0.64, 0.7)),
        ("ellipse", "main", (0.5, 0.36, 0.98, 0.76)),
        ("polygon", "main", (0.2, 0.6, 0.8, 0.6, 0.8, 0.76, 0.2, 0.76)),
    ),
    "mountain": (
        ("polygon", "shade", (0.62, 0.3, 1.0, 1.0, 0.3, 1.0)),
        ("polygon", "main", (0.38, 0.04, 0.8, 1.0, 0.0, 1.0)),
        (
            "polygon",
            "paper",
            (0.38, 0.04, 0.49, 0.29, 0.42, 0.24, 0.37, 0.33, 0.31, 0.25, 0.265, 0.33),
        ),
    ),
    "tree": (
        ("polygon", "bark", (0.44, 0.6, 0.56, 0.6, 0.6, 1.0, 0.4, 1.0)),
        ("ellipse", "shade", (0.12, 0.3, 0.6, 0.74)),
        ("ellipse", "shade", (0.42, 0.3, 0.9, 0.74)),
        ("ellipse", "main", (0.22, 0.02, 0.78, 0.58)),
    ),
    "flower": (
        ("line", "leaf", (0.5, 0.4, 0.5, 1.0), 0.05),
        ("ellipse", "leaf", (0.5, 0.7, 0.78, 0.82)),
        *_petals(),
        ("ellipse", "glow", (0.4, 0.22, 0.6, 0.42)),
    ),
    "house": (
        ("polygon", "main", (0.14, 0.44, 0.86, 0.44, 0.86, 1.0, 0.14, 1.0)),
        ("polygon", "shade", (0.68, 0.12, 0.78, 0.12, 0.78, 0.4, 0.68, 0.4)),
        ("polygon", "shade", (0.5, 0.08, 0.98, 0.48, 0.02, 0.48)),
        ("polygon", "bark", (0.42, 0.68, 0.58, 0.68, 0.58, 1.0, 0.42, 1.0)),
        ("polygon", "glow", (0.2, 0.58, 0.34, 0.58, 0.34, 0.74, 0.2, 0.74)),
        ("polygon", "glow", (0.66, 0.58, 0.8, 0.58, 0.8, 0.74, 0.66, 0.74)),
    ),
    "cat": (
        ("line", "main", (0.7, 0.92, 0.9, 0.88, 0.94, 0.68, 0.88, 0.54), 0.07),
        ("ellipse", "main", (0.24, 0.46, 0.76, 1.0)),
        ("polygon", "main", (0.2, 0.3, 0.2, 0.0, 0.44, 0.16)),
        ("polygon", "main", (0.8, 0.3, 0.8, 0.0, 0.56, 0.16)),
        ("ellipse", "main", (0.18, 0.1, 0.82, 0.6)),
        ("ellipse", "paper", (0.29, 0.26, 0.44, 0.42)),
        ("ellipse", "paper", (0.56, 0.26, 0.71, 0.42)),
        ("ellipse", "ink", (0.345, 0.28, 0.405, 0.41)),
        ("ellipse", "ink", (0.595, 0.28, 0.655, 0.41)),
        ("polygon", "rose", (0.46, 0.43, 0.54, 0.43, 0.5, 0.48)),
        ("line", "ink", (0.42, 0.5, 0.46, 0.53, 0.5, 0.5, 0.54, 0.53, 0.58, 0.5), 0.012),
        ("line", "ink", (0.06, 0.4, 0.34, 0.46), 0.012),
        ("line", "ink", (0.94, 0.4, 0.66, 0.46), 0.012),
    ),
    "dog": (
        ("line", "main", (0.72, 0.84, 0.88, 0.7, 0.94, 0.56), 0.07),
        ("ellipse", "main", (0.24, 0.48, 0.78, 1.0)),
        ("ellipse", "main", (0.2, 0.1, 0.78, 0.6)),
        ("ellipse", "shade", (0.1, 0.12, 0.3, 0.52)),
        ("ellipse", "shade", (0.68, 0.12, 0.88, 0.52)),
        ("ellipse", "tint", (0.34, 0.34, 0.64, 0.58)),
        ("ellipse", "ink", (0.33, 0.25, 0.41, 0.33)),
        ("ellipse", "ink", (0.57, 0.25, 0.65, 0.33)),
        ("ellipse", "ink", (0.43, 0.36, 0.55, 0.45)),
        ("line", "ink", (0.49, 0.44, 0.49, 0.52), 0.015),
    ),
    "fish": (
        ("polygon", "shade", (0.66, 0.5, 0.98, 0.24, 0.98, 0.76)),
        ("polygon", "shade", (0.34, 0.32, 0.5, 0.1, 0.62, 0.34)),
        ("ellipse", "main", (0.02, 0.26, 0.76, 0.74)),
        ("ellipse", "paper", (0.13, 0.38, 0.25, 0.5)),
        ("ellipse", "ink", (0.16, 0.41, 0.22, 0.47)),
        ("line", "shade", (0.36, 0.36, 0.41, 0.5, 0.36, 0.64), 0.025),
    ),
    "bird": (
        ("polygon", "shade", (0.66, 0.5, 0.98, 0.36, 0.94, 0.6)),
        ("ellipse", "main", (0.2, 0.34, 0.78, 0.78)),
        ("ellipse", "main", (0.1, 0.16, 0.46, 0.52)),
        ("polygon", "glow", (0.12, 0.3, 0.12, 0.4, -0.02, 0.36)),
        ("ellipse", "ink", (0.2, 0.26, 0.27, 0.33)),
        ("polygon", "shade", (0.36, 0.46, 0.7, 0.42, 0.6, 0.66)),
        ("line", "bark", (0.44, 0.76, 0.44, 0.98), 0.025),
        ("line", "bark", (0.54, 0.76, 0.54, 0.98), 0.025),
    ),
    "boat": (
        ("line", "bark", (0.5, 0.02, 0.5, 0.76), 0.03),
        ("polygon", "paper", (0.54, 0.06, 0.54, 0.64, 0.92, 0.64)),
        ("polygon", "tint", (0.46, 0.14, 0.46, 0.64, 0.14, 0.64)),
        ("polygon", "main", (0.04, 0.72, 0.96, 0.72, 0.78, 1.0, 0.22, 1.0)),
    ),
    "car": (
        ("polygon", "main", (0.2, 0.56, 0.32, 0.32, 0.66, 0.32, 0.8, 0.56)),
        ("polygon", "glass", (0.27, 0.54, 0.35, 0.38, 0.47, 0.38, 0.47, 0.54)),
        ("polygon", "glass", (0.51, 0.54, 0.51, 0.38, 0.63, 0.38, 0.72, 0.54)),
        ("polygon", "main", (0.02, 0.84, 0.04, 0.56, 0.86, 0.54, 0.98, 0.62, 0.98, 0.84)),
        ("ellipse", "ink", (0.14, 0.72, 0.38, 0.96)),
        ("ellipse", "ink", (0.62, 0.72, 0.86, 0.96)),
        ("ellipse", "paper", (0.21, 0.79, 0.31, 0.89)),
        ("ellipse", "paper", (0.69, 0.79, 0.79, 0.89)),
        ("ellipse", "glow", (0.9, 0.62, 0.97, 0.69)),
    ),
    "robot": (
        ("line", "ink", (0.5, 0.02, 0.5, 0.16), 0.025),
        ("ellipse", "glow", (0.45, 0.0, 0.55, 0.1)),
        ("polygon", "main", (0.26, 0.14, 0.74, 0.14, 0.74, 0.48, 0.26, 0.48)),
        ("ellipse", "glow", (0.33, 0.22, 0.45, 0.34)),
        ("ellipse", "glow", (0.55, 0.22, 0.67, 0.34)),
        ("line", "ink", (0.38, 0.41, 0.62, 0.41), 0.03),
        ("polygon", "shade", (0.08, 0.54, 0.18, 0.54, 0.18, 0.82, 0.08, 0.82)),
        ("polygon", "shade", (0.82, 0.54, 0.92, 0.54, 0.92, 0.82, 0.82, 0.82)),
        ("polygon", "main", (0.2, 0.52, 0.8, 0.52, 0.8, 0.86, 0.2, 0.86)),
        ("polygon", "tint", (0.34, 0.6, 0.66, 0.6, 0.66, 0.76, 0.34, 0.76)),
        ("polygon", "shade", (0.28, 0.86, 0.42, 0.86, 0.42, 1.0, 0.28, 1.0)),
        ("polygon", "shade", (0.58, 0.86, 0.72, 0.86, 0.72, 1.0, 0.58, 1.0)),
    ),
    "rocket": (
        ("polygon", "glow", (0.42, 0.8, 0.58, 0.8, 0.5, 1.0)),
        ("polygon", "shade", (0.34, 0.5, 0.34, 0.82, 0.16, 0.86)),
        ("polygon", "shade", (0.66, 0.5, 0.66, 0.82, 0.84, 0.86)),
        (
            "polygon",
            "main",
            (0.5, 0.0, 0.62, 0.16, 0.68, 0.4, 0.64, 0.82, 0.36, 0.82, 0.32, 0.4, 0.38, 0.16),
        ),
        ("ellipse", "paper", (0.4, 0.28, 0.6, 0.48)),
        ("ellipse", "glass", (0.43, 0.31, 0.57, 0.45)),
    ),
}
# Colours that things have when the prompt names none; other shapes take one from the palette.
NATURAL: Final[dict[str, RGB]] = {
    "sun": NAMED["yellow"],
    "moon": (240, 232, 196),
    "cloud": NAMED["white"],
    "mountain": (104, 116, 140),
    "tree": NAMED["green"],
    "heart": NAMED["red"],
    "star": NAMED["gold"],
    "house": (214, 126, 84),
    "cat": (236, 150, 70),
    "dog": (170, 116, 70),
    "robot": NAMED["silver"],
}


def paint_shape(draw: ImageDraw, shape: str, box: tuple[float, float, float], colour: RGB) -> None:
    """Paint a shape of `SHAPES` into the square box (left, top, side), in pixels."""
    left, top, side = box
    tones = {
        **_FIXED,
        "main": colour,
        "shade": mix(colour, _INK, 0.3),
        "tint": mix(colour, _PAPER, 0.35),
    }
    for kind, tone, points, *width in SHAPES[shape]:
        spots = [(top if at % 2 else left) + side * part for at, part in enumerate(points)]
        if kind == "ellipse":
            draw.ellipse(spots, fill=tones[tone])
        elif kind == "polygon":
            draw.polygon(spots, fill=tones[tone])
        else:
            draw.line(spots, fill=tones[tone], width=max(1, round(side * width[0])), joint="curve")
