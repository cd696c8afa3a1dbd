"""What image, audio and video routes share: sources in, downloads out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urljoin, urlsplit

from nanogpt_client._media import files
from nanogpt_client._media.files import MAX_DOWNLOAD_BYTES
from nanogpt_client._protocol.addresses import host_of, is_public, private_host, web_address
from nanogpt_client._protocol.call import Call, FilePart, Reply, Request
from nanogpt_client._protocol.steps import Addresses, Flow, Resolve, ask, off_loop
from nanogpt_client.endpoints import _checks
from nanogpt_client.errors import (
    APIConnectionError,
    APIStatusError,
    DownloadError,
    InvalidArgumentError,
    InvalidResponseError,
    NanoGPTError,
    OutcomeUnknownError,
)
from nanogpt_client.types._surrogates import mended
from nanogpt_client.types.media import Downloadable, FileSource, Speech

MAX_REDIRECTS = 5
MAX_IMAGE_BYTES = 4 * 1024 * 1024
"""What NanoGPT takes of one picture, as base64."""
MAX_IMAGES_BYTES = 30 * 1024 * 1024
"""All pictures of one request together; NanoGPT takes bodies of 32 MB."""
MAX_PICTURE_BYTES = MAX_IMAGE_BYTES // 4 * 3
"""A picture's own bytes, before they become base64."""


def download(
    url: str,
    *,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    allow: Callable[[str], object] | None = None,
) -> Flow[bytes]:
    """Fetch a picture, sound or video; a relative URL is NanoGPT's own.

    The key goes to NanoGPT's API only. Such URLs come out of replies and prompts, so hosts inside
    the caller's network are refused, also behind a redirect, unless the client allows them. What
    is asked is the address that was checked: names are not looked up a second time.

    Args:
        url: http(s), or a path of NanoGPT's own origin.
        max_bytes: of the file; no more than that is read.
        allow: called with each address before it is asked; what it raises ends the download.
    """
    for _ in range(MAX_REDIRECTS + 1):
        if allow is not None:
            allow(url)
        found = yield from _checked(url)
        try:
            return (yield from _fetched(url, found, max_bytes))
        except (APIStatusError, DownloadError) as error:
            url = _target(url, error)
    raise InvalidResponseError(f"the download was redirected more than {MAX_REDIRECTS} times")


def download_file(file: Downloadable, *, max_bytes: int = MAX_DOWNLOAD_BYTES) -> Flow[Downloadable]:
    """Return a result with its bytes; they are fetched if only its URL came.

    Raises:
        NanoGPTError: they cannot be fetched; the message ends with the URL, which lives for a
            while.
    """
    if file.data or not file.url:
        return file
    try:
        data = yield from download(file.url, max_bytes=max_bytes)
    except NanoGPTError as error:
        error.message += f" (what was made is paid for, and stays at {file.url} for a while)"
        raise
    if isinstance(file, Speech):
        return replace(file, data=data, mime_type=files.mime_type_of(data))
    return replace(file, data=data)


def _fetched(url: str, found: Addresses, max_bytes: int) -> Flow[bytes]:
    addresses = () if found.trusted or found.elsewhere else found.addresses
    request = Request("GET", url, download_limit=max_bytes, addresses=addresses)
    refusal = None if found.own else partial(_foreign, _host(url))
    try:
        return (
            yield from ask(
                Call(request, lambda r: _bytes(r, max_bytes), "download", refusal=refusal)
            )
        )
    except (APIConnectionError, OutcomeUnknownError) as error:
        if found.own:
            raise
        raise DownloadError(f"{_host(url)} could not be reached, or did not answer") from error


def _foreign(host: str, reply: Reply) -> DownloadError:
    """Return an answer that is no file as what it is: another host's, whatever its words say."""
    status = reply.status_code
    return DownloadError(
        f"{host} answered with the status {status} in place of the file",
        status_code=status,
        response=reply,
    )


def _target(url: str, error: NanoGPTError) -> str:
    """Return where an answer redirects to; raise it if it is no redirect."""
    headers = error.response.headers if error.response is not None else {}
    if not 300 <= (error.status_code or 0) < 400 or not headers.get("location"):
        raise error
    try:
        return urljoin(url, headers["location"])
    except ValueError:  # half an IPv6 address
        raise error from None


