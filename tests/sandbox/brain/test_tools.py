"""Tool choice, arguments, agents that take several steps and end, hand-off, ReAct."""

from __future__ import annotations

import json
from typing import Any

import pytest
from llama_index.core.agent.react.formatter import ReActChatFormatter
from llama_index.core.agent.react.output_parser import ReActOutputParser
from llama_index.core.agent.react.types import (
    BaseReasoningStep,
    ObservationReasoningStep,
    ResponseReasoningStep,
)
from llama_index.core.agent.workflow.prompts import DEFAULT_HANDOFF_PROMPT
from llama_index.core.llms import ChatMessage
from llama_index.core.selectors.prompts import DEFAULT_SINGLE_PYD_SELECT_PROMPT_TMPL
from llama_index.core.tools import FunctionTool

from nanogpt_client.sandbox.brain import PlannedCall
from tests.sandbox.brain.chats import (
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    ask,
    assistant,
    called,
    calls,
    run,
    schema,
    system,
    tool,
    user,
)

WEATHER = tool("get_weather", "Get the weather at a location.", schema(location=TEXT))
MULTIPLY = tool("multiply", "Multiply two numbers.", schema(a=NUMBER, b=NUMBER))
ADD = tool("add", "Add two numbers.", schema(a=NUMBER, b=NUMBER))
SEARCH = tool("web_search", "Search the web.", schema(query=TEXT))
IMAGE = tool(
    "make_image",
    "Draw an image from a prompt.",
    schema(["prompt"], prompt=TEXT, size={"enum": ["1024x1024", "512x512"]}),
)
SPEECH = tool("speak", "Say a text aloud and save the audio.", schema(text=TEXT))
BALANCE = tool("account_balance", "Report the account balance and what was spent.")
ALL = [WEATHER, MULTIPLY, SEARCH, IMAGE, SPEECH, BALANCE]


@pytest.mark.parametrize(
    ("request_text", "expected"),
    [
        ("What is the weather in San Francisco, CA?",
         [("get_weather", {"location": "San Francisco, CA"})]),
        ("weather in paris today please", [("get_weather", {"location": "paris"})]),
        ("weather in Paris and in Rome",
         [("get_weather", {"location": "Paris"}), ("get_weather", {"location": "Rome"})]),
        ("What's the weather in Paris, Rome and Berlin?",
         [("get_weather", {"location": city}) for city in ("Paris", "Rome", "Berlin")]),
        ("What is the weather in Paris and 12*7?",
         [("get_weather", {"location": "Paris"}), ("multiply", {"a": 12, "b": 7})]),
        ("What is 12 times 7?", [("multiply", {"a": 12, "b": 7})]),
        ("Draw a red fox in 512x512",
         [("make_image", {"prompt": "a red fox in 512x512", "size": "512x512"})]),
        ("Say 'good evening, all' aloud", [("speak", {"text": "good evening, all"})]),
        ("Please search the web for lighthouse keepers",
         [("web_search", {"query": "lighthouse keepers"})]),
        ("Who won the world cup in 2022?",
         [("web_search", {"query": "Who won the world cup in 2022?"})]),
        ("How much money did I spend?", [("account_balance", {})]),
        ("weather in oslo and rome", [("get_weather", {"location": each})
                                      for each in ("oslo", "rome")]),
        ("Multiply 6 by 7, with care", [("multiply", {"a": 6, "b": 7})]),
    ],
)  # fmt: skip
def test_chooses_and_fills(request_text, expected):
    assert calls(ask(request_text, tools=ALL)) == expected


@pytest.mark.parametrize("text", ["Hello!", "How are you?", "Thank you very much!", "Who are you?"])
def test_courtesy_calls_nothing(text):
    turn = ask(text, tools=ALL)
    assert not turn.tool_calls
    assert turn.text


def test_a_number_after_another():
    square = tool("square", "Square a number.", schema(x=NUMBER))
    assert calls(ask("What is the square of 9 and of 12?", tools=[square])) == [
        ("square", {"x": 9}), ("square", {"x": 12})
    ]  # fmt: skip


