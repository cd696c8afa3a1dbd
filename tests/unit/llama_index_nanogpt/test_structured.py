"""Structured prediction: three ways to ask, one way to read, never a second call."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from llama_index.core import PromptTemplate
from llama_index.core.llms import ChatMessage
from llama_index.core.types import PydanticProgramMode
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler
from pydantic import BaseModel, Field

from llama_index_nanogpt import NanoGPT
from llama_index_nanogpt._structured import choose_method
from nanogpt_client.messages import json_schema_format
from tests.conformance.llama_index.wire import call, stream, whole
from tests.unit.llama_index_nanogpt.scripted import Scripted


class Address(BaseModel):
    city: str
    zip: str | None = None


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int = Field(default=0, description="in years")
    home: Address | None = Field(default=None, description="where")
    tags: list[str] = []


class Tree(BaseModel):
    """A tree."""

    value: int
    children: list[Tree] = []


class Open(BaseModel):
    values: dict[str, int]


PROMPT = PromptTemplate("Describe {who}.")
PERSON = {"name": "Ada", "age": 36, "tags": ["a", "b"]}
TEXT = json.dumps(PERSON)
SCHEMAS, TOOLS, NEITHER = "openai/gpt-5.2", "nobody/knows-this", "nobody/knows-that"


def as_call(arguments=TEXT):
    return {"content": None, "tool_calls": [call(0, "c", "Person", arguments)]}


async def predictions(llm: NanoGPT, **kwargs: Any) -> list[Any]:
    """The last object of all four methods."""
    streamed = list(llm.stream_structured_predict(Person, PROMPT, who="Ada", **kwargs))
    generator = await llm.astream_structured_predict(Person, PROMPT, who="Ada", **kwargs)
    astreamed = [item async for item in generator]
    return [
        llm.structured_predict(Person, PROMPT, who="Ada", **kwargs),
        await llm.astructured_predict(Person, PROMPT, who="Ada", **kwargs),
        streamed[-1],
        astreamed[-1],
    ]


@pytest.mark.parametrize(
    ("model", "words", "asked_by"),
    [
        (SCHEMAS, {}, "response_format"),
        (TOOLS, {}, "tools"),
        (NEITHER, {"is_function_calling_model": False}, "text"),
        (SCHEMAS, {"pydantic_program_mode": PydanticProgramMode.FUNCTION}, "tools"),
        (SCHEMAS, {"pydantic_program_mode": PydanticProgramMode.LLM}, "text"),
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        {"content": TEXT},
        {"content": f"Here: {TEXT} Bye."},
        {"content": f"Sure:\n```json\n{TEXT}\n```"},
        as_call(),
    ],
)
async def test_all_four_methods_ask_alike_and_read_every_answer(model, words, asked_by, answer):
    frames = stream({"role": "assistant"}, answer)
    server = Scripted(frames, frames, whole(answer))
    llm = server.llm(model, system_prompt="Be brief.", **words)
    assert await predictions(llm) == [Person.model_validate(PERSON)] * 4
    assert len(server.bodies) == 4
    for body in server.bodies:
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}
        assert ("response_format" in body) == (asked_by == "response_format")
        assert ("tools" in body) == (asked_by == "tools")
        if asked_by == "tools":
            assert body["tool_choice"] == {"type": "function", "function": {"name": "Person"}}
            assert body["parallel_tool_calls"] is False
        described = "schema" in json.dumps(body["messages"])
        assert described == (asked_by == "text")


def test_objects_grow_while_they_arrive():
    pieces = [{"content": TEXT[at : at + 9]} for at in range(0, len(TEXT), 9)]
    llm = Scripted(stream({"reasoning": "hm"}, {"content": "```json\n"}, *pieces)).llm()
    objects = list(llm.stream_structured_predict(Person, PROMPT, who="Ada"))
    assert objects[0].model_dump()["name"].startswith("A")
    assert len(objects) > 3
    assert objects[-1] == Person.model_validate(PERSON)
    dumps = [item.model_dump(exclude_unset=True) for item in objects[:-1]]
    assert all(one != other for one, other in itertools.pairwise(dumps))


def test_tool_arguments_grow_too():
    head = {"tool_calls": [call(0, "c", "Person", "")]}
    pieces = [
        {"tool_calls": [{"index": 0, "function": {"arguments": TEXT[at : at + 9]}}]}
        for at in range(0, len(TEXT), 9)
    ]
    objects = list(
        Scripted(stream(head, *pieces))
        .llm(TOOLS)
        .stream_structured_predict(Person, PROMPT, who="A")
    )
    assert len(objects) > 3
    assert objects[-1] == Person.model_validate(PERSON)


@pytest.mark.parametrize(
    ("message", "finish_reason", "told"),
    [
        ({"content": '{"name": "Ada", "age": '}, "length", "length"),
        ({"content": "I would rather not."}, "stop", "rather not"),
        ({"content": None, "refusal": "Never."}, "stop", "Never"),
        (as_call('{"age": 1}'), "tool_calls", "Field required"),
        (as_call('{"name": "Ad'), "length", "length.*Ad"),
    ],
)
def test_an_answer_without_the_object_says_what_came_instead(message, finish_reason, told):
    server = Scripted(whole(message, finish_reason))
    with pytest.raises(ValueError, match=told):
        server.llm().structured_predict(Person, PROMPT, who="Ada")
    assert len(server.bodies) == 1
    streaming = Scripted(stream(message, finish_reason=finish_reason)).llm()
    with pytest.raises(ValueError, match=told):
        list(streaming.stream_structured_predict(Person, PROMPT, who="Ada"))


def test_the_callers_options_win_and_are_left_alone():
    server = Scripted(whole({"content": TEXT}))
    words = {"temperature": 0, "tool_required": True, "response_format": {"type": "json_object"}}
    server.llm(temperature=1).structured_predict(Person, PROMPT, llm_kwargs=words, who="Ada")
    assert server.body["temperature"] == 0
    assert server.body["response_format"] == {"type": "json_object"}
    assert len(words) == 3


def test_the_prompt_is_left_alone():
    history = [ChatMessage("Ada")]
    llm = Scripted(whole({"content": TEXT})).llm(pydantic_program_mode=PydanticProgramMode.LLM)
    llm.as_structured_llm(Person).chat(history)
    assert [len(message.blocks) for message in history] == [1]


def test_as_structured_llm():
    answer = Scripted(whole({"content": TEXT})).llm().as_structured_llm(Person).complete("Ada")
    assert answer.raw == Person.model_validate(PERSON)


def test_events_of_a_prediction_come_once():
    names = []

    class Names(BaseEventHandler):
        @classmethod
        def class_name(cls):
            return "Names"

        def handle(self, event, **_):
            names.append(event.class_name())

    handler, root = Names(), get_dispatcher()
    root.add_event_handler(handler)
    try:
        Scripted(whole({"content": TEXT})).llm().structured_predict(Person, PROMPT, who="Ada")
    finally:
        root.event_handlers.remove(handler)
    assert names == [
        "LLMStructuredPredictStartEvent", "LLMChatStartEvent", "LLMChatEndEvent",
        "LLMStructuredPredictEndEvent",
    ]  # fmt: skip


async def test_other_program_modes_are_llama_indexes_own():
    assert choose_method(PydanticProgramMode.GUIDANCE, schemas=True, tools=True) is None
    llm = Scripted(whole({"content": TEXT})).llm(pydantic_program_mode=PydanticProgramMode.GUIDANCE)
    unsupported = pytest.raises(ValueError, match="Unsupported pydantic program mode")
    with unsupported:
        llm.structured_predict(Person, PROMPT, who="Ada")
    with unsupported:
        await llm.astructured_predict(Person, PROMPT, who="Ada")
    with unsupported:
        list(llm.stream_structured_predict(Person, PROMPT, who="Ada"))
    with unsupported:
        await anext(await llm.astream_structured_predict(Person, PROMPT, who="Ada"))


def test_schemas_are_strict_where_strict_mode_can_express_them():
    schema = json_schema_format("Person[int]", Person.model_json_schema())["json_schema"]
    assert schema["name"] == "Person_int_"
    assert schema["strict"] is True
    built = schema["schema"]
    assert built["required"] == ["name", "age", "home", "tags"]
    assert built["additionalProperties"] is False
    assert "default" not in built["properties"]["age"]
    assert built["$defs"]["Address"]["required"] == ["city", "zip"]
    loose = json_schema_format("Open", Open.model_json_schema())["json_schema"]
    assert "strict" not in loose
    assert loose["schema"] == Open.model_json_schema()


@pytest.mark.parametrize("model", [SCHEMAS, TOOLS])
def test_a_class_that_holds_itself_is_an_object_at_the_root(model):
    script = Scripted(whole({"content": '{"value": 1, "children": [{"value": 2}]}'}))
    found = script.llm(model=model).structured_predict(Tree, PROMPT, who="a tree")
    assert found == Tree(value=1, children=[Tree(value=2)])
    body = script.bodies[-1]
    if model == SCHEMAS:
        schema = body["response_format"]["json_schema"]["schema"]
    else:
        assert body["tools"][0]["function"]["description"] == "A tree."
        schema = body["tools"][0]["function"]["parameters"]
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert "Tree" in schema["$defs"]
    assert not schema.keys() & {"$ref", "anyOf"}


@pytest.mark.parametrize(
    "said", ["{0} I hope {{that}} helps.", "Here:\n{0}\n{0}", "```json\n{0}\n```\n{{done}}"]
)
def test_words_around_the_object_may_hold_braces(said):
    script = Scripted(whole({"content": said.format(TEXT)}))
    found = script.llm(model=SCHEMAS).structured_predict(Person, PROMPT, who="Ada")
    assert found == Person.model_validate(PERSON)


@pytest.mark.parametrize("said", [f"[{TEXT}, {TEXT}]", '{"name": "Ada", "home": {"name": "a"}'])
def test_half_an_object_or_one_of_several_is_none(said):
    script = Scripted(whole({"content": said}))
    with pytest.raises(ValueError, match="returned no Person"):
        script.llm(model=SCHEMAS).structured_predict(Person, PROMPT, who="Ada")


@pytest.mark.parametrize("model", [SCHEMAS, "deepseek/deepseek-v3.2"])
async def test_the_sandbox_fills_the_schema(model, sandbox):
    for mode in (PydanticProgramMode.DEFAULT, PydanticProgramMode.FUNCTION):
        llm = NanoGPT(
            model=model,
            api_key=sandbox.api_key,
            base_url=sandbox.base_url,
            pydantic_program_mode=mode,
        )
        assert all(isinstance(found, Person) for found in await predictions(llm))
        llm.close()
        await llm.aclose()
