"""What we rely on inside the frameworks and they do not promise: where it moves, a test here fails.

Each test says which of our modules relies on it.
"""

from __future__ import annotations

import inspect
import pickle
from functools import cached_property
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import BaseTool
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms import generic_utils
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import LLM
from llama_index.core.schema import TextNode
from llama_index.core.storage.kvstore import SimpleKVStore
from pydantic import BaseModel

from langchain_nanogpt import ChatNanoGPT, NanoGPTBalanceTool
from llama_index_nanogpt import NanoGPT, NanoGPTEmbedding

MADE_WITHOUT_VALIDATION = [
    *[AIMessageChunk, ChatGenerationChunk],
    *[ChatMessage, ChatResponse, TextBlock, ThinkingBlock, ToolCallBlock],
]


def test_a_pydantic_object_is_four_slots():
    """`fast_model` sets these, and no others."""
    slots = {*["__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"]}
    assert set(BaseModel.__slots__) == slots
    assert all(hasattr(vars(BaseModel)[slot], "__set__") for slot in slots)


@pytest.mark.parametrize("kind", MADE_WITHOUT_VALIDATION)
def test_messages_and_chunks_are_made_of_their_fields_alone(kind):
    """`fast_model` copies fields: nothing private, nothing computed when an object is made."""
    assert kind.__private_attributes__ == {}
    assert kind.__pydantic_post_init__ is None
    assert not hasattr(kind, "__slots__") or not set(kind.__slots__) - set(BaseModel.__slots__)


def hooks(ours: type, *theirs: type) -> list[Any]:
    """Return the underscored methods of a framework's class that ours replaces."""
    names = [name for base in ours.__mro__ if "nanogpt" in base.__module__ for name in vars(base)]
    private = {n for n in names if n.startswith("_") and not n.startswith("__")}
    return [
        pytest.param(ours, base, name, id=f"{ours.__name__}.{name}")
        for base in theirs
        for name in sorted(private)
        if inspect.isfunction(getattr(base, name, None))
    ]


LANGCHAIN_HOOKS = {
    "_agenerate_with_cache",
    "_combine_llm_outputs",
    "_get_invocation_params",
    "_get_ls_params",
    "_resolve_model_profile",
    "_should_stream",
    "_should_use_protocol_streaming",
}
LLAMA_INDEX_HOOKS = {
    "_prepare_chat_with_tools",
    "_structured_astream_call",
    "_structured_stream_call",
    "_validate_chat_with_tools_response",
}
HOOKS = [
    *hooks(ChatNanoGPT, BaseChatModel),
    *hooks(NanoGPT, FunctionCallingLLM),
    *hooks(NanoGPTEmbedding, BaseEmbedding),
]


def test_the_frameworks_have_the_private_methods_that_we_replace():
    """Without these names, our methods would silently never be called."""
    assert set(dir(BaseChatModel)) >= LANGCHAIN_HOOKS
    assert set(dir(FunctionCallingLLM)) >= LLAMA_INDEX_HOOKS
    assert {hook.values[2] for hook in HOOKS} >= LANGCHAIN_HOOKS | LLAMA_INDEX_HOOKS


@pytest.mark.parametrize(("ours", "theirs", "name"), HOOKS)
def test_private_methods_take_what_their_frameworks_pass(ours, theirs, name):
    passed = inspect.signature(getattr(theirs, name)).parameters.values()
    in_order = [each.name for each in passed if each.kind <= each.POSITIONAL_OR_KEYWORD]
    by_name = [each.name for each in passed if each.kind == each.KEYWORD_ONLY]
    inspect.signature(getattr(ours, name)).bind(*in_order, **dict.fromkeys(by_name))


def test_langchain_caches_its_description_of_a_model_under_this_name():
    """`langchain_nanogpt.chat_models` drops it where a setting changes."""
    assert isinstance(inspect.getattr_static(BaseChatModel, "_serialized"), cached_property)


