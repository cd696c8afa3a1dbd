"""From LlamaIndex's messages and options to the wire format: values in, values out."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)
from pydantic import BaseModel

from llama_index_nanogpt._to_wire import messages_to_wire, options_to_wire
from nanogpt_client import (
    InvalidArgumentError,
)
from nanogpt_client._adapters.history import Recipient

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PDF = b"%PDF-1.4 \x00\xff"


def user(*blocks, **extra):
    return ChatMessage(role="user", blocks=list(blocks), additional_kwargs=extra)


def one(message):
    """The single wire message of a message."""
    (wire,) = messages_to_wire([message])
    return wire


def content(*blocks):
    return one(user(*blocks))["content"]


@pytest.mark.parametrize(
    ("role", "on_the_wire"),
    [
        ("system", "system"),
        ("developer", "developer"),
        ("user", "user"),
        ("assistant", "assistant"),
        ("chatbot", "assistant"),
        ("model", "assistant"),
        ("function", "function"),
    ],
)
def test_roles(role, on_the_wire):
    assert one(ChatMessage(role=role, content="hi")) == {"role": on_the_wire, "content": "hi"}


def test_a_name_is_kept():
    assert one(user(TextBlock(text="hi"), name="ann"))["name"] == "ann"


def test_several_texts_are_lines_of_one_and_empty_ones_are_left_out():
    blocks = [TextBlock(text="a"), TextBlock(text=""), TextBlock(text="b")]
    assert content(*blocks) == "a\nb"
    for role in ("system", "assistant", "tool"):
        (sent,) = messages_to_wire([ChatMessage(role=role, blocks=blocks)])
        assert sent["content"] == "a\nb"


def test_pictures_by_bytes_by_url_by_path_and_by_file_object(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    file = io.BytesIO(PNG)
    file.seek(3)
    blocks = [
        ImageBlock(image=PNG),
        ImageBlock(url="https://example.org/a.png", detail="low"),
        ImageBlock(path=path),
        ImageBlock(image=file),
    ]
    urls = [part["image_url"] for part in content(*blocks)]
    assert urls == [
        {"url": PNG_URL},
        {"url": "https://example.org/a.png", "detail": "low"},
        {"url": PNG_URL},
        {"url": PNG_URL},
    ]
    assert file.tell() == 3


def test_sound_video_and_documents(tmp_path):
    path = tmp_path / "speech.mp3"
    path.write_bytes(b"ID3 sound")
    parts = content(
        AudioBlock(audio=b"RIFF\xff\xff\xff\xffWAVE", format="wav"),
        AudioBlock(path=path),
        VideoBlock(url="https://example.org/v.mp4", detail="low"),
        DocumentBlock(data=PDF, title="a.pdf", document_mimetype="application/pdf"),
        DocumentBlock(data="Grüße".encode(), title="note.txt", document_mimetype="text/plain"),
        DocumentBlock(url="https://example.org/b.pdf", title="b.pdf"),
    )
    kinds = [part["type"] for part in parts]
    assert kinds == ["input_audio", "input_audio", "video_url", "file", "text", "file"]
    assert [part["input_audio"]["format"] for part in parts[:2]] == ["wav", "mp3"]
    assert parts[2]["video_url"] == {"url": "https://example.org/v.mp4", "detail": "low"}
    assert parts[3]["file"] == {
        "filename": "a.pdf",
        "file_data": f"data:application/pdf;base64,{base64.b64encode(PDF).decode()}",
    }
    assert parts[4]["text"] == "Grüße"
    assert parts[5]["file"]["file_data"] == "https://example.org/b.pdf"


def test_sound_by_data_url_is_sound_and_by_web_address_is_refused():
    data = base64.b64encode(b"sound").decode()
    (part,) = content(AudioBlock(url=f"data:audio/mpeg;base64,{data}"))
    assert part["input_audio"] == {"data": data, "format": "mp3"}
    with pytest.raises(InvalidArgumentError, match="download it"):
        content(AudioBlock(url="https://example.org/a.mp3"))


def test_a_block_without_a_source_or_with_a_lost_file_is_refused_by_name(tmp_path):
    with pytest.raises(InvalidArgumentError, match="image block has neither"):
        content(ImageBlock())
    path = tmp_path / "gone.png"
    path.write_bytes(PNG)
    block = ImageBlock(path=path)
    path.unlink()
    with pytest.raises(InvalidArgumentError, match=r"cannot be read.*gone\.png"):
        content(block)


def test_a_cache_point_marks_the_part_before_it():
    point = CachePoint(cache_control=CacheControl(type="ephemeral", ttl="1h"))
    marked, plain = content(TextBlock(text="long"), point, TextBlock(text="q"))
    assert marked["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in plain
    assert content(point, TextBlock(text="q")) == "q"


def test_a_cache_point_says_no_time_that_nobody_gave():
    point = CachePoint(cache_control=CacheControl(type="ephemeral"))
    (marked,) = content(TextBlock(text="long"), point)
    assert marked["cache_control"] == {"type": "ephemeral"}


def test_citable_and_citation_blocks_show_their_source():
    citable = CitableBlock(
        title="T", source="https://s", content=[TextBlock(text="words"), ImageBlock(image=PNG)]
    )
    text, image = content(citable)
    assert text == {"type": "text", "text": "T\nhttps://s\nwords"}
    assert image["type"] == "image_url"
    citation = CitationBlock(
        cited_content=TextBlock(text="quote"),
        source="https://s",
        title="T",
        additional_location_info={},
    )
    assert content(citation) == "T\nhttps://s\nquote"
    said = ChatMessage(role="assistant", blocks=[TextBlock(text="answer"), citation])
    assert one(said)["content"] == "answer"


def test_an_assistant_with_calls_keeps_arguments_as_written_and_gets_its_reasoning_back():
    blocks = [
        ThinkingBlock(content="I look it up."),
        ToolCallBlock(tool_call_id="c1", tool_name="f", tool_kwargs=' {"a":1}'),
        ToolCallBlock(tool_call_id="c2", tool_name="g", tool_kwargs={"b": "ü"}),
    ]
    extra = {"tool_calls": [{"id": "old"}], "tool_call_id": "x", "annotations": [1]}
    message = ChatMessage(role="assistant", blocks=blocks, additional_kwargs=extra)
    assert one(message) == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ' {"a":1}'}},
            {"id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"b": "ü"}'}},
        ],
        "reasoning_content": "I look it up.",
    }


def test_reasoning_stays_here_without_calls_and_when_another_provider_signed_them():
    said = ChatMessage(role="assistant", blocks=[ThinkingBlock(content="x"), TextBlock(text="a")])
    assert one(said) == {"role": "assistant", "content": "a"}
    signed = ThinkingBlock(content="x", additional_information={"signature": "s"})
    call = ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs="{}")
    assert "reasoning_content" not in one(ChatMessage(role="assistant", blocks=[signed, call]))


def test_a_refusal_is_what_was_said():
    extra = {"refusal": "No."}
    message = ChatMessage(role="assistant", content="", additional_kwargs=extra)
    assert one(message) == {"role": "assistant", "content": "No."}


class OfAnSdk(BaseModel):
    id: str
    function: dict[str, Any]


@pytest.mark.parametrize(
    "legacy",
    [
        {"id": "c", "function": {"name": "f", "arguments": "{}"}},
        {"id": "c", "name": "f", "input": {}, "type": "tool_use"},
        OfAnSdk(id="c", function={"name": "f", "arguments": None}),
    ],
)
def test_calls_that_another_integration_left_aside_are_found(legacy):
    message = ChatMessage(
        role="assistant", content=None, additional_kwargs={"tool_calls": [legacy, None, "junk"]}
    )
    function = {"name": "f", "arguments": "{}"}
    assert one(message)["tool_calls"] == [{"id": "c", "type": "function", "function": function}]


class OfGoogle(BaseModel):
    id: str | None = None
    args: dict[str, Any]
    name: str


@pytest.mark.parametrize(
    "call",
    [
        {"function": {"name": "f", "arguments": {"a": 1}}},
        {"id": "f", "name": "f", "input": {"a": 1}},
        OfGoogle(name="f", args={"a": 1}),
        OfGoogle(name="f", args={"a": 1}).model_dump(),
        ToolCallBlock(tool_name="f", tool_kwargs={"a": 1}),
    ],
)
def test_calls_that_integrations_know_by_the_tools_name_keep_arguments_and_results(call):
    """Those for Gemini and Ollama have no ids; their results have the tool's name."""
    is_block = isinstance(call, ToolCallBlock)
    extra = {} if is_block else {"tool_calls": [call]}
    asked = ChatMessage(
        role="assistant", blocks=[call] if is_block else [], additional_kwargs=extra
    )
    result = ChatMessage(role="tool", content="2", additional_kwargs={"tool_call_id": "f"})
    calling, answering = messages_to_wire([asked, result])
    assert calling["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert answering["tool_call_id"] == calling["tool_calls"][0]["id"]


def test_pictures_of_tool_results_follow_all_results_in_a_user_message():
    def result(call_id, *blocks):
        return ChatMessage(
            role="tool", blocks=list(blocks), additional_kwargs={"tool_call_id": call_id}
        )

    first, second, pictures, last = messages_to_wire(
        [
            result("c1", TextBlock(text="a chart"), ImageBlock(image=PNG)),
            result("c2", TextBlock(text="42")),
            user(TextBlock(text="and now?")),
        ]
    )
    assert first == {"role": "tool", "content": "a chart", "tool_call_id": "c1"}
    assert second == {"role": "tool", "content": "42", "tool_call_id": "c2"}
    assert pictures["role"] == "user"
    assert [part["type"] for part in pictures["content"]] == ["text", "image_url"]
    assert "c1" in pictures["content"][0]["text"]
    assert last["content"] == "and now?"
    assert len(messages_to_wire([result("c1", ImageBlock(image=PNG))])) == 2
    to_mistral = messages_to_wire([result("c1", ImageBlock(image=PNG))], Recipient("pixtral"))
    assert [entry["role"] for entry in to_mistral] == ["tool", "assistant", "user"]


def test_all_ten_kinds_in_every_role_survive_and_stay_as_they_are():
    blocks = [
        TextBlock(text="a"),
        ImageBlock(image=PNG),
        AudioBlock(audio=b"\xff\xfb sound", format="mp3"),
        VideoBlock(url="https://example.org/v.mp4"),
        DocumentBlock(data=PDF, document_mimetype="application/pdf"),
        CachePoint(cache_control=CacheControl(type="ephemeral")),
        CitableBlock(title="t", source="s", content=[TextBlock(text="c")]),
        CitationBlock(
            cited_content=TextBlock(text="q"), source="s", title="t", additional_location_info={}
        ),
        ThinkingBlock(content="hm"),
        ToolCallBlock(tool_call_id="c", tool_name="f", tool_kwargs={}),
    ]
    history = [
        ChatMessage(role=role, blocks=blocks, additional_kwargs={"tool_call_id": "c"})
        for role in ("system", "user", "assistant", "tool")
    ]
    before = [message.model_dump_json() for message in history]
    wire = messages_to_wire(history)
    assert [message.model_dump_json() for message in history] == before
    assert [message["role"] for message in wire] == ["system", "user", "assistant", "tool", "user"]
    json.dumps(wire)


def test_later_options_win_and_none_takes_a_word_back():
    first = {"temperature": 0.5, "top_p": 0.1, "extra_body": {"a": 1, "b": 1}}
    second = {"temperature": 0.0, "top_p": None, "extra_body": {"b": 2}, "seed": 1}
    merged = options_to_wire(first, second)
    assert merged == {"temperature": 0.0, "extra_body": {"a": 1, "b": 2}, "seed": 1}
    assert first["extra_body"] == {"a": 1, "b": 1}
    assert options_to_wire(first, {"extra_body": {}})["extra_body"] == {"a": 1, "b": 1}
    assert "extra_body" not in options_to_wire(first, {"extra_body": None})
