"""Colours: the words for them, and the word for a colour that was seen.

`NAMED` gives the tints that pictures are painted with; `name_of` and `names_of` go the other
way by hue, saturation and value, and call every basic tint of `NAMED` by its own name.
"""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    RGB = tuple[int, int, int]

NAMED: Final[dict[str, RGB]] = {
    "red": (224, 49, 49),
    "crimson": (190, 22, 50),
    "orange": (247, 127, 24),
    "yellow": (250, 204, 21),
    "gold": (234, 179, 8),
    "golden": (234, 179, 8),
    "green": (47, 158, 68),
    "lime": (130, 201, 30),
    "olive": (119, 122, 32),
    "mint": (99, 230, 190),
    "teal": (12, 128, 128),
    "turquoise": (32, 201, 190),
    "cyan": (21, 190, 214),
    "blue": (37, 99, 235),
    "navy": (22, 38, 110),
    "azure": (56, 140, 240),
    "indigo": (67, 56, 180),
    "purple": (134, 46, 196),
    "violet": (124, 58, 237),
    "lavender": (196, 170, 240),
    "magenta": (214, 36, 159),
    "pink": (244, 114, 182),
    "salmon": (250, 140, 120),
    "brown": (124, 72, 32),
    "beige": (232, 216, 184),
    "black": (22, 22, 26),
    "grey": (128, 132, 138),
    "gray": (128, 132, 138),
    "silver": (192, 196, 202),
    "white": (248, 249, 250),
}

_NAMES: Final = (
    *("black", "dark grey", "grey", "light grey", "white"),
    *("red", "orange", "brown", "yellow", "olive", "green"),
    *("teal", "cyan", "blue", "purple", "pink"),
)
_INDEX: Final = {name: index for index, name in enumerate(_NAMES)}
# Upper end of each hue in degrees, its word, and the word below a value of 0.62.
_HUES: Final = (
    (14, "red", "red"),
    (46, "orange", "brown"),
    (68, "yellow", "olive"),
    (164, "green", "green"),
    (200, "cyan", "teal"),
    (256, "blue", "blue"),
    (292, "purple", "purple"),
    (344, "pink", "purple"),
    (361, "red", "red"),
)
_DULL: Final = 0.62


def name_of(colour: RGB) -> str:
    """Return the everyday word for a colour."""
    return names_of(np.array([colour], np.uint8))[0]


def names_of(pixels: NDArray[np.uint8]) -> list[str]:
    """Return the everyday word for each pixel of an array (n, 3)."""
    hue, saturation, value = _hsv(pixels)
    ends = [end for end, _, _ in _HUES]
    bright = np.array([_INDEX[word] for _, word, _ in _HUES])
    dull = np.array([_INDEX[word] for _, _, word in _HUES])
    band = np.searchsorted(ends, hue, side="right")
    index = np.where(value < _DULL, dull[band], bright[band])
    index[(bright[band] == _INDEX["red"]) & (value > 0.8) & (saturation < 0.5)] = _INDEX["pink"]
    grey = (saturation < 0.14) | (saturation * value < 0.1) | (value < 0.16)
    shade = np.searchsorted([0.18, 0.4, 0.7, 0.9], value, side="right")  # black ... white
    return [_NAMES[choice] for choice in np.where(grey, shade, index)]


def to_hex(colour: RGB) -> str:
    """Write a colour as #rrggbb."""
    return "#" + bytes(colour).hex()


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """Return the first colour with a share 0..1 of the second in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def from_hsv(hue: float, saturation: float, value: float) -> RGB:
    """Return the colour of a hue (in turns, any number), saturation and value (0..1)."""
    red, green, blue = (
        round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value)
    )
    return red, green, blue


def _hsv(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], ...]:
    """Return hue in degrees, saturation and value (0..1) of pixels (n, 3)."""
    part = pixels.astype(np.float64) / 255
    red, green, blue = part.T
    value = part.max(axis=1)
    chroma = value - part.min(axis=1)
    safe = np.where(chroma == 0, 1, chroma)
    hue = np.select(
        [value == red, value == green],
        [(green - blue) / safe % 6, (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    saturation = chroma / np.where(value == 0, 1, value)
    return np.where(chroma == 0, 0, hue * 60), saturation, value
