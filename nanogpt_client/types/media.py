"""Results of the embedding, image, audio and video routes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from nanogpt_client import errors  # as a module: it imports this package's `_coerce`
from nanogpt_client._media import files, notebook_html
from nanogpt_client.types._coerce import (
    as_dict,
    as_float,
    as_list,
    as_number,
    as_text,
    dicts,
    first,
    unwrapped,
)
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.display import Readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nanogpt_client.types.options import TranscriptSplit

__all__ = [
    "Downloadable",
    "Embeddings",
    "FileSource",
    "GeneratedImage",
    "GeneratedImages",
    "PartialEmbeddings",
    "Segment",
    "Speech",
    "Transcript",
    "Video",
    "VideoJob",
]

FileSource: TypeAlias = bytes | str | PathLike[str]
"""A file: its bytes, its path, or (if the route supports it) its http(s) or ``data:`` URL."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Embeddings(Readable):
    """Vectors in the order of their texts: ``vectors`` is float32 of shape (n, dim).

    In a batch of ``embed_all``, ``offset`` is the index of its first text among all texts.
    """

    vectors: NDArray[np.float32]
    model: str
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(repr=False)
    offset: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class PartialEmbeddings(Readable):
    """The vectors that arrived before ``embed_all`` failed, as the error's ``partial``; paid for.

    Attributes:
        vectors: float32 of shape (n, dim), as for all texts; rows of missing texts are NaN.
        missing: indices of the texts without a vector, in order.
        cost: USD paid for the other texts; ``None`` if NanoGPT did not report it for each batch.
    """

    vectors: NDArray[np.float32]
    missing: list[int]
    cost: Decimal | None