def _host(url: str) -> str:
    return (host_of(url) or "NanoGPT's own host")[:80]


def check_address(url: str, what: str) -> Flow[None]:
    """Refuse an address that is only passed on to NanoGPT, if it cannot be one of the internet.

    A name that nobody knows here passes: it is NanoGPT that looks it up.
    """
    if web_address(url) is None:
        raise InvalidArgumentError(f"{what}: {url[:80]!r} is no http(s) URL with a host's name")
    found: Addresses = yield Resolve(url)
    if found.trusted:
        return
    if private := _private(found, url):
        raise InvalidArgumentError(
            f"{what}: {url[:80]!r} leads to {private}, inside a private network, where NanoGPT "
            "finds nothing"
        )


def _checked(url: str) -> Generator[Resolve, Addresses, Addresses]:
    """Return where a URL leads, which is no private network, or refuse it."""
    if web_address(url) is None and not _is_path(url):
        raise InvalidArgumentError(f"cannot download {url[:80]!r}: no http(s) URL")
    found = yield Resolve(url)
    if found.trusted:
        return found
    if private := _private(found, url):
        raise InvalidArgumentError(
            f"cannot download {url[:80]!r}: it leads to {private}, inside a private network; "
            "allow_private_downloads=True allows that"
        )
    if not found.addresses and not found.elsewhere:
        raise DownloadError(f"the name {_host(url)} cannot be looked up; nothing was sent")
    return found


def _private(found: Addresses, url: str) -> str | None:
    """Return what shows that a URL leads into a private network.

    Where its name is unknown here, the way it is written is all that can be judged.
    """
    if found.addresses:
        return next((address for address in found.addresses if not is_public(address)), None)
    host = host_of(url)
    return host if private_host(host) else None


def _is_path(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and url.startswith("/")


def _bytes(reply: Reply, limit: int) -> bytes:
    if not reply.body:
        raise InvalidResponseError("the download is empty")
    if len(reply.body) > limit:
        raise InvalidResponseError(f"the download is larger than the limit of {limit} bytes")
    return reply.body


def image_data_urls(sources: Sequence[FileSource]) -> Flow[list[str]]:
    """Return pictures as ``data:`` URLs; all of them fit into one request."""
    urls: list[str] = []
    for at, source in enumerate(sources):
        urls.append((yield from image_data_url(source, f"image {at + 1}")))
        if sum(map(len, urls)) > MAX_IMAGES_BYTES:
            msg = f"the images are too large: together NanoGPT takes {MAX_IMAGES_BYTES >> 20} MB"
            raise InvalidArgumentError(msg, param="image")
    return urls


def image_data_url(source: FileSource, what: str) -> Flow[str]:
    """Return a picture as a ``data:`` URL: from bytes, a path, or fetched from its URL."""
    if isinstance(source, str) and source.startswith("data:"):
        url = source
    else:
        _, data = yield from file_bytes(source, what, max_bytes=MAX_PICTURE_BYTES)
        if not files.mime_type_of(data).startswith("image/"):
            raise InvalidArgumentError(f"{what} is no PNG, JPEG, WebP or GIF picture")
        url = files.data_url(data)
    if len(url) > MAX_IMAGE_BYTES:
        raise InvalidArgumentError(
            f"{what} is too large: NanoGPT takes up to {MAX_IMAGE_BYTES >> 20} MB as base64"
        )
    return url


def file_bytes(
    source: FileSource, what: str, *, max_bytes: int = MAX_DOWNLOAD_BYTES
) -> Flow[tuple[str, bytes]]:
    """Return name and bytes of a file given as bytes, path, or URL (``max_bytes`` of it)."""
    if isinstance(source, bytes):
        return _checks.read_file(source, what)
    if not _checks.is_url(source):
        return (yield from off_loop(_checks.read_file, source, what))
    url = str(source)
    if url.startswith("data:"):
        data = files.from_base64(url)
        if not data:
            raise InvalidArgumentError(f"{what} is a data: URL without base64 content")
        return what, data
    data = yield from download(url, max_bytes=max_bytes)
    return url.rpartition("/")[2].partition("?")[0] or what, data


def file_part(name: str, data: bytes) -> FilePart:
    """Return a file for a multipart form, with a name whose extension fits it."""
    return FilePart(mended(name), data, files.mime_type_of(data))
