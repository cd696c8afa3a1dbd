"""Conversations, tools and options as they are sent to NanoGPT."""

from __future__ import annotations

import base64
import json
from datetime import date
from typing import Any, NotRequired, TypedDict

import pytest
from langchain_core.messages import (
    AIMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    InvalidToolCall,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_nanogpt._to_wire import (
    json_schema_of,
    messages_to_wire,
    options_to_wire,
    split_web_search,
    tool_choice_to_wire,
    tools_to_wire,
)
from nanogpt_client import (
    InvalidArgumentError,
)
from nanogpt_client._adapters.history import Recipient

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


WAV = base64.b64encode(b"RIFF0000WAVE").decode()


PDF = base64.b64encode(b"%PDF-1.4").decode()


CALL = {"name": "look", "args": {"at": "Zürich"}, "id": "c1", "type": "tool_call"}


WIRE_CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "look", "arguments": '{"at": "Zürich"}'},
}


IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


SOUND = {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}


FILE = {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF}"}


DOCUMENT = {"type": "file", "file": FILE}


NAMELESS = {"type": "file", "file": FILE | {"filename": "document"}}


def wire(*messages):
    return messages_to_wire(messages)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (SystemMessage("be brief"), {"role": "system", "content": "be brief"}),
        (
            SystemMessage("be brief", additional_kwargs={"__openai_role__": "developer"}),
            {"role": "developer", "content": "be brief"},
        ),
        (HumanMessage("hi", name="Ada"), {"role": "user", "content": "hi", "name": "Ada"}),
        (SystemMessage(["a", "b"]), {"role": "system", "content": "a\nb"}),
        (HumanMessage(["a", "b"]), {"role": "user", "content": "a\nb"}),
        (ToolMessage(["a", "b"], tool_call_id="c1"), {
            "role": "tool", "content": "a\nb", "tool_call_id": "c1"}),
        (AIMessage("hello"), {"role": "assistant", "content": "hello"}),
        (AIMessage("", tool_calls=[CALL]), {
            "role": "assistant", "content": None, "tool_calls": [WIRE_CALL]}),
        (AIMessage([], tool_calls=[CALL]), {
            "role": "assistant", "content": None, "tool_calls": [WIRE_CALL]}),
        (ToolMessage("42", tool_call_id="c1"), {
            "role": "tool", "content": "42", "tool_call_id": "c1"}),
        (ChatMessage(content="hi", role="user"), {"role": "user", "content": "hi"}),
        (FunctionMessage(content="42", name="look"), {
            "role": "function", "content": "42", "name": "look"}),
        (AIMessage("", additional_kwargs={"function_call": WIRE_CALL["function"]}), {
            "role": "assistant", "content": "", "function_call": WIRE_CALL["function"]}),
    ],
)  # fmt: skip
def test_each_kind_of_message_has_its_form(message, expected):
    assert wire(message) == [expected]


