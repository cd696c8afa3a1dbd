"""NanoGPT's images, speech, video, search and account as LlamaIndex tools.

Thin: what they do, what a model reads, and which files it may use is in `nanogpt_client.tools`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, ParamSpec, Protocol, get_type_hints

from llama_index.core.base.llms.types import ContentBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.tool_spec.base import SPEC_FUNCTION_TYPE, BaseToolSpec
from llama_index_instrumentation import get_dispatcher

from llama_index_nanogpt._errors import tool_errors
from llama_index_nanogpt.callbacks import NanoGPTProgressEvent, report_call, report_failures
from nanogpt_client import Progress
from nanogpt_client.tools import TOOLS, Toolbox, ToolResult, schemas

__all__ = ["NanoGPTToolSpec", "ToolContent"]

P = ParamSpec("P")

# The kind of each tool's calls in the ledger.
_KINDS = {
    "generate_image": "image",
    "edit_image": "image",
    "speak": "speech",
    "transcribe": "transcription",
    "generate_video": "video",
    "search_web": "search",
    "fetch_page": "scrape",
    "youtube_transcript": "youtube",
    "check_balance": "account",
    "estimate_cost": "account",
}


class ToolContent(list[ContentBlock]):
    """The result of a tool: the blocks for the model, with sources and files in the text.

    ``artifact`` is for the program, a dict of JSON: kind, cost (USD as a number, and as text with
    all its digits) and request id; of a file also name, mime type, size, path and URL. In a
    `ToolOutput` it is ``output.raw_output.artifact``. An agent's stored context contains only the
    blocks.
    """

    artifact: dict[str, Any]

    @classmethod
    def from_result(cls, result: ToolResult) -> ToolContent:
        """Return the blocks of a result: its text, and its images if the model gets them."""
        content = cls([TextBlock(text=result.text)])
        content += [ImageBlock(image=m.data, image_mimetype=m.mime_type) for m in result.media]
        content.artifact = result.artifact
        return content

    @property
    def text(self) -> str:
        """The text alone."""
        return "\n".join(block.text for block in self if isinstance(block, TextBlock))


class _Method(Protocol[P]):
    """A function of the class, as type checkers see it: bound, it has a schema's parameters."""

    def __get__(self, spec: object, owner: type | None = None, /) -> Callable[P, ToolContent]: ...


class _AsyncMethod(Protocol[P]):
    def __get__(
        self, spec: object, owner: type | None = None, /
    ) -> Callable[P, Coroutine[Any, Any, ToolContent]]: ...


def _methods(
    name: str, schema: Callable[P, schemas.Arguments]
) -> tuple[_Method[P], _AsyncMethod[P]]:
    """Return the two methods of a tool, whose parameters are the fields of its schema."""

    def call(self: NanoGPTToolSpec, /, **arguments: Any) -> ToolContent:
        return self._call_tool(name, arguments)

    async def acall(self: NanoGPTToolSpec, /, **arguments: Any) -> ToolContent:
        return await self._acall_tool(name, arguments)

    _document(call, name, schema)
    _document(acall, f"a{name}", schema)
    return call, acall


def _document(method: Any, name: str, schema: Any) -> None:
    """Make ``help`` and notebooks show the arguments of a tool, with their types."""
    fields, types = schema.model_fields, get_type_hints(schema)
    parameters = [
        inspect.Parameter(
            key,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.is_required() else field.default,
            annotation=types[key],
        )
        for key, field in fields.items()
    ]
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    method.__signature__ = inspect.Signature([this, *parameters], return_annotation=ToolContent)
    method.__name__, method.__qualname__ = name, f"NanoGPTToolSpec.{name}"
    arguments = [f"    {key}: {field.description}" for key, field in fields.items()]
    about = schema.__doc__ or ""  # `python -OO` has no docstrings
    method.__doc__ = "\n".join([about, *(["", "Args:", *arguments] if arguments else [])])


