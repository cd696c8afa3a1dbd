"""What image, audio and video routes share: sources in, downloads out."""

from __future__ import annotations

from collections.abc import Generator
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

from nanogpt_client._core.call import Call, FilePart, Reply, Request
from nanogpt_client._core.flow import Addresses, Flow, Locate, Located, Resolve, ask
from nanogpt_client.endpoints import _check
from nanogpt_client.errors import APIStatusError, ConfigurationError, ResponseFormatError
from nanogpt_client.wire import _files
from nanogpt_client.wire._files import MAX_DOWNLOAD_BYTES
from nanogpt_client.wire._surrogates import mended
from nanogpt_client.wire.media import FileSource, Source

MAX_REDIRECTS = 5
MAX_IMAGE_BYTES = 4 * 1024 * 1024


def download(url: str, *, max_bytes: int = MAX_DOWNLOAD_BYTES) -> Flow[bytes]:
    """Fetch a picture, sound or video; a relative URL is NanoGPT's own.

    The key goes to NanoGPT's own address only. Such URLs come out of replies and prompts, so hosts
    inside the caller's network are refused, also behind a redirect, unless the client allows them.
    """
    for _ in range(MAX_REDIRECTS + 1):
        yield from _check_address(url)
        request = Request("GET", url, download_limit=max_bytes)
        try:
            return (yield from ask(Call(request, lambda r: _bytes(r, max_bytes), "download")))
        except APIStatusError as error:
            target = error.response.headers.get("location") if error.response else None
            if not 300 <= (error.status_code or 0) < 400 or not target:
                raise
            try:
                url = urljoin(url, target)
            except ValueError:  # half an IPv6 address
                raise error from None
    raise ResponseFormatError(f"the download was redirected more than {MAX_REDIRECTS} times")


def _check_address(url: str) -> Generator[Resolve, Addresses, None]:
    if not _is_address(url):
        raise ConfigurationError(f"cannot download {url[:80]!r}: no http(s) URL")
    found = yield Resolve(url)
    private = [address for address in found.addresses if not ip_address(address).is_global]
    if private and not found.trusted:
        raise ConfigurationError(
            f"cannot download {url[:80]!r}: it leads to {private[0]}, inside a private network; "
            "allow_private_downloads=True allows that"
        )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        known = parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # half an IPv6 address, a port that is none, a name that DNS cannot hold
        return False
    if not parts.scheme and not parts.netloc:
        return url.startswith("/")
    return known and parts.scheme in {"http", "https"}


def _bytes(reply: Reply, limit: int) -> bytes:
    if not reply.body:
        raise ResponseFormatError("the download is empty")
    if len(reply.body) > limit:
        raise ResponseFormatError(f"the download is larger than the limit of {limit} bytes")
    return reply.body


def located(url: str) -> Flow[tuple[str, Source]]:
    """Return a media URL as an absolute one, and the source that fetches it when asked."""
    place: Located = yield Locate(url)
    return place.url, Source(place.url, place.fetch)


def image_data_url(source: FileSource, what: str) -> Flow[str]:
    """Return a picture as a ``data:`` URL: from bytes, a path, or fetched from its URL."""
    if isinstance(source, str) and source.startswith("data:"):
        url = source
    else:
        _, data = yield from file_bytes(source, what)
        if not _files.mime_type_of(data).startswith("image/"):
            raise ConfigurationError(f"{what} is no PNG, JPEG, WebP or GIF picture")
        url = _files.data_url(data)
    if len(url) > MAX_IMAGE_BYTES:
        raise ConfigurationError(
            f"{what} is too large: NanoGPT takes up to {MAX_IMAGE_BYTES >> 20} MB as base64"
        )
    return url


def file_bytes(source: FileSource, what: str) -> Flow[tuple[str, bytes]]:
    """Return name and bytes of a file given as bytes, path, or URL."""
    if not _check.is_url(source):
        return _check.read_file(source, what)
    url = str(source)
    if url.startswith("data:"):
        data = _files.from_base64(url)
        if not data:
            raise ConfigurationError(f"{what} is a data: URL without base64 content")
        return what, data
    data = yield from download(url)
    return url.rpartition("/")[2].partition("?")[0] or what, data


def file_part(name: str, data: bytes) -> FilePart:
    """Return a file for a multipart form, with a name whose extension fits it."""
    return FilePart(mended(name), data, _files.mime_type_of(data))
