"""What image, audio and video routes share: reading input files and downloading results."""

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
from nanogpt_client.types._surrogates import repaired
from nanogpt_client.types.media import (
    Downloadable,
    FileSource,
    GeneratedImage,
    GeneratedImages,
    Speech,
    Video,
    VideoJob,
)

MAX_REDIRECTS = 5
MAX_IMAGE_BYTES = 4 * 1024 * 1024
"""NanoGPT's limit for one image, or one source video, as base64."""
MAX_IMAGES_BYTES = 30 * 1024 * 1024
"""All images of one request together; NanoGPT accepts bodies of up to 32 MB."""
MAX_IMAGE_FILE_BYTES = MAX_IMAGE_BYTES // 4 * 3
"""An image file's size, before it is encoded as base64."""


def download(
    url: str,
    *,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    allow: Callable[[str], object] | None = None,
) -> Flow[bytes]:
    """Download an image, audio or video; a relative URL is on NanoGPT's host.

    The key is sent to NanoGPT's API only. URLs come from responses and prompts, so hosts inside
    the caller's network are refused, also after a redirect, unless the client allows them. The
    address that was checked is the one connected to: names are not resolved again.

    Args:
        url: http(s), or a path on NanoGPT's host.
        max_bytes: limit of the file's size; no more is read.
        allow: called with each URL before it is requested; may raise to stop the download.
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
    """Return a result with its bytes, downloaded if NanoGPT returned only a URL.

    Raises:
        InvalidArgumentError: it is no image, audio or video, but e.g. a list of images.
        NanoGPTError: the download failed; the message ends with the URL, valid for some time.
    """
    if not isinstance(file, GeneratedImage | Speech | Video):
        instead = _INSTEAD.get(type(file), "")
        msg = f"download takes a URL, or one image, speech or video, not {type(file).__name__}"
        raise InvalidArgumentError(f"{msg}{instead}", param="file")
    if file.data or not file.url:
        return file
    try:
        data = yield from download(file.url, max_bytes=max_bytes)
    except NanoGPTError as error:
        error.message += f" (the file is paid for and available at {file.url} for some time)"
        raise
    if isinstance(file, Speech):
        return replace(file, data=data, mime_type=files.mime_type_of(data))
    return replace(file, data=data)


_INSTEAD: dict[type, str] = {
    GeneratedImages: ": pass one of its images, e.g. images[0]",
    VideoJob: ": wait for its video first, with wait_for_video(job)",
}


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
        raise DownloadError(f"{_host(url)} could not be reached, or did not respond") from error


def _foreign(host: str, reply: Reply) -> DownloadError:
    """Return the error for another host's response that is not the file."""
    status = reply.status_code
    return DownloadError(
        f"{host} answered with status {status} instead of the file",
        status_code=status,
        response=reply,
    )


def _target(url: str, error: NanoGPTError) -> str:
    """Return the target of a redirect; raise the error if it is not one."""
    headers = error.response.headers if error.response is not None else {}
    if not 300 <= (error.status_code or 0) < 400 or not headers.get("location"):
        raise error
    try:
        return urljoin(url, headers["location"])
    except ValueError:  # a malformed IPv6 address
        raise error from None


def _host(url: str) -> str:
    return (host_of(url) or "NanoGPT's own host")[:80]


def check_address(url: str, what: str, *, instead: str = "; pass the file itself") -> Flow[None]:
    """Raise for a URL sent to NanoGPT that is not on the public internet.

    A name that does not resolve here passes: NanoGPT resolves it itself. ``instead`` ends the
    message: what to do.
    """
    if web_address(url) is None:
        raise InvalidArgumentError(f"{what}: {url[:80]!r} is not an http(s) URL with a host name")
    found: Addresses = yield Resolve(url)
    if found.trusted:
        return
    if private := _private(found, url):
        raise InvalidArgumentError(
            f"{what}: {url[:80]!r} leads to {private}, inside a private network, which NanoGPT "
            f"cannot reach{instead}"
        )


def _checked(url: str) -> Generator[Resolve, Addresses, Addresses]:
    """Return the addresses of a URL; raise if one is inside a private network."""
    if web_address(url) is None and not _is_path(url):
        raise InvalidArgumentError(f"cannot download {url[:80]!r}: it is not an http(s) URL")
    found = yield Resolve(url)
    if found.trusted:
        return found
    if private := _private(found, url):
        raise InvalidArgumentError(
            f"cannot download {url[:80]!r}: it leads to {private}, inside a private network; "
            "allow it with allow_private_downloads=True"
        )
    if not found.addresses and not found.elsewhere:
        raise DownloadError(f"the host name {_host(url)} cannot be resolved; nothing was sent")
    return found


def _private(found: Addresses, url: str) -> str | None:
    """Return the address or host that is inside a private network; ``None`` if there is none.

    If the name does not resolve here, only the host as written can be judged.
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
    """Return images as ``data:`` URLs that fit into one request."""
    urls: list[str] = []
    for at, source in enumerate(sources):
        urls.append((yield from image_data_url(source, f"image {at + 1}")))
        if sum(map(len, urls)) > MAX_IMAGES_BYTES:
            msg = f"the images are too large: NanoGPT accepts {MAX_IMAGES_BYTES >> 20} MB together"
            raise InvalidArgumentError(msg, param="image")
    return urls


def image_data_url(source: FileSource, what: str) -> Flow[str]:
    """Return an image as a ``data:`` URL: from bytes, a path, or downloaded from its URL."""
    return (yield from _data_url(source, what, "image", "a PNG, JPEG, WebP or GIF image"))


def video_data_url(source: FileSource, what: str) -> Flow[str]:
    """Return a video as a ``data:`` URL: from bytes or a path; larger ones go by their URL."""
    return (yield from _data_url(source, what, "video", "an MP4 or WebM video"))


def _data_url(source: FileSource, what: str, kind: str, wanted: str) -> Flow[str]:
    if isinstance(source, str) and source.startswith("data:"):
        url = source
    else:
        _, data = yield from file_bytes(source, what, max_bytes=MAX_IMAGE_FILE_BYTES)
        if not files.mime_type_of(data).startswith(f"{kind}/"):
            raise InvalidArgumentError(f"{what} is not {wanted}")
        url = files.data_url(data)
    if len(url) > MAX_IMAGE_BYTES:
        by_url = "; pass its URL instead" if kind == "video" else ""
        raise InvalidArgumentError(
            f"{what} is too large: NanoGPT accepts up to {MAX_IMAGE_BYTES >> 20} MB as "
            f"base64{by_url}"
        )
    return url


def file_bytes(
    source: FileSource, what: str, *, max_bytes: int = MAX_DOWNLOAD_BYTES
) -> Flow[tuple[str, bytes]]:
    """Return name and content of a file given as bytes, path, or URL (up to ``max_bytes``)."""
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
    """Return a file for a multipart form."""
    return FilePart(repaired(name), data, files.mime_type_of(data))
