"""The conformance kit on `OpenAILike`, in the peers' environment; see `tests.peers.llama_index`."""

from __future__ import annotations

from llama_index.llms.openai_like import OpenAILike

from tests.llama_index.conformance.kit import LLMConformance


class TestOpenAILike(LLMConformance):
    def make_llm(self, base_url, model="test/model", **words):
        return OpenAILike(
            model=model,
            api_base=base_url,
            api_key=self.KEY,
            is_chat_model=True,
            is_function_calling_model=True,
            **words,
        )
