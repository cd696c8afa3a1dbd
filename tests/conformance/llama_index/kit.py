"""A conformance kit for LLMs of LlamaIndex, over any OpenAI-like API. Not of one provider.

LlamaIndex says what an LLM's methods are called; this says how they must behave so that agents,
query engines, programs, memories, observers and workers get what they count on. To run it on your
LLM, subclass `LLMConformance` in a test module and say how to make one:

    from llama_index.llms.openai_like import OpenAILike
    from tests.conformance.llama_index.kit import LLMConformance

    class TestOpenAILike(LLMConformance):
        def make_llm(self, base_url, model="test/model", **words):
            return OpenAILike(
                model=model, api_base=base_url, api_key=self.KEY,
                is_chat_model=True, is_function_calling_model=True, **words,
            )

and run pytest from this repository's root (or copy this folder and
``tests/support/rawserver.py``) with ``asyncio_mode = auto``. The other hooks are in
`base.Hooks`: `close_llm`, `finish_reason` (if your LLM says it in a place of its own), and what
yours does not claim to do (`has_tools`,
`has_reasoning`, `has_pictures`). Each test sends real HTTP to a server on this machine (`wire`):
no key, no network. The kit needs LlamaIndex's core, pytest and pytest-asyncio; it imports no
provider.

Each test's docstring is the invariant it holds, in one sentence; `invariants` lists them.
"""

from __future__ import annotations

import inspect

from tests.conformance.llama_index.answers import Answers
from tests.conformance.llama_index.events import Events
from tests.conformance.llama_index.failures import Failures
from tests.conformance.llama_index.history import History
from tests.conformance.llama_index.lifetime import Lifetime
from tests.conformance.llama_index.tools import Tools


class LLMConformance(Answers, Tools, History, Events, Lifetime, Failures):
    """All invariants of a correct LLM; subclass it and say how to `make_llm`."""


def invariants() -> dict[str, str]:
    """Return each test's name and the invariant it holds, in the kit's order."""
    return {
        name: inspect.getdoc(test) or ""
        for part in (Answers, Tools, History, Events, Lifetime, Failures)
        for name, test in vars(part).items()
        if name.startswith("test_")
    }
