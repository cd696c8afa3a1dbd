"""Films, offline: a short MP4 in which the picture of a prompt comes slowly closer.

There is no video model here. The picture of `picture.draw`, or the image given, is panned and
zoomed, a light wanders over it, and the prompt stands below; small and quick to make on purpose.
"""

from __future__ import annotations

from typing import Final

from nanogpt_client.sandbox.lazy import needs

_LONGER_SIDE: Final = 320  # pixels
_LONGEST: Final = 120.0  # seconds
_MOST_SLANTED: Final = 4.0  # longer side : shorter side


def film(
    prompt: str,
    *,
    seconds: float,
    aspect_ratio: str = "16:9",
    image: bytes | None = None,
    seed: int = 0,
) -> bytes:
    """Make an MP4 (8 frames per second, longer side 320 pixels, no sound).

    Args:
        prompt: what is painted, written below, and set as the title in the file's metadata.
        seconds: length, above 0 up to 120.
        aspect_ratio: width:height, such as "16:9" or "1:1"; at most 4:1 either way.
        image: a picture to animate in place of a painted one.
        seed: another seed, another film.

    Raises:
        ValueError: a length or aspect ratio out of range; the image is no picture.

    """
    if not 0 < seconds <= _LONGEST:
        raise ValueError(f"a film lasts above 0 up to {_LONGEST:g} seconds, not {seconds:g}")
    size = _size(aspect_ratio)
    with needs("Pillow and PyAV"):
        from nanogpt_client.sandbox.brain import (  # noqa: PLC0415 - extra
            canvas,
            caption,
            layout,
            picture_files,
            reel,
        )

    prompt = prompt.encode("utf-8", "replace").decode()
    words = caption.lay_out(prompt, *size)
    wide, high = round(size[0] * reel.ZOOM), round((size[1] - words.band) * reel.ZOOM)
    sheet = layout.Sheet(wide, high, high)
    if image is None:
        still = canvas.paint(prompt, seed, sheet)
    else:
        still = canvas.fitted(picture_files.load(image), sheet)
    count = max(1, round(seconds * reel.RATE))
    return reel.encode(reel.frames(still, words, size, count), size, title=prompt)


def _size(aspect_ratio: str) -> tuple[int, int]:
    """Return even width and height in pixels, the longer one `_LONGER_SIDE`."""
    wide, _, high = aspect_ratio.partition(":")
    try:
        ratio = float(wide) / float(high)
    except (ValueError, ZeroDivisionError):
        ratio = 0.0
    if not 1 / _MOST_SLANTED <= ratio <= _MOST_SLANTED:
        raise ValueError(f"an aspect ratio is like 16:9 and at most 4:1, not {aspect_ratio!r}")
    width = _LONGER_SIDE * min(1.0, ratio)
    height = _LONGER_SIDE / max(1.0, ratio)
    return round(width / 2) * 2, round(height / 2) * 2
