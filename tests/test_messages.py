"""The builders of wire messages."""

from __future__ import annotations

import base64

import pytest

from nanogpt_client.messages import (
    assistant_message,
    audio_part,
    file_part,
    function_tool,
    image_part,
    message,
    text_part,
    tool_call,
    tool_message,
    video_part,
)

PNG = b"\x89PNG\r\n\x1a\nrest"
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (text_part("t"), {"type": "text", "text": "t"}),
        (
            text_part("t", cache_control={"type": "ephemeral", "ttl": "1h"}),
            {"type": "text", "text": "t", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ),
        (image_part("https://a/b.png"), {"type": "image_url", "image_url": {"url": "https://a/b.png"}}),
        (image_part(PNG, detail="low"), {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}}),
        (
            image_part(b"x", mime_type="image/webp"),
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,eA=="}},
        ),
        (audio_part(b"x", format="wav"), {"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}}),
        (audio_part("eA==", format="mp3"), {"type": "input_audio", "input_audio": {"data": "eA==", "format": "mp3"}}),
        (video_part("https://v"), {"type": "video_url", "video_url": {"url": "https://v"}}),
        (
            file_part(b"%PDF-1", filename="a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"}},
        ),
        (file_part("https://f"), {"type": "file", "file": {"filename": "document", "file_data": "https://f"}}),
    ],
)  # fmt: skip
def test_parts(built, expected):
    assert built == expected


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (message("user", "hi"), {"role": "user", "content": "hi"}),
        (message("system", "be kind", name="me"), {"role": "system", "content": "be kind", "name": "me"}),
        (message("user", [text_part("hi")]), {"role": "user", "content": "hi"}),
        (message("user", []), {"role": "user", "content": ""}),
        (
            message("user", [text_part("a"), text_part("b")]),
            {"role": "user", "content": [text_part("a"), text_part("b")]},
        ),
        (
            message("user", [text_part("a", cache_control={"type": "ephemeral"})]),
            {"role": "user", "content": [text_part("a", cache_control={"type": "ephemeral"})]},
        ),
        (assistant_message("hi"), {"role": "assistant", "content": "hi"}),
        (assistant_message(), {"role": "assistant", "content": ""}),
        (
            assistant_message(tool_calls=[tool_call("i", "f", {})], reasoning="hm", name="a"),
            {
                "role": "assistant", "content": None, "tool_calls": [tool_call("i", "f", "{}")],
                "reasoning_content": "hm", "name": "a",
            },
        ),
        (
            assistant_message("look", tool_calls=[tool_call("i", "f", {})]),
            {"role": "assistant", "content": "look", "tool_calls": [tool_call("i", "f", "{}")]},
        ),
        (tool_message("42", "i"), {"role": "tool", "content": "42", "tool_call_id": "i"}),
        (tool_message("42", "i", name="f"), {"role": "tool", "content": "42", "tool_call_id": "i", "name": "f"}),
    ],
)  # fmt: skip
def test_messages(built, expected):
    assert built == expected


def test_tool_arguments_as_text_stay_as_the_model_wrote_them():
    assert tool_call("i", "f", ' {"a" : 1}')["function"]["arguments"] == ' {"a" : 1}'
    assert tool_call("i", "f", {"a": "é"})["function"]["arguments"] == '{"a": "é"}'


def test_tools():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert function_tool("f", "does", schema, strict=True) == {
        "type": "function",
        "function": {"name": "f", "description": "does", "parameters": schema, "strict": True},
    }
    assert function_tool("f")["function"] == {
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
    }
