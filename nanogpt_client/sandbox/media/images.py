"""Images, offline: a poster of the prompt, and what an image file shows.

There is no image model here. `render` sets the prompt in large type on a gradient in the colour
that the prompt names, and writes it into the file's metadata; `describe` reads it there.
"""

from __future__ import annotations

import io
import re
import textwrap
from dataclasses import replace
from hashlib import sha256
from typing import Final

import numpy as np

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.media import ImageSpec

with needs("sandbox", "drawing in the sandbox"):
    from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFont, ImageOps
    from PIL.PngImagePlugin import PngInfo


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
MARK: Final = "NanoGPT sandbox"
_EXIF_COMMENT: Final = 0x9C9C  # XPComment, UTF-16
_LONGEST_NOTE: Final = 8_000  # characters; EXIF ends at 64 KB
_LONGEST_TEXT: Final = 600  # characters that are set on the image
_SMALLEST: Final = 9  # pixels, the size of the type
_NAMES: Final = (
    *("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown"),
    *("grey", "black", "white", "teal", "navy", "maroon", "olive"),
)


def render(spec: ImageSpec) -> bytes:
    """Return a poster, or a source with one below it. Raises `ValueError`: a source is no image."""
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
    """Describe an image, as in "a PNG of 64x48 pixels, mostly blue". Raises `ValueError`."""
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


def _background(prompt: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """Return a gradient from the first colour that the prompt names, or any, to a darker one."""
    digest = sha256(f"{prompt}\n{seed}".encode()).digest()
    named = [word for word in re.findall(r"[a-z]+", prompt.lower()) if word in ImageColor.colormap]
    first = ImageColor.getrgb(named[0]) if named else (*digest[3:6],)
    top, bottom = (tuple(part * 2 // 3 for part in each) for each in (first, digest[:3]))
    return ImageOps.colorize(Image.linear_gradient("L").resize(size), top, bottom)


def _written(image: Image.Image, spec: ImageSpec, top: int) -> Image.Image:
    pen, shorter = ImageDraw.Draw(image), min(image.size)
    margin = round(shorter * 0.085)
    left, right, foot = margin, image.width - margin, image.height - margin
    size = max(_SMALLEST, round(shorter * 0.026))
    text, font = _fitted(spec.prompt, right - left, foot - 2 * size - top, round(shorter * 0.11))
    pen.text((left, (top + foot - size) / 2), text, font=font, fill="white", anchor="lm")
    if shorter >= 16 * _SMALLEST:
        small = ImageFont.load_default(size)
        pen.text((left, foot), spec.model, font=small, fill="white", anchor="ld")
        pen.text((right, foot), MARK, font=small, fill="white", anchor="rd")
    return image


def _fitted(text: str, width: int, height: int, size: int) -> tuple[str, Font]:
    """Return the text in lines, and the largest type in which it fits."""
    text = textwrap.shorten(text.replace("\0", ""), _LONGEST_TEXT, placeholder=" …")
    while True:
        size = max(_SMALLEST, size)
        font = ImageFont.load_default(size)
        lines = textwrap.wrap(text, max(1, int(width / font.getlength("W"))))
        room = max(1, height // (size + 4))
        if len(lines) <= room or size == _SMALLEST:
            return "\n".join(lines[:room]), font
        size = round(size * 0.9)
