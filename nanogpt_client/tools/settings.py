"""Settings of the tools as pydantic fields, which both frameworks' tools have as well."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field

from nanogpt_client._adapters.documented import DocumentedModel
from nanogpt_client.tools.artifacts import ArtifactStore
from nanogpt_client.types._coerce import as_number
from nanogpt_client.types.options import Count, SearchProvider
from nanogpt_client.types.progress import OnProgress

__all__ = [
    "EstimateToolSettings",
    "ImageToolSettings",
    "SearchToolSettings",
    "SpeechToolSettings",
    "SpendRequest",
    "ToolSettings",
    "TranscriptionToolSettings",
    "VideoToolSettings",
]

AudioFormat: TypeAlias = Literal["mp3", "wav", "opus", "flac", "aac", "pcm"]


@dataclass(frozen=True, slots=True)
class SpendRequest:
    """What a tool is about to spend; ``usd`` is the estimate, ``None`` if nobody knows it."""

    tool: str
    model: str | None
    usd: Decimal | None
    arguments: dict[str, Any]

    def __str__(self) -> str:
        price = "at an unknown price" if self.usd is None else f"for about {self.usd} USD"
        return f"{self.tool}{f' with {self.model}' if self.model else ''} {price}"


Confirm: TypeAlias = Callable[[SpendRequest], bool | Awaitable[bool]]


def _dollars(value: Any) -> Decimal | None:
    amount = as_number(value)
    if value is not None and (amount is None or amount < 0):
        raise ValueError("it is a number of dollars from 0 on")
    return amount


class ToolSettings(DocumentedModel):
    """What every tool can be given."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, protected_namespaces=()
    )

    output_dir: Path | str | None = None
    """Where results are saved; without it they stay in ``memory``, under the name told."""
    readable_dirs: Sequence[Path | str] = ()
    """Folders, besides ``output_dir``, whose files a model may name as input."""
    allow_urls: bool = True
    """Whether a model may name http(s) addresses as input."""
    allow_hosts: Sequence[str] | None = None
    """Hosts that such addresses may have, e.g. ``("example.com", "*.example.com")``; else all."""
    refuse_above_usd: Annotated[
        Decimal | float | str | None, AfterValidator(_dollars), Field(validate_default=True)
    ] = Decimal(1)
    """Dollars that no call may cost by NanoGPT's list of prices; ``None`` for no such limit."""
    confirm_above_usd: Annotated[Decimal | float | str | None, AfterValidator(_dollars)] = None
    """Dollars that one call may cost without asking; what has no known price is asked for, too."""
    confirm: Confirm | None = Field(default=None, exclude=True, repr=False)
    """Asked with a `SpendRequest` before more is spent; without it, such calls are refused."""
    max_result_characters: Annotated[int, Field(gt=0)] = 50_000
    """Characters of a result that a model is given; the artifact has all of it."""
    include_base64: bool = False
    """Put files' bytes into the artifact, too, as base64."""
    on_progress: OnProgress | None = Field(default=None, exclude=True, repr=False)
    """Receives a `Progress` at every step of long work."""
    artifacts: ArtifactStore = Field(default_factory=ArtifactStore, exclude=True, repr=False)
    """Where results are found again by name; share one between tools."""


class ImageToolSettings(ToolSettings):
    """Settings of the tools that draw and edit."""

    model: str = "hidream"
    """The image model's id."""
    size: str | None = None
    """``"WIDTHxHEIGHT"`` where the agent names none."""
    image_blocks: bool = False
    """Give the picture itself to the model, too; for models that can see."""


class SpeechToolSettings(ToolSettings):
    """Settings of the tool that speaks."""

    model: str = "tts-1"
    """The speech model's id."""
    voice: str | None = None
    """The voice where the agent names none."""
    audio_format: AudioFormat | None = None
    """E.g. ``"wav"``; by default the model's own."""
    max_characters: Annotated[int, Field(gt=0)] = 20_000
    """Characters that one call may speak: some 20 minutes of sound."""


class TranscriptionToolSettings(ToolSettings):
    """Settings of the tool that listens."""

    model: str = "Whisper-Large-V3"
    """The transcription model's id."""
    language: str | None = None
    """The language where the agent names none, e.g. ``"en"``."""


class VideoToolSettings(ToolSettings):
    """Settings of the tool that makes videos."""

    model: str = "veo2-video"
    """The video model's id."""
    poll_interval: Annotated[float, Field(gt=0)] = 3.0
    """Seconds between two questions whether the video is there."""
    poll_timeout: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 900.0
    """Seconds to wait for it; after that, its run id finds it."""


class SearchToolSettings(ToolSettings):
    """Settings of the tool that searches the web."""

    provider: SearchProvider | None = None
    """E.g. ``"linkup"``; by default NanoGPT's choice."""
    depth: str | None = None
    """``"standard"``, ``"deep"``, or the provider's own word."""
    max_results: Count | None = None
    """How many results, at most, where the agent names no number."""


class EstimateToolSettings(ToolSettings):
    """Settings of the tool that estimates costs: the models that other tools use."""

    chat_model: str | None = None
    image_model: str = "hidream"
    speech_model: str = "tts-1"
    transcription_model: str = "Whisper-Large-V3"
    video_model: str = "veo2-video"
