"""A structured answer is the same object, or the same refusal to guess, through both frameworks."""

from __future__ import annotations

import json
from typing import Any, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from llama_index.core import PromptTemplate
from pydantic import BaseModel, RootModel

from nanogpt_client import InvalidArgumentError
from nanogpt_client._adapters.json_in_text import NoObjectError
from tests.conformance.llama_index.wire import call, stream, whole
from tests.unit.langchain_nanogpt.replies import Wire
from tests.unit.langchain_nanogpt.replies import call as lc_call
from tests.unit.llama_index_nanogpt.scripted import Scripted
from tests.unit.nanogpt_client._adapters.test_json_in_text import NONE, OBJECT

PROMPT = PromptTemplate("Which?")
NANO = '{"currency": "nano"}'


class Pick(BaseModel):
    currency: str


class PickDict(TypedDict):
    currency: str


class Page(BaseModel):
    """Its name is legal in Python alone."""

    items: list[int]


class Tree(BaseModel):
    value: int
    kids: list[Tree] = []


Page.__name__ = "Page[int]"
Page.model_config["title"] = "Page[int]"
Page.model_rebuild(force=True)


async def through_langchain(cls: Any, wire: Wire, method: Any = "json_mode") -> list[Any]:
    """The results of all ways; exceptions are results, too."""
    chain: Any = wire.model().with_structured_output(cls, method=method)

    async def astream() -> Any:
        return [part async for part in chain.astream("hi")][-1]

    results = []
    for ask in (lambda: chain.invoke("hi"), lambda: list(chain.stream("hi"))[-1]):
        try:
            results.append(ask())
        except OutputParserException as error:
            results.append(error)
    for aask in (lambda: chain.ainvoke("hi"), astream):
        try:
            results.append(await aask())
        except OutputParserException as error:
            results.append(error)
    return results


async def through_llama_index(cls: Any, *replies: Any, model: str = "openai/gpt-5.2") -> list[Any]:
    """The results of all ways; exceptions are results, too."""
    llm = Scripted(*replies).llm(model)

    async def astream() -> Any:
        return [part async for part in await llm.astream_structured_predict(cls, PROMPT)][-1]

    results = []
    for ask in (
        lambda: llm.structured_predict(cls, PROMPT),
        lambda: llm.as_structured_llm(cls).complete("hi").raw,
        lambda: list(llm.stream_structured_predict(cls, PROMPT))[-1],
    ):
        try:
            results.append(ask())
        except NoObjectError as error:
            results.append(error)
    for aask in (lambda: llm.astructured_predict(cls, PROMPT), astream):
        try:
            results.append(await aask())
        except NoObjectError as error:
            results.append(error)
    return results


def replies(said: dict[str, Any], finish: str = "stop") -> list[Any]:
    """Whole and streamed, in the order that `through_llama_index` asks."""
    told, frames = whole(said, finish), stream(said, finish_reason=finish)
    return [told, told, frames, told, frames]


# Those of each kind; all of them are read in the tests of the core.
FOUND = (
    "before prose", "prose around a fence", "behind thoughts in a fence", "encoded twice",
    "behind half an object without a beginning", "behind an example in a sentence",
)  # fmt: skip
NOT_FOUND = (
    "prose", "half with an object in it", "half behind an example", "thoughts that never end",
    "two", "a misfit", "a list of one",
)  # fmt: skip


@pytest.mark.parametrize("text", [OBJECT[name] for name in FOUND], ids=FOUND)
async def test_the_object_is_the_same_through_both(text):
    pieces = [{"content": text[at : at + 5]} for at in range(0, len(text), 5)]
    assert await through_langchain(Pick, Wire(*pieces)) == [Pick(currency="nano")] * 4
    assert await through_langchain(PickDict, Wire(*pieces)) == [{"currency": "nano"}] * 4
    schema = Pick.model_json_schema()
    assert await through_langchain(schema, Wire(*pieces)) == [{"currency": "nano"}] * 4
    found = await through_llama_index(Pick, *replies({"content": text}))
    assert found == [Pick(currency="nano")] * 5


@pytest.mark.parametrize(("text", "reason"), [NONE[name] for name in NOT_FOUND], ids=NOT_FOUND)
async def test_no_other_is_taken_through_either(text, reason):
    for cls in (Pick, PickDict, Pick.model_json_schema()):
        for error in await through_langchain(cls, Wire({"content": text})):
            assert isinstance(error, OutputParserException)
            assert error.llm_output == text
    for error in await through_llama_index(Pick, *replies({"content": text})):
        assert isinstance(error, NoObjectError)
        assert (error.reason, error.text) == (reason, text)


