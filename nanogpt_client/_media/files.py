"""Media bytes: detecting their type from the first bytes, and saving them to files."""

from __future__ import annotations

import base64
import binascii
import io
import os
import secrets
import wave
from os import PathLike
from pathlib import Path

MAX_DOWNLOAD_BYTES = 256 * 1024 * 1024

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf2", "audio/mpeg"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"%PDF", "application/pdf"),
)
_EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/aac": ".aac",
    "audio/mp4": ".m4a",
    "audio/pcm": ".pcm",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "text/plain": ".txt",
}


def mime_type_of(data: bytes, default: str | None = None) -> str:
    """Return the media type detected from the first bytes, else ``default``."""
    for offset, signature, mime_type in _SIGNATURES:
        if data.startswith(signature, offset):
            return mime_type
    return default or "application/octet-stream"


def seconds_of(data: bytes) -> float | None:
    """Return the duration of a WAV file in seconds; ``None`` for anything else."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            return float(file.getnframes() / file.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


def data_url(data: bytes, mime_type: str | None = None) -> str:
    """Return the bytes as a ``data:`` URL; the type is detected by default."""
    return f"data:{mime_type or mime_type_of(data)};base64,{base64.b64encode(data).decode()}"


def extension_of(mime_type: str) -> str:
    """Return the extension of a media type, with its dot; ``.bin`` for unknown ones."""
    return _EXTENSIONS.get(mime_type, ".bin")


def names_another_type(path: Path, mime_type: str) -> bool:
    """Return whether a file's name has the extension of another media type than this."""
    suffix = path.suffix.lower()
    return suffix in _EXTENSIONS.values() and suffix != extension_of(mime_type)


def from_base64(text: str) -> bytes | None:
    """Decode base64, also inside a ``data:`` URL; ``None`` if it is invalid."""
    try:
        return base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text)
    except (binascii.Error, ValueError):
        return None


def save(data: bytes, path: str | PathLike[str], mime_type: str, *, overwrite: bool) -> Path:
    """Write bytes atomically, with the extension of their type; return the file's path.

    Raises:
        FileExistsError: the file exists and ``overwrite`` is off.
    """
    target = Path(path).expanduser()
    extension = _EXTENSIONS.get(mime_type)
    if extension is not None and target.suffix.lower() != extension:
        keep = (
            target.suffix.lower() not in _EXTENSIONS.values()
        )  # "v1.2" is a name, not an extension
        target = (
            target.with_name(target.name + extension) if keep else target.with_suffix(extension)
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write(data, target, overwrite=overwrite)
    return target


def write(data: bytes, target: Path, *, overwrite: bool) -> None:
    """Write bytes atomically to exactly this path; its folder must exist.

    Raises:
        FileExistsError: the file exists and ``overwrite`` is off.
    """
    temporary = target.with_name(f".nanogpt-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:  # a new file, with default permissions
            file.write(data)
        if overwrite:
            temporary.replace(target)
        else:
            _move_to_new(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _move_to_new(temporary: Path, target: Path) -> None:
    try:
        try:
            os.link(temporary, target)  # unlike a rename, fails if the file exists
        except FileExistsError:
            raise
        except OSError:  # no links on this file system; each system has another error for it
            target.open("xb").close()
            try:
                temporary.replace(target)
            except BaseException:
                target.unlink()
                raise
    except FileExistsError as error:
        message = "the file exists; overwrite=True replaces it"
        raise FileExistsError(error.errno, message, str(target)) from None
