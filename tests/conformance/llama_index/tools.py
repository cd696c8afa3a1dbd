"""Tool calls and structured prediction: what LlamaIndex's agents and programs stand on."""

from __future__ import annotations

import gc
import json
from contextlib import suppress
from typing import Any

import pytest
from llama_index.core import PromptTemplate
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from tests.conformance.llama_index.answers import EACH_STREAM
from tests.conformance.llama_index.base import Hooks, ask, calls_of
from tests.conformance.llama_index.wire import Answer, call, more
from tests.support.rawserver import RawRequest


def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def negate(a: int) -> int:
    """Turn a number's sign."""
    return -a


TOOLS: list[Any] = [FunctionTool.from_defaults(multiply), FunctionTool.from_defaults(negate)]
ARGUMENTS = '{"a": 12, "b": 34}', '{"a": 5}'
CALLS = [call(0, "c1", "multiply", ARGUMENTS[0]), call(1, "c2", "negate", ARGUMENTS[1])]
EXPECTED = [("c1", "multiply", {"a": 12, "b": 34}), ("c2", "negate", {"a": 5})]

# The same two calls, as servers were seen to stream them.
SPLITS: dict[str, list[dict[str, Any]]] = {
    "both in one piece": [{"tool_calls": CALLS}],
    "letter by letter": [
        {"tool_calls": [call(0, "c1", "multiply", "")]},
        *({"tool_calls": [more(0, letter)]} for letter in ARGUMENTS[0]),
        {"tool_calls": [call(1, "c2", "negate", "")]},
        *({"tool_calls": [more(1, letter)]} for letter in ARGUMENTS[1]),
    ],
    "interleaved": [
        {"tool_calls": [call(0, "c1", "multiply", ""), call(1, "c2", "negate", "")]},
        {"tool_calls": [more(1, ARGUMENTS[1][:4])]},
        {"tool_calls": [more(0, ARGUMENTS[0][:7])]},
        {"tool_calls": [more(0, ARGUMENTS[0][7:]), more(1, ARGUMENTS[1][4:])]},
    ],
    "id and name in every piece": [
        {"tool_calls": [call(0, "c1", "multiply", ARGUMENTS[0][:5])]},
        {"tool_calls": [call(0, "c1", "multiply", ARGUMENTS[0][5:])]},
        {"tool_calls": [call(1, "c2", "negate", ARGUMENTS[1])]},
    ],
    "one index for both": [
        {"tool_calls": [call(0, "c1", "multiply", ARGUMENTS[0])]},
        {"tool_calls": [call(0, "c2", "negate", ARGUMENTS[1])]},
    ],
}
EACH_SPLIT = pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS.keys())


def calling(split: list[dict[str, Any]]) -> Answer:
    """An answer that makes both calls."""
    message = {"content": None, "tool_calls": CALLS}
    return Answer(message, [{"role": "assistant", "content": None}, *split], "tool_calls")


BOTH = calling(SPLITS["both in one piece"])
DONE = Answer({"content": "They are 408 and -5."})


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


ADA = Person(name="Ada", age=36)
PREDICTIONS = (
    "structured_predict",
    "astructured_predict",
    "stream_structured_predict",
    "astream_structured_predict",
)
EACH_PREDICTION = pytest.mark.parametrize("way", PREDICTIONS)


def ada(request: RawRequest) -> Any:
    """Answer with Ada, as a call if a tool is offered, else as JSON."""
    body, text = json.loads(request.body), ADA.model_dump_json()
    if not body.get("tools"):
        return Answer({"content": text}, [{"content": text[:9]}, {"content": text[9:]}])(request)
    name = body["tools"][0]["function"]["name"]
    pieces = [call(0, "c1", name, text[:9]), more(0, text[9:18]), more(0, text[18:])]
    deltas = [{"tool_calls": [piece]} for piece in pieces]
    return Answer({"tool_calls": [call(0, "c1", name, text)]}, deltas, "tool_calls")(request)