def test_tool_choice():
    asked = {"type": "function", "function": {"name": "web_search"}}
    rain = "What is the weather in Paris?"
    assert not ask(rain, tools=ALL, tool_choice="none").tool_calls
    assert ask("Hello!", tools=ALL, tool_choice="required").tool_calls
    assert [name for name, _ in calls(ask(rain, tools=ALL, tool_choice=asked))] == ["web_search"]
    assert not ask(f"{rain} Do not use any tools.", tools=ALL).tool_calls


def test_one_at_a_time():
    rounds, text = run(
        "weather in Paris and in Rome", ALL, lambda call: f"dry in {call.arguments['location']}",
        parallel_tool_calls=False,
    )  # fmt: skip
    assert [len(each) for each in rounds] == [1, 1]
    assert "dry in Paris" in text
    assert "dry in Rome" in text


@pytest.mark.parametrize(
    ("name", "description", "parameters", "request_text", "arguments"),
    [
        ("magic_function", "Apply a magic function.", schema(input=INTEGER),
         "What is the value of magic_function(3)? Use the tool.", {"input": 3}),
        ("magic_function_no_args", "Calculate a magic function.", schema(),
         "What is the value of magic_function_no_args()? Use the tool.", {}),
        ("my_adder_tool", "Tool that adds two integers.", schema(a=INTEGER, b=INTEGER),
         "What is 3 + 4", {"a": 3, "b": 4}),
        ("unicode_customer", "Create a customer.", schema(customer_name=TEXT),
         "Create a customer named '你好啊集团' (Hello Group) - a company",
         {"customer_name": "你好啊集团"}),
        ("convert", "Convert an amount of money.",
         schema(amount=NUMBER, from_currency=TEXT, to_currency=TEXT),
         "Convert 99.5 dollars to euros",
         {"amount": 99.5, "from_currency": "USD", "to_currency": "EUR"}),
        ("book_flight", "Book a flight.",
         schema(origin=TEXT, destination=TEXT, date={"type": "string", "format": "date"}),
         "Book a flight from Paris to Rome on 2025-03-04",
         {"origin": "Paris", "destination": "Rome", "date": "2025-03-04"}),
        ("send_email", "Send an email.", schema(to=TEXT, subject=TEXT, body=TEXT),
         "Send an email to bob@x.org with subject 'Lunch' saying 'See you at noon'",
         {"to": "bob@x.org", "subject": "Lunch", "body": "See you at noon"}),
        ("read_file", "Read a file.", schema(path=TEXT), "read the file /srv/a.txt, please",
         {"path": "/srv/a.txt"}),
        ("buy", "Buy groceries.", schema(items={"type": "array", "items": TEXT}),
         "Buy apples, pears and plums", {"items": ["apples", "pears", "plums"]}),
        ("mean", "Average some numbers.", schema(numbers={"type": "array", "items": NUMBER}),
         "What is the average of 3, 4.5 and ten?", {"numbers": [3, 4.5, 10]}),
        ("calculator", "Evaluate arithmetic.", schema(expression=TEXT), "What is 12 times 7?",
         {"expression": "12 * 7"}),
        ("open_url", "Open a web page.", schema(url=TEXT, new_tab={"type": "boolean"}),
         "Open https://example.org/a?b=c in a new tab",
         {"url": "https://example.org/a?b=c", "new_tab": True}),
        ("search", "Search documents.",
         schema(["query"], query=TEXT, limit=INTEGER, deep={"type": "boolean"}),
         "Search for lamp oil, limit 5", {"query": "lamp oil", "limit": 5}),
        ("add_person", "Add a person.",
         schema(person=schema(name=TEXT, age=INTEGER, address=schema(city=TEXT))),
         "Add the person Ada Lovelace, 36 years old, who lives in London",
         {"person": {"name": "Ada Lovelace", "age": 36, "address": {"city": "London"}}}),
    ],
)  # fmt: skip
def test_arguments_by_schema(name, description, parameters, request_text, arguments):
    turn = ask(request_text, tools=[tool(name, description, parameters)])
    assert calls(turn) == [(name, arguments)]


