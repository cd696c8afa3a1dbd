"""LangChain's own tests for tools and retrievers, against the sandbox."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from langchain_tests.integration_tests import RetrieversIntegrationTests, ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_nanogpt import (
    NanoGPTBalanceTool,
    NanoGPTCostEstimateTool,
    NanoGPTFetchPageTool,
    NanoGPTImageEditTool,
    NanoGPTImageTool,
    NanoGPTSpeechTool,
    NanoGPTTranscriptionTool,
    NanoGPTVideoTool,
    NanoGPTWebSearchRetriever,
    NanoGPTWebSearchTool,
    NanoGPTYoutubeTranscriptTool,
)
from tests.unit.langchain_nanogpt.samples import picture, sound

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"


def file_url(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


EXAMPLES: dict[type[Any], tuple[dict[str, Any], dict[str, Any]]] = {
    NanoGPTImageTool: ({"size": "256x256"}, {"prompt": "a cat"}),
    NanoGPTImageEditTool: (
        {"size": "256x256"},
        {"prompt": "make it blue", "image": file_url(picture("PNG"), "image/png")},
    ),
    NanoGPTSpeechTool: ({"voice": "nova"}, {"text": "Hello."}),
    NanoGPTTranscriptionTool: ({}, {"audio": file_url(sound(), "audio/wav")}),
    NanoGPTVideoTool: ({"poll_interval": 0.01}, {"prompt": "a cat"}),
    NanoGPTWebSearchTool: ({"max_results": 2}, {"query": "What is Nano?"}),
    NanoGPTFetchPageTool: ({}, {"url": "https://example.com/nano"}),
    NanoGPTYoutubeTranscriptTool: ({}, {"url": "https://youtu.be/kJQP7kiw5Fk"}),
    NanoGPTBalanceTool: ({}, {}),
    NanoGPTCostEstimateTool: ({}, {"kind": "image"}),
}


@pytest.fixture
def key_in_the_environment(clean_environment, monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", KEY)


def suites(tool: type[Any]) -> tuple[type, type]:
    """Return LangChain's two suites for one of our tools."""
    words, arguments = EXAMPLES[tool]

    class Common:
        tool_constructor = property(lambda _: tool)
        tool_constructor_params = property(lambda _: words)
        tool_invoke_params_example = property(lambda _: arguments)

    @pytest.mark.usefixtures("key_in_the_environment")
    class Unit(Common, ToolsUnitTests):
        init_from_env_params = property(
            lambda _: ({"NANOGPT_API_KEY": KEY}, words, {"api_key": KEY})
        )

    @pytest.mark.usefixtures("sandbox_environment")
    class Integration(Common, ToolsIntegrationTests):
        pass

    return Unit, Integration


TestImageUnit, TestImage = suites(NanoGPTImageTool)
TestImageEditUnit, TestImageEdit = suites(NanoGPTImageEditTool)
TestSpeechUnit, TestSpeech = suites(NanoGPTSpeechTool)
TestTranscriptionUnit, TestTranscription = suites(NanoGPTTranscriptionTool)
TestVideoUnit, TestVideo = suites(NanoGPTVideoTool)
TestWebSearchUnit, TestWebSearch = suites(NanoGPTWebSearchTool)
TestFetchPageUnit, TestFetchPage = suites(NanoGPTFetchPageTool)
TestTranscriptUnit, TestTranscript = suites(NanoGPTYoutubeTranscriptTool)
TestBalanceUnit, TestBalance = suites(NanoGPTBalanceTool)
TestCostEstimateUnit, TestCostEstimate = suites(NanoGPTCostEstimateTool)


@pytest.mark.usefixtures("sandbox_environment")
class TestWebSearchRetriever(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self):
        return NanoGPTWebSearchRetriever

    @property
    def retriever_constructor_params(self):
        return {"k": 2}

    @property
    def retriever_query_example(self):
        return "What is Nano?"
