"""NanoGPT's pictures, speech, film, search and money as LlamaIndex tools.

Thin: what they do, what a model is told, and which files it may reach stand in
`nanogpt_client.tools`.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from llama_index.core.base.llms.types import ContentBlock, ImageBlock, TextBlock
from llama_index.core.tools import FunctionTool, ToolMetadata
from llama_index.core.tools.tool_spec.base import SPEC_FUNCTION_TYPE, BaseToolSpec
from llama_index_instrumentation import get_dispatcher

from llama_index_nanogpt._errors import tool_errors
from llama_index_nanogpt.callbacks import NanoGPTProgressEvent, call_told, failure_told
from nanogpt_client import Progress
from nanogpt_client.tools import TOOLS, Toolbox, ToolResult

__all__ = ["NanoGPTToolSpec", "ToolContent"]

# What the ledger calls each tool's work.
_KINDS = {
    "generate_image": "image",
    "edit_image": "image",
    "speak": "speech",
    "transcribe": "transcription",
    "generate_video": "video",
    "search_web": "search",
    "check_balance": "account",
    "estimate_cost": "account",
}


class ToolContent(list[ContentBlock]):
    """What a tool returns: the blocks that a model reads, sources and files named in the text.

    ``artifact`` is for the program, a dict of JSON: kind, cost (USD as a number, and as a text with
    all its digits) and request id; of a file also name, mime type, size, path and URL. In a
    `ToolOutput` it is ``output.raw_output.artifact``. Stored with an agent's context, the blocks
    stay alone.
    """

    artifact: dict[str, Any]

    @classmethod
    def from_result(cls, result: ToolResult) -> ToolContent:
        """Make the blocks of a result: its text, and its pictures if the model is to see them."""
        content = cls([TextBlock(text=result.text)])
        content += [ImageBlock(image=m.data, image_mimetype=m.mime_type) for m in result.media]
        content.artifact = result.artifact
        return content

    @property
    def text(self) -> str:
        """The text alone."""
        return "\n".join(block.text for block in self if isinstance(block, TextBlock))


class NanoGPTToolSpec(Toolbox, BaseToolSpec):
    """All tools with one client, one folder and one budget.

    >>> spec = NanoGPTToolSpec(output_dir="out", budget=Budget(2), confirm_above_usd="0.50")
    >>> agent = FunctionAgent(llm=NanoGPT(model="openai/gpt-5.2"), tools=spec.to_tool_list())

    What one tool made, the others find by its name. Every tool is a method, too, with an async one
    beside it: ``spec.generate_image(prompt="a fox")``, ``await spec.agenerate_image(…)``. They
    take what the tool's schema names (``spec.schemas()``) and return `ToolContent`. Long work
    sends a `NanoGPTProgressEvent` at every step through LlamaIndex's instrumentation.

    Raises:
        NanoGPTError: from every method, worded for a model; agents catch it and tell the model.
    """

    spec_functions: ClassVar[list[SPEC_FUNCTION_TYPE]] = [  # type: ignore[misc]
        (name, f"a{name}") for name in TOOLS
    ]

    def generate_image(self, **arguments: Any) -> ToolContent:
        """Draw one or more pictures from a ``prompt``."""
        return self._use("generate_image", arguments)

    async def agenerate_image(self, **arguments: Any) -> ToolContent:
        """Draw one or more pictures from a ``prompt``."""
        return await self._ause("generate_image", arguments)

    def edit_image(self, **arguments: Any) -> ToolContent:
        """Change an ``image`` (name, path, URL or bytes) as the ``prompt`` says."""
        return self._use("edit_image", arguments)

    async def aedit_image(self, **arguments: Any) -> ToolContent:
        """Change an ``image`` (name, path, URL or bytes) as the ``prompt`` says."""
        return await self._ause("edit_image", arguments)

    def speak(self, **arguments: Any) -> ToolContent:
        """Read a ``text`` aloud, also a long one."""
        return self._use("speak", arguments)

    async def aspeak(self, **arguments: Any) -> ToolContent:
        """Read a ``text`` aloud, also a long one."""
        return await self._ause("speak", arguments)

    def transcribe(self, **arguments: Any) -> ToolContent:
        """Write down what is said in ``audio`` (name, path, URL or bytes)."""
        return self._use("transcribe", arguments)

    async def atranscribe(self, **arguments: Any) -> ToolContent:
        """Write down what is said in ``audio`` (name, path, URL or bytes)."""
        return await self._ause("transcribe", arguments)

    def generate_video(self, **arguments: Any) -> ToolContent:
        """Make a video from a ``prompt``, or fetch one that was ordered by its ``run_id``."""
        return self._use("generate_video", arguments)

    async def agenerate_video(self, **arguments: Any) -> ToolContent:
        """Make a video from a ``prompt``, or fetch one that was ordered by its ``run_id``."""
        return await self._ause("generate_video", arguments)

    def search_web(self, **arguments: Any) -> ToolContent:
        """Search the web for a ``query``."""
        return self._use("search_web", arguments)

    async def asearch_web(self, **arguments: Any) -> ToolContent:
        """Search the web for a ``query``."""
        return await self._ause("search_web", arguments)

    def check_balance(self, **arguments: Any) -> ToolContent:
        """Tell the balance, and the address that Nano can be sent to."""
        return self._use("check_balance", arguments)

    async def acheck_balance(self, **arguments: Any) -> ToolContent:
        """Tell the balance, and the address that Nano can be sent to."""
        return await self._ause("check_balance", arguments)

    def estimate_cost(self, **arguments: Any) -> ToolContent:
        """Tell what a ``kind`` of work would cost, and whether the balance covers it."""
        return self._use("estimate_cost", arguments)

    async def aestimate_cost(self, **arguments: Any) -> ToolContent:
        """Tell what a ``kind`` of work would cost, and whether the balance covers it."""
        return await self._ause("estimate_cost", arguments)

    def to_tool_list(
        self,
        spec_functions: list[SPEC_FUNCTION_TYPE] | None = None,
        func_to_metadata_mapping: dict[str, ToolMetadata] | None = None,
    ) -> list[FunctionTool]:
        """Return the tools that ``include`` names, in their fixed order."""
        included = [(tool.name, f"a{tool.name}") for tool in self.tools]
        known = {
            function: ToolMetadata(tool.description, tool.name, tool.args)
            for tool in TOOLS.values()
            for function in (tool.name, f"a{tool.name}")
        }
        return super().to_tool_list(
            spec_functions or [*included], known | (func_to_metadata_mapping or {})
        )

    def _use(self, name: str, arguments: dict[str, Any]) -> ToolContent:
        def tell(progress: Progress) -> object:
            _dispatch(progress)
            return self.on_progress(progress) if self.on_progress is not None else None

        with tool_errors(), failure_told(_KINDS[name], self._model_of(name)):
            return _told(name, self.call(name, arguments, on_progress=tell))

    async def _ause(self, name: str, arguments: dict[str, Any]) -> ToolContent:
        async def tell(progress: Progress) -> None:
            _dispatch(progress)
            if self.on_progress is not None:
                told = self.on_progress(progress)
                if inspect.isawaitable(told):
                    await told

        with tool_errors(), failure_told(_KINDS[name], self._model_of(name)):
            return _told(name, await self.acall(name, arguments, on_progress=tell))

    def _model_of(self, name: str) -> str | None:
        return getattr(self.settings_for(name), "model", None)


def _told(name: str, result: ToolResult) -> ToolContent:
    """Tell handlers what a call cost, and return its content."""
    content = ToolContent.from_result(result)
    artifact = content.artifact
    call_told(_KINDS[name], artifact.get("model"), result.cost, request_id=artifact["request_id"])
    return content


def _dispatch(progress: Progress) -> None:
    words = ("kind", "status", "done", "total", "seconds", "run_id")
    event = NanoGPTProgressEvent(**{word: getattr(progress, word) for word in words})
    get_dispatcher().event(event)
