"""Recorded turns: which requests are the same, what stands in the file, what a miss says."""

from __future__ import annotations

import json

import pytest

from nanogpt_client.sandbox import ChatRequest, Citation, Recorded, ToolCall, Turn
from nanogpt_client.sandbox.http import Refusal

USER = {"role": "user", "content": "Hello"}
CALLS = (ToolCall("f", '{"a": '), ToolCall("g", {"b": [1]}))
SOURCE = Citation("https://a.example", "A", 0, 2, "text")
TURN = Turn("Hi\u2028there", "Hm", CALLS, (SOURCE,), finish_reason="tool_calls")


class Model:
    """Answers with one turn, and counts."""

    def __init__(self, turn=TURN):
        self.turn = turn
        self.asked = 0

    def __call__(self, _):
        self.asked += 1
        return self.turn


def asked(messages=None, index=0, **body):
    return ChatRequest({"model": "m", "messages": messages or [USER], **body}, index=index)


def saying(content):
    return asked([USER | {"content": content}])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "turns.jsonl"


@pytest.mark.parametrize("request_", [asked(), saying("\ud800")])
def test_a_turn_is_recorded_once_and_replayed_whole(path, request_):
    model = Model()
    recorded = Recorded(path, model=model)
    assert [recorded(request_), recorded(request_)] == [TURN, TURN]
    assert Recorded(path, model=model)(request_) == TURN
    assert Recorded(path, record="none")(request_) == TURN
    assert model.asked == 1
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def conversation(*ids):
    calls = [{"id": each, "function": {"name": "f", "arguments": "{}"}} for each in ids]
    results = [{"role": "tool", "tool_call_id": each, "content": "ok"} for each in reversed(ids)]
    return [USER, {"role": "assistant", "content": None, "tool_calls": calls}, *results]


CROSSED = conversation("x", "y")
CROSSED[2:] = CROSSED[:1:-1]


def png(letter):
    return saying("data:image/png;base64," + letter * 300)


@pytest.mark.parametrize(("one", "other", "same"), [
    (asked(), asked(model="other"), False), (asked(), saying("Bye"), False),
    (asked(), asked(temperature=1), False),
    (asked(), asked(tools=[{"type": "function", "function": {"name": "f"}}]), False),
    (asked(), asked(response_format={"type": "json_object"}), False),
    (asked(), asked(some_new_option=1), False), (asked(), asked(index=1), False),
    (png("A"), png("B"), False),
    (asked(conversation("a", "b")), asked(CROSSED), False),
    (asked(conversation("a", "b")), asked(conversation("x", "y")), True),
    (asked(), asked(stream=True, user="me", seed=None, prompt_cache_key="k"), True),
])  # fmt: skip
def test_what_can_change_the_answer_is_another_request(path, one, other, same):
    model = Model()
    recorded = Recorded(path, model=model)
    recorded(one)
    recorded(other)
    assert model.asked == (1 if same else 2)


def test_the_file_is_readable_and_holds_no_key(path):
    key = "sk-nano-5a4db0c5-0000-4000-8000-000000000000"
    url = "data:image/png;base64," + "A" * 300
    parts = [{"type": "text", "text": f"My key is {key}"}, {"type": "image_url", "url": url}]
    body = {"model": "m", "messages": [{"role": "user", "content": parts}]}
    recorded = Recorded(path, model=lambda _: f"Grüße, {key}")
    recorded(ChatRequest(body, headers={"authorization": f"Bearer {key}"}))
    recorded(asked())
    text = path.read_text("utf-8")
    first, second = text.splitlines()
    assert key not in text
    assert "A" * 30 not in text
    assert "Grüße, sk-***" in first
    assert json.loads(second)["request"] == {"model": "m", "messages": [USER]}


def test_all_records_each_request_anew_once(path):
    Recorded(path, model=Model())(asked())
    model = Model(Turn("New"))
    recorded = Recorded(path, model=model, record="all")
    assert [recorded(asked()).text, recorded(asked()).text] == ["New", "New"]
    assert model.asked == 1
    assert Recorded(path, record="none")(asked()) == Turn("New")
    assert path.read_text("utf-8").count("\n") == 1


def test_two_writers_keep_each_others_turns(path):
    one, two = Recorded(path, model=Model()), Recorded(path, model=Model())
    one(asked())
    two(asked(temperature=1))
    one(asked(temperature=2))
    assert path.read_text("utf-8").count("\n") == 3


def test_a_missing_turn_shows_the_nearest_request(path):
    with pytest.raises(Refusal, match=r"has no turn for this request$"):
        Recorded(path)(asked())
    recorded = Recorded(path, model=Model())
    recorded(asked([USER | {"content": "Something else entirely, and longer"}], model="other"))
    recorded(asked())
    with pytest.raises(Refusal) as caught:
        Recorded(path, record="none")(asked(temperature=0.5))
    assert (caught.value.status, caught.value.code) == (424, "sandbox_recording_missing")
    assert "turns.jsonl has no turn for this request" in caught.value.message
    assert '+ "temperature": 0.5' in caught.value.message
    assert "entirely" not in caught.value.message


def test_a_failure_is_not_recorded(path):
    def fail(_):
        raise Refusal(424, "down")

    with pytest.raises(Refusal, match="down"):
        Recorded(path, model=fail)(asked())
    assert not path.exists()


@pytest.mark.parametrize("line", ["{", "[]", '{"key": "a"}', '{"key": "a", "request": 1}', ""])
def test_a_broken_file_is_named_with_its_line(path, line):
    Recorded(path, model=Model())(asked())
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(ValueError, match=r"turns.jsonl:2 is no recorded turn"):
        Recorded(path)


def test_settings_that_cannot_work(path):
    with pytest.raises(ValueError, match="record must be"):
        Recorded(path, record="some")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs a model"):
        Recorded(path, record="all")
