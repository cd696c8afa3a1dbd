"""Write the prompt under a picture: fonts, wrapping to the width, and the sandbox's mark.

Pillow brings a font for ASCII, which makes such captions the same everywhere; other scripts use
a font of the system where one has their letters, and letters that no font has are left out.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterable

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MARK: Final = "NanoGPT sandbox"

_SMALLEST, _LARGEST = 9, 120  # pixels of a letter's height
_SHARE, _SHARE_OF_SMALL = 0.34, 0.55  # of the picture's height that the caption may take
_SMALL: Final = 160  # pixels of height
_LONGEST: Final = 1_200  # characters; the rest would not be legible on any picture
_SYSTEM_FONTS: Final = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "arial.ttf"),
    *("Arial Unicode.ttf", "NotoSansCJK-Regular.ttc", "PingFang.ttc", "msyh.ttc"),
)


@dataclass(frozen=True, slots=True)
class Caption:
    """Lines that fit a picture, the letter size, and the height of the band they need."""

    lines: tuple[str, ...]
    font: Font
    mark: Font
    pitch: int
    margin: int
    band: int


def lay_out(prompt: str, width: int, height: int) -> Caption:
    """Choose the largest letters at which the prompt fits; shorten it at the smallest."""
    text, face = _drawable(shorten(" ".join(prompt.split()), _LONGEST))
    share = _SHARE if height > _SMALL else _SHARE_OF_SMALL
    size = max(_SMALLEST, min(_LARGEST, round(min(width, height) * 0.05)))
    while True:
        caption, room = _at_size(text, face, size, (width, round(height * share)))
        if len(caption.lines) <= room or size == _SMALLEST:
            return _shortened(caption, room, width)
        size = max(_SMALLEST, round(size * 0.86))


def shorten(text: str, length: int) -> str:
    """Return the text, cut to a length that includes the dots which say so."""
    return text if len(text) <= length else text[: length - 3].rstrip() + "..."


def write(picture: Image.Image, caption: Caption, *, solid: bool = False) -> Image.Image:
    """Return the picture with the caption on a dark band at its lower edge.

    A solid band hides what is below it, such as the caption of a source picture.
    """
    width, height = picture.size
    top = height - caption.band
    written = picture.copy()
    written.paste(
        (18, 18, 26), (0, top), Image.new("L", (width, caption.band), 255 if solid else 196)
    )
    draw = ImageDraw.Draw(written)
    for index, line in enumerate(caption.lines):
        at = (caption.margin, top + caption.margin // 2 + index * caption.pitch)
        draw.text(at, line, font=caption.font, fill=(255, 255, 255))
    corner = (width - caption.margin, height - max(2, caption.margin // 3))
    draw.text(corner, MARK, font=caption.mark, fill=(176, 182, 196), anchor="rd")
    return written


def _at_size(text: str, face: str | None, size: int, space: tuple[int, int]) -> tuple[Caption, int]:
    """Return the caption at a letter size, and how many lines the space has room for."""
    width, height = space
    font, mark = _font(face, size), _font(None, max(7, round(size * 0.62)))
    margin, pitch = 3 if size == _SMALLEST else round(size * 0.8), round(size * 1.2)
    lines = tuple(_wrapped(text, font, width - 2 * margin))
    frame = margin + round(size * 0.8)
    room = max(1, (height - frame) // pitch)
    band = frame + min(room, len(lines)) * pitch
    return Caption(lines, font, mark, pitch, margin, band), room


def _shortened(caption: Caption, room: int, width: int) -> Caption:
    if len(caption.lines) <= room:
        return caption
    last = caption.lines[room - 1]
    while last and caption.font.getlength(last + "...") > width - 2 * caption.margin:
        last = last[:-1]
    lines = (*caption.lines[: room - 1], last.rstrip() + "...")
    return Caption(lines, caption.font, caption.mark, caption.pitch, caption.margin, caption.band)


def _wrapped(text: str, font: Font, width: float) -> Iterable[str]:
    """Yield lines no wider than the width; words that are wider are broken."""
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}".strip()
        if font.getlength(joined) <= width:
            line = joined
            continue
        if line:
            yield line
        line = word
        while (fitting := _fitting(line, font, width)) < len(line):
            yield line[:fitting]
            line = line[fitting:]
    yield line


def _fitting(line: str, font: Font, width: float) -> int:
    """Return how many letters of a line fit the width, one at least."""
    lengths = range(1, len(line) + 1)
    return max(1, bisect_right(lengths, width, key=lambda length: font.getlength(line[:length])))


def _drawable(text: str) -> tuple[str, str | None]:
    """Return the text and the font (None: Pillow's own) that has most of its letters."""
    if text.isascii():
        return text, None
    plain = unicodedata.normalize("NFC", text)
    faces = (None, *_installed())
    best = max(faces, key=lambda face: sum(_has(face, letter) for letter in set(plain)))
    return "".join(letter for letter in plain if _has(best, letter)), best


@cache
def _font(face: str | None, size: int) -> Font:
    return ImageFont.load_default(size) if face is None else ImageFont.truetype(face, size)


@cache
def _installed() -> tuple[str, ...]:
    found = []
    for name in _SYSTEM_FONTS:
        try:
            _font(name, _SMALLEST)
        except OSError:
            continue
        found.append(name)
    return tuple(found)


@cache
def _has(face: str | None, letter: str) -> bool:
    """Tell whether a font draws a letter as anything but its sign for unknown letters."""
    font = _font(face, 16)
    return letter == " " or _outline(font, letter) != _outline(font, "\uffff")


def _outline(font: Font, letter: str) -> bytes:
    sheet = Image.new("L", (40, 40))
    ImageDraw.Draw(sheet).text((4, 4), letter, font=font, fill=255)
    return sheet.tobytes()
