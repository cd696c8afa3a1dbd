"""All tools with one client, one folder and one budget: settings, and use without a framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, field_validator

from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools.registry import TOOLS, Tool
from nanogpt_client.tools.results import ToolResult
from nanogpt_client.tools.settings import AudioFormat, ToolFields
from nanogpt_client.types.options import Count, SearchProvider
from nanogpt_client.types.progress import OnProgress
from nanogpt_client.types.tool_arguments import read_arguments

__all__ = ["Toolbox", "ToolboxFields"]

_IMAGE = {"model": "image_model", "size": "image_size", "image_blocks": "image_blocks"}
# Which word of the whole box is which setting of a tool.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "generate_image": _IMAGE,
    "edit_image": _IMAGE,
    "speak": {
        "model": "speech_model",
        "voice": "voice",
        "audio_format": "audio_format",
        "max_characters": "max_speech_characters",
    },
    "transcribe": {"model": "transcription_model", "language": "language"},
    "generate_video": {
        "model": "video_model",
        "poll_interval": "video_poll_interval",
        "poll_timeout": "video_poll_timeout",
    },
    "search_web": {
        "provider": "search_provider",
        "depth": "search_depth",
        "max_results": "max_results",
    },
    "check_balance": {},
    "estimate_cost": {
        word: word for word in ("chat_model", "image_model", "speech_model", "transcription_model")
    }
    | {"video_model": "video_model"},
}


class ToolboxFields(ToolFields):
    """What a set of tools can be given; words not given stay with each tool's own default."""

    include: tuple[str, ...] = tuple(TOOLS)
    """Which tools, by name; by default all."""
    image_model: str = "hidream"
    image_size: str | None = None
    image_blocks: bool = False
    """Give pictures themselves to the model, too; for models that can see."""
    speech_model: str = "tts-1"
    voice: str | None = None
    audio_format: AudioFormat | None = None
    max_speech_characters: Annotated[int, Field(gt=0)] = 20_000
    """Characters that one call may speak."""
    transcription_model: str = "Whisper-Large-V3"
    language: str | None = None
    video_model: str = "veo2-video"
    video_poll_interval: Annotated[float, Field(gt=0)] = 3.0
    """Seconds between two questions whether a video is there."""
    video_poll_timeout: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 900.0
    """Seconds to wait for a video; after that, its run id finds it."""
    search_provider: SearchProvider | None = None
    search_depth: str | None = None
    max_results: Count | None = None
    chat_model: str | None = None
    """The chat model whose costs are estimated, where the agent names none."""

    @field_validator("include")
    @classmethod
    def _check_names(cls, include: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(include) - TOOLS.keys()
        if unknown:
            raise ValueError(f"unknown tools {sorted(unknown)}; known are {', '.join(TOOLS)}")
        return include

    @property
    def tools(self) -> list[Tool]:
        """The tools that are included, in their fixed order."""
        return [tool for name, tool in TOOLS.items() if name in self.include]

    def words_for(self, name: str) -> dict[str, Any]:
        """Return one tool's settings: those of the box that it has, the memory shared."""
        shared = {word: getattr(self, word) for word in ToolFields.model_fields}
        return shared | {word: getattr(self, ours) for word, ours in _WORDS[name].items()}

    def settings_for(self, name: str) -> ToolFields:
        """Return one tool's settings as its own class of fields."""
        return TOOLS[name].settings(**self.words_for(name))


class Toolbox(ToolboxFields, ClientSettings):
    """The tools for a loop of your own, e.g. ``Toolbox(output_dir="out", budget=Budget(2))``.

    It takes the words of `NanoGPTClient`, or ``client=``. Both are safe to share between threads.

    Raises:
        ConfigurationError: ``client`` has decided already what a word says again.
        ValidationError: a word is unknown or its value out of bounds.
    """

    def schemas(self) -> list[dict[str, Any]]:
        """Return the tools as a chat request takes them: ``client.chat(…, tools=…)``."""
        return [tool.schema() for tool in self.tools]

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        on_progress: OnProgress | None = None,
    ) -> ToolResult:
        """Do what a model asked for: a tool's name, and its arguments as an object or as JSON.

        Raises:
            NanoGPTError: it could not be done; `explain` turns that into words for a model.
        """
        tool, given = self._asked(name, arguments)
        return self._client().run(tool.run(self.settings_for(name), given, on_progress))

    async def acall(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        on_progress: OnProgress | None = None,
    ) -> ToolResult:
        """Do what a model asked for, without blocking the event loop; see `call`."""
        tool, given = self._asked(name, arguments)
        return await self._async_client().run(tool.run(self.settings_for(name), given, on_progress))

    def _asked(self, name: str, arguments: Mapping[str, Any] | str) -> tuple[Tool, Any]:
        names: Sequence[str] = [tool.name for tool in self.tools]
        if name not in names:
            raise InvalidArgumentError(f"there is no tool {name!r}; known are {', '.join(names)}")
        if isinstance(arguments, str):
            try:
                return TOOLS[name], read_arguments(arguments)
            except ValueError as error:
                msg = f"the arguments of {name} are no JSON object: {arguments[:80]!r}"
                raise InvalidArgumentError(msg) from error
        return TOOLS[name], arguments
