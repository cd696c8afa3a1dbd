"""Draw pictures for the routes that make them, and find the pictures that a request brings."""

from __future__ import annotations

import base64
import re

from nanogpt_client.sandbox.bodies import read_data_url
from nanogpt_client.sandbox.failures import Refusal, invalid
from nanogpt_client.sandbox.media.drawing import Drawing
from nanogpt_client.sandbox.world import Exchange

MAX_IMAGE = 4 * 1024 * 1024
_SIZE = re.compile(r"(\d{1,5})\s*[x*]\s*(\d{1,5})", re.IGNORECASE)
_DEFAULT_SIZE = (1024, 1024)
_SMALLEST, _LARGEST = 64, 4096
_MARKS = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (8, b"WEBP", "image/webp"),
)


def drawn(drawing: Drawing) -> bytes:
    """Return the picture's file."""
    from nanogpt_client.sandbox.media import images  # noqa: PLC0415 - extra

    return images.draw(drawing)


def drawn_data_url(drawing: Drawing) -> str:
    """Return the picture as a data URL."""
    data = drawn(drawing)
    return f"data:{mime_of(data)};base64,{base64.b64encode(data).decode()}"


def size_of(size: object, param: str = "size") -> tuple[int, int]:
    """Return width and height of `1024x768`; symbolic sizes (auto) give the usual square."""
    if size is None:
        return _DEFAULT_SIZE
    match = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None:
        if isinstance(size, str) and not size[:1].isdigit():
            return _DEFAULT_SIZE
        raise invalid(f"{param} must look like 1024x1024.", param)
    width, height = int(match[1]), int(match[2])
    if not (min(width, height) >= _SMALLEST and max(width, height) <= _LARGEST):
        raise invalid(f"{param} must be from {_SMALLEST} to {_LARGEST} pixels a side.", param)
    return width, height


def picture_of(exchange: Exchange, url: object, param: str) -> bytes:
    """Return the bytes of an input picture.

    Data URLs are decoded and our own media read. The sandbox fetches nothing from other hosts:
    for those it draws a stand-in from the address. Raises `Refusal` (400, 413).
    """
    if not isinstance(url, str) or not url:
        raise invalid(f"{param} must be a URL or a data URL.", param)
    if url.startswith("data:"):
        if len(url) > MAX_IMAGE * 4 // 3:
            raise too_large(param)
        return checked(read_data_url(url, param)[1], param)
    if not url.lower().startswith(("http://", "https://")):
        raise invalid(f"{param} must be an http(s) URL or a data URL.", param)
    stored = exchange.world.media.of_url(url, exchange.request.origin)
    return stored.content if stored else drawn(Drawing(prompt=url))


def checked(data: bytes, param: str) -> bytes:
    """Return `data` if it is a PNG, JPEG or WebP of at most 4 MB. Raises `Refusal`."""
    from nanogpt_client.sandbox.media.images import describe  # noqa: PLC0415 - extra

    if len(data) > MAX_IMAGE:
        raise too_large(param)
    try:
        mime_of(data)
        describe(data)  # all of it can be read
    except ValueError:
        raise invalid(f"{param} is not a readable PNG, JPEG or WebP image.", param) from None
    return data


def mime_of(data: bytes) -> str:
    """Return the MIME type of a PNG, JPEG or WebP by its first bytes; else raise `ValueError`."""
    for at, mark, mime_type in _MARKS:
        if data.startswith(mark, at):
            return mime_type
    raise ValueError("these bytes are no image")


def too_large(param: str) -> Refusal:
    """Return the 413 for an input picture over 4 MB."""
    message = "Input images may be at most 4 MB."
    return Refusal(413, message, code="image_input_too_large", param=param)
