"""The chain of thought is tied to the request and the decision."""

from __future__ import annotations

from nanogpt_client.sandbox.brain import Hit, PlannedCall, respond
from tests.sandbox.brain.chats import TEXT, called, schema, tool, user

WEATHER = tool("get_weather", "Get the weather.", schema(city=TEXT))


def test_no_thoughts_unless_asked():
    assert respond({"messages": [user("Hello")]}).reasoning == ""


def test_thoughts_name_the_question_and_its_words():
    body = {"messages": [user("Context: The lamp is lit.\nQuestion: Is the lamp lit?")]}
    turn = respond(body, reasons=True)
    assert "Is the lamp lit?" in turn.reasoning
    assert "lamp" in turn.reasoning
    assert "1 sentence" in turn.reasoning
    assert turn.text == respond(body).text


def test_thoughts_name_the_call_and_then_its_result():
    asked = {"messages": [user("What is the weather in Paris?")], "tools": [WEATHER]}
    assert 'I call get_weather with {"city": "Paris"}' in respond(asked, reasons=True).reasoning
    asked["messages"] += called(PlannedCall("get_weather", {"city": "Paris"}), "call-1", "dry")
    assert "get_weather returned “dry”" in respond(asked, reasons=True).reasoning


def test_thoughts_name_the_web_source():
    hits = [Hit("Lamps", "https://a.example/", "The lamp was lit by Ida Brandt.", "2024-01-01")]
    turn = respond({"messages": [user("Who lit the lamp?")]}, reasons=True, hits=hits)
    assert "Lamps" in turn.reasoning