class _File:
    """A file of a result: its bytes, or its URL only."""

    __slots__ = ()

    data: builtins.bytes | None
    mime_type: str

    @property
    def bytes(self) -> builtins.bytes:
        """The file's content.

        Raises:
            ValueError: NanoGPT returned only a URL; ``client.download(…)`` fetches the content.
        """
        if not self.data:
            raise ValueError(
                "this result has only a URL; fetch its content with client.download(result)"
            )
        return self.data

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file, with the extension that fits its content; return its path.

        Raises:
            ValueError: NanoGPT returned only a URL; ``client.download(…)`` fetches the content.
            FileExistsError: the file exists and ``overwrite`` is off.
        """
        return files.save(self.bytes, path, self.mime_type, overwrite=overwrite)


class _DetectedFile(_File):
    """A file whose type NanoGPT does not report."""

    __slots__ = ()

    @property
    def mime_type(self) -> str:  # type: ignore[override]
        """The media type, detected from the first bytes, whatever was requested."""
        return files.mime_type_of(self.bytes)


@dataclass(frozen=True, slots=True, repr=False)
class GeneratedImage(_DetectedFile, Readable):
    """One image: its bytes, or a URL for ``client.download``, which is valid for an hour.

    ``cost`` is its share of the request's cost in USD.
    """

    data: builtins.bytes | None = field(default=None, repr=False)
    url: str | None = None
    revised_prompt: str | None = None
    cost: Decimal | None = None

    def _repr_png_(self) -> builtins.bytes | None:
        return self._png_or_jpeg("image/png")

    def _repr_jpeg_(self) -> builtins.bytes | None:
        return self._png_or_jpeg("image/jpeg")

    def _repr_html_(self) -> str | None:
        """Show it in notebooks if it is neither PNG nor JPEG, or not downloaded."""
        if self.data and self.mime_type in {"image/png", "image/jpeg"}:
            return None
        return notebook_html.image(self)

    def _png_or_jpeg(self, mime_type: str) -> builtins.bytes | None:
        return self.bytes if self.data and self.mime_type == mime_type else None


class _Billed:
    """A result with a bill."""

    __slots__ = ()

    billing: Billing

    @property
    def cost(self) -> Decimal | None:
        """The cost in USD; ``None`` if not reported."""
        return self.billing.cost


@dataclass(frozen=True, slots=True, repr=False)
class GeneratedImages(_Billed, Readable):
    """The images of one request; iterate over it or index it."""

    images: tuple[GeneratedImage, ...]
    billing: Billing
    raw: dict[str, Any] = field(repr=False)

    def __iter__(self) -> Iterator[GeneratedImage]:
        return iter(self.images)

    def __getitem__(self, index: int) -> GeneratedImage:
        return self.images[index]

    def __len__(self) -> int:
        return len(self.images)

    def _repr_html_(self) -> str:
        """Show the images side by side, in notebooks."""
        return "".join(map(notebook_html.image, self.images))


@dataclass(frozen=True, slots=True, repr=False)
class Speech(_File, _Billed, Readable):
    """Synthesized speech: its bytes and media type, which may differ from the requested format."""

    data: builtins.bytes = field(repr=False)
    mime_type: str
    billing: Billing
    url: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def _repr_html_(self) -> str:
        """Show a player, in notebooks."""
        return notebook_html.audio(self)


@dataclass(frozen=True, slots=True, repr=False)
class Segment(Readable):
    """A segment of a transcript: text, start and end in seconds, and speaker, if reported."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Transcript(_Billed, Readable):
    """A transcription; ``duration`` is in seconds, ``words`` as NanoGPT returns them.

    ``segments`` have times in seconds: those of a diarization, else the model's own, else sentences
    built from ``words``; empty if no times were reported.

    A model that clones a voice returns no text but ``voice_url``, the URL of a speaker embedding
    (Qwen; pass it as ``speaker_voice_embedding_file_url`` of speech) or of a preview (MiniMax), and
    ``voice_id``, if reported. The whole response is in ``raw``.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
    """

    text: str
    billing: Billing
    language: str | None = None
    duration: float | None = None
    words: tuple[dict[str, Any], ...] = ()
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    segments: tuple[Segment, ...] = ()
    voice_url: str | None = None
    voice_id: str | None = None

    @classmethod
    def read(cls, body: dict[str, Any], billing: Billing, *, lenient: bool = False) -> Transcript:
        """Read any of the formats that NanoGPT sends.

        Raises:
            InvalidResponseError: there is no transcription, and ``lenient`` is off.
        """
        inner = unwrapped(body)
        if not lenient and not holds_transcript(body):
            raise errors.InvalidResponseError(
                "NanoGPT answered without a transcription", maybe_billed=True
            )
        metadata = as_dict(inner.get("metadata"))
        return cls(
            text=max(_texts(inner), key=len, default=""),
            billing=billing,
            language=as_text(first(inner, "language") or first(metadata, "language")) or None,
            duration=_duration(inner, metadata),
            words=tuple(dicts(inner.get("words"))),
            raw=body,
            segments=_segments(inner),
            voice_url=_voice_url(inner),
            voice_id=as_text(first(inner, "customVoiceId", "custom_voice_id", "voiceId")) or None,
        )

    @property
    def speaker_embedding_url(self) -> str | None:
        """The URL of a cloned voice's embedding; it expires like other media URLs."""
        return as_text(unwrapped(self.raw).get("speakerEmbeddingUrl")) or None

    @property
    def turns(self) -> tuple[Segment, ...]:
        """The segments, with consecutive ones of one speaker merged."""
        return _merged(self.segments, lambda last, part: last.speaker == part.speaker)

    def parts(self, split: TranscriptSplit | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the text of each segment, or of each turn of a speaker, with its metadata.

        By default, and if no times were reported, the whole text. Metadata may be ``language``,
        ``duration`` (seconds) and ``cost`` (USD) of the whole recording, ``start``, ``end``
        (seconds) and ``speaker`` of the part.
        """
        cost = None if self.cost is None else float(self.cost)
        whole = {"language": self.language, "duration": self.duration, "cost": cost}
        found = {"segment": self.segments, "speaker": self.turns}.get(split or "", ())
        for part in found or (Segment(self.text),):
            metadata = whole | {"start": part.start, "end": part.end, "speaker": part.speaker}
            yield part.text, {name: v for name, v in metadata.items() if v is not None}

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the text to a file; return its path.

        Raises:
            FileExistsError: the file exists and ``overwrite`` is off.
        """
        kind = "" if Path(path).suffix else "text/plain"  # any extension will do for text
        return files.save(self.text.encode(), path, kind, overwrite=overwrite)

    def _repr_html_(self) -> str:
        """Show the text with speakers and times, in notebooks."""
        return notebook_html.transcript(self)


def holds_transcript(body: dict[str, Any]) -> bool:
    """Whether a response has a transcription, or a cloned voice."""
    inner = unwrapped(body)
    return bool(_texts(inner) or _voice_url(inner))


def _texts(inner: dict[str, Any]) -> list[str]:
    return [t for key in ("text", "transcription") if isinstance(t := inner.get(key), str)]


def _duration(inner: dict[str, Any], metadata: dict[str, Any]) -> float | None:
    """Return seconds; ``metadata`` counts in minutes (openapi's TranscribeResponse)."""
    seconds = as_float(first(inner, "duration") or first(metadata, "duration", "audioDuration"))
    if seconds is not None:
        return seconds
    minutes = as_number(first(metadata, "actualDuration", "chargedDuration"))
    return None if minutes is None else float(minutes * 60)


def _voice_url(inner: dict[str, Any]) -> str | None:
    """Return the URL of a cloned voice; beside a text, ``audioUrl`` has another meaning."""
    if _texts(inner):
        return None
    previews = as_list(inner.get("audioUrls")) or [inner.get("audioUrl")]
    return as_text(inner.get("speakerEmbeddingUrl")) or as_text(previews[0]) or None


def _segments(inner: dict[str, Any]) -> tuple[Segment, ...]:
    """Read the segments: a diarization's, else others, else sentences built from words."""
    found = dicts(as_dict(inner.get("diarization")).get("segments")) or dicts(inner.get("segments"))
    if found:
        return tuple(map(_segment, found))
    words = (_segment(word) for word in dicts(inner.get("words")))
    return _merged(words, lambda last, word: last.speaker == word.speaker and not _ends(last.text))


def _segment(item: dict[str, Any]) -> Segment:
    return Segment(
        as_text(first(item, "text", "word")).strip(),
        as_float(item.get("start")),
        as_float(item.get("end")),
        as_text(first(item, "speaker", "speaker_id")) or None,
    )


def _ends(text: str) -> bool:
    return text.endswith((".", "!", "?", "。", "！", "？"))


def _merged(
    parts: Iterable[Segment], belong: Callable[[Segment, Segment], bool]
) -> tuple[Segment, ...]:
    """Merge neighbours that belong together."""
    found: list[Segment] = []
    for part in parts:
        if found and belong(found[-1], part):
            last = found.pop()
            text = f"{last.text} {part.text}".strip()
            part = Segment(text, last.start, part.end, last.speaker)  # noqa: PLW2901 - grown
        found.append(part)
    return tuple(part for part in found if part.text)


@dataclass(frozen=True, slots=True, repr=False)
class VideoJob(_Billed, Readable):
    """A submitted video; it is charged at submission and can be resumed with ``run_id``.

    ``status`` is queued, running, completed, failed, cancelled, or one that is not documented.
    ``code`` is the machine-readable reason of a failure, such as ``content_policy_violation``;
    the cost of a failed job is refunded (``is_refunded``).
    """

    run_id: str
    status: str
    model: str | None
    billing: Billing
    url: str | None = None
    error: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    code: str | None = None
    is_refunded: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended."""
        return self.status in {"completed", "failed", "cancelled"}


@dataclass(frozen=True, slots=True, repr=False)
class Video(_DetectedFile, _Billed, Readable):
    """A finished video; ``client.download`` fetches it while its URL is valid."""

    url: str
    run_id: str
    model: str | None
    billing: Billing
    raw: dict[str, Any] = field(repr=False)
    data: builtins.bytes | None = field(default=None, repr=False)

    def _repr_html_(self) -> str:
        """Show a player, in notebooks."""
        return notebook_html.video(self)


Downloadable = TypeVar("Downloadable", GeneratedImage, Speech, Video)
"""A result that ``client.download`` can fetch."""
