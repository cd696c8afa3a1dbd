"""The same conversation through LangChain and LlamaIndex is the same request, byte for byte."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Annotated, Any, Literal

import httpx
import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langchain_core.tools import StructuredTool
from llama_index.core import PromptTemplate
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.tools import FunctionTool
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel, Field, create_model

import langchain_nanogpt._to_wire as langchain
import llama_index_nanogpt._to_wire as llama_index
from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client._adapters.history import Recipient
from nanogpt_client.endpoints.chat import chat
from nanogpt_client.messages import function_tool

MODEL = "openai/gpt-5.2"
PNG = b"\x89PNG\r\n\x1a\n picture \xff"
WAV = b"RIFF\xff\xff\xff\xffWAVE sound"
PDF = b"%PDF-1.4 \xff"
MP3 = b"ID3\x04 sound \xff"
MP4 = b"\x00\x00\x00\x20ftypisom \xff"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def image(data: bytes = PNG) -> dict[str, Any]:
    return {"type": "image", "base64": b64(data), "mime_type": "image/png"}


def user(*blocks: Any) -> ChatMessage:
    return ChatMessage(role="user", blocks=list(blocks))


# What both frameworks can express: LangChain's message, LlamaIndex's message.
PAIRS: dict[str, tuple[BaseMessage, ChatMessage]] = {
    "system": (SystemMessage("Be brief."), ChatMessage("Be brief.", role="system")),
    "developer": (
        SystemMessage("Be brief.", additional_kwargs={"__openai_role__": "developer"}),
        ChatMessage("Be brief.", role="developer"),
    ),
    "text": (HumanMessage("Grüße 🙂\n"), ChatMessage("Grüße 🙂\n")),
    "name": (
        HumanMessage("hi", name="ann"),
        ChatMessage("hi", additional_kwargs={"name": "ann"}),
    ),
    "several texts": (
        HumanMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
        user(TextBlock(text="a"), TextBlock(text="b")),
    ),
    "cached text": (
        HumanMessage(
            [
                {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "b"},
            ]
        ),
        user(
            TextBlock(text="a"),
            CachePoint(cache_control=CacheControl(type="ephemeral")),
            TextBlock(text="b"),
        ),
    ),
    "picture by data": (
        HumanMessage([{"type": "text", "text": "see"}, image()]),
        user(TextBlock(text="see"), ImageBlock(image=PNG)),
    ),
    "picture by URL": (
        HumanMessage(
            [
                {
                    "type": "image_url",
                    "image_url": {"url": "https://a.example/b.png", "detail": "low"},
                }
            ]
        ),
        user(ImageBlock(url="https://a.example/b.png", detail="low")),
    ),
    "sound": (
        HumanMessage([{"type": "audio", "base64": b64(WAV), "mime_type": "audio/wav"}]),
        user(AudioBlock(audio=WAV, format="wav")),
    ),
    "video": (
        HumanMessage([{"type": "video", "url": "https://a.example/b.mp4"}]),
        user(VideoBlock(url="https://a.example/b.mp4")),
    ),
    "document": (
        HumanMessage(
            [
                {
                    "type": "file",
                    "base64": b64(PDF),
                    "mime_type": "application/pdf",
                    "filename": "a.pdf",
                }
            ]
        ),
        user(DocumentBlock(data=PDF, document_mimetype="application/pdf", title="a.pdf")),
    ),
    "picture by data URL": (
        HumanMessage(
            [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{b64(PNG)}"}}]
        ),
        user(ImageBlock(url=f"data:image/png;base64,{b64(PNG)}")),
    ),
    "cached picture": (
        HumanMessage([image() | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
        user(
            ImageBlock(image=PNG),
            CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h")),
        ),
    ),
    "cached system prompt": (
        SystemMessage([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]),
        ChatMessage(
            role="system",
            blocks=[
                TextBlock(text="a"),
                CachePoint(cache_control=CacheControl(type="ephemeral")),
            ],
        ),
    ),
    "sound of another kind": (
        HumanMessage([{"type": "audio", "base64": b64(MP3), "mime_type": "audio/mpeg"}]),
        user(AudioBlock(audio=MP3, format="mp3")),
    ),
    "video by data": (
        HumanMessage([{"type": "video", "base64": b64(MP4), "mime_type": "video/mp4"}]),
        user(VideoBlock(video=MP4, video_mimetype="video/mp4")),
    ),
    "document by URL": (
        HumanMessage([{"type": "file", "url": "https://a.example/b.pdf", "filename": "b.pdf"}]),
        user(DocumentBlock(url="https://a.example/b.pdf", title="b.pdf")),
    ),
    "document of text": (
        HumanMessage([{"type": "text-plain", "text": "Grüße", "mime_type": "text/plain"}]),
        user(DocumentBlock(data="Grüße".encode(), document_mimetype="text/plain", title="a.txt")),
    ),
    "empty text beside a picture": (
        HumanMessage([{"type": "text", "text": ""}, image()]),
        user(TextBlock(text=""), ImageBlock(image=PNG)),
    ),
    "answer by name": (
        AIMessage("Sure.", name="bob"),
        ChatMessage("Sure.", role="assistant", additional_kwargs={"name": "bob"}),
    ),
    "answer in several texts": (
        AIMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]),
        ChatMessage(role="assistant", blocks=[TextBlock(text="a"), TextBlock(text="b")]),
    ),
    "answer with a picture": (
        AIMessage([{"type": "text", "text": "Here."}, image()]),
        ChatMessage(role="assistant", blocks=[TextBlock(text="Here."), ImageBlock(image=PNG)]),
    ),
    "empty answer": (AIMessage(""), ChatMessage("", role="assistant")),
    "thoughts of another provider beside a call": (
        AIMessage(
            [{"type": "thinking", "thinking": "hm", "signature": "s"}],
            tool_calls=[{"id": "c", "name": "f", "args": {}}],
            response_metadata={"model_provider": "anthropic"},
        ),
        ChatMessage(
            role="assistant",
            blocks=[
                ThinkingBlock(content="hm", additional_information={"signature": "s"}),
                ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={}),
            ],
        ),
    ),
    "call cut off": (
        AIMessage(
            "", invalid_tool_calls=[{"id": "c", "name": "f", "args": '{"a": ', "error": None}]
        ),
        ChatMessage(
            role="assistant",
            blocks=[ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs='{"a": ')],
        ),
    ),
    "answer": (AIMessage("Sure."), ChatMessage("Sure.", role="assistant")),
    "answer with thoughts": (
        AIMessage(
            "Sure.",
            additional_kwargs={"reasoning_content": "hm"},
            response_metadata={"model_provider": "nanogpt"},
        ),
        ChatMessage(
            role="assistant", blocks=[ThinkingBlock(content="hm"), TextBlock(text="Sure.")]
        ),
    ),
    "refusal": (
        AIMessage("", additional_kwargs={"refusal": "No."}),
        ChatMessage("", role="assistant", additional_kwargs={"refusal": "No."}),
    ),
    "calls": (
        AIMessage(
            "",
            tool_calls=[
                {"id": "c1", "name": "f", "args": {"a": "ü", "b": [1, None]}},
                {"id": "c2", "name": "g", "args": {}},
            ],
            additional_kwargs={"reasoning_content": "hm"},
            response_metadata={"model_provider": "nanogpt"},
        ),
        ChatMessage(
            role="assistant",
            blocks=[
                ThinkingBlock(content="hm"),
                ToolCallBlock(
                    tool_call_id="c1", tool_name="f", tool_kwargs={"a": "ü", "b": [1, None]}
                ),
                ToolCallBlock(tool_call_id="c2", tool_name="g", tool_kwargs={}),
            ],
        ),
    ),
    "text beside a call": (
        AIMessage("Let me see.", tool_calls=[{"id": "c", "name": "f", "args": {"a": 1}}]),
        ChatMessage(
            role="assistant",
            blocks=[
                TextBlock(text="Let me see."),
                ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={"a": 1}),
            ],
        ),
    ),
    "tool result": (
        ToolMessage("42", tool_call_id="c1"),
        ChatMessage("42", role="tool", additional_kwargs={"tool_call_id": "c1"}),
    ),
    "tool result by name": (
        ToolMessage("42", tool_call_id="c1", name="f"),
        ChatMessage("42", role="tool", additional_kwargs={"tool_call_id": "c1", "name": "f"}),
    ),
    "tool result of nothing": (
        ToolMessage("", tool_call_id="c1"),
        ChatMessage("", role="tool", additional_kwargs={"tool_call_id": "c1"}),
    ),
    "tool result with a document": (
        ToolMessage(
            [
                {
                    "type": "file",
                    "base64": b64(PDF),
                    "mime_type": "application/pdf",
                    "filename": "a.pdf",
                }
            ],
            tool_call_id="c3",
        ),
        ChatMessage(
            role="tool",
            blocks=[DocumentBlock(data=PDF, document_mimetype="application/pdf", title="a.pdf")],
            additional_kwargs={"tool_call_id": "c3"},
        ),
    ),
    "tool result with a picture": (
        ToolMessage([{"type": "text", "text": "a chart"}, image()], tool_call_id="c2"),
        ChatMessage(
            role="tool",
            blocks=[TextBlock(text="a chart"), ImageBlock(image=PNG)],
            additional_kwargs={"tool_call_id": "c2"},
        ),
    ),
}
TOOL = function_tool("f", "Do it.", {"type": "object", "properties": {"a": {"type": "integer"}}})
WORDS: dict[str, Any] = {
    "temperature": 0.5, "top_p": 0.5, "top_k": 5, "min_p": 0.1, "max_tokens": 5, "min_tokens": 1,
    "stop": ["x"], "stop_token_ids": [1], "frequency_penalty": 0.1, "presence_penalty": 0.1,
    "repetition_penalty": 1.1, "no_repeat_ngram_size": 2, "logit_bias": {"1": 1.0},
    "logprobs": True, "top_logprobs": 2, "seed": 1, "user": "ann",
    "reasoning_effort": "low", "reasoning": {"exclude": True}, "web_search": {"depth": "deep"},
    "memory": 30, "model_context_limit": 10_000, "provider": {"order": ["a"]}, "caching": True,
    "stickyprovider": True, "prompt_caching": {"enabled": True}, "service_tier": "flex",
    "billing_mode": "paygo", "scraping": True, "youtube_transcripts": True,
    "extra_body": {"new": 1},
}  # fmt: skip
PER_CALL: dict[str, Any] = {
    "top_a": 0.1, "tfs": 0.5, "typical_p": 0.5, "eta_cutoff": 0.1, "epsilon_cutoff": 0.1,
    "mirostat_mode": 1, "mirostat_tau": 0.1, "mirostat_eta": 0.1, "prompt_logprobs": True,
    "ignore_eos": False, "include_stop_str_in_output": False, "custom_token_bans": [1],
    "temperature": 0.0, "extra_body": {"newer": 2}, "tools": [TOOL], "tool_choice": "auto",
    "parallel_tool_calls": False, "response_format": {"type": "json_object"},
}  # fmt: skip


def body(messages: list[dict[str, Any]], options: Any) -> bytes | None:
    return chat(messages, model=MODEL, **options).request.content


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_a_message_is_the_same_through_both(pair):
    one, other = pair
    assert body(langchain.messages_to_wire([one]), {}) == body(
        llama_index.messages_to_wire([other]), {}
    )


def test_a_conversation_with_options_is_the_same_through_both():
    theirs = langchain.messages_to_wire([one for one, _ in PAIRS.values()])
    ours = llama_index.messages_to_wire([other for _, other in PAIRS.values()])
    assert body(theirs, langchain.options_to_wire(WORDS, PER_CALL)) == body(
        ours, llama_index.options_to_wire(WORDS, PER_CALL)
    )


@pytest.mark.parametrize(
    ("model", "sent"),
    [("moonshotai/kimi-k2.6", "functions.f:0"), ("anthropic/claude-opus-4.6", "call_0")],
)
def test_ids_of_calls_are_as_the_next_model_accepts_them_in_both(model, sent):
    """A conversation with Kimi can go on with another model."""
    kimis, to = "functions.f:0", Recipient(model)
    call = ToolCall(name="f", args={}, id=kimis)
    block = ToolCallBlock(tool_call_id=kimis, tool_name="f", tool_kwargs={})
    result = ChatMessage("1", role="tool", additional_kwargs={"tool_call_id": kimis})
    theirs = langchain.messages_to_wire(
        [AIMessage("", tool_calls=[call]), ToolMessage("1", tool_call_id=kimis)], to
    )
    ours = llama_index.messages_to_wire([ChatMessage(role="assistant", blocks=[block]), result], to)
    assert theirs == ours
    assert (ours[0]["tool_calls"][0]["id"], ours[1]["tool_call_id"]) == (sent, sent)


class Place(BaseModel):
    """Somewhere."""

    city: str
    country: str | None = Field(default=None, description="if known")


class Bare(BaseModel):
    city: str
    title: str = "mayor"


class Tree(BaseModel):
    """A tree."""

    value: int
    kids: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]
    place: Place


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    trees: list[Tree] = Field(default=[], description="own ones")


class Free(BaseModel):
    """It cannot be strict."""

    keys: dict[str, Any]
    pair: tuple[int, str] | None = None


class Nothing(BaseModel):
    pass


CLASSES = [
    Place,
    Bare,
    Tree,
    Owner,
    Free,
    Nothing,
    create_model("Page[int]", items=(list[int], ...)),
]
# Strict where it cannot be is refused by both: tests/unit/test_structured.py.
WISHES = [(c, wish) for c in CLASSES for wish in (None, True, False) if (c, wish) != (Free, True)]


class Both:
    """The two classes with the same words, and the bodies of their last requests."""

    def __init__(self, **words: Any) -> None:
        self.bodies: list[bytes] = []
        client = httpx.Client(transport=httpx.MockTransport(self._answer))
        words = {"model": MODEL, "api_key": "sk-test-key", "http_client": client, **words}
        self.langchain, self.llama_index = ChatNanoGPT(**words), NanoGPT(**words)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        asked = json.loads(request.content)
        text = '{"city": "Paris", "country": null}'
        function = {"name": "any", "arguments": text}
        call = {"index": 0, "id": "c", "type": "function", "function": function}
        said = {"tool_calls": [call]} if "tools" in asked else {"content": text}
        if not asked.get("stream"):
            choice = {"message": said, "finish_reason": "stop"}
            return httpx.Response(200, json={"choices": [choice]})
        frame = {"choices": [{"index": 0, "delta": said, "finish_reason": "stop"}]}
        events = f"data: {json.dumps(frame)}\n\ndata: [DONE]\n\n"
        return httpx.Response(200, text=events, headers={"content-type": "text/event-stream"})


def test_both_classes_send_the_same():
    both = Both(**WORDS)
    both.langchain.invoke([one for one, _ in PAIRS.values()], **PER_CALL)
    both.llama_index.chat([other for _, other in PAIRS.values()], **PER_CALL)
    assert both.bodies[0] == both.bodies[1]


@pytest.mark.parametrize(
    "words",
    [
        {"web_search": True},
        {"web_search": "linkup-deep"},
        {"web_search": {"enabled": True, "provider": "kagi"}},
        {"memory": True},
        {"reasoning_effort": "none", "model": "openai/gpt-5.2:online"},
    ],
)
def test_streams_are_asked_for_alike(words):
    both = Both(**words)
    list(both.langchain.stream("hi"))
    list(both.llama_index.stream_chat([ChatMessage("hi")]))
    assert both.bodies[0] == both.bodies[1]
    assert json.loads(both.bodies[0])["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(("cls", "strict"), WISHES)
def test_objects_are_asked_for_alike(cls, strict):
    both = Both()
    chain = both.langchain.with_structured_output(
        cls, method="json_schema", strict=strict, include_raw=True
    )
    chain.invoke("hi")
    with suppress(ValueError):  # the answer is one for all
        both.llama_index.structured_predict(cls, PromptTemplate("hi"), {"strict": strict})
    assert both.bodies[0] == both.bodies[1]


@pytest.mark.parametrize(("cls", "strict"), WISHES)
def test_objects_are_asked_for_by_the_same_tool(cls, strict):
    both = Both()
    both.llama_index.pydantic_program_mode = PydanticProgramMode.FUNCTION
    chain = both.langchain.with_structured_output(
        cls,
        method="function_calling",
        strict=strict,
        include_raw=True,
        parallel_tool_calls=False,
    )
    chain.invoke("hi")
    with suppress(ValueError):
        both.llama_index.structured_predict(cls, PromptTemplate("hi"), {"strict": strict})
    assert both.bodies[0] == both.bodies[1]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("auto", {}),
        ("any", {"tool_required": True}),
        ("find_place", {"tool_choice": "find_place"}),
    ],
)
@pytest.mark.parametrize(
    ("cls", "strict"),
    [
        (Place, None), (Tree, None), (Free, None), (Nothing, None),
        # Owner alone differs where it is not strict: LangChain copies a tool's class, and the copy
        # forgets the key that tells the members of a union apart.
        (Place, True), (Tree, True), (Owner, True), (Nothing, True),
    ],
)  # fmt: skip
def test_tools_are_offered_alike(choice, words, cls, strict):
    both = Both()
    name, description = "find_place", "Find it."
    theirs = StructuredTool.from_function(
        print, name=name, description=description, args_schema=cls
    )
    bound = both.langchain.bind_tools(
        [theirs], tool_choice=choice, parallel_tool_calls=False, strict=strict
    )
    bound.invoke("hi")
    ours = FunctionTool.from_defaults(print, name, description, fn_schema=cls)
    both.llama_index.chat_with_tools([ours], "hi", strict=strict, **words)
    assert both.bodies[0] == both.bodies[1]