def test_what_is_no_message_to_a_model_is_refused():
    with pytest.raises(InvalidArgumentError, match="RemoveMessage"):
        wire(RemoveMessage(id="1"))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"type": "text", "text": "a", "id": "t1", "index": 0, "extras": {}},
         {"type": "text", "text": "a"}),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
         {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}),
        ({"type": "image_url", "image_url": {"url": "https://e.org/a.png", "detail": "low"}},
         {"type": "image_url", "image_url": {"url": "https://e.org/a.png", "detail": "low"}}),
        ({"type": "image_url", "image_url": "https://e.org/a.png"},
         {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}),
        ({"type": "image", "url": "https://e.org/a.png"},
         {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}),
        ({"type": "image", "base64": PNG, "mime_type": "image/png"}, IMAGE),
        ({"type": "image", "base64": PNG}, IMAGE),
        ({"type": "image", "source_type": "base64", "data": PNG, "mime_type": "image/png"}, IMAGE),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
         IMAGE),
        ({"type": "image", "source": {"type": "url", "url": "https://e.org/a.png"}},
         {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}),
        ({"type": "image", "base64": PNG, "cache_control": {"type": "ephemeral"}},
         IMAGE | {"cache_control": {"type": "ephemeral"}}),
        ({"type": "audio", "base64": WAV, "mime_type": "audio/x-wav"}, SOUND),
        ({"type": "audio", "base64": WAV}, SOUND),
        ({"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}, SOUND),
        ({"type": "video", "url": "https://e.org/a.mp4"},
         {"type": "video_url", "video_url": {"url": "https://e.org/a.mp4"}}),
        ({"type": "video_url", "video_url": "https://e.org/a.mp4"},
         {"type": "video_url", "video_url": {"url": "https://e.org/a.mp4"}}),
        ({"type": "input_image", "image_url": "https://e.org/a.png"},
         {"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}),
        ({"type": "video_url", "video_url": {"url": "https://e.org/a.mp4", "detail": "auto"}},
         {"type": "video_url", "video_url": {"url": "https://e.org/a.mp4", "detail": "auto"}}),
        ({"type": "file", "base64": PDF, "mime_type": "application/pdf",
          "extras": {"filename": "a.pdf"}}, DOCUMENT),
        ({"type": "file", "file": FILE}, DOCUMENT),
        ({"type": "input_file", "filename": "a.pdf",
          "file_data": f"data:application/pdf;base64,{PDF}"}, DOCUMENT),
        ({"type": "document", "title": "a.pdf", "source": {
            "type": "base64", "media_type": "application/pdf", "data": PDF}}, DOCUMENT),
        ({"type": "file", "base64": PDF, "mime_type": "application/pdf"}, NAMELESS),
        ({"type": "file", "url": "https://e.org/a.pdf"},
         {"type": "file", "file": {"filename": "document", "file_data": "https://e.org/a.pdf"}}),
        ({"type": "non_standard", "value": {"type": "image_url", "image_url": IMAGE["image_url"]}},
         IMAGE),
    ],
)  # fmt: skip
def test_blocks_of_all_origins_become_parts(block, expected):
    assert wire(HumanMessage([block, IMAGE]))[0]["content"] == [expected, IMAGE]


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ({"type": "text-plain", "text": "plain", "mime_type": "text/plain"}, "plain"),
        ({"type": "document", "source": {"type": "text", "data": "plain"}}, "plain"),
        ({"type": "file", "base64": "cGxhaW4=", "mime_type": "text/plain"}, "plain"),
        ({"type": "document", "source": {"type": "content", "content": "plain"}}, "plain"),
        (
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "text", "text": "plain"}]},
            },
            "plain",
        ),
        ({"type": "file", "source_type": "text", "text": "plain"}, "plain"),
        ({"type": "json", "json": {"a": "ü"}}, '{"a": "ü"}'),
        ({"type": "search_result", "title": "T", "source": "https://e.org", "content": [
            {"type": "text", "text": "found"}]}, "T\nhttps://e.org\nfound"),
        ({"text": "bare"}, "bare"),
    ],
)  # fmt: skip
def test_text_blocks_of_all_kinds_become_text(block, text):
    assert wire(ToolMessage([block], tool_call_id="c1"))[0]["content"] == text


OWN_DATA = [
    {"type": "text", "content": "found", "score": 0.5},
    {"type": "text", "text": {"de": "gefunden"}},
    {"type": "file", "name": "a.txt", "size": 3},
    {"type": "document", "title": "T", "content": "found", "source": "wiki"},
    {"type": "search_result", "title": "T", "url": "https://e.org", "snippet": "found"},
    {"type": "search_result", "title": "T", "content": "found"},
    {"type": "json", "rows": [1, 2]},
    {"type": "image", "name": "fox.png", "id": 7, "file": None},
]


@pytest.mark.parametrize("item", OWN_DATA)
def test_a_tools_own_data_that_looks_like_blocks_reaches_the_model(item):
    """LangChain makes content of a result whose items have such a ``type``."""

    @tool
    def find() -> list[Any]:
        """Find."""
        return [item]

    result = find.invoke({"name": "find", "args": {}, "id": "c1", "type": "tool_call"})
    assert result.content == [item]
    assert json.loads(wire(result)[0]["content"]) == item


def test_data_without_a_type_in_a_tools_result_is_json():
    (sent,) = wire(ToolMessage([{"id": 7, "at": date(2026, 1, 2)}, "b"], tool_call_id="c1"))
    assert sent["content"] == '{"id": 7, "at": "2026-01-02"}\nb'


@pytest.mark.parametrize(
    ("block", "fragment"),
    [
        ({"type": "hologram"}, "user message has a block of type 'hologram'"),
        ({"type": "file", "file_id": "f1"}, "by id"),
        ({"type": "audio", "url": "https://e.org/a.wav"}, "transcribe it by URL"),
        ({"type": "image", "base64": "%%%"}, "malformed 'image'"),
        ({"type": "text", "text": {"de": "ein"}}, "malformed 'text'"),
        ({"type": "input_audio"}, "malformed 'input_audio'"),
    ],
)
def test_what_cannot_be_sent_is_named(block, fragment):
    with pytest.raises(InvalidArgumentError, match=fragment):
        wire(HumanMessage([block]))


