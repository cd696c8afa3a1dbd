"""The values that texts mention: sums, numbers, names, quotes, lists."""

from __future__ import annotations

import pytest

from nanogpt_client.sandbox.brain import arith, mine
from nanogpt_client.sandbox.brain.phrase import phrase, point_to, points_back
from nanogpt_client.sandbox.brain.schema import fill
from nanogpt_client.sandbox.brain.source import Source
from tests.sandbox.brain.chats import INTEGER, NUMBER, TEXT, schema


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("what is 12*7", [84]),
        ("12 times 7 and 3 + 4", [84, 7]),
        ("(3+4)*2", [14]),
        ("20+(2*4)", [28]),
        ("15% of 80", [12]),
        ("subtract 3 from 10", [7]),
        ("divide 9 by 2", [4.5]),
        ("the square root of 16", [4]),
        ("5 squared", [25]),
        ("2 to the power of 10", [1024]),
        ("17 mod 5", [2]),
        ("1,000 plus 2", [1002]),
        ("-3 minus 4", [-7]),
        ("what is 10-3?", [7]),
        ("call 555-1234", []),
        ("on 2024-05-01", []),
        ("1/0 and 9**9**9", []),
        ("the square root of -4", []),
        ("nothing", []),
    ],
)
def test_sums(text, values):
    assert [each.value for each in arith.sums(text)] == values


def test_operations_one_by_one():
    assert arith.single_operations(arith.sums("20+(2*4)")[0]) == ["2 * 4", "20 + 8"]
    assert arith.operation(arith.sums("the sum of 3 and 4")[0]) == "add"
    assert arith.show(0.1 + 0.2) == "0.3"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3.5km and -4 of 1,200", [3.5, -4, 1200]),
        ("two hundred and five, twenty-one, a dozen, 3 million, 5k", [205, 21, 12, 3e6, 5000]),
        ("a 64x48 picture (#0000ff) at 5:30 on 2024-05-01, see http://x.org/7", [64, 48]),
        ("one of them", []),
    ],
)
def test_numbers(text, values):
    assert [each.value for each in mine.numbers(text)] == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("What is the weather in San Francisco, CA and Rome?", ["San Francisco, CA", "Rome"]),
        ("Draw a map of the Bank of America for Ludwig van Beethoven",
         ["Bank of America", "Ludwig van Beethoven"]),
        ("Deliver the JSON to O'Brien. I like Zoë.", ["O'Brien", "Zoë"]),
        ("为你好 send it", ["为你好"]),
    ],
)  # fmt: skip
def test_names(text, values):
    assert [each.value for each in mine.names(text)] == values


def test_quotes_and_shapes():
    text = "Say \"one\", 'it's two', `three` and “four” to a.b@c.org, see ./x/y.txt or /srv/z."
    assert [each.value for each in mine.quoted(text)] == ["one", "it's two", "three", "four"]
    assert [each.value for each in mine.found("email", text)] == ["a.b@c.org"]
    assert "/srv/z" in [each.value for each in mine.found("path", text)]


@pytest.mark.parametrize(
    ("request_text", "subject"),
    [
        ("Please search the web for lamp oil.", "lamp oil"),
        ("Could you draw me a picture of a red fox, please?", "a red fox"),
        ("Make a 5 second video of a running horse", "a running horse"),
        ("Read this aloud: The tide turns.", "The tide turns"),
        ("What is the tide? Use the search tool.", "What is the tide?"),
        ("Say 'good evening all'", "good evening all"),
        ("hello", "hello"),
    ],
)
def test_phrases(request_text, subject):
    assert phrase(request_text) == subject


def test_pointers():
    assert points_back("then read it aloud")
    assert points_back("add 5 to the result")
    assert not points_back("draw a fox")
    assert point_to("add 5 to the result", "12") == "add 5 to 12"


@pytest.mark.parametrize(
    ("under", "text", "value"),
    [
        (schema(city=TEXT), 'Use {"city": "Oslo"} as input', {"city": "Oslo"}),
        (schema(city=TEXT), "set city to be Oslo and go", {"city": "Oslo"}),
        (schema(model=TEXT, prompt=TEXT), "Ask openai/gpt-5.2 'hello there'",
         {"model": "openai/gpt-5.2", "prompt": "hello there"}),
        (schema(room=TEXT, on={"type": "boolean"}), "turn on the living room light",
         {"room": "living room", "on": True}),
        (schema(verbose={"type": "boolean"}), "run it without verbose output", {"verbose": False}),
        (schema(title=TEXT, guests={"type": "array", "items": TEXT}),
         "Schedule a meeting called 'Review' with 'Ada' and 'Bob'",
         {"title": "Review", "guests": ["Ada", "Bob"]}),
        (schema(days=INTEGER, price=NUMBER), "3 days for $20.5", {"days": 3, "price": 20.5}),
        (schema(size={"enum": ["1024*1024", "512*512"]}), "a 512*512 one", {"size": "512*512"}),
        (schema(priority={"enum": ["low", "high"]}), "highly urgent, high priority",
         {"priority": "high"}),
        (schema(language=TEXT), "answer in French please", {"language": "French"}),
        (schema(links={"type": "array", "items": TEXT}), "see https://a.io/x and https://b.io",
         {"links": ["https://a.io/x", "https://b.io"]}),
        (schema(steps={"type": "array", "items": TEXT}), "Do:\n- wash\n- dry",
         {"steps": ["wash", "dry"]}),
        (schema(x={"type": "string", "default": "d"}), "hello", {"x": "d"}),
        (schema([], limit=INTEGER), "hello", {}),
    ],
)  # fmt: skip
def test_fields_of_all_kinds(under, text, value):
    assert fill(under, Source((text,))) == value
