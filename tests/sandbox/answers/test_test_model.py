"""The default model: calls what is offered once, fills schemas, repeats what it was given."""

from __future__ import annotations

import json

import pytest

from nanogpt_client.sandbox import ChatRequest, SearchResult, TestModel, ToolCall
from tests.sandbox.asking import function

INTEGER, STRING = {"type": "integer"}, {"type": "string"}
ADD = function("add", "a", "b", a=INTEGER, b=INTEGER)
TOOLS = [ADD, function("weather", "city", city=STRING),
         {"type": "function", "function": {"name": "nothing"}}]  # fmt: skip
NAMES = ["add", "weather", "nothing"]
WEATHER = {"type": "function", "function": {"name": "weather"}}


def user(text):
    return {"role": "user", "content": text}


def called(name, result):
    call = {"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}}
    return [{"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": name, "content": result}]  # fmt: skip


def answer(*messages, model=None, given=None, **body):
    request = ChatRequest({"model": "m", "messages": list(messages), **body}, **(given or {}))
    return (model or TestModel())(request)


def names(turn):
    return [call.name for call in turn.tool_calls]


ASKED = user("Add 3 and 4 in 'Paris'.")


def test_calls_each_tool_with_the_values_of_the_message():
    assert answer(ASKED, tools=TOOLS).tool_calls == (
        ToolCall("add", {"a": 3, "b": 4}), ToolCall("weather", {"city": "Paris"}),
        ToolCall("nothing", {}),
    )  # fmt: skip


@pytest.mark.parametrize(("call_tools", "options", "expected"), [
    ("all", {"tool_choice": "auto"}, NAMES), ("all", {"tool_choice": "none"}, []),
    ("all", {"tool_choice": "required"}, NAMES),
    ("all", {"tool_choice": WEATHER}, ["weather"]),
    ("all", {"parallel_tool_calls": False}, ["add"]),
    ("all", {"tool_choice": "required", "parallel_tool_calls": False}, ["add"]), ("none", {}, []),
    ("none", {"tool_choice": "required"}, ["add"]), (["weather"], {}, ["weather"]),
    (["gone"], {}, []),
    (["weather"], {"tool_choice": "required"}, ["weather"]),
])  # fmt: skip
def test_which_tools_are_called(call_tools, options, expected):
    model = TestModel(call_tools=call_tools)
    assert names(answer(ASKED, model=model, tools=TOOLS, **options)) == expected


def test_says_what_the_tools_returned_and_calls_none_again():
    past = [ASKED, *called("add", "7"), *called("weather", "mild"), *called("nothing", "{}")]
    turn = answer(*past, tools=TOOLS)
    assert turn.text == "add returned: 7\nweather returned: mild\nnothing returned: {}"
    assert not turn.tool_calls
    said = {"role": "assistant", "content": turn.text}
    again = answer(*past, said, user("And 5 and 6?"), tools=TOOLS)
    assert again.tool_calls[0] == ToolCall("add", {"a": 5, "b": 6})
    one = {"tools": TOOLS, "parallel_tool_calls": False}
    assert names(answer(*past[:3], **one)) == ["weather"]
    assert names(answer(*past[:5], **one)) == ["nothing"]


def test_images_behind_a_tools_result_belong_to_it():
    """No tool message may hold an image, so that adapters send a user message behind it."""
    past = [ASKED, *called("draw", "done"), user("The result of the tool call draw:")]
    turn = answer(*past, tools=[function("draw")], given={"image_descriptions": ("a house",)})
    assert turn.text == "draw returned: done\nThe image shows a house."


PERSON = function("p", "name", "age", name=STRING, age=INTEGER)["function"]["parameters"]


def test_json_schema():
    wanted = {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON}}
    text = answer(user("“Ann” is 31 years old."), response_format=wanted).text
    assert json.loads(text) == {"name": "Ann", "age": 31}
    assert names(answer(ASKED, tools=TOOLS, response_format=wanted)) == NAMES


JOKE = "Tell a joke, as JSON with `setup` and {}."


