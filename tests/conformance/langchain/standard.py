"""LangChain's own integration suites, as this package takes them: every capability is on.

They run twice: against the sandbox (`test_standard_integration`), and from what was recorded of
that, with the network off (`test_standard_cassettes`).
"""

from __future__ import annotations

import base64

from langchain_core.messages import HumanMessage
from langchain_tests.integration_tests import ChatModelIntegrationTests, EmbeddingsIntegrationTests

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from tests.unit.langchain_nanogpt.samples import sound

__all__ = [
    "Capabilities",
    "TestChatNanoGPT",
    "TestChatNanoGPTV1",
    "TestChatNanoGPTWithTools",
    "TestNanoGPTEmbeddings",
]

MODEL = "google/gemini-3-flash-preview"  # takes every kind of input
LONG = "Nano is a digital currency made for small and quick payments. " * 320


class Capabilities:
    """What NanoGPT documents, as the suites ask for it."""

    @property
    def chat_model_class(self):
        return ChatNanoGPT

    @property
    def enable_vcr_tests(self):
        return True

    @property
    def supports_json_mode(self):
        return True

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_urls(self):
        return True

    @property
    def supports_pdf_inputs(self):
        return True

    @property
    def supports_audio_inputs(self):
        return True

    @property
    def supports_video_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_pdf_tool_message(self):
        return True

    @property
    def supports_anthropic_inputs(self):
        return True

    @property
    def model_override_value(self):
        return "anthropic/claude-opus-4.6"

    @property
    def supported_usage_metadata_details(self):
        details = [
            "audio_input",
            "reasoning_output",
            "cache_read_input",
            "cache_creation_input",
        ]
        return {"invoke": details, "stream": details}


class _Base(Capabilities, ChatModelIntegrationTests):
    @property
    def chat_model_params(self):
        return {"model": MODEL}

    def invoke_with_audio_input(self, *, stream=False):
        data = base64.b64encode(sound()).decode()
        block = {"type": "audio", "base64": data, "mime_type": "audio/wav"}
        message = HumanMessage(["What do you hear?", block])
        return answer(ChatNanoGPT(model=MODEL), [message], stream=stream)

    def invoke_with_reasoning_output(self, *, stream=False):
        model = ChatNanoGPT(model="deepseek/deepseek-v3.2:thinking", reasoning_effort="high")
        return answer(model, [HumanMessage("What is 17 times 23?")], stream=stream)

    def invoke_with_cache_read_input(self, *, stream=False):
        self.invoke_with_cache_creation_input(stream=stream)
        return self.invoke_with_cache_creation_input(stream=stream)

    def invoke_with_cache_creation_input(self, *, stream=False):
        text = {"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}
        model = ChatNanoGPT(model="anthropic/claude-opus-4.6")
        return answer(model, [HumanMessage([text, "What is Nano?"])], stream=stream)


def answer(model, messages, *, stream):
    if not stream:
        return model.invoke(messages)
    first, *rest = model.stream(messages)
    return first + rest


class TestChatNanoGPT(_Base):
    """Content is text; JSON schemas, as the model's profile says, make structured answers."""


class TestChatNanoGPTWithTools(_Base):
    """Tool calls make structured answers."""

    @property
    def structured_output_kwargs(self):
        return {"method": "function_calling"}


class TestChatNanoGPTV1(_Base):
    """Content is always standard blocks."""

    @property
    def chat_model_params(self):
        return {"model": MODEL, "output_version": "v1"}


class TestNanoGPTEmbeddings(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return NanoGPTEmbeddings

    @property
    def embedding_model_params(self):
        return {"model": "text-embedding-3-small"}
