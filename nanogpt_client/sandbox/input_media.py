"""Read the images and documents that requests bring; nothing is fetched from other hosts."""

from __future__ import annotations

import re
from io import BytesIO

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.bodies import read_data_url, string
from nanogpt_client.sandbox.exchange import Exchange
from nanogpt_client.sandbox.http import Refusal, invalid, require
from nanogpt_client.sandbox.media import ImageSpec

MAX_IMAGE = 4 * 1024 * 1024
_SIZE = re.compile(r"(\d{1,5})\s*[x*]\s*(\d{1,5})", re.IGNORECASE)
_DEFAULT_SIZE = (1024, 1024)
_SMALLEST, _LARGEST = 64, 4096
# A broken PDF shows as one of the library's own errors, or as whatever its wrong parts lead to.
_BROKEN = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip


def render(spec: ImageSpec) -> bytes:
    """Return the image's file."""
    from nanogpt_client.sandbox.media import images  # noqa: PLC0415 - an extra

    return images.render(spec)


def size_of(size: object, param: str = "size") -> tuple[int, int]:
    """Return width and height of `1024x768`; symbolic sizes (auto) give the usual square."""
    match = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None:
        symbolic = size is None or (isinstance(size, str) and not size[:1].isdigit())
        require(symbolic, f"{param} must look like 1024x1024.", param)
        return _DEFAULT_SIZE
    sides = int(match[1]), int(match[2])
    fits = all(_SMALLEST <= side <= _LARGEST for side in sides)
    require(fits, f"{param} must be from {_SMALLEST} to {_LARGEST} pixels a side.", param)
    return sides


def image_of(exchange: Exchange, url: object, param: str) -> bytes:
    """Return the bytes of an input image; for one on another host, a poster of its address."""
    url = string({param: url}, param)
    if url.startswith("data:"):
        return checked(read_data_url(url, param)[1], param)
    stored = own_file(exchange, url, param)
    return render(ImageSpec(prompt=url)) if stored is None else stored


def own_file(exchange: Exchange, url: str, param: str) -> bytes | None:
    """Return the sandbox's own file behind an http(s) URL, None for one of another host."""
    if not url.lower().startswith(("http://", "https://")):
        raise invalid(f"{param} must be an http(s) URL or a data URL.", param)
    stored = exchange.stored(url)
    return stored.content if stored else None


def checked(data: bytes, param: str) -> bytes:
    """Return `data` if it is a PNG, JPEG or WebP of at most 4 MB. Raises `Refusal`."""
    if len(data) > MAX_IMAGE:
        message = "Input images may be at most 4 MB."
        raise Refusal(413, message, code="image_input_too_large", param=param)
    readable = data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or data[8:12] == b"WEBP"
    require(readable, f"{param} is not a PNG, JPEG or WebP image.", param)
    described(data, param)  # all of it can be read
    return data


def described(data: bytes, param: str) -> str:
    """Return what an image shows. Raises `Refusal` (400)."""
    from nanogpt_client.sandbox.media.images import describe  # noqa: PLC0415 - an extra

    try:
        return describe(data)
    except ValueError:
        raise invalid(f"{param} is not a readable image.", param) from None


def pdf_text(data: bytes) -> str:
    """Return the text of a PDF, page after page; empty when it has none or cannot be read."""
    with needs("sandbox", "a PDF"):
        from pypdf import PdfReader  # noqa: PLC0415 - an extra
        from pypdf.errors import PyPdfError  # noqa: PLC0415
    try:
        pages = [page.extract_text().strip() for page in PdfReader(BytesIO(data)).pages]
    except (PyPdfError, *_BROKEN):
        return ""
    return "\n".join(filter(None, pages))