async def predict(llm: Any, way: str, **kwargs: Any) -> list[Any]:
    """Return the object, or all stages of the streamed one."""
    prompt = PromptTemplate("Describe {who}.")
    answer = getattr(llm, way)(Person, prompt, who="Ada", **kwargs)
    if way.startswith("a"):
        answer = await answer
    if "stream" not in way:
        return [answer]
    return [item async for item in answer] if way.startswith("a") else list(answer)


@pytest.mark.filterwarnings(
    # LlamaIndex's own: its workflows look at attributes of an agent that pydantic deprecates, and
    # its memories leave their database to the garbage collector.
    "ignore::pydantic.PydanticDeprecatedSince20",
    "ignore::pydantic.PydanticDeprecatedSince211",
    "ignore:is_running called from within a step:DeprecationWarning",
    "ignore:<aiosqlite:ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
class Tools(Hooks):
    """Invariants of calls, agents and structured prediction."""

    @pytest.fixture(autouse=True)
    def only_with_tools(self):
        if not self.has_tools:
            pytest.skip("this LLM calls no tools")

    @pytest.fixture
    def litter_stays_here(self):
        """Collect LlamaIndex's garbage under the filters above, not in somebody else's test."""
        yield
        gc.collect()

    @EACH_STREAM
    @EACH_SPLIT
    async def test_calls_arrive_whole(self, serve, way, split):
        """Parallel calls arrive whole, however their deltas are split and interleaved."""
        llm, _ = serve(calling(split))
        assert calls_of(llm, (await ask(llm, way))[-1]) == EXPECTED

    @EACH_STREAM
    @EACH_SPLIT
    async def test_calls_can_be_read_while_they_arrive(self, serve, way, split):
        """Calls can be read from every chunk, even from half a call, as agents do."""
        llm, _ = serve(calling(split))
        for item in await ask(llm, way):
            for _, _, arguments in calls_of(llm, item):
                assert isinstance(arguments, dict)

    @pytest.mark.parametrize("arguments", ["", "null", " {}", " "])
    async def test_empty_arguments_are_none(self, serve, arguments):
        """Arguments that are empty, blank or null count as no arguments."""
        llm, _ = serve(Answer({"content": None, "tool_calls": [call(0, "c1", "f", arguments)]}))
        assert calls_of(llm, llm.chat([ChatMessage("hi")])) == [("c1", "f", {})]

    @pytest.mark.parametrize("arguments", ["[1]", '{"a": 1', '{"a": "', '"a'])
    @pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "whole"])
    @pytest.mark.usefixtures("litter_stays_here")
    async def test_unreadable_calls_are_not_run(self, serve, arguments, streaming):
        """A call with truncated or non-object arguments is not run; it is sent back as JSON."""
        ran = []

        def delete(a: str | None = None) -> str:
            """Delete one, or everything."""
            ran.append(a)
            return "deleted"

        calls = [call(0, "c1", "delete", arguments)]
        llm, server = serve(Answer({"content": None, "tool_calls": calls}, (), "length"), DONE)
        with suppress(ValueError):  # whether it is the caller who is told, or the model
            await FunctionAgent(tools=[delete], llm=llm, streaming=streaming).run("Delete it.")
        assert ran == []
        for message in server.body()["messages"]:
            for sent in message.get("tool_calls") or ():
                assert isinstance(json.loads(sent["function"]["arguments"]), dict)

    @EACH_STREAM
    async def test_ids_tell_calls_apart(self, serve, way):
        """Calls that come without an id get unique ones."""
        nameless = [call(at, None, "negate", f'{{"a": {at}}}') for at in range(2)]
        llm, _ = serve(
            Answer({"content": None, "tool_calls": nameless}, finish_reason="tool_calls")
        )
        ids = [call_id for call_id, _, _ in calls_of(llm, (await ask(llm, way))[-1])]
        assert len(set(ids)) == 2
        assert all(ids)

    @EACH_SPLIT
    @pytest.mark.usefixtures("litter_stays_here")
    async def test_an_agent_runs_its_tools(self, serve, split):
        """A `FunctionAgent` runs both calls of a streamed answer, and pairs results with calls."""
        llm, server = serve(calling(split), DONE)
        handler = FunctionAgent(tools=TOOLS, llm=llm).run("What are 12 * 34 and the negative of 5?")
        events = [event async for event in handler.stream_events()]
        results = {e.tool_name: str(e.tool_output) for e in events if isinstance(e, ToolCallResult)}
        assert results == {"multiply": "408", "negate": "-5"}
        assert str(await handler) == DONE.message["content"]
        assert any(e.delta for e in events if isinstance(e, AgentStream))
        answers = [m for m in server.body()["messages"] if m["role"] == "tool"]
        assert {m["tool_call_id"]: m["content"] for m in answers} == {"c1": "408", "c2": "-5"}
        assert server.posts == 2

    async def test_predict_and_call(self, serve):
        """`predict_and_call` runs the one call that it requires."""
        llm, _ = serve(BOTH)
        assert str(llm.predict_and_call(TOOLS, user_msg="hi")) == "408"
        assert str(await llm.apredict_and_call(TOOLS, user_msg="hi")) == "408"

    async def test_history_is_copied(self, serve):
        """The caller's history is not appended to."""
        llm, server = serve(BOTH)
        history = [ChatMessage("first")]
        llm.chat_with_tools(TOOLS, user_msg="second", chat_history=history)
        assert len(history) == 1
        assert [m["content"] for m in server.body()["messages"]] == ["first", "second"]

    async def test_no_tools_no_words_about_tools(self, serve):
        """Without tools, no options about tools are sent, which servers reject."""
        llm, server = serve(DONE)
        llm.chat_with_tools([], user_msg="hi", tool_required=True)
        assert not {"tools", "tool_choice", "parallel_tool_calls"} & server.body().keys()

    async def test_a_call_can_be_required(self, serve):
        """`tool_required` and a tool's name as `tool_choice` reach the wire."""
        llm, server = serve(BOTH)
        llm.chat_with_tools(TOOLS, user_msg="hi", tool_required=True)
        assert server.body()["tool_choice"] == "required"
        llm.chat_with_tools(TOOLS, user_msg="hi", tool_choice="negate")
        named = {"type": "function", "function": {"name": "negate"}}
        assert server.body()["tool_choice"] == named

    @EACH_PREDICTION
    async def test_objects_are_predicted(self, serve, way):
        """Structured prediction returns the object with one request, in all four forms."""
        llm, server = serve(ada)
        assert (await predict(llm, way))[-1].model_dump() == ADA.model_dump()
        assert server.posts == 1

    @EACH_PREDICTION
    async def test_predictions_are_forced(self, serve, way):
        """All four forms force the object, by a schema or a required call."""
        llm, server = serve(ada)
        await predict(llm, way)
        body = server.body()
        assert "response_format" in body or body["tool_choice"] not in ("auto", "none")

    @EACH_PREDICTION
    async def test_predictions_keep_the_system_prompt(self, serve, way):
        """The LLM's system prompt is sent, in all four forms."""
        llm, server = serve(ada, system_prompt="Be brief.")
        await predict(llm, way)
        assert server.body()["messages"][0] == {"role": "system", "content": "Be brief."}

    @pytest.mark.parametrize("way", PREDICTIONS[2:])
    async def test_objects_grow(self, serve, way):
        """A streamed object shows its known fields before it is complete."""
        llm, _ = serve(ada)
        stages = [stage.model_dump(exclude_unset=True) for stage in await predict(llm, way)]
        assert any(stage.get("name") and stage.get("age") is None for stage in stages)

    @EACH_PREDICTION
    @pytest.mark.parametrize("around", ["{}", "```json\n{}\n```"], ids=["bare", "fenced"])
    async def test_objects_in_text_are_read(self, serve, way, around):
        """JSON text, fenced or not, is parsed too, for models that ignore a required tool call."""
        text = around.replace("{}", ADA.model_dump_json())
        llm, server = serve(Answer({"content": text}))
        assert (await predict(llm, way))[-1].model_dump() == ADA.model_dump()
        assert server.posts == 1

    async def test_words_given_are_left_alone(self, serve):
        """Option dicts that the caller passes are not modified."""
        llm, _ = serve(ada)
        words = {"temperature": 0.5, "tool_required": True}
        await predict(llm, "structured_predict", llm_kwargs=words)
        assert words == {"temperature": 0.5, "tool_required": True}
