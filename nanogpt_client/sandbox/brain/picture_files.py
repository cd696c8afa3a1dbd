"""Picture files: any file to pixels, pixels to a file with its prompt, colours in words."""

from __future__ import annotations

import io
from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nanogpt_client.sandbox.brain.colours import names_of, to_hex

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOFTWARE: Final = "NanoGPT sandbox"
_EXIF_SOFTWARE, _EXIF_COMMENT = 0x0131, 0x9C9C  # the second, XPComment, holds UTF-16
_LONGEST_NOTE: Final = 8_000  # characters; EXIF ends at 64 KB
_QUALITY: Final = 90  # of JPEG and WebP
_SAMPLE: Final = 64  # pixels a side that are looked at to name colours
_WORTH_SAYING: Final = 0.1  # share of the picture from which a second colour is named
_STANDS_OUT: Final = 0.25  # share of its kind from which one exact colour stands for all


def load(data: bytes) -> Image.Image:
    """Read a picture file, its pixels included.

    Raises:
        ValueError: the bytes are no picture, a damaged one, or one too large to be sound.

    """
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError("these bytes are no picture that can be read") from error
    return picture


def opaque(picture: Image.Image) -> Image.Image:
    """Return the picture as RGB, on white where it is transparent."""
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")


def save(picture: Image.Image, kind: str, prompt: str) -> bytes:
    """Return the picture as a file (PNG, JPEG or WEBP) with the prompt in its metadata."""
    target = io.BytesIO()
    note = prompt.replace("\0", "")[:_LONGEST_NOTE]
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Software", _SOFTWARE)
        info.add_itxt("prompt", note)
        picture.save(target, kind, pnginfo=info, compress_level=4)
    else:
        exif = Image.Exif()
        exif[_EXIF_SOFTWARE] = _SOFTWARE
        exif[_EXIF_COMMENT] = note.encode("utf-16-le")
        picture.save(target, kind, exif=exif.tobytes(), quality=_QUALITY)
    return target.getvalue()


def prompt_in(picture: Image.Image) -> str:
    """Return the prompt that `save` left in a picture, or nothing."""
    if picture.info.get("Software") == _SOFTWARE:
        return str(picture.info.get("prompt", ""))
    exif = picture.getexif()
    comment = exif.get(_EXIF_COMMENT, b"")
    if exif.get(_EXIF_SOFTWARE) != _SOFTWARE or not isinstance(comment, bytes):
        return ""
    return comment.decode("utf-16-le", "replace")


def main_colours(picture: Image.Image) -> Iterator[str]:
    """Yield the colour of most of a picture, then a second worth saying: "red (#e03131)"."""
    small = opaque(picture).resize((_SAMPLE, _SAMPLE), Image.Resampling.NEAREST)
    pixels = np.asarray(small).reshape(-1, 3)
    names = np.array(names_of(pixels))
    ranking = Counter(names.tolist()).most_common(2)
    for rank, (name, count) in enumerate(ranking):
        if rank == 0 or count >= _WORTH_SAYING * len(names):
            alike = Counter(map(tuple, pixels[names == name].tolist()))
            colour, often = alike.most_common(1)[0]
            if often < _STANDS_OUT * count:  # a gradient, or a photograph
                colour = tuple(np.median(pixels[names == name], axis=0).round().astype(int))
            yield f"{name} ({to_hex(colour)})"
