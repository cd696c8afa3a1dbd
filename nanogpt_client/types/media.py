"""What the embedding, image, audio and video routes answer."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from nanogpt_client import errors  # by module: it reads its fields with this package's `_read`
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
"""A file: its bytes, its path, or (where the route says so) its http(s) or ``data:`` URL."""


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors in the order of their texts: ``vectors`` is float32 of shape (n, dim).

    Of a batch of ``embed_all``, ``offset`` is the place of its first text among all.
    """

    vectors: NDArray[np.float32]
    model: str
    usage: Usage | None
    billing: Billing
    raw: dict[str, Any] = field(repr=False)
    offset: int = 0


@dataclass(frozen=True, eq=False)
class PartialEmbeddings:
    """What had arrived when a batch of ``embed_all`` failed: paid for, in the error's ``partial``.

    Attributes:
        vectors: float32 of shape (n, dim), as for all texts; rows of missing texts are NaN.
        missing: the places of the texts that have no vector yet, in order.
        cost: USD paid for the others; ``None`` if NanoGPT did not report it for each batch.
    """

    vectors: NDArray[np.float32]
    missing: list[int]
    cost: Decimal | None


class _File:
    """What pictures, sounds and videos have in common: bytes that came, or a URL of them."""

    __slots__ = ()

    data: builtins.bytes | None
    mime_type: str

    @property
    def bytes(self) -> builtins.bytes:
        """The file's bytes.

        Raises:
            ValueError: only a URL came; ``client.download(…)`` returns the result with its bytes.
        """
        if not self.data:
            raise ValueError("only the file's URL came; client.download(…) of this fetches it")
        return self.data

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the file, with the extension that fits its content; return its path.

        Raises:
            ValueError: only a URL came; ``client.download(…)`` returns the result with its bytes.
            FileExistsError: the file is there already and ``overwrite`` is off.
        """
        return files.save(self.bytes, path, self.mime_type, overwrite=overwrite)


class _Recognised(_File):
    """A file whose type nobody told."""

    __slots__ = ()

    @property
    def mime_type(self) -> str:  # type: ignore[override]
        """The file's type, told by its first bytes whatever was asked for."""
        return files.mime_type_of(self.bytes)


@dataclass(frozen=True, slots=True)
class GeneratedImage(_Recognised):
    """One picture: its bytes, or the URL from which ``client.download`` fetches them for an hour.

    ``cost`` is its share, in USD, of what the request cost.
    """

    data: builtins.bytes | None = field(default=None, repr=False)
    url: str | None = None
    revised_prompt: str | None = None
    cost: Decimal | None = None

    def _repr_png_(self) -> builtins.bytes | None:
        return self._shown("image/png")

    def _repr_jpeg_(self) -> builtins.bytes | None:
        return self._shown("image/jpeg")

    def _repr_html_(self) -> str | None:
        """Show it in notebooks where it is neither PNG nor JPEG, or not here yet."""
        if self.data and self.mime_type in {"image/png", "image/jpeg"}:
            return None
        return notebook_html.image(self)

    def _shown(self, mime_type: str) -> builtins.bytes | None:
        return self.bytes if self.data and self.mime_type == mime_type else None


class _Billed:
    """What has a bill."""

    __slots__ = ()

    billing: Billing

    @property
    def cost(self) -> Decimal | None:
        """What it cost in USD; ``None`` if NanoGPT did not say."""
        return self.billing.cost


@dataclass(frozen=True, slots=True)
class GeneratedImages(_Billed):
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

    def _repr_html_(self) -> str:
        """Show the pictures side by side, in notebooks."""
        return "".join(map(notebook_html.image, self.images))


