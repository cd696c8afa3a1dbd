"""NanoGPT's images, audio, video, search and account as tools for agents of any framework.

Each `Tool` has a name, a description that a model reads, a pydantic schema of its arguments, and a
flow that returns a `ToolResult`: text for the model, an artifact for the program. The packages for
LangChain and LlamaIndex wrap these; without a framework, `Toolbox` runs them:

>>> from nanogpt_client.tools import Toolbox
>>> tools = Toolbox(output_dir="out", confirm_above_usd="0.50")  # reads NANOGPT_API_KEY
>>> answer = client.chat(messages, model="openai/gpt-5.2", tools=tools.schemas())
>>> for call in answer.message.tool_calls:
...     result = tools.call(call.name, call.arguments)

As input, an agent may use files that these tools made, files in ``output_dir`` and
``readable_dirs``, http(s) URLs outside private networks (``allow_urls``, ``allow_hosts``), and
``data:`` URLs; nothing else, because a prompt may come from anywhere. The program chooses the
models, and so the prices; ``refuse_above_usd`` limits the cost of each call. Sizes, voices and
durations are checked against NanoGPT's list of models, which is fetched once an hour, free of
charge.
"""

from nanogpt_client.tools.artifacts import ArtifactStore
from nanogpt_client.tools.error_text import describe_for_model
from nanogpt_client.tools.registry import TOOLS, Tool
from nanogpt_client.tools.results import Media, ToolResult
from nanogpt_client.tools.settings import (
    EstimateToolSettings,
    ImageToolSettings,
    PageToolSettings,
    SearchToolSettings,
    SpeechToolSettings,
    SpendRequest,
    ToolSettings,
    TranscriptionToolSettings,
    VideoToolSettings,
)
from nanogpt_client.tools.toolbox import Toolbox, ToolboxSettings

__all__ = [
    "ArtifactStore",
    "EstimateToolSettings",
    "ImageToolSettings",
    "Media",
    "PageToolSettings",
    "SearchToolSettings",
    "SpeechToolSettings",
    "SpendRequest",
    "TOOLS",
    "Tool",
    "ToolResult",
    "ToolSettings",
    "Toolbox",
    "ToolboxSettings",
    "TranscriptionToolSettings",
    "VideoToolSettings",
    "describe_for_model",
]
