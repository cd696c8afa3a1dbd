"""The conformance kit on `OpenAILike`; runs in the peers' environment, see `llama_index_kit`."""

from __future__ import annotations

from tests.conformance.llama_index.kit import LLMConformance
from tests.peers.llama_index_table import make_llm


class TestOpenAILike(LLMConformance):
    def make_llm(self, base_url, model="test/model", **words):
        return make_llm("OpenAILike", base_url, model=model, api_key=self.KEY, **words)