@dataclass(frozen=True, slots=True)
class Speech(_File, _Billed):
    """Spoken text: its bytes and their type, which may differ from the format asked for."""

    data: builtins.bytes = field(repr=False)
    mime_type: str
    billing: Billing
    url: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    def _repr_html_(self) -> str:
        """Show a player, in notebooks."""
        return notebook_html.audio(self)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a transcript: who speaks (if known), what, and from when to when (seconds)."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Transcript(_Billed):
    """What was heard; ``duration`` is in seconds, ``words`` as NanoGPT gives them.

    ``segments`` are stretches with their times: those of one speaker where speakers were told
    apart, else those that the model cut, else sentences made of the words; empty if it told no
    times.

    A model that clones a voice answers without text: with ``voice_url``, the address of a speaker's
    embedding (Qwen; pass it as ``speaker_voice_embedding_file_url`` of speech) or of a preview
    (MiniMax), and ``voice_id``, if it named one. All that came is in ``raw``.
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
        """Read any of the shapes that NanoGPT sends.

        Raises:
            InvalidResponseError: it is none of them, unless ``lenient``: then ``raw`` has it.
        """
        inner = unwrapped(body)
        if not lenient and not holds_transcript(body):
            raise errors.InvalidResponseError(
                "the answer holds no transcription", maybe_billed=True
            )
        facts = as_dict(inner.get("metadata"))
        return cls(
            text=max(_texts(inner), key=len, default=""),
            billing=billing,
            language=as_text(first(inner, "language") or first(facts, "language")) or None,
            duration=_duration(inner, facts),
            words=tuple(dicts(inner.get("words"))),
            raw=body,
            segments=_segments(inner),
            voice_url=_voice_url(inner),
            voice_id=as_text(first(inner, "customVoiceId", "custom_voice_id", "voiceId")) or None,
        )

    @property
    def speaker_embedding_url(self) -> str | None:
        """The address of a cloned voice's embedding; dies like other media URLs."""
        return as_text(unwrapped(self.raw).get("speakerEmbeddingUrl")) or None

    @property
    def turns(self) -> tuple[Segment, ...]:
        """The segments, those of one speaker in a row put together."""
        return _merged(self.segments, lambda held, part: held.speaker == part.speaker)

    def parts(self, split: TranscriptSplit | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the text of each segment, or of each turn of a speaker, with what is known of it.

        By default, and if no times were told, the whole text. GetModelCache may be ``language``,
        ``duration`` (seconds) and ``cost`` (USD) of the whole recording, ``start``, ``end``
        (seconds) and ``speaker`` of the part.
        """
        cost = None if self.cost is None else float(self.cost)
        whole = {"language": self.language, "duration": self.duration, "cost": cost}
        found = {"segment": self.segments, "speaker": self.turns}.get(split or "", ())
        for part in found or (Segment(self.text),):
            facts = whole | {"start": part.start, "end": part.end, "speaker": part.speaker}
            yield part.text, {name: fact for name, fact in facts.items() if fact is not None}

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
        """Write the text to a file; return its path.

        Raises:
            FileExistsError: the file is there already and ``overwrite`` is off.
        """
        kind = "" if Path(path).suffix else "text/plain"  # any text extension will do
        return files.save(self.text.encode(), path, kind, overwrite=overwrite)

    def _repr_html_(self) -> str:
        """Show the text, with speakers and times where they are known, in notebooks."""
        return notebook_html.transcript(self)


def holds_transcript(body: dict[str, Any]) -> bool:
    """Whether an answer holds a transcription, or a cloned voice."""
    inner = unwrapped(body)
    return bool(_texts(inner) or _voice_url(inner))


def _texts(inner: dict[str, Any]) -> list[str]:
    return [t for key in ("text", "transcription") if isinstance(t := inner.get(key), str)]


def _duration(inner: dict[str, Any], facts: dict[str, Any]) -> float | None:
    """Return seconds; ``metadata`` counts in minutes (openapi's TranscribeResponse)."""
    seconds = as_float(first(inner, "duration") or first(facts, "duration", "audioDuration"))
    if seconds is not None:
        return seconds
    minutes = as_number(first(facts, "actualDuration", "chargedDuration"))
    return None if minutes is None else float(minutes * 60)


def _voice_url(inner: dict[str, Any]) -> str | None:
    """Return where a cloned voice is; a text's own ``audioUrl`` would be no such thing."""
    if _texts(inner):
        return None
    previews = as_list(inner.get("audioUrls")) or [inner.get("audioUrl")]
    return as_text(inner.get("speakerEmbeddingUrl")) or as_text(previews[0]) or None


def _segments(inner: dict[str, Any]) -> tuple[Segment, ...]:
    """Read the segments: a diarization's, which name speakers, else others, else from the words."""
    found = dicts(as_dict(inner.get("diarization")).get("segments")) or dicts(inner.get("segments"))
    if found:
        return tuple(map(_segment, found))
    words = (_segment(word) for word in dicts(inner.get("words")))
    return _merged(words, lambda held, word: held.speaker == word.speaker and not _ends(held.text))


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
    """Put neighbours that belong together into one."""
    found: list[Segment] = []
    for part in parts:
        if found and belong(found[-1], part):
            held = found.pop()
            text = f"{held.text} {part.text}".strip()
            part = Segment(text, held.start, part.end, held.speaker)  # noqa: PLW2901 - grown
        found.append(part)
    return tuple(part for part in found if part.text)


@dataclass(frozen=True, slots=True)
class VideoJob(_Billed):
    """A video in the making; it is charged when submitted and found again by ``run_id``.

    ``status`` is one of queued, running, completed, failed, cancelled, or a word we do not know.
    ``code`` is the machine-readable reason of a failure, such as ``content_policy_violation``;
    what such a job had cost is given back (``is_refunded``).
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
        """Whether it will not change any more."""
        return self.status in {"completed", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Video(_Recognised, _Billed):
    """A finished video; ``client.download`` fetches it while its URL lives, for a limited time."""

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
"""A result whose bytes can be fetched."""
