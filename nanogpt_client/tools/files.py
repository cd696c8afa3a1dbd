"""Flows that read the files an agent names and save the results of a tool."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import Any

from nanogpt_client._media.files import MAX_DOWNLOAD_BYTES, mime_type_of
from nanogpt_client._protocol.addresses import host_of, is_named
from nanogpt_client._protocol.steps import Flow, off_loop
from nanogpt_client.endpoints import media
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError
from nanogpt_client.tools.artifacts import SavedFile, check_output_dir, read_file, save_file
from nanogpt_client.tools.settings import ToolSettings

NO_FILE: dict[str, Any] = dict.fromkeys(("name", "mime_type", "size", "path", "base64"))


def prepare_output(settings: ToolSettings) -> Flow[None]:
    """Check that results can be saved, before anything is paid."""
    yield from off_loop(check_output_dir, settings.output_dir)


def read_input(settings: ToolSettings, source: str | bytes) -> Flow[str | bytes]:
    """Return an input file that the agent may use: its bytes, or its URL if that is allowed."""
    if isinstance(source, bytes) or source.startswith("data:"):
        return source
    if _is_url(source):
        check_url(settings, source)
        return source
    folders = [dir_ for dir_ in (settings.output_dir, *settings.readable_dirs) if dir_ is not None]
    return (yield from off_loop(read_file, source, settings.artifacts, folders))


def download_input(settings: ToolSettings, source: str | bytes) -> Flow[str | bytes]:
    """Download an image that is given by its URL; redirects must be allowed as well."""
    if isinstance(source, bytes) or not _is_url(source):
        return source
    allow = partial(check_url, settings)
    return (yield from media.download(source, max_bytes=media.MAX_IMAGE_FILE_BYTES, allow=allow))


def download_result(
    url: str, *, max_bytes: int = MAX_DOWNLOAD_BYTES
) -> Flow[tuple[bytes | None, str | None]]:
    """Return the bytes of a paid result; or ``None`` and why, as its URL is still useful."""
    try:
        return (yield from media.download(url, max_bytes=max_bytes)), None
    except NanoGPTError as error:
        return None, f"which could not be downloaded yet ({error})"


def save_result(
    settings: ToolSettings, kind: str, data: bytes, mime_type: str | None = None
) -> Flow[SavedFile]:
    """Save a result in the output folder, or keep it in the artifact store."""
    arguments = (kind, data, mime_type or mime_type_of(data))
    return (yield from off_loop(save_file, settings.artifacts, settings.output_dir, *arguments))


def file_artifact(settings: ToolSettings, saved: SavedFile) -> dict[str, Any]:
    """Return what an artifact says of a file."""
    return {
        "name": saved.name,
        "mime_type": saved.mime_type,
        "size": len(saved.data),
        "path": None if saved.path is None else str(saved.path),
        "base64": b64encode(saved.data).decode() if settings.include_base64 else None,
    }


def _is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def check_url(settings: ToolSettings, url: str, *, instead: str = "; name a file") -> None:
    """Raise for a URL that the settings do not allow; ``instead`` says what to do."""
    if not settings.allow_urls:
        raise InvalidArgumentError(f"URLs are not allowed here{instead}")
    host, allowed = host_of(url), settings.allow_hosts
    if allowed is not None and not is_named(host, allowed):
        raise InvalidArgumentError(
            f"URLs of {host[:80]!r} are not allowed here; allowed hosts: "
            f"{', '.join(allowed) or 'none'}"
        )
