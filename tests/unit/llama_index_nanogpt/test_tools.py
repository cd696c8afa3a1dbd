"""Tools: what is offered to the model, and the calls read from whole and partial answers."""

from __future__ import annotations

import pytest
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    TextBlock,
    ToolCallBlock,
)
from llama_index.core.tools import FunctionTool

from llama_index_nanogpt._from_wire import first_call_only, tool_selections
from llama_index_nanogpt._to_wire import tool_options
from nanogpt_client import InvalidArgumentError
from tests.conformance.llama_index.wire import call, stream, whole
from tests.unit.llama_index_nanogpt.scripted import Scripted


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TOOL = FunctionTool.from_defaults(add)
TWO_CALLS = whole(
    {"content": None, "tool_calls": [
        call(0, "c1", "add", '{"a": 1, "b": 2}'), call(1, "c2", "add", '{"a": 3, "b": 4}'),
    ]},
    finish_reason="tool_calls",
)  # fmt: skip
NAMED = {"type": "function", "function": {"name": "add"}}


def response(*calls, finish_reason=None, **extra):
    blocks = [
        ToolCallBlock(tool_call_id=call_id, tool_name="f", tool_kwargs=arguments)
        for call_id, arguments in calls
    ]
    message = ChatMessage(role="assistant", blocks=blocks, additional_kwargs=extra)
    raw = {"finish_reason": finish_reason} if finish_reason else {"choices": []}
    return ChatResponse(message=message, raw=raw)


def test_a_choice_of_no_tool_is_refused_before_anything_is_sent():
    server = Scripted(TWO_CALLS)
    with pytest.raises(InvalidArgumentError, match=r"names 'ad', but the tools are \['add'\]"):
        server.llm().chat_with_tools([TOOL], user_msg="hi", tool_choice="ad")
    assert not server.bodies


@pytest.mark.parametrize(
    ("choice", "required", "expected"),
    [
        (None, False, "auto"),
        (None, True, "required"),
        ("any", False, "required"),
        ("none", True, "none"),
        ("add", False, NAMED),
        (NAMED, False, NAMED),
    ],
)
def test_tool_choice(choice, required, expected):
    options = tool_options([TOOL], parallel=True, required=required, choice=choice)
    assert options["tool_choice"] == expected
    assert options["parallel_tool_calls"] is True
    (tool,) = options["tools"]
    assert tool["function"]["name"] == "add"
    assert tool["function"]["description"].endswith("Add two numbers.")
    assert tool["function"]["parameters"]["required"] == ["a", "b"]


def test_without_tools_nothing_about_tools_is_sent():
    server = Scripted(whole({"content": "ok"}))
    server.llm().chat_with_tools([], user_msg="hi", tool_required=True, tool_choice="add")
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & server.body.keys()


def test_the_callers_history_is_copied():
    server = Scripted(TWO_CALLS)
    history = [ChatMessage("first")]
    server.llm().chat_with_tools([TOOL], user_msg="second", chat_history=history, seed=1)
    assert len(history) == 1
    assert [message["content"] for message in server.body["messages"]] == ["first", "second"]
    assert server.body["parallel_tool_calls"] is False
    assert server.body["seed"] == 1


def test_one_call_is_kept_unless_several_are_allowed():
    llm = Scripted(TWO_CALLS).llm()
    trimmed = llm.chat_with_tools([TOOL], user_msg="hi")
    assert [c.tool_id for c in llm.get_tool_calls_from_response(trimmed)] == ["c1"]
    assert len(trimmed.message.additional_kwargs["tool_calls"]) == 1
    both = llm.chat_with_tools([TOOL], user_msg="hi", allow_parallel_tool_calls=True)
    assert [c.tool_kwargs["a"] for c in llm.get_tool_calls_from_response(both)] == [1, 3]


def test_trimming_copies():
    answer = response(("c1", "{}"), ("c2", "{}"), finish_reason="stop", tool_calls=[{}, {}])
    first_call_only(answer)
    assert len(answer.message.blocks) == len(answer.message.additional_kwargs["tool_calls"]) == 2


def test_predict_and_call():
    llm = Scripted(TWO_CALLS).llm()
    assert str(llm.predict_and_call([TOOL], user_msg="hi")) == "3"
    both = llm.predict_and_call([TOOL], user_msg="hi", allow_parallel_tool_calls=True)
    assert str(both) == "3\n\n7"


@pytest.mark.parametrize("arguments", ["", "null", "[1]", "{", '"text"', " ", "nonsense", '{"a'])
@pytest.mark.parametrize("finish_reason", [None, "length"])
def test_arguments_that_say_nothing_are_empty(arguments, finish_reason):
    (selection,) = tool_selections(response(("c", arguments), finish_reason=finish_reason))
    assert selection.tool_kwargs == {}