def test_what_other_providers_leave_in_a_history_is_dropped():
    message = AIMessage(
        [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "Let me look", "annotations": [], "index": 0},
            {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "Zürich"}},
            {"type": "server_tool_call", "id": "s1", "name": "web_search", "args": {}},
        ],
        tool_calls=[CALL],
        response_metadata={"model_provider": "anthropic"},
    )
    expected = {"role": "assistant", "content": "Let me look", "tool_calls": [WIRE_CALL]}
    assert wire(message) == [expected]


def test_refusals_and_transcripts_of_the_assistant_are_sent():
    message = AIMessage(["a", {"text": "b"}, {"type": "refusal", "refusal": "c"}])
    assert wire(message)[0]["content"] == "a\nb\nc"
    refused = AIMessage("", additional_kwargs={"refusal": "I will not."})
    assert wire(refused) == [{"role": "assistant", "content": "I will not."}]


def test_anthropics_tool_results_become_messages():
    result = {
        "type": "tool_result",
        "tool_use_id": "c1",
        "content": [{"type": "text", "text": "42"}],
    }
    assert wire(HumanMessage([result, {"type": "text", "text": "and?"}])) == [
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
        {"role": "user", "content": "and?"},
    ]
    assert len(wire(HumanMessage([result]))) == 1


@pytest.mark.parametrize("provider", ["nanogpt", "deepseek", None])
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_only_nanogpts_reasoning_goes_back_and_only_beside_calls(provider, version):
    extra = {"reasoning_content": "hm"} if version == "v0" else {}
    content: Any = "" if version == "v0" else [{"type": "reasoning", "reasoning": "hm"}]
    metadata = {"model_provider": provider} if provider else {}
    message = AIMessage(
        content, additional_kwargs=extra, tool_calls=[CALL], response_metadata=metadata
    )
    assert wire(message)[0].get("reasoning_content") == ("hm" if provider == "nanogpt" else None)
    message.tool_calls = []
    assert "reasoning_content" not in wire(message)[0]


def test_invalid_calls_go_back_as_objects_and_are_answered():
    broken = {
        "name": "look",
        "args": '{"at": ',
        "id": "c1",
        "error": "cut",
        "type": "invalid_tool_call",
    }
    message, result = wire(AIMessage("", invalid_tool_calls=[broken]))
    assert message["tool_calls"][0]["function"] == {"name": "look", "arguments": "{}"}
    assert result == {
        "role": "tool",
        "tool_call_id": "c1",
        "content": (
            'The arguments of this call are not a JSON object: {"at":  The tool was not run.'
        ),
    }
    result_message = ToolMessage("cut", tool_call_id="c1")
    _, result = wire(AIMessage("", invalid_tool_calls=[broken]), result_message)
    assert result["content"].endswith('{"at": \ncut')


def test_calls_that_are_invalid_for_another_reason_are_answered_with_it():
    call = InvalidToolCall(
        name="look", args='{"at": 1}', id=None, error="too often", type="invalid_tool_call"
    )
    message, result, _ = wire(AIMessage("", invalid_tool_calls=[call]), HumanMessage("Go on."))
    assert message["tool_calls"][0]["function"]["arguments"] == '{"at": 1}'
    assert result["content"] == "The call is invalid: too often. The tool was not run."
    assert result["tool_call_id"] == message["tool_calls"][0]["id"]


def test_valid_calls_beside_invalid_ones_keep_their_results():
    half = InvalidToolCall(name="g", args='{"a": ', id="c2", error=None, type="invalid_tool_call")
    message = AIMessage("", tool_calls=[CALL], invalid_tool_calls=[half])
    sent = wire(message, ToolMessage("done", tool_call_id="c1"))
    assert [(m["role"], m.get("tool_call_id")) for m in sent] == [
        ("assistant", None),
        ("tool", "c1"),
        ("tool", "c2"),
    ]


def test_an_answer_that_says_nothing_is_left_out():
    sent = wire(HumanMessage("hi"), AIMessage(""), HumanMessage("Hello?"))
    assert [message["content"] for message in sent] == ["hi", "Hello?"]


def test_images_in_a_tools_result_follow_it():
    block = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    result, behind = wire(ToolMessage([block], tool_call_id="c1"))
    assert result["role"] == "tool"
    assert behind["role"] == "user"
    assert IMAGE in behind["content"]
    to_mistral = messages_to_wire([ToolMessage([block], tool_call_id="c1")], Recipient("pixtral"))
    assert [entry["role"] for entry in to_mistral] == ["tool", "assistant", "user"]


