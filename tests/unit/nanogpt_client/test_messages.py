"""The builders of wire messages."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.messages import (
    assistant_message,
    audio_part,
    file_part,
    function_tool,
    image_part,
    json_schema_format,
    media_behind_tools,
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
        (
            image_part("https://a/b.png"),
            {"type": "image_url", "image_url": {"url": "https://a/b.png"}},
        ),
        (
            image_part(PNG, detail="low"),
            {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}},
        ),
        (
            image_part(b"x", mime_type="image/webp"),
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,eA=="}},
        ),
        (
            audio_part(b"x", format="wav"),
            {"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}},
        ),
        (
            audio_part("eA==", format="mp3"),
            {"type": "input_audio", "input_audio": {"data": "eA==", "format": "mp3"}},
        ),
        (video_part("https://v"), {"type": "video_url", "video_url": {"url": "https://v"}}),
        (
            file_part(b"%PDF-1", filename="a.pdf"),
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"},
            },
        ),
        (
            file_part("https://f"),
            {"type": "file", "file": {"filename": "document", "file_data": "https://f"}},
        ),
    ],
)
def test_parts(built, expected):
    assert built == expected


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (message("user", "hi"), {"role": "user", "content": "hi"}),
        (
            message("system", "be kind", name="me"),
            {"role": "system", "content": "be kind", "name": "me"},
        ),
        (message("user", [text_part("hi")]), {"role": "user", "content": "hi"}),
        (message("user", []), {"role": "user", "content": ""}),
        (
            message("user", [text_part("a"), text_part("b")]),
            {"role": "user", "content": "a\nb"},
        ),
        (
            message("user", [text_part("a"), image_part("https://b")]),
            {"role": "user", "content": [text_part("a"), image_part("https://b")]},
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
                "role": "assistant",
                "content": None,
                "tool_calls": [tool_call("i", "f", "{}")],
                "reasoning_content": "hm",
                "name": "a",
            },
        ),
        (
            assistant_message("look", tool_calls=[tool_call("i", "f", {})]),
            {"role": "assistant", "content": "look", "tool_calls": [tool_call("i", "f", "{}")]},
        ),
        (tool_message("42", "i"), {"role": "tool", "content": "42", "tool_call_id": "i"}),
        (
            tool_message("42", "i", name="f"),
            {"role": "tool", "content": "42", "tool_call_id": "i", "name": "f"},
        ),
    ],
)
def test_messages(built, expected):
    assert built == expected


@pytest.mark.parametrize("name", ["User Onboarding Agent", "a|b", "Ответ", "tool/of.mine", "ok-1"])
def test_names_of_messages_are_as_providers_take_them(name):
    for built in (
        message("user", "hi", name=name),
        assistant_message("hi", name=name),
        tool_message("42", "i", name=name),
    ):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", built.get("name", "left_out"))
        assert ("name" in built) == (name != "Ответ")


def test_tool_arguments_as_text_stay_as_the_model_wrote_them():
    assert tool_call("i", "f", ' {"a" : 1}')["function"]["arguments"] == ' {"a" : 1}'
    assert tool_call("i", "f", {"a": "é"})["function"]["arguments"] == '{"a": "é"}'


def test_tools():
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    closed = {**schema, "required": ["a"], "additionalProperties": False}
    assert function_tool("f", "does", schema, strict=True) == {
        "type": "function",
        "function": {"name": "f", "description": "does", "parameters": closed, "strict": True},
    }
    assert function_tool("f", None, schema, strict=False)["function"]["parameters"] == schema
    with pytest.raises(InvalidArgumentError, match="strict=True"):
        function_tool("f", None, {"type": "object", "additionalProperties": True}, strict=True)
    assert function_tool("f")["function"] == {
        "name": "f",
        "parameters": {"type": "object", "properties": {}},
    }


@pytest.mark.parametrize(
    ("data", "mime_type", "kind"),
    [
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None, "wav"),
        (base64.b64encode(b"ID3" + bytes(99)).decode(), None, "mp3"),
        (b"x", "audio/x-wav", "wav"),
        (b"x", "audio/mpeg; rate=1", "mp3"),
        (b"x", "audio/FLAC", "flac"),
        (b"x", "audio/mp4", "m4a"),
    ],
)
def test_the_format_of_a_sound(data, mime_type, kind):
    assert audio_part(data, mime_type=mime_type)["input_audio"]["format"] == kind


def test_videos_may_have_a_detail():
    assert video_part("https://v", detail="low")["video_url"] == {
        "url": "https://v",
        "detail": "low",
    }


def test_a_schema_is_closed_for_strict_mode():
    schema = {
        "type": "object",
        "properties": {
            "default": {"type": "string", "default": "x"},
            "inner": {"$ref": "#/$defs/inner", "description": "d"},
            "plain": {"$ref": "#/$defs/inner"},
            "list": {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
        },
        "required": ["inner"],
        "$defs": {"inner": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    }
    built = json_schema_format("My schema: " + "x" * 99, schema)
    assert built["type"] == "json_schema"
    assert built["json_schema"]["name"] == "My_schema__" + "x" * 53
    assert built["json_schema"]["strict"] is True
    closed = built["json_schema"]["schema"]
    assert closed["required"] == ["default", "inner", "plain", "list"]
    assert closed["additionalProperties"] is False
    assert closed["properties"]["default"] == {"type": "string"}
    assert closed["properties"]["inner"] == {
        "anyOf": [{"$ref": "#/$defs/inner"}],
        "description": "d",
    }
    assert closed["properties"]["plain"] == {"$ref": "#/$defs/inner"}
    assert closed["$defs"]["inner"]["required"] == ["a"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
        {"type": "array", "items": {"type": "object", "additionalProperties": True}},
    ],
)
def test_a_schema_with_free_keys_is_not_strict(schema):
    built = json_schema_format("f", schema)["json_schema"]
    assert built == {"name": "f", "schema": schema}


def test_media_move_behind_the_results_of_all_tools():
    image = image_part("https://i")
    calls = assistant_message(tool_calls=[tool_call("a", "f", {}), tool_call("b", "g", {})])
    moved = media_behind_tools(
        [
            message("user", "look"),
            calls,
            tool_message([text_part("seen"), image], "a"),
            tool_message([image], "b"),
            message("user", "and?"),
        ]
    )
    assert moved == [
        message("user", "look"),
        calls,
        tool_message("seen", "a"),
        tool_message("The result is shown below.", "b"),
        message("user", [text_part("The result of the tool call a:"), image,
                         text_part("The result of the tool call b:"), image]),
        message("user", "and?"),
    ]  # fmt: skip


def test_media_at_the_end_stay_at_the_end_and_texts_where_they_are():
    image = image_part("https://i")
    texts = tool_message([text_part("a"), text_part("b")], "x")
    assert media_behind_tools([texts, tool_message("c", "y")]) == [texts, tool_message("c", "y")]
    *_, last = media_behind_tools([tool_message([image], "x")])
    assert (last["role"], last["content"][1]) == ("user", image)


@pytest.mark.parametrize("build", [image_part, video_part, file_part])
@pytest.mark.parametrize("address", ["demo://resource/1", "/relative.png", "file:///etc/passwd"])
def test_an_address_that_nanogpt_cannot_read_is_refused(build, address):
    with pytest.raises(InvalidArgumentError, match="cannot read"):
        build(address)
    assert build("HTTPS://e.org/a")
    assert build("data:image/png;base64,AAAA")


@pytest.mark.parametrize("label", ["image/jpeg", "application/octet-stream", "IMAGE/JPEG", ""])
def test_an_image_has_the_type_of_its_data_whatever_its_label(label):
    assert image_part(PNG, mime_type=label)["image_url"]["url"] == PNG_URL
    labelled = PNG_URL.replace("image/png", label)
    assert image_part(labelled)["image_url"]["url"] == PNG_URL


def test_an_image_that_cannot_be_told_has_the_type_of_its_label():
    for url in ("data:image/heic;base64,AAAA", "data:image/png;base64,…", "data:image/webp,x"):
        assert image_part(url)["image_url"]["url"] == url


@pytest.mark.parametrize("kind", ["image/svg+xml", "image/tiff", "application/octet-stream"])
def test_an_image_that_no_model_reads_is_refused(kind):
    with pytest.raises(InvalidArgumentError, match="no model reads an image of type"):
        image_part(b"<svg/>", mime_type=kind)
    with pytest.raises(InvalidArgumentError, match="no model reads an image of type"):
        image_part(f"data:{kind};utf8,<svg/>")


def test_further_fields_are_sent_beside_those_that_are_known():
    extra = {"new": 1, "role": "x", "content": "x", "function": {"sig": "S"}, "id": "x"}
    assert message("system", "", extra=extra)["content"] == ""
    assert assistant_message("a", extra=extra) == {**extra, "role": "assistant", "content": "a"}
    assert tool_message("a", "c", extra={"new": 1})["new"] == 1
    assert tool_call("c", "f", "{}", extra=extra) == {
        **extra,
        "id": "c",
        "type": "function",
        "function": {"sig": "S", "name": "f", "arguments": "{}"},
    }


def test_arguments_that_are_no_json_are_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    odd: list[Any] = [{"a": deep}, {("a",): 1}]
    for arguments in odd:
        with pytest.raises(InvalidArgumentError, match="arguments of the call of 'f'"):
            tool_call("c", "f", arguments)


def test_what_the_assistant_drew_follows_its_message_and_the_results_of_its_calls():
    image = image_part("https://i")
    calls = [tool_call("a", "f", "{}")]
    moved = media_behind_tools(
        [
            assistant_message([text_part("Here:"), image]),
            message("user", "bluer"),
            assistant_message([image], tool_calls=calls),
            tool_message([image], "a"),
            assistant_message([image]),
        ]
    )
    drawn = [text_part("What you made:"), image]
    assert moved == [
        assistant_message("Here:"),
        message("user", drawn),
        message("user", "bluer"),
        assistant_message("", tool_calls=calls),
        tool_message("The result is shown below.", "a"),
        message("user", [*drawn, text_part("The result of the tool call a:"), image]),
        assistant_message("The result is shown below."),
        message("user", drawn),
    ]


def test_what_a_model_does_not_take_is_a_text_where_it_was_but_in_the_users_own_words():
    image, sound = image_part("https://i"), audio_part(b"RIFF", format="wav")
    conversation = [
        message("user", [image]),
        assistant_message([text_part("Here:"), image]),
        tool_message([text_part("seen"), image, sound], "a"),
    ]
    with pytest.warns(
        UserWarning, match="an image .* is not sent, which the model does not support"
    ):
        moved = media_behind_tools(conversation, {"image_url": False})
    assert moved[0] == conversation[0]
    note = "[an image was here, which the model does not support]"
    assert moved[1]["content"] == f"Here:\n{note}"
    assert moved[2]["content"] == f"seen\n{note}"
    assert moved[3]["content"][1] == sound


def test_a_history_of_images_does_not_outgrow_the_request():
    large = [image_part("data:image/png," + letter * 9_000_000) for letter in "abc"]
    conversation = [assistant_message([image]) for image in large]
    with pytest.warns(UserWarning, match="newer ones fill the request"):
        moved = media_behind_tools(conversation)
    assert [entry["content"][1] for entry in moved if entry["role"] == "user"] == large[-1:]
    assert "was here" in moved[0]["content"]
    assert "was here" in moved[1]["content"]


def test_a_docstring_is_described_alike_whatever_python_makes_of_its_indentation():
    indented = "Add two numbers.\n\n        Exactly, and\n            at once.\n        "
    stripped = "Add two numbers.\n\nExactly, and\n    at once.\n"
    tools = [function_tool("add", text) for text in (indented, stripped)]
    assert tools[0] == tools[1]
    assert tools[0]["function"]["description"] == stripped.rstrip()