def test_steps_follow_each_other_and_feed_on_results():
    results = {
        "web_search": "Nano was founded by Colin LeMahieu.",
        "make_image": "/srv/out/picture-1.png",
        "speak": "/srv/out/speech.wav",
        "account_balance": "Balance: 9.98 USD",
    }
    rounds, text = run(
        "Find the founder of Nano, then draw it, then read it aloud, then report the cost",
        ALL,
        lambda call: results[call.name],
    )
    made = [(call.name, call.arguments) for each in rounds for call in each]
    assert made == [
        ("web_search", {"query": "the founder of Nano"}),
        ("make_image", {"prompt": results["web_search"]}),
        ("speak", {"text": results["web_search"]}),
        ("account_balance", {}),
    ]
    assert all(result in text for result in results.values())


def test_numbers_flow_from_step_to_step():
    def work(call: PlannedCall) -> str:
        a, b = call.arguments["a"], call.arguments["b"]
        return str(a * b if call.name == "multiply" else a + b)

    rounds, text = run("Multiply 3 and 4, then add 5 to the result", [MULTIPLY, ADD], work)
    assert [sorted(each[0].arguments.values()) for each in rounds] == [[3, 4], [5, 12]]
    assert "17" in text


def test_an_error_is_reported():
    rounds, text = run("weather in Paris", [WEATHER], lambda _: "Error: station is closed")
    assert len(rounds) == 1
    assert "Error: station is closed" in text


def test_an_error_that_names_valid_values_is_retried_once():
    rounds, text = run(
        "weather in Paris",
        [WEATHER],
        lambda call: (
            "dry"
            if call.arguments["location"] == "Rome"
            else "Error: unknown location Paris. Valid locations: Rome, Oslo"
        ),
    )
    assert [each[0].arguments["location"] for each in rounds] == ["Paris", "Rome"]
    assert "dry" in text
    rounds, text = run("weather in Paris", [WEATHER], lambda _: "Error: try Rome or Oslo")
    assert len(rounds) == 2
    assert "Error" in text


def test_a_followup_uses_the_tool_of_the_request_before():
    talk = [user("What is the weather in Paris?"), assistant("It is dry in Paris.")]
    assert calls(ask([*talk, user("And in Rome?")], tools=ALL)) == [
        ("get_weather", {"location": "Rome"})
    ]


def test_earlier_rounds_are_not_this_one():
    made = called(PlannedCall("multiply", {"a": 1, "b": 2}), "call-1", "2")
    talk = [user("What is 1 times 2?"), *made, assistant("2"), user("What is 3 times 4?")]
    assert calls(ask(talk, tools=ALL)) == [("multiply", {"a": 3, "b": 4})]


def test_structured_answers_come_last():
    report = tool("Report", "The final report.", schema(city=TEXT, sky=TEXT, grey=FLAG))
    made = called(PlannedCall("get_weather", {"location": "Paris"}), "call-1", "The sky is grey.")
    talk = [user("What is the weather in Paris?"), *made]
    turn = ask(talk, tools=[WEATHER, report], tool_choice="required")
    assert calls(turn) == [("Report", {"city": "Paris", "sky": "grey", "grey": True})]


def test_selection_objects():
    prompt = DEFAULT_SINGLE_PYD_SELECT_PROMPT_TMPL.format(
        num_choices=2,
        context_list="(1) Useful for recipes\n\n(2) Useful for train times\n\n",
        query_str="When does the train leave?",
    )
    selection = tool("SingleSelection", "A selection.", schema(index=INTEGER, reason=TEXT))
    turn = ask(prompt, tools=[selection], tool_choice="required")
    assert turn.tool_calls[0].arguments["index"] == 2
    assert "train" in turn.tool_calls[0].arguments["reason"]


