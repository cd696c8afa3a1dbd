"""Images, offline: a poster of the prompt, and what an image file shows.

There is no image model here. `render` sets the prompt in large type on a gradient in the colours
that the prompt names, and writes it into the file's metadata; `describe` reads it there.
"""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Iterator
from colorsys import hsv_to_rgb, rgb_to_hsv
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Final

import numpy as np

from nanogpt_client.sandbox.lazy import needs
from nanogpt_client.sandbox.media import ImageSpec

with needs("Pillow"):
    from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFont, ImageOps
    from PIL.PngImagePlugin import PngInfo


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
MARK: Final = "NanoGPT sandbox"
_EXIF_COMMENT: Final = 0x9C9C  # XPComment, UTF-16
_LONGEST_NOTE: Final = 8_000  # characters; EXIF ends at 64 KB
_LONGEST_TEXT: Final = 600  # characters that are set on the image
_SMALLEST: Final = 9  # pixels, the size of the type
_FONTS: Final = ("NotoSans-Regular.ttf", "DejaVuSans.ttf", "arial.ttf", "Arial Unicode.ttf")
_NAMES: Final = (
    *("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown"),
    *("grey", "black", "white", "teal", "navy", "maroon", "olive"),
)


def render(spec: ImageSpec) -> bytes:
    """Return the file of a poster, or of a source image with a poster below it.

    Raises:
        ValueError: The source or the mask is no image.
    """
    spec = replace(spec, prompt=spec.prompt.encode("utf-8", "replace").decode())
    size = (spec.width, spec.height)
    poster = _background(spec.prompt, spec.seed, size)
    if spec.source is None:
        return _saved(_written(poster, spec, 0), spec)
    source = ImageOps.fit(_opaque(_load(spec.source)), size)
    top = round(spec.height * 0.66)
    image = Image.blend(source, poster, spec.strength / 2)
    image.paste(poster.crop((0, top, *size)), (0, top))
    image = _written(image, spec, top)
    if spec.mask is not None:
        image = Image.composite(image, source, _area(_load(spec.mask)).resize(size))
    return _saved(image, spec)


def describe(data: bytes) -> str:
    """Describe an image: "a PNG of 64x48 pixels, mostly blue", and the prompt of one of ours.

    Raises:
        ValueError: The bytes are no image.
    """
    image = _load(data)
    width, height = image.size
    prompt = _prompt_in(image)
    showing = f', showing "{prompt}"' if prompt else ""
    return f"a {image.format} of {width}x{height} pixels, mostly {_main_colour(image)}{showing}"


def _load(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError("these bytes are no image that can be read") from error
    return image


def _opaque(image: Image.Image) -> Image.Image:
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image.convert("RGBA"))
    return ground.convert("RGB")


def _area(mask: Image.Image) -> Image.Image:
    """Return what may change: where the mask is transparent, or white if it has no holes."""
    holes = ImageChops.invert(mask.convert("RGBA").getchannel("A"))
    return holes if holes.getbbox() else mask.convert("L")


def _saved(image: Image.Image, spec: ImageSpec) -> bytes:
    target = io.BytesIO()
    note = spec.prompt.replace("\0", "")[:_LONGEST_NOTE]
    if spec.format == "png":
        info = PngInfo()
        info.add_itxt(MARK, note)
        image.save(target, "PNG", pnginfo=info, compress_level=4)
    else:
        exif = Image.Exif()
        exif[_EXIF_COMMENT] = f"{MARK}: {note}".encode("utf-16-le")
        image.save(target, spec.format.upper(), exif=exif.tobytes(), quality=90)
    return target.getvalue()


def _prompt_in(image: Image.Image) -> str:
    """Return the prompt that `_saved` left in an image, else nothing."""
    comment = image.getexif().get(_EXIF_COMMENT, b"")
    text = comment.decode("utf-16-le", "replace") if isinstance(comment, bytes) else ""
    mark, _, prompt = text.partition(": ")
    return prompt if mark == MARK else str(image.info.get(MARK, ""))


def _main_colour(image: Image.Image) -> str:
    small = _opaque(image).resize((64, 64), Image.Resampling.NEAREST).quantize(8).convert("RGB")
    _, colour = max(small.getcolors() or ())
    red, green, blue = np.array(colour, dtype=int)
    names = {name: np.array(ImageColor.getrgb(name)) for name in _NAMES}
    name = min(names, key=lambda name: np.abs(names[name] - (red, green, blue)).sum())
    return f"{name} (#{red:02x}{green:02x}{blue:02x})"