class NanoGPTToolSpec(Toolbox, BaseToolSpec):
    """All tools with one client, one folder and one budget.

    The tools share their artifacts: one can use what another made, by its name. Every tool is also
    a method, with an async version (``await spec.agenerate_image(prompt="a fox")``); they return
    `ToolContent`, and ``help`` shows their arguments. Long calls dispatch a `NanoGPTProgressEvent`
    at every step.

    Setup:
        Install ``nanogpt-integrations[llama-index]``, and set the variable ``NANOGPT_API_KEY``.

    Key arguments:
        ``output_dir``, the only folder that they write to; ``include``, the tools to offer;
        ``confirm_above_usd`` and ``refuse_above_usd``; ``image_model`` and the other models;
        ``budget`` and ``ledger``, or a ``client`` to share with other classes.

    Instantiate:
        >>> from llama_index_nanogpt import NanoGPT, NanoGPTToolSpec
        >>> from nanogpt_client import Budget
        >>> spec = NanoGPTToolSpec(output_dir="out", budget=Budget(2), confirm_above_usd="0.50")

    Invoke:
        >>> spec.generate_image(prompt="a red fox").text

    Tools:
        >>> from llama_index.core.agent.workflow import FunctionAgent
        >>> llm = NanoGPT(model="openai/gpt-5.2")
        >>> agent = FunctionAgent(llm=llm, tools=spec.to_tool_list())

    Cost:
        >>> spec.ledger.spent  # USD of all tools, exact

    Raises:
        NanoGPTError: from every method, with a text for the model, which agents return to it.
    """

    spec_functions: ClassVar[list[SPEC_FUNCTION_TYPE]] = [  # type: ignore[misc]
        (name, f"a{name}") for name in TOOLS
    ]

    generate_image, agenerate_image = _methods("generate_image", schemas.ImageArguments)
    edit_image, aedit_image = _methods("edit_image", schemas.EditArguments)
    speak, aspeak = _methods("speak", schemas.SpeechArguments)
    transcribe, atranscribe = _methods("transcribe", schemas.TranscriptionArguments)
    generate_video, agenerate_video = _methods("generate_video", schemas.VideoArguments)
    search_web, asearch_web = _methods("search_web", schemas.SearchArguments)
    fetch_page, afetch_page = _methods("fetch_page", schemas.PageArguments)
    youtube_transcript, ayoutube_transcript = _methods(
        "youtube_transcript", schemas.TranscriptArguments
    )
    check_balance, acheck_balance = _methods("check_balance", schemas.BalanceArguments)
    estimate_cost, aestimate_cost = _methods("estimate_cost", schemas.EstimateArguments)

    def to_tool_list(
        self,
        spec_functions: list[SPEC_FUNCTION_TYPE] | None = None,
        func_to_metadata_mapping: dict[str, ToolMetadata] | None = None,
    ) -> list[FunctionTool]:
        """Return the tools that ``include`` names, in their fixed order."""
        included = [(tool.name, f"a{tool.name}") for tool in self.tools]
        metadata = {
            function: ToolMetadata(tool.description, tool.name, tool.args)
            for tool in TOOLS.values()
            for function in (tool.name, f"a{tool.name}")
        }
        return super().to_tool_list(
            spec_functions or [*included], metadata | (func_to_metadata_mapping or {})
        )

    def _call_tool(self, name: str, arguments: dict[str, Any]) -> ToolContent:
        def report(progress: Progress) -> object:
            _dispatch(progress)
            return self.on_progress(progress) if self.on_progress is not None else None

        with tool_errors(), report_failures(_KINDS[name], self._model_of(name)):
            return _content(name, self.call(name, arguments, on_progress=report))

    async def _acall_tool(self, name: str, arguments: dict[str, Any]) -> ToolContent:
        async def report(progress: Progress) -> None:
            _dispatch(progress)
            if self.on_progress is not None:
                returned = self.on_progress(progress)
                if inspect.isawaitable(returned):
                    await returned

        with tool_errors(), report_failures(_KINDS[name], self._model_of(name)):
            return _content(name, await self.acall(name, arguments, on_progress=report))

    def _model_of(self, name: str) -> str | None:
        return getattr(self.settings_for(name), "model", None)


def _content(name: str, result: ToolResult) -> ToolContent:
    """Report a call's cost to handlers, and return its content."""
    content = ToolContent.from_result(result)
    artifact = content.artifact
    report_call(_KINDS[name], artifact.get("model"), result.cost, request_id=artifact["request_id"])
    return content


def _dispatch(progress: Progress) -> None:
    names = ("kind", "status", "done", "total", "seconds", "run_id")
    event = NanoGPTProgressEvent(**{name: getattr(progress, name) for name in names})
    get_dispatcher().event(event)
