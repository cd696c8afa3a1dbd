"""Conversations that go back: what models sent beyond text, images, and odd blocks."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import httpx
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from llama_index.core.llms import LLM
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.storage.chat_store import SimpleChatStore

from llama_index_nanogpt._to_wire import messages_to_wire
from nanogpt_client import InvalidArgumentError
from nanogpt_client._adapters.history import Recipient
from tests.conformance.llama_index.wire import call, more, stream, whole
from tests.support.llama_index import agents_own_warnings
from tests.unit.llama_index_nanogpt.scripted import Scripted
from tests.unit.llama_index_nanogpt.test_to_wire import PNG, PNG_URL

pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]

GEMINI = "google/gemini-3-pro-preview"
BLIND = Recipient("m", {"image_url": False, "file": False})
IMAGE = {"type": "image_url", "image_url": {"url": PNG_URL}}
SIGNED = {"extra_content": {"google": {"thought_signature": "SIG"}}}
DETAILS = [
    {"type": "reasoning.text", "text": "Hm.", "signature": "T=="},
    {"type": "reasoning.encrypted", "data": "ENC", "id": "rs_1"},
]
REST = {"reasoning_details": DETAILS, "vendor_state": {"x": [1, "ü"]}}
FIRST = call(0, "c1", "add", '{"a": 1, "b": 2}') | SIGNED
WHOLE = whole(
    {
        "content": "Let me add.",
        "reasoning": "Hm.",
        "tool_calls": [FIRST, call(1, "c2", "now", "{}")],
        **REST,
    },
    "tool_calls",
)
PIECES = stream(
    {"reasoning": "Hm."},
    {"content": "Let me add."},
    {"tool_calls": [call(0, "c1", "add", '{"a": 1, ') | SIGNED]},
    {"tool_calls": [more(0, '"b": 2}'), call(1, "c2", "now", "{}")]},
    REST,
    finish_reason="tool_calls",
)
ASK = [ChatMessage("1 + 2")]
RESULTS = [
    ChatMessage(role="tool", content=text, additional_kwargs={"tool_call_id": call_id})
    for call_id, text in (("c1", "3"), ("c2", "noon"))
]


def by_chat_store(message: ChatMessage) -> ChatMessage:
    store = SimpleChatStore()
    store.set_messages("k", [message])
    return SimpleChatStore.model_validate_json(store.model_dump_json()).get_messages("k")[0]


def by_memory(message: ChatMessage) -> ChatMessage:
    memory = ChatMemoryBuffer.from_defaults(token_limit=10_000)
    memory.put(message)
    return ChatMemoryBuffer.from_string(memory.to_string()).get_all()[0]


TRAVELS: dict[str, Any] = {
    "as it is": lambda message: message,
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "JSON": lambda message: ChatMessage.model_validate_json(message.model_dump_json()),
    "a chat store": by_chat_store,
    "a memory": by_memory,
}


def every_way(llm: LLM, whole_llm: LLM) -> dict[str, ChatMessage]:
    async def asynchronously() -> Any:
        items = [item async for item in await llm.astream_chat(ASK)]
        return (await whole_llm.achat(ASK)).message, items[-1].message

    achat, astreamed = asyncio.run(asynchronously())
    return {
        "chat": whole_llm.chat(ASK).message,
        "stream_chat": list(llm.stream_chat(ASK))[-1].message,
        "achat": achat,
        "astream_chat": astreamed,
    }


@pytest.mark.parametrize("travel", TRAVELS)
def test_what_a_model_sent_goes_back_to_it_however_it_came(travel):
    model = GEMINI + ":online"
    messages = every_way(Scripted(PIECES).llm(model), Scripted(WHOLE).llm(model))
    for way, message in messages.items():
        restored = TRAVELS[travel](message)
        to = Recipient(GEMINI + ":thinking")
        sent = messages_to_wire([*ASK, restored, *RESULTS], to)[1]
        assert {key: sent[key] for key in REST} == REST, way
        first, second = sent["tool_calls"]
        assert first["extra_content"] == SIGNED["extra_content"]
        assert second.keys() == {"id", "type", "function"}


def test_another_model_gets_none_of_it_and_the_model_of_a_call_counts():
    message = Scripted(WHOLE).llm(GEMINI).chat(ASK).message
    for model in ("google/gemini-3-flash", "anthropic/claude-opus-4.6", ""):
        sent = messages_to_wire([message, *RESULTS], Recipient(model))[0]
        assert sent.keys() == {"role", "content", "tool_calls", "reasoning_content"}
        assert "extra_content" not in sent["tool_calls"][0]
    message = Scripted(WHOLE).llm().chat(ASK, model=GEMINI).message
    assert message.additional_kwargs["nanogpt"]["model"] == GEMINI
    assert "nanogpt" not in Scripted(whole({"content": "x"})).llm().chat(ASK).message.json()


@pytest.mark.parametrize("streaming", [True, False])
async def test_agents_send_it_back_by_themselves(streaming):
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    def now() -> str:
        """Tell the time."""
        return "noon"

    replies = [PIECES, stream({"content": "3"})] if streaming else [WHOLE, whole({"content": "3"})]
    nano = Scripted(*replies)
    memory = ChatMemoryBuffer.from_defaults(token_limit=10_000)
    agent = FunctionAgent(tools=[add, now], llm=nano.llm(GEMINI), streaming=streaming)
    await agent.run("1 + 2", memory=memory)
    await agent.run("thanks", memory=memory)
    for body in nano.bodies[1:]:
        (sent,) = [m for m in body["messages"] if m.get("tool_calls")]
        assert sent["tool_calls"][0]["extra_content"] == SIGNED["extra_content"]
        assert sent["reasoning_details"] == DETAILS


@pytest.mark.parametrize(
    ("model", "setting", "expected"),
    [
        ("openai/gpt-5.2", None, ["think1", None]),
        ("deepseek/deepseek-v4-pro:thinking", None, ["think1", "think2"]),
        ("openai/gpt-5.2", True, ["think1", "think2"]),
        ("deepseek/deepseek-v4-pro", False, [None, None]),
    ],
)
def test_reasoning_of_plain_answers_goes_back_where_it_is_wanted(model, setting, expected):
    calling = [ThinkingBlock(content="think1"), ToolCallBlock(tool_call_id="c1", tool_name="now")]
    plain = [ThinkingBlock(content="think2"), TextBlock(text="noon")]
    history = [ChatMessage(role="assistant", blocks=blocks) for blocks in (calling, plain)]
    nano = Scripted(whole({"content": "ok"}))
    llm = nano.llm(model, send_reasoning=setting)
    llm.chat([history[0], RESULTS[0], history[1], ChatMessage("thanks")])
    sent = [m for m in nano.body["messages"] if m["role"] == "assistant"]
    assert [message.get("reasoning_content") for message in sent] == expected


UPDATE = {"configuration_update": {"reasoning": {"effort": "high"}}}


@pytest.mark.parametrize("role", ["system", "developer", "user", "tool"])
@pytest.mark.parametrize("extra", [UPDATE, {"nanogpt": {"fields": UPDATE}}])
def test_fields_that_users_add_are_sent_and_those_of_frameworks_are_not(role, extra):
    of_frameworks = {"session_id": "s", "tool_call_id": "c", "cache_control": {}, "name": "n"}
    message = ChatMessage(role=role, content="", additional_kwargs={**of_frameworks, **extra})
    (sent,) = messages_to_wire([message])
    assert sent.pop("tool_call_id", "c") == "c"
    assert sent == {"role": role, "content": "", "name": "n"} | UPDATE


def test_what_other_integrations_wrote_into_answers_is_not_sent():
    extra = {"thought_signatures": ["S"], "usage": {}, "new": 1, "refusal": None}
    message = ChatMessage(role="assistant", content="hi", additional_kwargs=extra)
    assert messages_to_wire([message]) == [{"role": "assistant", "content": "hi"}]


def test_images_that_a_model_drew_go_back_behind_its_message():
    nano = Scripted(whole({"content": "here", "images": [{"image_url": {"url": PNG_URL}}]}))
    drawn = nano.llm().chat([ChatMessage("a cat")]).message
    nano.llm().chat([ChatMessage("a cat"), drawn, ChatMessage("bluer")])
    sent = nano.body["messages"]
    assert [entry["role"] for entry in sent] == ["user", "assistant", "user", "user"]
    assert sent[1]["content"] == "here"
    assert sent[2]["content"] == [{"type": "text", "text": "What you made:"}, IMAGE]


def shot(*blocks: Any) -> ChatMessage:
    return ChatMessage(role="tool", blocks=list(blocks), additional_kwargs={"tool_call_id": "c1"})


def test_models_without_eyes_are_told_that_something_was_there():
    image = ImageBlock(image=PNG)
    drawn = ChatMessage(role="assistant", blocks=[TextBlock(text="here"), image])
    with pytest.warns(UserWarning, match="an image in the conversation's history"):
        sent = messages_to_wire([drawn, shot(TextBlock(text="Shot:"), image), *ASK], BLIND)
    assert [entry["role"] for entry in sent] == ["assistant", "tool", "user"]
    for entry in sent[:2]:
        assert "\n[an image was here" in entry["content"]


@pytest.mark.filterwarnings("ignore:an image in the conversation's history")
def test_who_has_no_eyes_is_known_from_the_catalogue_and_can_be_overruled():
    nano = Scripted(whole({"content": "ok"}))
    nano.llm("deepseek-chat").chat([shot(ImageBlock(image=PNG)), *ASK])
    assert "image_url" not in str(nano.body)
    nano.llm("deepseek-chat", check_inputs=False).chat([shot(ImageBlock(image=PNG)), *ASK])
    assert IMAGE in nano.body["messages"][1]["content"]
    nano.llm().chat([shot(ImageBlock(image=PNG)), *ASK], model="not/listed")
    assert IMAGE in nano.body["messages"][1]["content"]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (
            DocumentBlock(url="demo://report/1", title="Report", document_mimetype="text/markdown"),
            "[Report: demo://report/1]",
        ),
        (
            DocumentBlock(url="https://e.org/a.md", title="A", document_mimetype="text/markdown"),
            "[A: https://e.org/a.md]",
        ),
        (ImageBlock(url="demo://chart"), "[image: demo://chart]"),
        (VideoBlock(url="demo://film"), "[video: demo://film]"),
        (AudioBlock(url="https://e.org/a.wav"), "[audio: https://e.org/a.wav]"),
    ],
)
def test_links_in_a_tools_result_are_texts_there(block, text):
    (sent,) = messages_to_wire([shot(block)])
    assert sent["content"] == text


@pytest.mark.parametrize("kind", ["lost file", "no source"])
def test_an_odd_block_ends_no_thread_but_is_refused_where_it_is_asked(kind, tmp_path):
    path = tmp_path / "gone.png"
    path.write_bytes(PNG)
    block = ImageBlock(path=path) if kind == "lost file" else ImageBlock()
    path.unlink()
    asked = ChatMessage(role="user", blocks=[block, TextBlock(text="?")])
    with pytest.raises(InvalidArgumentError, match="image block"):
        messages_to_wire([asked])
    with pytest.raises(InvalidArgumentError, match="image block"):
        messages_to_wire([ChatMessage(role="system", blocks=[block]), *ASK])
    for past in (asked, shot(block), ChatMessage(role="assistant", blocks=[block])):
        with pytest.warns(UserWarning, match="image block"):
            sent = messages_to_wire([past, *ASK])
        assert "a block of type 'image' was here" in str(sent[0]["content"])


@pytest.mark.parametrize("streaming", [False, True])
def test_a_cut_emoji_does_not_end_the_conversation(streaming):
    frames = stream({"content": "a\ud83d"}, {"content": "\ude00b\ud83d"})
    body = "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames) + "data: [DONE]\n\n"
    kind = {"content-type": "text/event-stream"}
    if not streaming:
        body = json.dumps(whole({"content": "a\ud83d\ude00b\ud83d"}))
        kind = {"content-type": "application/json"}
    nano = Scripted(httpx.Response(200, content=body, headers=kind))
    llm = nano.llm()
    items = list(llm.stream_chat(ASK)) if streaming else [llm.chat(ASK)]
    assert items[-1].message.content == "a\U0001f600b\ufffd"
    assert "".join(item.delta or "" for item in items) in ("", "a\U0001f600b\ufffd")
    nano.replies = [whole({"content": "ok"})]
    llm.chat([*ASK, items[-1].message, ChatMessage("and \ude00?")])
    assert nano.body["messages"][2]["content"] == "and \ufffd?"


@pytest.mark.parametrize("streaming", [False, True])
def test_arguments_that_are_nested_too_deeply_are_not_run(streaming):
    deep = '{"a": ' + "[" * 5000 + "]" * 5000 + "}"
    calls = {"tool_calls": [call(0, "c1", "f", deep)]}
    llm = Scripted(stream(calls) if streaming else whole(calls)).llm()
    response = list(llm.stream_chat(ASK))[-1] if streaming else llm.chat(ASK)
    with pytest.raises(ValueError, match="not a JSON object"):
        llm.get_tool_calls_from_response(response)
    (selection,) = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    assert "not run" in selection.tool_name


def test_a_conversation_goes_on_after_a_call_that_was_never_run():
    asked = ChatMessage(
        role="assistant", blocks=[ToolCallBlock(tool_call_id="a", tool_name="f", tool_kwargs={})]
    )
    sent = messages_to_wire([ChatMessage("Do it."), asked, ChatMessage("Never mind.")])
    assert [entry["role"] for entry in sent] == ["user", "assistant", "tool", "user"]
    assert sent[2]["tool_call_id"] == "a"


def test_an_image_that_no_model_reads_ends_no_thread():
    drawn = ImageBlock(image=b"<svg/>", image_mimetype="image/svg+xml")
    with pytest.raises(InvalidArgumentError, match="no model reads"):
        messages_to_wire([ChatMessage(role="user", blocks=[drawn])])
    with pytest.warns(UserWarning, match="no model reads"):
        sent = messages_to_wire([shot(drawn), *ASK])
    assert "a block of type 'image' was here" in str(sent[0]["content"])
