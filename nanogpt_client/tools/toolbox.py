"""All tools with one client, one folder and one budget: settings, and use without a framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import field_validator

from nanogpt_client._adapters.settings import ClientSettings
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools import settings as tool_settings
from nanogpt_client.tools.registry import TOOLS, Tool
from nanogpt_client.tools.results import ToolResult
from nanogpt_client.tools.settings import ToolSettings
from nanogpt_client.types.options import Count, SearchProvider
from nanogpt_client.types.progress import OnProgress
from nanogpt_client.types.tool_arguments import read_arguments

__all__ = ["Toolbox", "ToolboxSettings"]

# Settings of a tool that the toolbox has under another name; all others have the same name.
_NAMES: Mapping[type[ToolSettings], Mapping[str, str]] = {
    tool_settings.ImageToolSettings: {"model": "image_model", "size": "image_size"},
    tool_settings.SpeechToolSettings: {
        "model": "speech_model",
        "max_characters": "max_speech_characters",
    },
    tool_settings.TranscriptionToolSettings: {"model": "transcription_model"},
    tool_settings.VideoToolSettings: {
        "model": "video_model",
        "poll_interval": "video_poll_interval",
        "poll_timeout": "video_poll_timeout",
    },
    tool_settings.SearchToolSettings: {"provider": "search_provider", "depth": "search_depth"},
}


class ToolboxSettings(tool_settings.EstimateToolSettings):
    """Settings of a set of tools: the models of all, and what each tool has besides."""

    include: tuple[str, ...] = tuple(TOOLS)
    """Names of the tools to offer; by default all."""
    image_size: str | None = None
    """``"WIDTHxHEIGHT"``, used if the agent gives no size."""
    image_blocks: bool = False
    """Also return images themselves to the model; for models with vision."""
    voice: str | None = None
    """Voice of the speech model, used if the agent gives none."""
    audio_format: tool_settings.AudioFormat | None = None
    """Format of speech, e.g. ``"wav"``; by default the model's own."""
    max_speech_characters: tool_settings.Characters = tool_settings.SPEECH_CHARACTERS
    """Characters that one call may synthesize."""
    language: str | None = None
    """Language code for transcription, e.g. ``"en"``, used if the agent gives none."""
    video_poll_interval: tool_settings.PollInterval = tool_settings.POLL_INTERVAL
    """Seconds between two status requests for a video."""
    video_poll_timeout: tool_settings.PollTimeout = tool_settings.POLL_TIMEOUT
    """Seconds to wait for a video; after that, fetch it by its run id."""
    search_provider: SearchProvider | None = None
    """Provider of web search, e.g. ``"linkup"``; by default NanoGPT's choice."""
    search_depth: str | None = None
    """Depth of web search: ``"standard"``, ``"deep"``, or a value of the provider's own."""
    max_results: Count | None = None
    """Most search results to return, used if the agent gives no number."""
    stealth: bool = False
    """Read pages through a proxy, for sites that refuse robots, at five times the price."""

    @field_validator("include")
    @classmethod
    def _check_names(cls, include: tuple[str, ...]) -> tuple[str, ...]:
        unknown = set(include) - TOOLS.keys()
        if unknown:
            raise ValueError(f"unknown tools {sorted(unknown)}; choose from {', '.join(TOOLS)}")
        return include

    @property
    def tools(self) -> list[Tool]:
        """The included tools, in their fixed order."""
        return [tool for name, tool in TOOLS.items() if name in self.include]

    def arguments_for(self, name: str) -> dict[str, Any]:
        """Return one tool's settings as keyword arguments; the artifact store is shared."""
        cls = TOOLS[name].settings
        names = _NAMES.get(cls, {})
        return {own: getattr(self, names.get(own, own)) for own in cls.model_fields}

    def settings_for(self, name: str) -> ToolSettings:
        """Return one tool's settings."""
        return TOOLS[name].settings(**self.arguments_for(name))


class Toolbox(ToolboxSettings, ClientSettings):
    """The tools for your own agent loop, e.g. ``Toolbox(output_dir="out", budget=Budget(2))``.

    It takes the settings of `NanoGPTClient`, or ``client=``. Safe to share between threads.

    Raises:
        ConfigurationError: a setting contradicts ``client``.
        ValidationError: a setting is unknown or its value out of bounds.
    """

    def schemas(self) -> list[dict[str, Any]]:
        """Return the tools for a chat request: ``client.chat(…, tools=toolbox.schemas())``."""
        return [tool.schema() for tool in self.tools]

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        on_progress: OnProgress | None = None,
    ) -> ToolResult:
        """Run the tool that a model called; the arguments are a mapping or JSON text.

        Raises:
            NanoGPTError: the call failed; `describe_for_model` makes a text for the model of it.
        """
        tool, checked = self._requested(name, arguments)
        return self._client().run(tool.run(self.settings_for(name), checked, on_progress))

    async def acall(
        self,
        name: str,
        arguments: Mapping[str, Any] | str,
        *,
        on_progress: OnProgress | None = None,
    ) -> ToolResult:
        """Run the tool that a model called, without blocking the event loop; see `call`."""
        tool, checked = self._requested(name, arguments)
        flow = tool.run(self.settings_for(name), checked, on_progress)
        return await self._async_client().run(flow)

    def _requested(
        self, name: str, arguments: Mapping[str, Any] | str
    ) -> tuple[Tool, Mapping[str, Any]]:
        names = [tool.name for tool in self.tools]
        if name not in names:
            msg = f"there is no tool {name!r}; choose from {', '.join(names)}"
            raise InvalidArgumentError(msg)
        if not isinstance(arguments, str):
            return TOOLS[name], arguments
        try:
            return TOOLS[name], read_arguments(arguments)
        except ValueError as error:
            msg = f"the arguments of {name} are not a JSON object: {arguments[:80]!r}"
            raise InvalidArgumentError(msg) from error
