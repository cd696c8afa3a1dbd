"""What the embedding, image, audio and video routes answer."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nanogpt_client.errors import ResponseFormatError
from nanogpt_client.wire import _files
from nanogpt_client.wire._read import as_dict, as_float, as_text, dicts, first
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.chat import Usage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Embeddings",
    "FileSource",
    "GeneratedImage",
    "GeneratedImages",
    "Speech",
    "Transcript",
    "Video",
    "VideoJob",
]

FileSource: TypeAlias = bytes | str | PathLike[str]
"""A file: its bytes, its path, or (where the route says so) its http(s) or ``data:`` URL."""


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors in the order of their texts: ``vectors`` is float32 of shape (n, dim)."""

    vectors: NDArray[np.float32]
    model: str
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class GeneratedImage:
    """One picture: its bytes, or the URL under which they can be fetched for about an hour."""

    data: builtins.bytes | None = field(default=None, repr=False)
    url: str | None = None
    revised_prompt: str | None = None

    @property
    def bytes(self) -> builtins.bytes:
        """The picture's bytes.

        Raises:
            ValueError: only a URL came; `NanoGPTClient.download` fetches it.
        """
        if self.data is None:
            msg = "this picture came as a URL; fetch it with client.download(image.url)"
            raise ValueError(msg)
        return self.data

    @property
    def mime_type(self) -> str:
        """PNG, JPEG or WebP, told by the first bytes whatever was asked for."""
        return _files.mime_type_of(self.bytes)

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the picture to a file, with the extension that fits it; return its path.

        Raises:
            FileExistsError: the file is there already and ``overwrite`` is off.
        """
        return _files.save(self.bytes, path, self.mime_type, overwrite=overwrite)

    def _repr_png_(self) -> builtins.bytes | None:
        return self.data if self.data and self.mime_type == "image/png" else None


@dataclass(frozen=True, slots=True)
class GeneratedImages:
    """The pictures of one request; iterate over it or index it."""

    images: tuple[GeneratedImage, ...]
    billing: Billing
    raw: dict[str, Any] = field(repr=False)

    def __iter__(self) -> Iterator[GeneratedImage]:
        return iter(self.images)

    def __getitem__(self, index: int) -> GeneratedImage:
        return self.images[index]

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, slots=True)
class Speech:
    """Spoken text: its bytes and their type, which may differ from the format asked for."""

    data: builtins.bytes = field(repr=False)
    mime_type: str
    billing: Billing
    url: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def bytes(self) -> builtins.bytes:
        """The sound file's bytes."""
        return self.data

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the sound to a file, with the extension that fits it; return its path.

        Raises:
            FileExistsError: the file is there already and ``overwrite`` is off.
        """
        return _files.save(self.data, path, self.mime_type, overwrite=overwrite)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard; ``duration`` is in seconds, ``words`` as NanoGPT gives them."""

    text: str
    billing: Billing
    language: str | None = None
    duration: float | None = None
    words: tuple[dict[str, Any], ...] = ()
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, body: dict[str, Any], billing: Billing) -> Transcript:
        """Read either of the two shapes that NanoGPT sends."""
        inner = as_dict(body.get("data")) or body
        texts = [t for key in ("text", "transcription") if isinstance(t := inner.get(key), str)]
        if not texts:
            raise ResponseFormatError("the answer holds no transcription", maybe_billed=True)
        facts = as_dict(inner.get("metadata"))
        return cls(
            text=max(texts, key=len),
            billing=billing,
            language=as_text(first(inner, "language") or first(facts, "language")) or None,
            duration=as_float(
                first(inner, "duration") or first(facts, "duration", "audioDuration")
            ),
            words=tuple(dicts(inner.get("words"))),
            raw=body,
        )


@dataclass(frozen=True, slots=True)
class VideoJob:
    """A video in the making; it is charged when submitted and found again by ``run_id``.

    ``status`` is one of queued, running, completed, failed, cancelled, or a word we do not know.
    """

    run_id: str
    status: str
    model: str | None
    billing: Billing
    url: str | None = None
    error: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_finished(self) -> bool:
        """Whether it will not change any more."""
        return self.status in {"completed", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Video:
    """A finished video; its URL lives for a limited time."""

    url: str
    run_id: str
    model: str | None
    billing: Billing
    raw: dict[str, Any] = field(repr=False)