def test_langchain_hands_the_profile_of_one_model_to_its_configurable_copies():
    """`ChatNanoGPT` takes away what was looked up for another model (`ResolvedProfile`)."""
    model = GenericFakeChatModel(messages=iter(()), profile={"max_input_tokens": 7}, name="a")
    copies: Any = model.configurable_fields(name=ConfigurableField(id="name"))
    copy, _ = copies.prepare({"configurable": {"name": "b"}})
    assert (copy.name, copy.profile) == ("b", model.profile)


def test_langchain_counts_versions_by_this_method():
    """`ChatNanoGPT` adds its own for traces."""
    assert [*inspect.signature(BaseChatModel._add_version).parameters] == ["self", "pkg", "version"]


def test_langchain_pickles_no_schema_that_a_tool_has_cached():
    """Tools travel to worker processes; the class that LangChain made for their schema cannot."""
    for tool in (Doubling(), NanoGPTBalanceTool(api_key="key")):
        assert tool.tool_call_schema is tool.tool_call_schema
        assert pickle.loads(pickle.dumps(tool)).args == tool.args


class Doubling(BaseTool):
    name: str = "double"
    description: str = "Double a number."

    def _run(self, number: int) -> int:
        return 2 * number


class FalseStore(SimpleKVStore):
    """A store that counts as false, as `KeyedCache` does, and must not be asked."""

    def __bool__(self) -> bool:
        return False

    def get(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("LlamaIndex asks a cache that counts as false")

    aget = get


async def test_llama_index_asks_no_cache_that_counts_as_false():
    """`KeyedCache` has keys of its own, and LlamaIndex is to leave it alone."""
    embedding = MockEmbedding(embed_dim=2, embeddings_cache=FalseStore())
    assert embedding.get_query_embedding("a") == [0.5, 0.5]
    assert embedding.get_text_embedding_batch(["a"]) == [[0.5, 0.5]]
    assert await embedding.aget_query_embedding("a") == [0.5, 0.5]
    assert await embedding.aget_text_embedding_batch(["a"]) == [[0.5, 0.5]]


async def test_llama_index_shows_the_method_below_its_span():
    """`NanoGPTEmbedding.aget_text_embedding_batch` calls it, so that there is one span."""
    method: Any = MockEmbedding(embed_dim=2).aget_text_embedding_batch
    assert inspect.iscoroutinefunction(method.__wrapped__)
    assert await method.__wrapped__(["a"], False) == [[0.5, 0.5]]


def test_a_node_keeps_and_pickles_the_vector_that_stands_in_its_fields():
    """`NanoGPTEmbedding` puts one there that finds its way home from a worker process."""
    node = TextNode(text="a", embedding=[1.0])
    vars(node)["embedding"] = vector = Homing([2.0])
    assert node.get_embedding() is vector
    assert pickle.loads(pickle.dumps(node)).get_embedding() == [2.0, 3.0]


class Homing(list[float]):
    """A vector that is another one behind a pickle."""

    def __reduce__(self) -> Any:
        return list, ([*self, 3.0],)


@pytest.mark.parametrize(
    "name",
    [
        "chat_to_completion_decorator",
        "stream_chat_to_completion_decorator",
        "achat_to_completion_decorator",
        "astream_chat_to_completion_decorator",
    ],
)
def test_llama_index_makes_completions_of_any_chat_function(name):
    """`NanoGPT.complete` gives it a private method, so that a completion is one event, not two."""
    assert len(inspect.signature(getattr(generic_utils, name)).parameters) == 1


def test_a_completion_is_made_of_one_call_with_one_message():
    seen: list[Any] = []

    def chat(messages: Any, **options: Any) -> ChatResponse:
        seen.append((messages, options))
        return ChatResponse(message=ChatMessage(role="assistant", content="b"))

    made = generic_utils.chat_to_completion_decorator(chat)("a", temperature=0)
    assert made.text == "b"
    (((message,), options),) = seen
    assert (message.content, options) == ("a", {"temperature": 0})


def test_llama_index_streams_structured_objects_through_these_methods():
    """`StructuredPrediction` replaces both, for models that follow schemas."""
    source = inspect.getsource(LLM.stream_structured_predict)
    assert "_structured_stream_call" in source
    assert "_structured_astream_call" in inspect.getsource(LLM.astream_structured_predict)