def test_hands_off_to_the_fitting_agent_once():
    agents = {"WriteAgent": "Writes a report on a given topic.", "CookAgent": "Plans meals."}
    about = DEFAULT_HANDOFF_PROMPT.format(agent_info=str(agents))
    handoff = tool("handoff", about, schema(to_agent=TEXT, reason=TEXT))
    turn = ask("Write me a report on lighthouses", tools=[SEARCH, handoff])
    assert [call.arguments["to_agent"] for call in turn.tool_calls] == ["WriteAgent"]
    done = called(turn.tool_calls[0], "call-1", "Agent WriteAgent is now handling the request.")
    talk = [user("Write me a report on lighthouses"), *done]
    writing = tool("write_report", "Write a report.", schema(topic=TEXT))
    later = ask(talk, tools=[writing, handoff])
    assert [call.name for call in later.tool_calls] == ["write_report"]
    assert "lighthouses" in later.tool_calls[0].arguments["topic"]
    assert not ask(talk, tools=[SEARCH, handoff]).tool_calls
    talk += called(later.tool_calls[0], "call-2", "report written")
    assert "report written" in ask(talk, tools=[writing, handoff]).text


def _react(question: str, tools: list[FunctionTool]) -> tuple[list[Any], str]:
    """Run LlamaIndex's ReAct loop with its own formatter and parser."""
    steps: list[BaseReasoningStep] = []
    named = {each.metadata.name: each for each in tools}
    made: list[Any] = []
    for _ in range(8):
        messages = ReActChatFormatter.from_defaults().format(
            tools, [ChatMessage(role="user", content=question)], steps
        )
        turn = ask([{"role": each.role.value, "content": each.content} for each in messages])
        step: Any = ReActOutputParser().parse(turn.text)
        if isinstance(step, ResponseReasoningStep):
            return made, step.response
        made.append((step.action, step.action_input))
        output = named[step.action].fn(**step.action_input)
        steps += [step, ObservationReasoningStep(observation=str(output))]
    raise AssertionError("the agent does not end")


def _multiply(a: int, b: int) -> int:
    """Multiply two integers."""
    return a * b


def _add(a: int, b: int) -> int:
    """Add two integers."""
    return a + b


@pytest.mark.parametrize(
    ("question", "made", "answer"),
    [
        ("What is 20+(2*4)? Calculate step by step.",
         [("multiply", {"a": 2, "b": 4}), ("add", {"a": 20, "b": 8})], "28"),
        ("What is 6 times 7?", [("multiply", {"a": 6, "b": 7})], "42"),
        ("hello", [], "NanoGPT's sandbox emulator"),
    ],
)  # fmt: skip
def test_llama_index_react(question, made, answer):
    tools = [
        FunctionTool.from_defaults(_multiply, name="multiply"),
        FunctionTool.from_defaults(_add, name="add"),
    ]
    done, text = _react(question, tools)
    assert done == made
    assert answer in text


CLASSIC = """Answer the following questions as best you can. You have access to the following tools:

search(query: str) -> str - Search the web.
calculator: Useful for sums and other math.

Use the following format:

Question: the input question you must answer
Thought: you should always think about what to do
Action: the action to take, should be one of [search, calculator]
Action Input: the input to the action
Observation: the result of the action
... (this Thought/Action/Action Input/Observation can repeat N times)
Thought: I now know the final answer
Final Answer: the final answer to the original input question

Begin!

Question: What is 12*7?
Thought:"""


def test_classic_react():
    first = ask(CLASSIC).text
    assert first.endswith("Action: calculator\nAction Input: 12*7")
    last = ask(f"{CLASSIC} {first.removeprefix('Thought: ')}\nObservation: 84\nThought: ").text
    assert last.endswith("Final Answer: 12*7 is 84.")


def test_unreadable_arguments_and_results_of_any_kind():
    function = {"name": "get_weather", "arguments": "{broken"}
    talk = [
        system("Be kind."),
        user("What is the weather in Paris?"),
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": function}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "dry"}]},
        {"role": "tool", "tool_call_id": "unknown", "content": None},
    ]
    assert "dry" in ask(talk, tools=ALL).text


def test_long_results_are_read_rather_than_repeated():
    long = "Weather is a topic. " * 60 + "The weather in Paris is stormy tonight. " + "End. " * 40
    rounds, text = run("What is the weather in Paris?", [WEATHER], lambda _: long)
    assert len(rounds) == 1
    assert "The weather in Paris is stormy tonight." in text
    assert len(text) < 400


def test_arguments_are_json():
    assert json.dumps(ask("weather in Zürich", tools=ALL).tool_calls[0].arguments)
