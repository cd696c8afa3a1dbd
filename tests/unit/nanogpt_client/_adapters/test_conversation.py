"""Conversations as the providers of their models accept them."""

from __future__ import annotations

import pytest

from nanogpt_client._adapters.conversation import conversation_for
from nanogpt_client._adapters.history import Recipient
from nanogpt_client.messages import (
    assistant_message,
    image_part,
    message,
    text_part,
    tool_call,
    tool_message,
)

STRICT = [
    "mistralai/devstral-2-123b", "Magistral-Small", "sonar-pro", "google/gemma-4-31b-it",
    "deepseek-r1", "deepseek-ai/DeepSeek-R1-0528:thinking",
]  # fmt: skip
SYSTEM, USER, MORE = message("system", "Be brief."), message("user", "hi"), message("user", "?")
PICTURE = image_part("https://example.com/fox.png")
TURN = [
    assistant_message(tool_calls=[tool_call(f"call{at:05}", "f", "{}") for at in range(2)]),
    *(tool_message("done", f"call{at:05}") for at in range(2)),
]


def test_most_models_take_messages_in_any_order():
    conversation = [SYSTEM, SYSTEM, USER, MORE, *TURN, USER, SYSTEM]
    assert conversation_for(Recipient("openai/gpt-5.2"), conversation) == conversation


@pytest.mark.parametrize("model", STRICT)
def test_an_answer_stands_between_a_result_and_the_user(model):
    to = Recipient(model)
    assert conversation_for(to, [USER, *TURN, MORE]) == [
        USER, *TURN, assistant_message("OK."), MORE
    ]  # fmt: skip
    answered = [USER, *TURN, assistant_message("It is done."), MORE]
    assert conversation_for(to, answered) == answered
    assert conversation_for(to, [USER, *TURN]) == [USER, *TURN]
    pictured = conversation_for(to, [USER, *TURN[:2], tool_message([PICTURE], "call00001")])
    assert [m["role"] for m in pictured] == [
        "user", "assistant", "tool", "tool", "assistant", "user"
    ]  # fmt: skip


@pytest.mark.parametrize("model", STRICT)
def test_successive_messages_of_one_speaker_become_one(model):
    to = Recipient(model)
    said, added = assistant_message("It is 4."), assistant_message("Or 5.")
    assert conversation_for(to, [SYSTEM, USER, MORE, said, added, USER]) == [
        SYSTEM, message("user", "hi\n\n?"), assistant_message("It is 4.\n\nOr 5."), USER
    ]  # fmt: skip
    look = message("user", [text_part("Look"), PICTURE])
    assert conversation_for(to, [look, USER]) == [
        message("user", [text_part("Look"), PICTURE, text_part("hi")])
    ]
    assert conversation_for(to, [USER, look]) == [
        message("user", [text_part("hi"), text_part("Look"), PICTURE])
    ]


def test_one_system_message_stands_at_the_beginning():
    """Else: "System message must be at the beginning"; a later one keeps its place."""
    polite, said = message("system", "Be polite."), assistant_message("Yes.")
    first, now = message("system", "Be brief.\n\nBe polite."), message("user", "Be polite.")
    qwen, sonar = Recipient("qwen/qwen3.6-27b:thinking"), Recipient("sonar")
    assert conversation_for(qwen, [SYSTEM, polite, USER, said, polite]) == [first, USER, said, now]
    assert conversation_for(qwen, [USER, polite, USER]) == [USER, now, USER]
    assert conversation_for(qwen, [*TURN, USER]) == [*TURN, USER]
    both = message("user", "hi\n\nBe polite.")
    assert conversation_for(sonar, [SYSTEM, polite, USER, polite]) == [first, both]
    noted = message("system", "Hm.", extra={"note": 1})
    assert conversation_for(qwen, [noted, polite]) == [noted, now]


def test_messages_with_more_than_content_stay_apart():
    ada, bob = (message("user", "hi", name=name) for name in ("Ada", "Bob"))
    noted = message("user", "hi", extra={"note": 1})
    conversation = [ada, bob, noted, USER, assistant_message("So."), *TURN]
    assert conversation_for(Recipient("sonar"), conversation) == conversation