def test_options_of_the_call_override_those_of_the_constructor():
    options = options_to_wire(
        {"model": "a", "temperature": 0.5, "stop": ["x"], "extra_body": {"p": 1, "q": 1}},
        {"model": "b", "temperature": None, "stream": True, "extra_body": {"q": 2}},
        ["y"],
    )
    assert options == {
        "model": "b",
        "temperature": None,
        "stop": ["y"],
        "extra_body": {"p": 1, "q": 2},
    }


@tool
def look(at: str) -> str:
    """Look somewhere."""
    return at


class Look(BaseModel):
    """Look somewhere."""

    at: str


def test_tools_of_all_kinds_become_functions():
    parameters = {"properties": {"at": {"type": "string"}}, "required": ["at"], "type": "object"}
    anthropic = {"name": "look", "description": "Look somewhere.", "input_schema": parameters}
    for given in (look, anthropic):
        (built,) = tools_to_wire([given])
        function = {"name": "look", "description": "Look somewhere.", "parameters": parameters}
        assert built == {"type": "function", "function": function}
    ready = {"type": "function", "function": {"name": "look"}, "cache_control": {}}
    assert tools_to_wire([ready, {"type": "code_interpreter"}]) == [
        ready,
        {"type": "code_interpreter"},
    ]
    (strict,) = tools_to_wire([Look], strict=True)
    assert strict["function"]["strict"] is True
    assert strict["function"]["parameters"]["additionalProperties"] is False


NAMED = {"type": "function", "function": {"name": "look"}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        (False, None),
        (True, "required"),
        ("any", "required"),
        ("required", "required"),
        ("auto", "auto"),
        ("none", "none"),
        ("look", NAMED),
        (NAMED, NAMED),
        ({"type": "tool", "name": "look"}, NAMED),
        ({"type": "any"}, "required"),
        ({"type": "auto"}, "auto"),
    ],
)
def test_a_tool_choice_has_many_spellings(choice, expected):
    assert tool_choice_to_wire(choice, tools_to_wire([look])) == expected


def test_choosing_an_unknown_tool_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"'listen'.*look"):
        tool_choice_to_wire("listen", tools_to_wire([look]))


def test_built_in_web_search_is_taken_out_of_the_tools():
    assert split_web_search([look]) == ([look], None)
    assert split_web_search([look, {"type": "web_search"}]) == ([look], {})
    anthropic = {"type": "web_search_20250305", "name": "web_search"}
    assert split_web_search([anthropic]) == ([], {})


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "c1", "name": "f", "input": {"a": 1}},
        {"type": "tool_call", "id": "c1", "name": "f", "args": {"a": 1}},
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "f",
            "arguments": '{"a": 1}',
        },
    ],
)
def test_calls_that_stand_in_the_content_alone_are_sent(block):
    (sent,) = messages_to_wire([AIMessage([{"type": "text", "text": "So."}, block])])
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    assert sent == {"role": "assistant", "content": "So.", "tool_calls": [call]}
    duplicate = AIMessage([block], tool_calls=[{"id": "c1", "name": "f", "args": {"a": 1}}])
    assert messages_to_wire([duplicate])[0]["tool_calls"] == [call]


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [
        ("image/png", "image_url"),
        ("audio/wav", "input_audio"),
        ("video/mp4", "video_url"),
        ("application/pdf", "file"),
        ("text/plain", None),
    ],
)
def test_googles_media_are_what_their_type_says(mime_type, kind):
    block = {"type": "media", "mime_type": mime_type, "data": "aGk="}
    (sent,) = messages_to_wire([HumanMessage([block])])
    if kind is None:
        assert sent["content"] == "hi"
    else:
        assert [part["type"] for part in sent["content"]] == [kind]
    if kind in {"image_url", "video_url"}:
        link = {"type": "media", "mime_type": mime_type, "file_uri": "https://example.org/x"}
        (sent,) = messages_to_wire([HumanMessage([link])])
        assert sent["content"][0][kind]["url"] == "https://example.org/x"


class WithNotRequired(TypedDict):
    """What LangChain's conversion of a TypedDict cannot read."""

    a: int
    b: NotRequired[str]


@pytest.mark.parametrize("schema", [list[int], int | str, WithNotRequired, 5])
@pytest.mark.parametrize("convert", [json_schema_of, lambda schema: tools_to_wire([schema])])
def test_what_langchain_cannot_describe_is_refused_in_plain_words(schema, convert):
    with pytest.raises(InvalidArgumentError, match="use a pydantic class"):
        convert(schema)
