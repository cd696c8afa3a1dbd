"""The tools by name: the description a model reads, and the flow that does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from nanogpt_client._protocol.steps import Flow
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools import account, audio, images, schemas, video, web
from nanogpt_client.tools import settings as tool_settings
from nanogpt_client.tools.results import MAX_DEPTH, ToolResult
from nanogpt_client.types.progress import OnProgress

__all__ = ["TOOLS", "Tool", "arguments_error"]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, independent of any framework.

    Attributes:
        name: the name that a model calls.
        description: what a model reads about it.
        args: the schema of its arguments.
        settings: the class of its settings.
        flow: takes settings, checked arguments and a progress callback; see `run`.
    """

    name: str
    description: str
    args: type[BaseModel]
    settings: type[tool_settings.ToolSettings]
    flow: Callable[..., Flow[ToolResult]]

    def run(
        self,
        settings: tool_settings.ToolSettings,
        arguments: Mapping[str, Any],
        on_progress: OnProgress | None = None,
    ) -> Flow[ToolResult]:
        """Return the flow for a client to run: ``client.run(tool.run(settings, arguments))``.

        Raises:
            InvalidArgumentError: the arguments do not fit the schema; nothing was sent.
            NanoGPTError: the call failed; `describe_for_model` makes a text for a model of it.
        """
        if _is_deep(arguments):
            raise InvalidArgumentError(f"the arguments of {self.name} are nested too deeply")
        try:
            checked = self.args.model_validate(arguments)
        except ValidationError as error:
            raise arguments_error(error) from None
        result = yield from self.flow(settings, checked, on_progress or settings.on_progress)
        return result.finished(settings.max_result_characters)

    def schema(self) -> dict[str, Any]:
        """Return the tool for the ``tools`` of a chat request."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.args.model_json_schema(),
        }
        return {"type": "function", "function": function}


def arguments_error(error: ValidationError) -> InvalidArgumentError:
    """Return what is wrong with a model's arguments, short enough for it to read."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return InvalidArgumentError(f"{where}: {first['msg'].lower()}", param=where)


def _is_deep(arguments: Mapping[str, Any]) -> bool:
    """Whether values are nested so deeply that writing them as JSON might fail."""
    level: list[Any] = [arguments]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for value in level
            if isinstance(value, Mapping | list | tuple)
            for item in (value.values() if isinstance(value, Mapping) else value)
        ]
    return bool(level)


TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "generate_image",
            "Generate one or more images from a description. Returns where each image's file is.",
            schemas.ImageArguments,
            tool_settings.ImageToolSettings,
            images.generate_image,
        ),
        Tool(
            "edit_image",
            "Edit an existing image as described. Returns where the new image's file is.",
            schemas.EditArguments,
            tool_settings.ImageToolSettings,
            images.edit_image,
        ),
        Tool(
            "speak",
            "Read a text aloud into an audio file (text to speech). Returns where the file is.",
            schemas.SpeechArguments,
            tool_settings.SpeechToolSettings,
            audio.speak,
        ),
        Tool(
            "transcribe",
            "Transcribe an audio file (speech to text). Returns the text.",
            schemas.TranscriptionArguments,
            tool_settings.TranscriptionToolSettings,
            audio.transcribe,
        ),
        Tool(
            "generate_video",
            "Generate a short video from a description, which takes minutes. Returns its URL and "
            "run_id. If it was not ready in time, call this again with only that run_id: a second "
            "order would be charged again.",
            schemas.VideoArguments,
            tool_settings.VideoToolSettings,
            video.generate_video,
        ),
        Tool(
            "search_web",
            "Search the web for current information. Returns pages with their URLs, or an answer "
            "with its sources.",
            schemas.SearchArguments,
            tool_settings.SearchToolSettings,
            web.search_web,
        ),
        Tool(
            "fetch_page",
            "Read a web page. Returns its text as Markdown.",
            schemas.PageArguments,
            tool_settings.PageToolSettings,
            web.fetch_page,
        ),
        Tool(
            "youtube_transcript",
            "Return what is said in a YouTube video, as text.",
            schemas.TranscriptArguments,
            tool_settings.ToolSettings,
            web.youtube_transcript,
        ),
        Tool(
            "check_balance",
            "Return the balance of the NanoGPT account, and the address for deposits.",
            schemas.BalanceArguments,
            tool_settings.ToolSettings,
            account.check_balance,
        ),
        Tool(
            "estimate_cost",
            "Estimate what a call would cost in USD, and whether the balance covers it.",
            schemas.EstimateArguments,
            tool_settings.EstimateToolSettings,
            account.estimate_cost,
        ),
    )
}
