"""A structured answer is the same object, or the same refusal to guess, through both frameworks."""

from __future__ import annotations

import json
from typing import Any, TypedDict

import pytest
from langchain_core.exceptions import OutputParserException
from llama_index.core import PromptTemplate
from pydantic import BaseModel, RootModel

from langchain_nanogpt import ChatNanoGPT
from nanogpt_client import InvalidArgumentError
from nanogpt_client._adapters.json_in_text import NoObjectError
from nanogpt_client.sandbox import SandboxApp, ToolCall, Turn
from tests.conformance.llama_index.wire import stream
from tests.support.in_process import connection
from tests.unit.langchain_nanogpt.replies import MODEL, Wire
from tests.unit.llama_index_nanogpt.scripted import Scripted, llm_of
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


def app_of(*args: Any, **kwargs: Any) -> SandboxApp:
    """Return an app whose model always gives this turn."""
    return SandboxApp(model=lambda _: Turn(*args, **kwargs), rate=None)


def calling(name: str, arguments: str, finish: str | None = None) -> SandboxApp:
    return app_of(tool_calls=(ToolCall(name, arguments),), finish_reason=finish)


async def all_results(calls: Any, acalls: Any, errors: type[Exception]) -> list[Any]:
    """Return what the calls return; exceptions are results, too."""
    results: list[Any] = []
    for each in calls:
        try:
            results.append(each())
        except errors as error:
            results.append(error)
    for each in acalls:
        try:
            results.append(await each())
        except errors as error:
            results.append(error)
    return results


async def through_langchain(cls: Any, app: SandboxApp, method: Any = "json_mode") -> list[Any]:
    """Return the results of all ways."""
    llm = ChatNanoGPT(model=MODEL, **connection(app))
    chain: Any = llm.with_structured_output(cls, method=method)

    async def astream() -> Any:
        return [part async for part in chain.astream("hi")][-1]

    return await all_results(
        [lambda: chain.invoke("hi"), lambda: list(chain.stream("hi"))[-1]],
        [lambda: chain.ainvoke("hi"), astream],
        OutputParserException,
    )


async def through_llama_index(cls: Any, app: SandboxApp, model: str = MODEL) -> list[Any]:
    """Return the results of all ways."""
    llm = llm_of(app, model)

    async def astream() -> Any:
        return [part async for part in await llm.astream_structured_predict(cls, PROMPT)][-1]

    return await all_results(
        [
            lambda: llm.structured_predict(cls, PROMPT),
            lambda: llm.as_structured_llm(cls).complete("hi").raw,
            lambda: list(llm.stream_structured_predict(cls, PROMPT))[-1],
        ],
        [lambda: llm.astructured_predict(cls, PROMPT), astream],
        NoObjectError,
    )


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
    app = app_of(text)
    assert await through_langchain(Pick, app) == [Pick(currency="nano")] * 4
    for schema in (PickDict, Pick.model_json_schema()):
        assert await through_langchain(schema, app) == [{"currency": "nano"}] * 4
    assert await through_llama_index(Pick, app) == [Pick(currency="nano")] * 5


@pytest.mark.parametrize(("text", "reason"), [NONE[name] for name in NOT_FOUND], ids=NOT_FOUND)
async def test_no_other_is_taken_through_either(text, reason):
    for cls in (Pick, PickDict, Pick.model_json_schema()):
        for error in await through_langchain(cls, app_of(text)):
            assert isinstance(error, OutputParserException)
            assert error.llm_output == text
    for error in await through_llama_index(Pick, app_of(text)):
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
    app = calling("Pick", arguments)
    found = await through_langchain(Pick, app, "function_calling")
    assert found == [Pick(currency="nano")] * 4
    assert await through_llama_index(Pick, app, "a/b") == [Pick(currency="nano")] * 5


METHODS = pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])


@METHODS
async def test_an_answer_in_the_other_way_than_asked_for_is_read(method):
    for app in (app_of(f"Here: {NANO}"), calling("Pick", NANO)):
        assert await through_langchain(Pick, app, method) == [Pick(currency="nano")] * 4


@METHODS
async def test_a_call_of_another_tool_is_no_answer(method):
    for error in await through_langchain(Pick, calling("buy", NANO), method):
        assert isinstance(error, OutputParserException)


