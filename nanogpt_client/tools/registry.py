"""The tools by name: what a model reads of each, and the flow that does the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from nanogpt_client._protocol.steps import Flow
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools import media, schemas, web
from nanogpt_client.tools import settings as tool_settings
from nanogpt_client.tools.results import DEEPEST, ToolResult
from nanogpt_client.types.progress import OnProgress

__all__ = ["TOOLS", "Tool", "arguments_error"]


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, apart from any framework.

    Attributes:
        name: what a model calls it by.
        description: what a model is told of it.
        args: the schema of its arguments.
        settings: the class of its settings.
        flow: takes settings, checked arguments and a progress function; see `run`.
    """

    name: str
    description: str
    args: type[BaseModel]
    settings: type[tool_settings.ToolFields]
    flow: Callable[..., Flow[ToolResult]]

    def run(
        self,
        settings: tool_settings.ToolFields,
        arguments: Mapping[str, Any],
        on_progress: OnProgress | None = None,
    ) -> Flow[ToolResult]:
        """Return the flow for a client to perform: ``client.run(tool.run(settings, arguments))``.

        Raises:
            InvalidArgumentError: the arguments do not fit the schema; nothing was sent.
            NanoGPTError: from performing it; `explain` turns it into words for a model.
        """
        if _is_deep(arguments):
            raise InvalidArgumentError(f"the arguments of {self.name} are nested too deeply")
        try:
            given = self.args.model_validate(arguments)
        except ValidationError as error:
            raise arguments_error(error) from None
        result = yield from self.flow(settings, given, on_progress or settings.on_progress)
        return result.finished(settings.max_result_characters)

    def schema(self) -> dict[str, Any]:
        """Return the tool as a chat request takes it."""
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": self.args.model_json_schema(),
        }
        return {"type": "function", "function": function}


def arguments_error(error: ValidationError) -> InvalidArgumentError:
    """Return what was wrong with a model's arguments, short enough for it to read."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return InvalidArgumentError(f"{where}: {first['msg'].lower()}", param=where)


def _is_deep(arguments: Mapping[str, Any]) -> bool:
    """Whether values stand so deep in each other that writing them as JSON might fail."""
    level: list[Any] = [arguments]
    for _ in range(DEEPEST):
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
            "Draw one or more pictures from a description. Returns where each picture's file is.",
            schemas.ImageArguments,
            tool_settings.ImageFields,
            media.generate_image,
        ),
        Tool(
            "edit_image",
            "Change an existing picture as described. Returns where the new picture's file is.",
            schemas.EditArguments,
            tool_settings.ImageFields,
            media.edit_image,
        ),
        Tool(
            "speak",
            "Read a text aloud into an audio file (text to speech). Returns where the file is.",
            schemas.SpeechArguments,
            tool_settings.SpeechFields,
            media.speak,
        ),
        Tool(
            "transcribe",
            "Write down what is said in an audio file (speech to text). Returns the words.",
            schemas.TranscriptionArguments,
            tool_settings.TranscriptionFields,
            media.transcribe,
        ),
        Tool(
            "generate_video",
            "Make a short video from a description, which takes minutes. Returns its URL and run "
            "id. If it was not ready in time, call it again with that run_id alone: a second "
            "order would be charged again.",
            schemas.VideoArguments,
            tool_settings.VideoFields,
            media.generate_video,
        ),
        Tool(
            "search_web",
            "Search the web for current information. Returns pages with their addresses, or an "
            "answer with its sources.",
            schemas.SearchArguments,
            tool_settings.SearchFields,
            web.search_web,
        ),
        Tool(
            "check_balance",
            "Tell how much money is left on the NanoGPT account, and the address for deposits.",
            schemas.BalanceArguments,
            tool_settings.ToolFields,
            web.check_balance,
        ),
        Tool(
            "estimate_cost",
            "Tell what a piece of work would cost in USD before doing it, and whether the balance "
            "covers it.",
            schemas.EstimateArguments,
            tool_settings.EstimateFields,
            web.estimate_cost,
        ),
    )
}