def _hues(prompt: str, digest: bytes) -> Iterator[tuple[float, float]]:
    """Yield hue and saturation of each colour that the prompt names, and then of two others."""
    for word in re.findall(r"[a-z]+", prompt.lower()):
        if word in ImageColor.colormap:
            red, green, blue = ImageColor.getrgb(word)[:3]
            hue, saturation, _ = rgb_to_hsv(red / 255, green / 255, blue / 255)
            yield hue, min(saturation, 0.75)
    yield from ((0.45 + byte / 500, 0.65) for byte in digest[:2])  # from teal to red


def _background(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """Return a slanting gradient with discs on it, in the colours that the prompt names."""
    digest = sha256(f"{prompt}\n{seed}".encode()).digest()
    (hue, saturation), *others = _hues(prompt, digest)
    turn = (0.06 + digest[2] / 2_550) * (1 if 0.2 < hue < 0.7 else -1)  # never towards brown
    first, last = (
        255 * np.array(hsv_to_rgb((hue + shift) % 1, saturation, value))
        for shift, value in ((0, 0.66), (turn, 0.36))
    )
    across, down = np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1])
    share = (0.4 * across + 0.6 * down[:, None])[..., None]
    image = Image.fromarray((first + (last - first) * share).astype(np.uint8))
    for number, (hue, saturation) in enumerate(others[:3]):
        x, y, reach = (digest[3 + 3 * number + each] / 255 for each in range(3))
        side = round(min(size) * (0.5 + reach / 2))
        disc = Image.new("L", (side * 2, side * 2))  # twice as large, for a smooth edge
        ImageDraw.Draw(disc).ellipse((0, 0, side * 2 - 1, side * 2 - 1), fill=70)
        at = (round(size[0] * x - side / 2), round(size[1] * y - side / 2))
        colour = tuple(round(255 * part) for part in hsv_to_rgb(hue, saturation, 0.95))
        image.paste(colour, at, disc.resize((side, side)))
    return image


def _written(image: Image.Image, spec: ImageSpec, top: int) -> Image.Image:
    """Return the image with the prompt below `top`, the model's name small, and a thin border."""
    pen = ImageDraw.Draw(image, "RGBA")
    shorter = min(image.size)
    margin, label = round(shorter * 0.085), max(_SMALLEST, round(shorter * 0.026))
    inset, line = max(2, round(shorter * 0.035)), max(1, shorter // 400)
    pen.rectangle(
        (inset, inset, image.width - 1 - inset, image.height - 1 - inset),
        outline=(255, 255, 255, 110),
        width=line,
    )
    top, foot = top + margin // 2, image.height - margin
    width, height = image.width - 2 * margin, foot - 2 * label - top
    lines, font, pitch = _set(spec.prompt, width, height, round(shorter * 0.11))
    top += (height - len(lines) * pitch) // 2
    for number, text in enumerate(lines):
        pen.text((margin, top + number * pitch), text, font=font, fill="white")
    if shorter >= 16 * _SMALLEST:
        small, pale = _font(label, ascii=spec.model.isascii()), (255, 255, 255, 180)
        pen.text((margin, foot), spec.model, font=small, fill=pale, anchor="ld")
        pen.text((image.width - margin, foot), MARK, font=small, fill=pale, anchor="rd")
    return image


def _set(text: str, width: int, height: int, size: int) -> tuple[list[str], Font, int]:
    """Return the text in lines, in the largest type in which it fits, and the lines' distance."""
    text = textwrap.shorten(text.replace("\0", ""), _LONGEST_TEXT, placeholder=" …")
    size, share = max(_SMALLEST, size), 1.0
    while True:
        font, pitch = _font(size, ascii=text.replace("…", "").isascii()), round(size * 1.25)
        average = font.getlength(text) / max(1, len(text))
        columns, room = int(share * width / max(1, average)), max(1, height // pitch)
        lines = textwrap.wrap(text, max(1, columns), max_lines=room, placeholder="…")
        is_narrow = max(map(font.getlength, lines), default=0) <= width
        is_whole = "".join(lines).replace(" ", "") == text.replace(" ", "")
        if is_narrow and (is_whole or size == _SMALLEST):
            return lines, font, pitch
        share *= 0.9 if size == _SMALLEST else 1
        size = max(_SMALLEST, round(size * 0.9))


@cache
def _font(size: int, *, ascii: bool) -> Font:
    """Return Pillow's own font, or for other letters one of the system where there is one."""
    for name in () if ascii else _FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


# REST Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
