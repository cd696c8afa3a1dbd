"""Requests of several steps: what depends on what, and what `it` and `there` stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.brain.chats import (
    INTEGER,
    NUMBER,
    TEXT,
    ask,
    assistant,
    called,
    calls,
    run,
    schema,
    tool,
    user,
)

CAPITAL = tool("get_capital", "Return the capital of a country.", schema(country=TEXT))
WEATHER = tool("get_weather", "Get the weather for a city.", schema(city=TEXT))
PEOPLE = tool("get_population", "Return the number of inhabitants of a city.", schema(city=TEXT))
MULTIPLY = tool("multiply", "Multiply two numbers.", schema(a=NUMBER, b=NUMBER))
TIME = tool("get_time", "Tell the current time.", schema([], zone=TEXT))
USER = tool("get_user", "Look up a user's record by name.", schema(name=TEXT))
ORDERS = tool("get_orders", "List the orders of a user by the user's id.", schema(user_id=INTEGER))
MAIL = tool("send_email", "Send an e-mail.", schema(to=TEXT, subject=TEXT, body=TEXT))
SEARCH = tool("web_search", "Search the web.", schema(query=TEXT))
ALL = [CAPITAL, WEATHER, PEOPLE, MULTIPLY, TIME, USER, ORDERS, MAIL]
RESULTS: dict[str, Callable[..., str]] = {
    "get_capital": lambda country: {"France": "Paris", "Italy": "Rome"}[country],
    "get_weather": lambda city: f"It is dry in {city}.",
    "get_population": lambda city: str({"Paris": 2_100_000, "Rome": 2_800_000}[city]),
    "multiply": lambda a, b: str(a * b),
    "get_time": lambda **_: "14:05",
    "get_user": lambda name: f'{{"id": 42, "name": "{name}", "email": "ada@example.com"}}',
    "get_orders": lambda user_id: f"orders of {user_id}",
    "send_email": lambda **_: "sent",
}


@pytest.mark.parametrize(
    ("request_text", "rounds"),
    [
        ("What's the weather in the capital of France?",
         [[("get_capital", {"country": "France"})], [("get_weather", {"city": "Paris"})]]),
        ("Find the capital of Italy and tell me its population.",
         [[("get_capital", {"country": "Italy"})], [("get_population", {"city": "Rome"})]]),
        ("What is the capital of Italy and what's the weather there?",
         [[("get_capital", {"country": "Italy"})], [("get_weather", {"city": "Rome"})]]),
        ("What time is it in Paris and what's the weather there?",
         [[("get_time", {}), ("get_weather", {"city": "Paris"})]]),
        ("Is it warmer in Rome or Paris?",
         [[("get_weather", {"city": "Rome"}), ("get_weather", {"city": "Paris"})]]),
        ("What is the population of Paris? Multiply that number by 2.",
         [[("get_population", {"city": "Paris"})],
          [("multiply", {"a": 2_100_000, "b": 2})]]),
        ("Look up the user Ada and list her orders.",
         [[("get_user", {"name": "Ada"})], [("get_orders", {"user_id": 42})]]),
        ("Find the user Ada, then send an email to her saying 'Lunch at noon?', subject Lunch.",
         [[("get_user", {"name": "Ada"})],
          [("send_email",
            {"to": "ada@example.com", "subject": "Lunch", "body": "Lunch at noon?"})]]),
    ],
)  # fmt: skip
def test_steps_that_build_on_each_other(request_text, rounds):
    made, text = run(request_text, ALL, lambda call: RESULTS[call.name](**call.arguments))
    done = [[(call.name, call.arguments) for call in each] for each in made]
    assert done == rounds
    last = made[-1][-1]
    assert RESULTS[last.name](**last.arguments) in text


def test_there_may_stand_for_a_place_of_an_earlier_turn():
    talk = [user("What is the weather in Rome?"), assistant("It is dry in Rome.")]
    turn = ask([*talk, user("How many people live there?")], tools=ALL)
    assert calls(turn) == [("get_population", {"city": "Rome"})]


def test_words_are_kept_as_they_were_said():
    turn = ask("Search the web for cats and dogs or mice, please", tools=[SEARCH])
    assert calls(turn) == [("web_search", {"query": "cats and dogs or mice"})]


def test_a_statement_calls_nothing():
    turn = ask("Hi, my name is Ada and I live in Rome.", tools=ALL)
    assert not turn.tool_calls
    assert turn.text.startswith("Noted: your name is Ada and you live in Rome.")


def test_a_text_that_comes_along_asks_for_nothing():
    context = "The weather in Paris is a topic. Multiply your joys. " * 20
    turn = ask(f"Context:\n{context}\n\nQuestion: Who built the lighthouse?", tools=ALL)
    assert not turn.tool_calls


FORM = tool("Weather", "A weather report.", schema(
    city=TEXT, sky={"type": "string", "description": "such as sunny, dry or wet"}))  # fmt: skip


def test_a_form_is_filled_when_the_work_is_done():
    made: list[Any] = []
    messages = [user("What is the weather in the capital of Italy?")]
    for number in range(3):
        turn = ask(messages, tools=[CAPITAL, WEATHER, FORM], tool_choice="required")
        made.append(calls(turn))
        call = turn.tool_calls[0]
        if call.name in RESULTS:
            messages += called(call, f"call-{number}", RESULTS[call.name](**call.arguments))
    assert made == [
        [("get_capital", {"country": "Italy"})],
        [("get_weather", {"city": "Rome"})],
        [("Weather", {"city": "Rome", "sky": "dry"})],
    ]


def test_a_form_alone_is_filled_at_once():
    turn = ask("It is wet in Oslo.", tools=[FORM], tool_choice="required")
    assert calls(turn) == [("Weather", {"city": "Oslo", "sky": "wet"})]