@pytest.mark.parametrize(("prompt", "expected"), [
    ("Hello, in JSON!", {"answer": "You said: Hello, in JSON!"}),
    (f"Ann is 31. Follow this schema: {json.dumps(PERSON)}",
     {"name": "Ann is 31. Follow this schema:", "age": 31}),
    *((prompt, dict.fromkeys(["setup", "punchline"], f"You said: {prompt}"))
      for prompt in map(JOKE.format, ("`punchline`", '"punchline"', "'punchline'"))),
])  # fmt: skip
def test_json_mode(prompt, expected):
    found = answer(user(prompt), response_format={"type": "json_object"}).text
    assert json.loads(found) == expected


FOUND = SearchResult("Nano", "https://nano.example", "Nano is a currency. It is fast.")


@pytest.mark.parametrize(("messages", "given", "said"), [
    ([user("Context:\nAnn Lee built the bridge. Cats sleep.\n\nQuestion: Who built it?")], {},
     "Ann Lee built the bridge."),
    ([user("What is Nano?")], {"search_results": (FOUND,)}, "Nano is a currency. [1]"),
    ([user("What is Nano?"), *called("add", "7")], {"search_results": (FOUND,)},
     "add returned: 7\n\nNano is a currency. [1]"),
    ([user("What?")], {"image_descriptions": ("a red house",)}, "The image shows a red house."),
    ([user("What?")], {"image_descriptions": ("a", "b")}, "Image 1 shows a.\nImage 2 shows b."),
    ([user("What?")], {"attachments": ("It says: Good morning.",)}, "It says: Good morning."),
    ([user("Tell me a joke.")], {}, "You said: Tell me a joke."),
    ([{"role": "system", "content": "Hi"}], {}, "You said: "),
])  # fmt: skip
def test_what_it_says(messages, given, said):
    turn = answer(*messages, given=given)
    assert turn.text == said
    for cited in turn.citations:
        assert cited.url == FOUND.url
        assert turn.text[cited.start_index : cited.end_index] == "Nano is a currency."
    assert len(turn.citations) == len(given.get("search_results", ()))


def test_text_and_length():
    model = TestModel(text="Done.")
    assert answer(user("Hi"), model=model).text == "Done."
    assert names(answer(ASKED, model=model, tools=TOOLS)) == NAMES
    assert len(answer(user("joke " * 1000)).text) < 500


def test_reasoning_only_where_it_is_asked_for():
    given = {"reasoning": True}
    assert answer(user("Hi")).reasoning == ""
    assert answer(user("Hi"), given=given).reasoning == "No tool is left to call, so I answer."
    turn = answer(ASKED, tools=[ADD], given=given)
    assert turn.reasoning == "The request offers tools, so I call add."


FEW_SHOTS = """<Tools>
```json
{"uber": "x"}
```
<Output>
```json
{"items": [{"to": "uber", "ask": "Q"}, {}]}
```
<Tools>
```json
{"facts": "y"}
```
<Question>
Who?
<Output>
"""


@pytest.mark.parametrize(("prompt", "expected"), [
    ("Judge it.\n\tExample Response:\n\t4.0\n\tIt is right.\n\nNow you.", "4.0\n\tIt is right."),
    ('Follow this schema:\n{{"type": "object", "properties": {{}}}}\n', "{}"),
    ("Give triplets.\n(Ann, is mother of, Bob)\n(Bob, has, cat)\nText: x", None),
    (FEW_SHOTS, '{"items": [{"to": "facts", "ask": "Who?"}]}'),
    ("No schema: {none of it}", "You said: No schema: {none of it}"),
    ('Explain this schema: {"a": 1}', 'You said: Explain this schema: {"a": 1}'),
])  # fmt: skip
def test_a_form_that_the_prompt_shows(prompt, expected):
    said = TestModel()(ChatRequest({"messages": [{"role": "user", "content": prompt}]})).text
    assert said == (expected or "(Ann, is mother of, Bob)\n(Bob, has, cat)")


def test_a_schema_too_deep_to_read_is_repeated_as_any_text():
    prompt = "Follow this schema: " + '{"a":' * 100_000
    said = TestModel()(ChatRequest({"messages": [{"role": "user", "content": prompt}]})).text
    assert said.startswith('You said: Follow this schema: {"a":')