@pytest.mark.unwatched
@pytest.mark.parametrize("half", ['{"currency": "na', "{", '"{\\"currency\\": \\"na'])
@pytest.mark.parametrize("finish", ["length", "stop", "tool_calls"])
async def test_half_of_the_arguments_is_no_object(half, finish):
    app = calling("Pick", half, finish)
    for cls in (Pick, PickDict):
        for error in await through_langchain(cls, app, "function_calling"):
            assert isinstance(error, OutputParserException)
    for error in await through_llama_index(Pick, app, "a/b"):
        assert isinstance(error, NoObjectError)


class Options(BaseModel):
    """A call without arguments would be one of these."""

    currency: str = "USD"


async def test_a_call_that_was_cut_off_before_its_arguments_is_no_object():
    app = calling("Options", "", "length")
    for error in await through_langchain(Options, app, "function_calling"):
        assert isinstance(error, OutputParserException)
    for error in await through_llama_index(Options, app, "a/b"):
        assert isinstance(error, NoObjectError)
    app = calling("Options", "", "tool_calls")
    assert await through_langchain(Options, app, "function_calling") == [Options()] * 4
    assert (await through_llama_index(Options, app, "a/b"))[-1] == Options()


async def test_whole_json_of_a_cut_answer_is_no_object():
    app = app_of(NANO, finish_reason="length")
    for error in (*await through_langchain(Pick, app), *await through_llama_index(Pick, app)):
        assert "max_tokens" in str(error)


async def test_a_list_is_an_answer_too():
    ages = RootModel[list[int]]
    app = app_of("The ages: [36, 37]")
    assert await through_langchain(ages, app, "json_schema") == [ages([36, 37])] * 4
    assert "strict" not in app.requests[0].json["response_format"]["json_schema"]
    assert await through_llama_index(ages, app_of("[36, 37]"), "a/b") == [ages([36, 37])] * 5
    llm = ChatNanoGPT(model=MODEL, **connection(app))
    with pytest.raises(InvalidArgumentError, match="method='json_schema'"):
        llm.with_structured_output(ages, method="function_calling")


def test_reasoning_in_the_text_is_not_shown_while_it_arrives():
    text = f'<think>Maybe {{"currency": "euro"}}?</think>\n{NANO}'
    deltas = [{"content": letter} for letter in text]
    chain: Any = Wire(*deltas).model().with_structured_output(PickDict, method="json_mode")
    shown = list(chain.stream("hi"))
    assert shown[-1] == {"currency": "nano"}
    assert all("nano".startswith(part.get("currency", "")) for part in shown)
    llm = Scripted(stream(*deltas)).llm()
    objects: list[Any] = list(llm.stream_structured_predict(Pick, PROMPT))
    assert len(objects) > 3
    assert all("nano".startswith(part.currency or "") for part in objects)


@pytest.mark.parametrize("cls", [Page, Tree])
async def test_names_and_references_go_and_come_back(cls):
    value = {"items": [1]} if cls is Page else {"value": 1, "kids": [{"value": 2, "kids": []}]}
    name = "Page_int_" if cls is Page else "Tree"
    app = calling(name, json.dumps(value))
    found = await through_langchain(cls, app, "function_calling")
    assert found == [cls.model_validate(value)] * 4
    assert app.requests[0].json["tool_choice"]["function"]["name"] == name
    assert app.requests[0].tools[0]["name"] == name
    app = app_of(json.dumps(value))
    assert await through_langchain(cls, app, "json_schema") == [cls.model_validate(value)] * 4
    sent = app.requests[0].json["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == (name, True)


def test_strict_that_a_schema_cannot_have_is_refused():
    class Free(BaseModel):
        keys: dict[str, int]

    app = app_of("{}")
    llm = ChatNanoGPT(model=MODEL, **connection(app))
    asks: list[Any] = [
        lambda: llm.with_structured_output(Free, method="json_schema", strict=True),
        lambda: llm.with_structured_output(Free, method="function_calling", strict=True),
        lambda: llm.bind_tools([Free], strict=True),
    ]
    for model in (MODEL, "a/b"):
        other = llm_of(app, model)
        asks.append(
            lambda llm=other: llm.structured_predict(Free, PROMPT, llm_kwargs={"strict": True})
        )
    for ask in asks:
        with pytest.raises(InvalidArgumentError, match=r"strict=True: schema\.keys has keys of"):
            ask()
    assert not app.requests
