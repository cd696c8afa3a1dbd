"""`NanoGPT` holds every invariant of the kit."""

from __future__ import annotations

import pytest

from llama_index_nanogpt import NanoGPT
from tests.conformance.llama_index.kit import LLMConformance


class TestNanoGPT(LLMConformance):
    def make_llm(self, base_url, model="test/model", **words):
        words = {
            "api_key": self.KEY,
            "pickle_api_key": True,
            **words,
        }  # other classes' pickles hold it
        return NanoGPT(model=model, base_url=base_url, **words)

    async def close_llm(self, llm):
        llm.close()
        await llm.aclose()

    async def test_settings_go_through_json(self, serve):
        with pytest.MonkeyPatch.context() as patch:  # JSON has no key, and none is an error
            patch.setenv("NANOGPT_API_KEY", self.KEY)
            await super().test_settings_go_through_json(serve)
