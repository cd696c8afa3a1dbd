"""NanoGPT's images, speech, video, search and account as LangChain tools.

Thin: what they do, what a model reads, and which files it may use is in `nanogpt_client.tools`. A
result's content is for the model (text, or text and images with ``image_blocks=True``); its
artifact, a dict of JSON, is for the program: name, mime type, path, URL, seed, cost (USD), request
id. Long calls dispatch the custom event ``nanogpt_progress``, paid ones ``nanogpt_cost``.
"""

from __future__ import annotations

import inspect
from base64 import b64encode
from typing import Any, ClassVar, Literal

from langchain_core.callbacks import (
    AsyncCallbackManagerForToolRun,
    CallbackManagerForToolRun,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.tools import BaseTool, BaseToolkit
from pydantic import BaseModel, ConfigDict, ValidationError

from langchain_nanogpt._base import LangChainSettings
from langchain_nanogpt._errors import tool_errors
from langchain_nanogpt.callbacks import areport_call, report_call
from nanogpt_client.tools import (
    TOOLS,
    EstimateToolSettings,
    ImageToolSettings,
    PageToolSettings,
    SearchToolSettings,
    SpeechToolSettings,
    Tool,
    ToolboxSettings,
    ToolResult,
    ToolSettings,
    TranscriptionToolSettings,
    VideoToolSettings,
    describe_for_model,
)
from nanogpt_client.tools.registry import arguments_error
from nanogpt_client.types.progress import Progress

__all__ = [
    "NanoGPTBalanceTool",
    "NanoGPTCostEstimateTool",
    "NanoGPTFetchPageTool",
    "NanoGPTImageEditTool",
    "NanoGPTImageTool",
    "NanoGPTSpeechTool",
    "NanoGPTToolkit",
    "NanoGPTTranscriptionTool",
    "NanoGPTVideoTool",
    "NanoGPTWebSearchTool",
    "NanoGPTYoutubeTranscriptTool",
]

EVENT = "nanogpt_progress"


def _describe_arguments_error(error: ValidationError) -> str:
    return describe_for_model(arguments_error(error))


class _NanoGPTTool(ToolSettings, LangChainSettings, BaseTool):
    """Base of all tools: settings, a client, and one tool of the core.

    Raises:
        ToolException: from every run, with a text for the model; by default (``handle_tool_error``)
            LangChain returns it to the model as a `ToolMessage` with the status ``"error"``, and
            likewise arguments that do not fit the schema (``handle_validation_error``).
    """

    # LangChain's own base would ignore a misspelt setting.
    model_config = ConfigDict(extra="forbid")

    core: ClassVar[Tool]
    response_format: Literal["content", "content_and_artifact"] = "content_and_artifact"
    handle_tool_error: Any = True
    handle_validation_error: Any = _describe_arguments_error

    def _run(
        self, *, run_manager: CallbackManagerForToolRun | None = None, **arguments: Any
    ) -> tuple[Any, dict[str, Any]]:
        def report(progress: Progress) -> object:
            if run_manager is not None:
                config: Any = {"callbacks": run_manager.get_child()}
                dispatch_custom_event(EVENT, _event(progress), config=config)
            return self.on_progress(progress) if self.on_progress is not None else None

        with tool_errors():
            result = self._client().run(self.core.run(self, arguments, report))
        if result.cost != 0:
            report_call(run_manager, **_call(result))
        return _content(result)

    async def _arun(
        self, *, run_manager: AsyncCallbackManagerForToolRun | None = None, **arguments: Any
    ) -> tuple[Any, dict[str, Any]]:
        async def report(progress: Progress) -> None:
            if run_manager is not None:
                config: Any = {"callbacks": run_manager.get_child()}
                await adispatch_custom_event(EVENT, _event(progress), config=config)
            if self.on_progress is not None:
                returned = self.on_progress(progress)
                if inspect.isawaitable(returned):
                    await returned

        with tool_errors():
            result = await self._async_client().run(self.core.run(self, arguments, report))
        if result.cost != 0:
            await areport_call(run_manager, **_call(result))
        return _content(result)


class NanoGPTImageTool(ImageToolSettings, _NanoGPTTool):
    """Generates images, e.g. ``NanoGPTImageTool(model="hidream", output_dir="out")``."""

    core: ClassVar[Tool] = TOOLS["generate_image"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTImageEditTool(ImageToolSettings, _NanoGPTTool):
    """Edits an image: a path, URL or bytes, or the name from an earlier result."""

    core: ClassVar[Tool] = TOOLS["edit_image"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTSpeechTool(SpeechToolSettings, _NanoGPTTool):
    """Reads texts aloud, also long ones, e.g. ``NanoGPTSpeechTool(voice="nova")``."""

    core: ClassVar[Tool] = TOOLS["speak"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTTranscriptionTool(TranscriptionToolSettings, _NanoGPTTool):
    """Transcribes a recording."""

    core: ClassVar[Tool] = TOOLS["transcribe"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTVideoTool(VideoToolSettings, _NanoGPTTool):
    """Generates a video; an earlier one is fetched by its run id, and not paid again."""

    core: ClassVar[Tool] = TOOLS["generate_video"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTWebSearchTool(SearchToolSettings, _NanoGPTTool):
    """Searches the web without a model: results, a sourced answer, or a structured one."""

    core: ClassVar[Tool] = TOOLS["search_web"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTFetchPageTool(PageToolSettings, _NanoGPTTool):
    """Reads a web page as Markdown."""

    core: ClassVar[Tool] = TOOLS["fetch_page"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTYoutubeTranscriptTool(_NanoGPTTool):
    """Returns the transcript of a YouTube video."""

    core: ClassVar[Tool] = TOOLS["youtube_transcript"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTBalanceTool(_NanoGPTTool):
    """Returns the account's balance, and the address for deposits of Nano."""

    core: ClassVar[Tool] = TOOLS["check_balance"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


class NanoGPTCostEstimateTool(EstimateToolSettings, _NanoGPTTool):
    """Estimates what a call would cost, and whether the balance covers it."""

    core: ClassVar[Tool] = TOOLS["estimate_cost"]
    name: str = core.name
    description: str = core.description
    args_schema: type[BaseModel] = core.args


_CLASSES: dict[str, type[_NanoGPTTool]] = {
    cls.core.name: cls
    for cls in (
        NanoGPTImageTool,
        NanoGPTImageEditTool,
        NanoGPTSpeechTool,
        NanoGPTTranscriptionTool,
        NanoGPTVideoTool,
        NanoGPTWebSearchTool,
        NanoGPTFetchPageTool,
        NanoGPTYoutubeTranscriptTool,
        NanoGPTBalanceTool,
        NanoGPTCostEstimateTool,
    )
}


class NanoGPTToolkit(ToolboxSettings, LangChainSettings, BaseToolkit):
    """All tools with one client, one folder and one budget.

    The tools share their artifacts: one can use what another made, by its name.

    Setup:
        Install ``nanogpt-integrations[agents]``, and set the variable ``NANOGPT_API_KEY``.

    Key arguments:
        ``output_dir``, the only folder that they write to; ``include``, the tools to offer;
        ``confirm_above_usd`` and ``refuse_above_usd``; ``image_model`` and the other models;
        ``budget`` and ``ledger``, or a ``client`` to share with other classes.

    Instantiate:
        >>> from langchain_nanogpt import ChatNanoGPT, NanoGPTToolkit
        >>> from nanogpt_client import Budget
        >>> toolkit = NanoGPTToolkit(output_dir="out", budget=Budget(2), confirm_above_usd="0.50")

    Invoke:
        >>> tools = {tool.name: tool for tool in toolkit.get_tools()}
        >>> tools["generate_image"].invoke({"prompt": "a red fox"})

    Tools:
        >>> from langchain.agents import create_agent
        >>> agent = create_agent(ChatNanoGPT(model="openai/gpt-5.2"), toolkit.get_tools())

    Cost:
        >>> toolkit.ledger.spent  # USD of all tools, exact
    """

    model_config = ConfigDict(extra="forbid")

    def get_tools(self) -> list[BaseTool]:
        """Return the tools that ``include`` names, in their fixed order."""
        shared = {"client": self._shared_client(), "http_async_client": self.http_async_client}
        tools = [
            _CLASSES[tool.name](**shared, **self.arguments_for(tool.name)) for tool in self.tools
        ]
        for tool in tools:  # they also share the async client, which closing the toolkit closes
            tool._clients = self._clients  # noqa: SLF001 - of the base class that both have
        return [*tools]


def _content(result: ToolResult) -> tuple[Any, dict[str, Any]]:
    """Return the content for the model (text, or text and images) and the artifact."""
    if not result.media:
        return result.text, result.artifact
    blocks = [
        {"type": "image", "base64": b64encode(media.data).decode(), "mime_type": media.mime_type}
        for media in result.media
    ]
    return [{"type": "text", "text": result.text}, *blocks], result.artifact


def _call(result: ToolResult) -> dict[str, Any]:
    """Return what handlers are told of a call; the cost is USD, ``None`` if unknown."""
    artifact = result.artifact
    names = {name: artifact.get(name) for name in ("kind", "model", "request_id")}
    return names | {"cost": result.cost}


def _event(progress: Progress) -> dict[str, Any]:
    """Return progress as plain data, without the result: it may be large, and comes at the end."""
    names = ("kind", "status", "done", "total", "seconds", "run_id")
    return {name: getattr(progress, name) for name in names}
