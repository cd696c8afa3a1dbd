"""Pictures, offline: draw what a prompt says, and say what a picture shows.

There is no image model here. `draw` paints the shapes and colours that the prompt names on a
gradient of its own, writes the prompt under it and into the file's metadata; `look` names format,
size and colours of any picture, and the prompt of our own.
"""

from __future__ import annotations

from typing import Final

from nanogpt_client.sandbox.lazy import needs

_SIDES: Final = range(64, 4_097)  # pixels
_FORMATS: Final = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
_MIME_TYPES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
)


def draw(  # noqa: PLR0913 - the words of the image routes
    prompt: str,
    *,
    width: int,
    height: int,
    seed: int,
    format: str = "png",
    source: bytes | None = None,
    mask: bytes | None = None,
    strength: float = 0.8,
) -> bytes:
    """Paint a prompt, or paint it over a source picture, and return the file.

    Args:
        prompt: also written under the picture, and into the file's metadata.
        width: pixels, 64 to 4096.
        height: pixels, 64 to 4096.
        seed: another seed, another picture.
        format: png, jpeg or webp.
        source: a picture to change; it is cut to the proportions asked for.
        mask: white or transparent where the source may change; elsewhere it stays as it is.
        strength: 0 keeps the source, 1 repaints it.

    Raises:
        ValueError: a size, format or strength out of range; source or mask is no picture.

    """
    if width not in _SIDES or height not in _SIDES:
        limits = f"{_SIDES[0]} to {_SIDES[-1]} pixels"
        raise ValueError(f"a picture is {limits} wide and high, not {width}x{height}")
    if format not in _FORMATS:
        raise ValueError(f"unknown picture format {format!r}; known are {', '.join(_FORMATS)}")
    if not 0 <= strength <= 1:
        raise ValueError(f"strength must be between 0 and 1, not {strength:g}")
    with needs("Pillow"):
        from nanogpt_client.sandbox.brain import (  # noqa: PLC0415 - extra
            canvas,
            caption,
            layout,
            picture_files,
        )

    prompt = prompt.encode("utf-8", "replace").decode()
    words = caption.lay_out(prompt, width, height)
    sheet = layout.Sheet(width, height, height - words.band)
    if source is None:
        picture = caption.write(canvas.paint(prompt, seed, sheet), words)
    else:
        base = canvas.fitted(picture_files.load(source), sheet)
        changed = canvas.repaint(base, prompt, seed, sheet, strength)
        picture = caption.write(changed, words, solid=True)
        if mask is not None:
            picture = canvas.within(picture_files.load(mask), picture, base)
    return picture_files.save(picture, _FORMATS[format], prompt)


def look(data: bytes) -> str:
    """Describe a picture: "a 64x48 PNG, mostly blue (#0000ff)", and the prompt of one of ours.

    Raises:
        ValueError: the bytes are no picture.

    """
    with needs("Pillow"):
        from nanogpt_client.sandbox.brain import picture_files  # noqa: PLC0415 - extra

    picture = picture_files.load(data)
    width, height = picture.size
    article = "an" if str(width).startswith("8") or width in {11, 18} else "a"
    colours = ", with some ".join(picture_files.main_colours(picture))
    prompt = picture_files.prompt_in(picture)
    showing = f', showing "{prompt}"' if prompt else ""
    return f"{article} {width}x{height} {picture.format}, mostly {colours}{showing}"


def mime_of(data: bytes) -> str:
    """Return the MIME type of a picture by its first bytes.

    Raises:
        ValueError: they begin no picture that is known here.

    """
    for offset, mark, mime in _MIME_TYPES:
        if data[offset : offset + len(mark)] == mark:
            return mime
    raise ValueError("these bytes are no picture")
