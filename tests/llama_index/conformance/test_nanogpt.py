"""`NanoGPT` holds every invariant of the kit."""

from __future__ import annotations

from llama_index_nanogpt import NanoGPT
from tests.llama_index.conformance.kit import LLMConformance


class TestNanoGPT(LLMConformance):
    def make_llm(self, base_url, model="test/model", **words):
        return NanoGPT(model=model, base_url=base_url, api_key=self.KEY, **words)

    async def close_llm(self, llm):
        llm.close()
        await llm.aclose()