@pytest.mark.parametrize("arguments", ["[1]", "{", '"text"', "nonsense", '{"a": 1', '{"a": 1} x'])
@pytest.mark.parametrize("raw", [{"finish_reason": "length"}, {"finish_reason": None}, None])
def test_unreadable_calls_are_of_no_tool(arguments, raw):
    answer = response(("c", arguments)).model_copy(update={"raw": raw})
    (selection,) = tool_selections(answer)
    assert selection.tool_name.startswith("f (not run: its arguments are not a JSON object")
    assert selection.tool_kwargs == {}
    llm = Scripted(TWO_CALLS).llm()
    assert llm.get_tool_calls_from_response(answer, error_on_no_tool_call=False) == [selection]
    with pytest.raises(ValueError, match="the arguments of 'f' are not a JSON object"):
        llm.get_tool_calls_from_response(answer)


def test_calls_without_a_name_are_of_no_tool():
    answer = response(("c", "{}"), finish_reason="tool_calls")
    answer.message.blocks[0].tool_name = ""
    assert [c.tool_name for c in tool_selections(answer)] == ["(not run: the call names no tool)"]


@pytest.mark.parametrize(
    ("arguments", "read"),
    [
        ('{"a": "x\ny"}', {"a": "x\ny"}), ('{}{"a": 1}', {"a": 1}), ('"{\\"a\\": 1}"', {"a": 1}),
        ({"a": 1}, {"a": 1}),
    ],
)  # fmt: skip
def test_what_is_unambiguous_is_read(arguments, read):
    (selection,) = tool_selections(response(("c", arguments), finish_reason="stop"))
    assert (selection.tool_name, selection.tool_kwargs) == ("f", read)


async def test_predict_and_call_fails_instead_of_running_half_a_call():
    ran = []
    tool = FunctionTool.from_defaults(lambda a=None: ran.append(a), name="f", description="f")
    cut = [call(0, "c", "f", '{"a": ')]
    llm = Scripted(whole({"content": None, "tool_calls": cut}, finish_reason="length")).llm()
    with pytest.raises(ValueError, match="not a JSON object"):
        llm.predict_and_call([tool], user_msg="hi")
    with pytest.raises(ValueError, match="not a JSON object"):
        await llm.apredict_and_call([tool], user_msg="hi")
    assert ran == []


def test_partial_arguments_show_only_while_the_answer_is_arriving():
    cut = '{"path": "/home", "deep": {"x": [1, 2'
    (arriving,) = tool_selections(response(("c", cut)))
    assert arriving.tool_kwargs == {"path": "/home", "deep": {"x": [1, 2]}}
    (ended,) = tool_selections(response(("c", cut), finish_reason="length"))
    assert ended.tool_kwargs == {}
    assert "not run" in ended.tool_name


def test_arguments_are_the_callers_to_change():
    block = ToolCallBlock(tool_name="f", tool_kwargs={"a": 1})
    answer = ChatResponse(message=ChatMessage(role="assistant", blocks=[block]))
    (selection,) = tool_selections(answer)
    selection.tool_kwargs["a"] = 2
    assert block.tool_kwargs == {"a": 1}


def test_calls_without_an_id_are_told_apart():
    ids = [selection.tool_id for selection in tool_selections(response((None, "{}"), (None, "{}")))]
    assert len(set(ids)) == 2
    assert all(ids)


def test_calls_in_additional_kwargs_alone_are_found():
    legacy = [{"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}, "nonsense"]
    (selection,) = tool_selections(response(tool_calls=legacy))
    assert (selection.tool_id, selection.tool_name) == ("c", "f")
    assert selection.tool_kwargs == {"a": 1}


def test_no_call_is_an_error_only_if_asked():
    llm = Scripted(whole({"content": "no"})).llm()
    answer = ChatResponse(message=ChatMessage(role="assistant", blocks=[TextBlock(text="no")]))
    assert llm.get_tool_calls_from_response(answer, error_on_no_tool_call=False) == []
    with pytest.raises(ValueError, match="'no'"):
        llm.get_tool_calls_from_response(answer)


SPLITS = {
    "whole": [{"tool_calls": [call(0, "c1", "f", '{"a": 1}'), call(1, "c2", "g", '{"b": 2}')]}],
    "letter by letter": [
        {"tool_calls": [call(0, "c1", "f", "")]},
        {"tool_calls": [call(1, "c2", "g", "")]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": x}}]} for x in '{"a": 1}'),
        *({"tool_calls": [{"index": 1, "function": {"arguments": x}}]} for x in '{"b": 2}'),
    ],
    "interleaved, one index, ids repeated": [
        {"tool_calls": [call(0, "c1", "f", '{"a"'), call(0, "c2", "g", '{"b"')]},
        {"tool_calls": [call(0, "c2", "g", ": 2}"), call(0, "c1", "f", ": 1}")]},
    ],
}


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS.keys())
def test_calls_arrive_whole_however_they_were_split(split):
    llm = Scripted(stream(*split, finish_reason="tool_calls")).llm()
    items = list(llm.stream_chat([ChatMessage("hi")]))
    for item in items:
        llm.get_tool_calls_from_response(item, error_on_no_tool_call=False)
    calls = llm.get_tool_calls_from_response(items[-1])
    assert [(c.tool_id, c.tool_name, c.tool_kwargs) for c in calls] == [
        ("c1", "f", {"a": 1}),
        ("c2", "g", {"b": 2}),
    ]
