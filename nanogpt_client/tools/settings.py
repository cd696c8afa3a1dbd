"""Settings of the tools as pydantic fields, which the tools of both frameworks inherit."""

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
from nanogpt_client.types.plain import usd
from nanogpt_client.types.progress import OnProgress

__all__ = [
    "EstimateToolSettings",
    "ImageToolSettings",
    "PageToolSettings",
    "SearchToolSettings",
    "SpeechToolSettings",
    "SpendRequest",
    "ToolSettings",
    "TranscriptionToolSettings",
    "VideoToolSettings",
]

IMAGE_MODEL = "hidream"
SPEECH_MODEL = "tts-1"
TRANSCRIPTION_MODEL = "Whisper-Large-V3"
VIDEO_MODEL = "veo2-video"
SPEECH_CHARACTERS = 20_000
POLL_INTERVAL = 3.0
POLL_TIMEOUT = 900.0

AudioFormat: TypeAlias = Literal["mp3", "wav", "opus", "flac", "aac", "pcm"]
Characters: TypeAlias = Annotated[int, Field(gt=0)]
PollInterval: TypeAlias = Annotated[float, Field(gt=0)]
PollTimeout: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class SpendRequest:
    """What a tool is about to spend; ``usd`` is the estimate, ``None`` if the price is unknown."""

    tool: str
    model: str | None
    usd: Decimal | None
    arguments: dict[str, Any]

    def __str__(self) -> str:
        price = "has an unknown price" if self.usd is None else f"costs about {usd(self.usd)}"
        return f"{self.tool}{f' with {self.model}' if self.model else ''} {price}"


Confirm: TypeAlias = Callable[[SpendRequest], bool | Awaitable[bool]]


def _check_dollars(value: Any) -> Decimal | None:
    amount = as_number(value)
    if value is not None and (amount is None or amount < 0):
        raise ValueError("must be a number of dollars, 0 or more")
    return amount


Dollars: TypeAlias = Annotated[
    Decimal | float | str | None, AfterValidator(_check_dollars), Field(validate_default=True)
]


class ToolSettings(DocumentedModel):
    """Settings that every tool has."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True, hide_input_in_errors=True, protected_namespaces=()
    )

    output_dir: Path | str | None = None
    """Folder for results; without it they stay in ``artifacts``, under the name in the result."""
    readable_dirs: Sequence[Path | str] = ()
    """Folders, besides ``output_dir``, whose files the agent may use as input."""
    allow_urls: bool = True
    """Whether the agent may use http(s) URLs as input."""
    allow_hosts: Sequence[str] | None = None
    """Hosts allowed in such URLs, e.g. ``("example.com", "*.example.com")``; by default all."""
    refuse_above_usd: Dollars = Decimal(1)
    """Refuse calls that cost more USD by NanoGPT's price list; ``None`` for no limit."""
    confirm_above_usd: Dollars = None
    """USD that one call may cost without confirmation; unknown prices always need it."""
    confirm: Confirm | None = Field(default=None, exclude=True, repr=False)
    """Called with a `SpendRequest` to confirm it; without it, such calls are refused."""
    max_result_characters: Characters = 50_000
    """Characters of a result that the agent reads; the artifact has the whole text."""
    include_base64: bool = False
    """Also put the bytes of files into the artifact, as base64."""
    on_progress: OnProgress | None = Field(default=None, exclude=True, repr=False)
    """Called with a `Progress` at every step of a long call."""
    artifacts: ArtifactStore = Field(default_factory=ArtifactStore, exclude=True, repr=False)
    """Keeps results by name for later calls; share one between tools."""


class ImageToolSettings(ToolSettings):
    """Settings of the tools that generate and edit images."""

    model: str = IMAGE_MODEL
    """Id of the image model."""
    size: str | None = None
    """``"WIDTHxHEIGHT"``, used if the agent gives no size."""
    image_blocks: bool = False
    """Also return the image itself to the model; for models with vision."""


class SpeechToolSettings(ToolSettings):
    """Settings of the text-to-speech tool."""

    model: str = SPEECH_MODEL
    """Id of the speech model."""
    voice: str | None = None
    """Voice, used if the agent gives none."""
    audio_format: AudioFormat | None = None
    """E.g. ``"wav"``; by default the model's own."""
    max_characters: Characters = SPEECH_CHARACTERS
    """Characters that one call may synthesize; 20,000 are some 20 minutes of audio."""


class TranscriptionToolSettings(ToolSettings):
    """Settings of the speech-to-text tool."""

    model: str = TRANSCRIPTION_MODEL
    """Id of the transcription model."""
    language: str | None = None
    """Language code, e.g. ``"en"``, used if the agent gives none."""


class VideoToolSettings(ToolSettings):
    """Settings of the video tool."""

    model: str = VIDEO_MODEL
    """Id of the video model."""
    poll_interval: PollInterval = POLL_INTERVAL
    """Seconds between two status requests."""
    poll_timeout: PollTimeout = POLL_TIMEOUT
    """Seconds to wait for the video; after that, fetch it by its run id."""


class SearchToolSettings(ToolSettings):
    """Settings of the web search tool."""

    provider: SearchProvider | None = None
    """E.g. ``"linkup"``; by default NanoGPT's choice."""
    depth: str | None = None
    """``"standard"``, ``"deep"``, or a value of the provider's own."""
    max_results: Count | None = None
    """Most results to return, used if the agent gives no number."""


class PageToolSettings(ToolSettings):
    """Settings of the tool that reads web pages."""

    stealth: bool = False
    """Read pages through a proxy, for sites that refuse robots, at five times the price."""


class EstimateToolSettings(ToolSettings):
    """Settings of the tool that estimates costs: the models that other tools use."""

    chat_model: str | None = None
    """Id of the chat model to estimate, used if the agent names none."""
    image_model: str = IMAGE_MODEL
    """Id of the image model."""
    speech_model: str = SPEECH_MODEL
    """Id of the speech model."""
    transcription_model: str = TRANSCRIPTION_MODEL
    """Id of the transcription model."""
    video_model: str = VIDEO_MODEL
    """Id of the video model."""