ARGUMENTS = {
    "plain": NANO,
    "spaced": f" {NANO}\n",
    "encoded twice": json.dumps(NANO),
    "in a fence": f"```json\n{NANO}\n```",
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
async def test_arguments_of_a_tool_are_read_alike(arguments):
    wire = Wire(lc_call(arguments, id="c1", name="Pick"), finish="tool_calls")
    found = await through_langchain(Pick, wire, "function_calling")
    assert found == [Pick(currency="nano")] * 4
    said = {"content": None, "tool_calls": [call(0, "c", "Pick", arguments)]}
    found = await through_llama_index(Pick, *replies(said, "tool_calls"), model="a/b")
    assert found == [Pick(currency="nano")] * 5


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
async def test_an_answer_in_the_other_way_than_asked_for_is_read(method):
    for wire in (
        Wire({"content": f"Here: {NANO}"}),
        Wire(lc_call(NANO, id="c1", name="Pick"), finish="tool_calls"),
    ):
        found = await through_langchain(Pick, wire, method)
        assert found == [Pick(currency="nano")] * 4


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
async def test_a_call_of_another_tool_is_no_answer(method):
    wire = Wire(lc_call(NANO, id="c1", name="buy"), finish="tool_calls")
    for error in await through_langchain(Pick, wire, method):
        assert isinstance(error, OutputParserException)


@pytest.mark.parametrize("half", ['{"currency": "na', "{", '"{\\"currency\\": \\"na'])
@pytest.mark.parametrize("finish", ["length", "stop", "tool_calls"])
async def test_half_of_the_arguments_is_none(half, finish):
    wire = Wire(lc_call(half, id="c1", name="Pick"), finish=finish)
    for cls in (Pick, PickDict):
        for error in await through_langchain(cls, wire, "function_calling"):
            assert isinstance(error, OutputParserException)
    said = {"content": None, "tool_calls": [call(0, "c", "Pick", half)]}
    for error in await through_llama_index(Pick, *replies(said, finish), model="a/b"):
        assert isinstance(error, NoObjectError)


async def test_whole_json_of_a_cut_answer_is_none():
    for error in await through_langchain(Pick, Wire({"content": NANO}, finish="length")):
        assert "max_tokens" in str(error)
    for error in await through_llama_index(Pick, *replies({"content": NANO}, "length")):
        assert "max_tokens" in str(error)


async def test_a_list_is_an_answer_too():
    ages = RootModel[list[int]]
    wire = Wire({"content": "The ages: [36, 37]"})
    assert await through_langchain(ages, wire, "json_schema") == [ages([36, 37])] * 4
    assert "strict" not in wire.bodies[0]["response_format"]["json_schema"]
    found = await through_llama_index(ages, *replies({"content": "[36, 37]"}), model="a/b")
    assert found == [ages([36, 37])] * 5
    with pytest.raises(InvalidArgumentError, match="method='json_schema'"):
        wire.model().with_structured_output(ages, method="function_calling")


def test_what_is_thought_is_not_shown_while_it_arrives():
    text = f'<think>Maybe {{"currency": "euro"}}?</think>\n{NANO}'
    pieces = [{"content": piece} for piece in text]
    chain: Any = Wire(*pieces).model().with_structured_output(PickDict, method="json_mode")
    shown = list(chain.stream("hi"))
    assert shown[-1] == {"currency": "nano"}
    assert all("nano".startswith(part.get("currency", "")) for part in shown)
    llm = Scripted(stream(*pieces)).llm()
    objects: list[Any] = list(llm.stream_structured_predict(Pick, PROMPT))
    assert len(objects) > 3
    assert all("nano".startswith(part.currency or "") for part in objects)


@pytest.mark.parametrize("cls", [Page, Tree])
async def test_names_and_references_go_and_come_back(cls):
    value = {"items": [1]} if cls is Page else {"value": 1, "kids": [{"value": 2, "kids": []}]}
    text = json.dumps(value)
    name = "Page_int_" if cls is Page else "Tree"
    wire = Wire(lc_call(text, id="c1", name=name), finish="tool_calls")
    found = await through_langchain(cls, wire, "function_calling")
    assert found == [cls.model_validate(value)] * 4
    assert wire.bodies[0]["tool_choice"]["function"]["name"] == name
    assert wire.bodies[0]["tools"][0]["function"]["name"] == name
    wire = Wire({"content": text})
    assert await through_langchain(cls, wire, "json_schema") == [cls.model_validate(value)] * 4
    assert wire.bodies[0]["response_format"]["json_schema"]["name"] == name
    assert wire.bodies[0]["response_format"]["json_schema"]["strict"] is True


def test_a_wish_for_strict_that_cannot_be_met_is_told():
    class Free(BaseModel):
        keys: dict[str, int]

    wire = Wire({"content": "{}"})
    asks: Any = [
        lambda: wire.model().with_structured_output(Free, method="json_schema", strict=True),
        lambda: wire.model().with_structured_output(Free, method="function_calling", strict=True),
        lambda: wire.model().bind_tools([Free], strict=True),
    ]
    for model in ("openai/gpt-5.2", "a/b"):
        llm = Scripted(whole({"content": "{}"})).llm(model)
        asks.append(
            lambda llm=llm: llm.structured_predict(Free, PROMPT, llm_kwargs={"strict": True})
        )
    for ask in asks:
        with pytest.raises(InvalidArgumentError, match=r"strict=True: schema\.keys has keys of"):
            ask()
    assert wire.bodies == []
