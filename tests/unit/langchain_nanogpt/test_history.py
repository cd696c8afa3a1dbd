"""Conversations that go back: what models sent beyond text, images, and odd blocks."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.load import dumps, loads
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver

from langchain_nanogpt import ChatNanoGPT
from langchain_nanogpt._to_wire import messages_to_wire
from nanogpt_client import InvalidArgumentError
from nanogpt_client._adapters.history import Recipient
from tests.unit.langchain_nanogpt.replies import Wire, call
from tests.unit.langchain_nanogpt.test_to_wire import IMAGE, PNG

pytestmark = [
    pytest.mark.filterwarnings(  # v3 is said to be in beta
        "ignore::langchain_core._api.beta_decorator.LangChainBetaWarning"
    )
]

GEMINI = "google/gemini-3-pro-preview"
BLIND = Recipient("m", {"image_url": False, "file": False})
SIGNED: dict[str, Any] = {"extra_content": {"google": {"thought_signature": "SIG"}}}
DETAILS = [
    {"type": "reasoning.text", "text": "Hm.", "signature": "T=="},
    {"type": "reasoning.encrypted", "data": "ENC", "id": "rs_1"},
]
ANSWER = Wire(
    {"role": "assistant", "reasoning": "Hm."},
    {"content": "Let me add."},
    call('{"a": 1, ', id="c1", name="add", **SIGNED),
    call('"b": 2}'),
    call("{}", 1, id="c2", name="now"),
    {"reasoning_details": DETAILS, "vendor_state": {"x": [1, "ü"]}},
    finish="tool_calls",
    model="gemini-3-pro-preview-0925",
)
RESULTS = [ToolMessage("3", tool_call_id="c1"), ToolMessage("noon", tool_call_id="c2")]


def by_checkpoint(message: AIMessage) -> AIMessage:
    serde = InMemorySaver().serde
    restored = serde.loads_typed(serde.dumps_typed(message))
    assert isinstance(restored, AIMessage)
    return restored


TRAVELS: dict[str, Any] = {
    "as it is": lambda message: message,
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "JSON": lambda message: messages_from_dict([message_to_dict(message)])[0],
    "LangChain's own": lambda message: loads(dumps(message), allowed_objects="messages"),
    "a checkpoint": by_checkpoint,
}


def whole(message: Any) -> AIMessage:
    """An answer, or the sum of its chunks, as agents keep it."""
    kept = {"content", "additional_kwargs", "response_metadata", "tool_calls"}
    return AIMessage(**message.model_dump(include=kept))


def every_way(model: ChatNanoGPT) -> dict[str, AIMessage]:
    chunks = list(model.stream("1 + 2"))

    async def asynchronously() -> tuple[Any, list[Any]]:
        return await model.ainvoke("1 + 2"), [c async for c in model.astream("1 + 2")]

    answer, achunks = asyncio.run(asynchronously())
    v1 = model.model_copy(update={"output_version": "v1"})
    return {
        "invoke": model.invoke("1 + 2"),
        "stream": whole(sum(chunks[1:], start=chunks[0])),
        "ainvoke": answer,
        "astream": whole(sum(achunks[1:], start=achunks[0])),
        "v1": v1.invoke("1 + 2"),
        "v3": model.stream_events("1 + 2", version="v3").output,
    }


@pytest.mark.parametrize("travel", TRAVELS)
def test_what_a_model_sent_goes_back_to_it_however_it_came(travel):
    for way, message in every_way(ANSWER.model(model=GEMINI + ":online")).items():
        restored = TRAVELS[travel](message)
        assert isinstance(restored.content, str if way not in {"v1", "v3"} else list)
        sent = messages_to_wire(
            [HumanMessage("1 + 2"), restored, *RESULTS], Recipient(GEMINI + ":thinking")
        )[1]
        assert sent["reasoning_details"] == DETAILS, way
        assert sent["vendor_state"] == {"x": [1, "ü"]}
        first, second = sent["tool_calls"]
        assert first["extra_content"] == SIGNED["extra_content"]
        assert second.keys() == {"id", "type", "function"}
        assert sent["content"] in ("Let me add.", [{"type": "text", "text": "Let me add."}])


def test_another_model_gets_none_of_it():
    message = ANSWER.model(model=GEMINI).invoke("1 + 2")
    for model in ("google/gemini-3-flash", "anthropic/claude-opus-4.6", ""):
        sent = messages_to_wire([message, *RESULTS], Recipient(model))[0]
        assert sent.keys() == {"role", "content", "tool_calls", "reasoning_content"}
        assert "extra_content" not in sent["tool_calls"][0]


def test_plain_answers_keep_nothing_more_and_the_model_of_a_call_counts():
    wire = Wire({"content": "Hi"})
    assert "nanogpt" not in wire.model().invoke("hi").additional_kwargs
    message = ANSWER.model().invoke("hi", model=GEMINI)
    assert message.additional_kwargs["nanogpt"]["model"] == GEMINI


def test_agents_send_it_back_by_themselves_over_a_checkpointed_thread():
    @tool
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @tool
    def now() -> str:
        """Tell the time."""
        return "noon"

    replies = [ANSWER, Wire({"content": "3"}), Wire({"content": "bye"})]
    bodies: list[dict[str, Any]] = []

    class Turns(Wire):
        def __call__(self, request: Any) -> Any:
            reply = replies.pop(0)
            answer = reply(request)
            bodies.append(reply.bodies[-1])
            return answer

    agent = create_agent(Turns().model(model=GEMINI), [add, now], checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    agent.invoke({"messages": [HumanMessage("1 + 2")]}, config)
    agent.invoke({"messages": [HumanMessage("thanks")]}, config)
    for body in bodies[1:]:
        sent = body["messages"][1]
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
    wire = Wire({"content": "ok"})
    calling = Wire({"reasoning": "think1"}, call("{}", id="c1", name="now")).model().invoke("hi")
    plain = Wire({"reasoning": "think2", "content": "noon"}).model().invoke("hi")
    llm = wire.model(model=model, send_reasoning=setting)
    llm.invoke([calling, ToolMessage("12", tool_call_id="c1"), plain, HumanMessage("thanks")])
    sent = [m for m in wire.bodies[-1]["messages"] if m["role"] == "assistant"]
    assert [message.get("reasoning_content") for message in sent] == expected


UPDATE = {"configuration_update": {"reasoning": {"effort": "high"}}}


@pytest.mark.parametrize(
    "message",
    [
        SystemMessage("", additional_kwargs=UPDATE),
        SystemMessage("", additional_kwargs=UPDATE | {"__openai_role__": "developer"}),
        ChatMessage(role="developer", content="", additional_kwargs=UPDATE),
        HumanMessage("", additional_kwargs=UPDATE | {"lc_source": "summarization"}),
        ToolMessage("", tool_call_id="c", additional_kwargs=UPDATE | {"is_error": True}),
        HumanMessage("", additional_kwargs={"nanogpt": {"fields": UPDATE}}),
    ],
)
def test_fields_that_users_add_are_sent_and_those_of_frameworks_are_not(message):
    (sent,) = messages_to_wire([message])
    assert sent.pop("tool_call_id", "c") == "c"
    assert sent.pop("role") in {"system", "developer", "user", "tool"}
    assert sent == {"content": ""} | UPDATE


def test_what_other_providers_wrote_into_answers_is_not_sent():
    extra = {
        "function_call": None,
        "tool_calls": [{"id": "x"}],
        "parsed": {"a": 1},
        "reasoning_content": "hm",
        "thought_signature": "S",
        "new": 1,
    }
    message = AIMessage("hi", additional_kwargs=extra)
    assert messages_to_wire([message], Recipient("deepseek-v4")) == [
        {"role": "assistant", "content": "hi"}
    ]


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_images_that_a_model_drew_go_back_behind_its_message(version):
    url = f"data:image/png;base64,{PNG}"
    wire = Wire({"content": "here", "images": [{"image_url": {"url": url}}]})
    drawn = wire.model(output_version=version).invoke("draw a cat")
    sent = messages_to_wire([HumanMessage("a cat"), drawn, HumanMessage("make it blue")])
    assert [entry["role"] for entry in sent] == ["user", "assistant", "user", "user"]
    assert sent[1]["content"] == "here"
    assert sent[2]["content"] == [{"type": "text", "text": "What you made:"}, IMAGE]


def test_images_of_other_providers_answers_go_back_too():
    drawn = AIMessage([{"type": "text", "text": "here"}, IMAGE])
    assert messages_to_wire([drawn, HumanMessage("bluer")])[1]["content"][1] == IMAGE


def test_models_without_vision_get_a_note_about_an_image():
    shot = ToolMessage([{"type": "text", "text": "Shot:"}, IMAGE], tool_call_id="c1")
    drawn = AIMessage("here", additional_kwargs={"images": [IMAGE]})
    with pytest.warns(UserWarning, match="an image in the conversation's history"):
        sent = messages_to_wire([drawn, shot, HumanMessage("hi")], BLIND)
    assert [entry["role"] for entry in sent] == ["assistant", "tool", "user"]
    for entry in sent[:2]:
        assert "\n[an image was here" in entry["content"]


@pytest.mark.filterwarnings("ignore:an image in the conversation's history")
def test_a_tools_image_does_not_end_the_thread_of_a_model_without_eyes():
    @tool
    def screenshot() -> list[Any]:
        """Take a screenshot."""
        return [{"type": "image", "base64": PNG, "mime_type": "image/png"}]

    class Turns(Wire):
        def __call__(self, request: Any) -> Any:
            self.deltas = ({"content": "done"},) if self.bodies else self.deltas
            return super().__call__(request)

    wire = Turns(call("{}", id="c1", name="screenshot"))
    agent = create_agent(
        wire.model(model="deepseek-chat"), [screenshot], checkpointer=InMemorySaver()
    )
    config: Any = {"configurable": {"thread_id": "1"}}
    for text in ("look", "never mind"):
        state = agent.invoke({"messages": [HumanMessage(text)]}, config)
        assert state["messages"][-1].content == "done"
    assert "image_url" not in str(wire.bodies[-1])
    wire.model(model="deepseek-chat", check_inputs=False).invoke(state["messages"])
    assert "image_url" in str(wire.bodies[-1])


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (
            {"type": "file", "url": "demo://report/1", "mime_type": "text/markdown"},
            "[file: demo://report/1]",
        ),
        (
            {"type": "file", "url": "https://e.org/a.md", "mime_type": "text/markdown"},
            "[file: https://e.org/a.md]",
        ),
        ({"type": "image", "url": "demo://chart"}, "[image: demo://chart]"),
        ({"type": "image_url", "image_url": {"url": "demo://c"}}, "[image_url: demo://c]"),
        ({"type": "audio", "url": "https://e.org/a.wav"}, "[audio: https://e.org/a.wav]"),
        (
            {"type": "resource_link", "uri": "demo://r", "name": "Report", "description": "Q3"},
            "Report\ndemo://r\nQ3",
        ),
        ({"type": "resource", "resource": {"uri": "demo://r", "text": "words"}}, "words"),
    ],
)
def test_links_in_a_tools_result_are_texts_there(block, text):
    (sent,) = messages_to_wire([ToolMessage([block], tool_call_id="c1")])
    assert sent["content"] == text


def test_an_embedded_resource_is_what_it_holds():
    blob = {"uri": "demo://r", "blob": PNG, "mimeType": "image/png"}
    _, behind = messages_to_wire(
        [ToolMessage([{"type": "resource", "resource": blob}], tool_call_id="c1")]
    )
    assert IMAGE in behind["content"]


ODD = [
    {"type": "hologram", "light": "AAAA"},
    {"type": "file", "file_id": "f1"},
    {"type": "image", "base64": "%%%"},
    {"type": "image", "base64": "PHN2Zy8+", "mime_type": "image/svg+xml"},
    {"type": "resource", "resource": None},
]


@pytest.mark.parametrize("block", ODD)
def test_an_odd_block_ends_no_thread_but_is_refused_where_it_is_asked(block):
    asked = HumanMessage([block, {"type": "text", "text": "?"}])
    with pytest.raises(InvalidArgumentError, match=block["type"]):
        messages_to_wire([asked])
    with pytest.raises(InvalidArgumentError, match=block["type"]):
        messages_to_wire([SystemMessage([block]), HumanMessage("hi")])
    for past in (asked, ToolMessage([block], tool_call_id="c")):
        with pytest.warns(UserWarning, match=block["type"]):
            sent = messages_to_wire([past, AIMessage("ok"), HumanMessage("and now?")])
        assert f"a block of type {block['type']!r} was here" in str(sent[0]["content"])


def test_audio_answers_go_back_as_their_transcript():
    spoken = Wire({"audio": {"id": "a", "data": "AAAA", "transcript": "Hi"}}).model().invoke("hi")
    assert messages_to_wire([spoken]) == [{"role": "assistant", "content": "Hi"}]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_cut_emoji_does_not_end_the_conversation(streaming):
    deltas = ({"content": "a\ud83d"}, {"content": "\ude00b\ud83d"})
    wire = Wire(*deltas) if streaming else Wire({"content": "a\ud83d\ude00b\ud83d"})
    llm = wire.model(streaming=streaming)
    answer = llm.invoke("hi \ud83d")
    assert answer.content == "a\U0001f600b\ufffd"
    llm.invoke([HumanMessage("hi"), answer, HumanMessage("and \ude00?")])
    assert wire.bodies[-1]["messages"][2]["content"] == "and \ufffd?"


@pytest.mark.parametrize("streaming", [False, True])
def test_arguments_that_are_nested_too_deeply_are_an_invalid_call(streaming):
    deep = '{"a": ' + "[" * 5000 + "]" * 5000 + "}"
    wire = Wire(call(deep[:9], id="c1", name="f"), call(deep[9:]), finish="tool_calls")
    answer = wire.model(streaming=streaming).invoke("hi")
    assert not answer.tool_calls
    assert answer.invalid_tool_calls[0]["name"] == "f"
