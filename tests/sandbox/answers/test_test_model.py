"""The default model: calls what is offered once, fills schemas, repeats what it was given."""

from __future__ import annotations

import json

import pytest

from nanogpt_client.sandbox.answers.test_model import TestModel
from nanogpt_client.sandbox.answers.turn import ChatRequest, SearchResult, ToolCall


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


ADD = tool("add", a={"type": "integer"}, b={"type": "integer"})
WEATHER = tool("weather", city={"type": "string"})
NOTHING = {"type": "function", "function": {"name": "nothing"}}
TOOLS = [ADD, WEATHER, NOTHING]


def user(text):
    return {"role": "user", "content": text}


def called(name, result, number=1):
    function = {"name": name, "arguments": "{}"}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": result},
    ]


def request(*messages, given=None, **body):
    return ChatRequest({"model": "m", "messages": list(messages), **body}, **(given or {}))


def answer(*messages, model=None, given=None, **body):
    return (model or TestModel())(request(*messages, given=given, **body))


def names(turn):
    return [call.name for call in turn.tool_calls]


ASKED = user("Add 3 and 4 in 'Paris'.")


def test_calls_each_tool_with_the_values_of_the_message():
    assert answer(ASKED, tools=TOOLS).tool_calls == (
        ToolCall("add", {"a": 3, "b": 4}), ToolCall("weather", {"city": "Paris"}),
        ToolCall("nothing", {}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tool_choice": "auto"}, ["add", "weather", "nothing"]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": "required"}, ["add", "weather", "nothing"]),
        ({"tool_choice": {"type": "function", "function": {"name": "weather"}}}, ["weather"]),
        ({"parallel_tool_calls": False}, ["add"]),
        ({"tool_choice": "required", "parallel_tool_calls": False}, ["add"]),
    ],
)
def test_the_choice_is_obeyed(options, expected):
    assert names(answer(ASKED, tools=TOOLS, **options)) == expected


@pytest.mark.parametrize(
    ("call_tools", "choice", "expected"),
    [
        ("none", "auto", []),
        ("none", "required", ["add"]),
        (["weather"], "auto", ["weather"]),
        (["gone"], "auto", []),
        (["weather"], "required", ["weather"]),
    ],
)
def test_call_tools(call_tools, choice, expected):
    model = TestModel(call_tools=call_tools)
    assert names(answer(ASKED, model=model, tools=TOOLS, tool_choice=choice)) == expected


def test_says_what_the_tools_returned_and_calls_none_again():
    past = [ASKED, *called("add", "7"), *called("weather", "mild", 2), *called("nothing", "{}", 3)]
    turn = answer(*past, tools=TOOLS)
    assert turn.text == "add returned: 7\nweather returned: mild\nnothing returned: {}"
    assert not turn.tool_calls
    said = {"role": "assistant", "content": turn.text}
    again = answer(*past, said, user("And 5 and 6?"), tools=TOOLS)
    assert again.tool_calls[0] == ToolCall("add", {"a": 5, "b": 6})


def test_one_after_another():
    one = {"tools": TOOLS, "parallel_tool_calls": False}
    assert names(answer(ASKED, *called("add", "7"), **one)) == ["weather"]
    turn = answer(ASKED, *called("add", "7"), *called("weather", "mild", 2), **one)
    assert names(turn) == ["nothing"]


def test_images_behind_a_tools_result_belong_to_it():
    """No tool message may hold an image, so that adapters send a user message behind it."""
    shown = {"image_descriptions": ("a red house",)}
    past = [ASKED, *called("draw", "done"), user("The result of the tool call call_1:")]
    turn = answer(*past, tools=[tool("draw")], given=shown)
    assert turn.text == "draw returned: done\nThe image shows a red house."


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def test_json_schema():
    wanted = {"type": "json_schema", "json_schema": {"name": "p", "strict": True, "schema": PERSON}}
    text = answer(user("“Ann” is 31 years old."), response_format=wanted).text
    assert json.loads(text) == {"name": "Ann", "age": 31}
    assert names(answer(ASKED, tools=TOOLS, response_format=wanted)) == [
        "add",
        "weather",
        "nothing",
    ]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Hello, in JSON!", {"answer": "You said: Hello, in JSON!"}),
        (f"Ann is 31. Follow this schema: {json.dumps(PERSON)}",
         {"name": "Ann is 31. Follow this schema:", "age": 31}),
    ],
)  # fmt: skip
def test_json_mode(prompt, expected):
    found = answer(user(prompt), response_format={"type": "json_object"}).text
    assert json.loads(found) == expected


@pytest.mark.parametrize("keys", ["`setup` and `punchline`", "'setup' and \"punchline\""])
def test_json_mode_has_the_keys_that_the_prompt_quotes(keys):
    asked = f"Tell a joke, as JSON with {keys}."
    found = json.loads(answer(user(asked), response_format={"type": "json_object"}).text)
    assert found == dict.fromkeys(["setup", "punchline"], f"You said: {asked}")


def test_context_and_search_results_are_answered_from():
    prompt = "Context:\nThe bridge was built by Ann Lee. Cats sleep.\n\nQuestion: Who built it?"
    assert answer(user(prompt)).text == "The bridge was built by Ann Lee."
    found = SearchResult("Nano", "https://nano.example", "Nano is a currency. It is fast.")
    turn = answer(user("What is Nano?"), given={"search_results": (found,)})
    assert turn.text == "Nano is a currency. [1]"
    assert turn.citations[0].url == found.url


def test_what_was_found_stands_behind_what_tools_returned():
    found = SearchResult("Nano", "https://nano.example", "Nano is a currency. It is fast.")
    given = {"search_results": (found,)}
    turn = answer(user("What is Nano?"), *called("add", "7"), tools=[ADD], given=given)
    assert turn.text == "add returned: 7\n\nNano is a currency. [1]"
    cited = turn.citations[0]
    assert turn.text[cited.start_index : cited.end_index] == "Nano is a currency."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"image_descriptions": ("a red house",)}, "The image shows a red house."),
        ({"image_descriptions": ("a", "b")}, "Image 1 shows a.\nImage 2 shows b."),
        ({"attachments": ("The recording says: Good morning.",)},
         "The recording says: Good morning."),
    ],
)  # fmt: skip
def test_what_was_shown_is_said_back(given, said):
    assert answer(user("What does it say?"), given=given).text == said


def test_repeats_the_request():
    assert answer(user("Tell me a joke.")).text == "You said: Tell me a joke."
    assert len(answer(user("joke " * 1000)).text) < 500
    assert answer({"role": "system", "content": "Hi"}).text == "You said: "


def test_text():
    model = TestModel(text="Done.")
    assert answer(user("Hi"), model=model).text == "Done."
    assert names(answer(ASKED, model=model, tools=TOOLS)) == ["add", "weather", "nothing"]


def test_reasoning_only_where_it_is_asked_for():
    thinking = {"reasoning": True}
    assert answer(user("Hi")).reasoning == ""
    assert answer(user("Hi"), given=thinking).reasoning == "No tool is left to call, so I answer."
    turn = answer(ASKED, tools=[ADD], given=thinking)
    assert turn.reasoning == "The request offers tools, so I call add."
