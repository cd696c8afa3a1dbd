"""`batch_api`: what `llm.chat` would have sent, and would have returned."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from llama_index.core.llms import ChatMessage, MockLLM
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from llama_index_nanogpt import BatchJob, NanoGPT, abatch_api, batch_api
from nanogpt_client import InvalidArgumentError, JobFailedError, messages
from nanogpt_client.errors import ContextLengthExceededError
from nanogpt_client.sandbox import Failure, Sandbox, ToolCalls

MODEL = "openai/gpt-5.2"
SOON: Any = {"poll_interval": 0.001}
WEATHER = messages.function_tool(
    "weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}}
)


class Review(BaseModel):
    """A review of a film."""

    title: str
    stars: int


def collected(job: BatchJob) -> list[Any]:
    return list(job.results(**SOON))


def model(request: Any) -> Any:
    text = request.body["messages"][-1]["content"]
    if text == "too long":
        raise Failure("context")
    if request.body.get("tools"):
        return ToolCalls(weather={"city": text})
    return '{"title": "Dune", "stars": 5}' if request.body.get("response_format") else f"re: {text}"


@pytest.fixture(scope="module")
def box():
    with Sandbox(model=model, job_pace=1e9, rate=None) as sandbox:
        yield sandbox


@pytest.fixture
def llm(box) -> NanoGPT:
    box.requests.clear()
    return NanoGPT(model=MODEL, api_key=box.api_key, base_url=box.base_url, max_tokens=50)


def bodies(box: Sandbox) -> list[dict[str, Any]]:
    """Return the bodies of rows, and of single calls without what these add."""
    found = []
    for request in box.requests:
        if request.path.endswith("/beta/batches"):
            model_of_all = {"model": request.json["model"]}
            found += [model_of_all | each["body"] for each in request.json["requests"]]
        elif request.path.endswith("/chat/completions"):
            found.append({k: v for k, v in request.json.items() if k != "include_usage"})
    return found


def comparable(response: Any) -> Any:
    """Return a response without what differs from call to call: ids, and the price."""
    if isinstance(response.raw, BaseModel):
        return response.raw, response.message
    changing = {"id", "created", "request_id", "cost", "balance", "x_nanogpt_pricing", "choices"}
    raw = {k: v for k, v in response.raw.items() if k not in changing}
    calls = [block for block in response.message.blocks if hasattr(block, "tool_call_id")]
    return response.message.content, [call.tool_kwargs for call in calls], raw


@pytest.mark.parametrize("kwargs", [{}, {"temperature": 0}, {"tools": [WEATHER]}])
def test_a_batch_sends_and_returns_what_single_calls_do(llm, box, kwargs):
    found = collected(batch_api(llm, ["Hi", [ChatMessage("Hi")]], kwargs))
    single = llm.chat([ChatMessage("Hi")], **kwargs)
    assert [comparable(each) for each in found] == 2 * [comparable(single)]
    rows = bodies(box)
    assert rows[0] == rows[1] == rows[2]
    assert found[0].raw["cost"] * 2 == single.raw["cost"] > 0


@pytest.mark.parametrize("mode", [PydanticProgramMode.DEFAULT, PydanticProgramMode.LLM])
def test_structured_models(llm, box, mode):
    llm.pydantic_program_mode = mode
    structured = llm.as_structured_llm(Review)
    if mode is PydanticProgramMode.LLM:  # the schema is in the prompt, and the answer is prose
        (error,) = collected(batch_api(structured, ["Hi"]))
        assert isinstance(error, ValueError)
        return
    found = collected(batch_api(structured, ["Hi {x}", "too long"]))
    single = structured.chat([ChatMessage("Hi {x}")])
    assert comparable(found[0]) == comparable(single)
    assert isinstance(found[1], ContextLengthExceededError)
    rows = bodies(box)
    assert rows[0] == rows[2]


def test_failed_conversations_are_exceptions_in_their_place(llm):
    first, second, third = collected(batch_api(llm, ["a", "too long", "b"]))
    assert [first.message.content, third.message.content] == ["re: a", "re: b"]
    assert isinstance(second, ContextLengthExceededError)
    assert "context_window" in second.__notes__[0]  # as of a single call


def test_another_process_collects_by_the_id(llm):
    job = batch_api(llm, [f"{at}" for at in range(12)], inline=False)
    job.wait(**SOON)
    for again in (BatchJob(job.id, llm), job):
        found = collected(again)
        assert [each.message.content for each in found] == [f"re: {at}" for at in range(12)]
    assert job.status().progress == (12, 12)
    assert "sk-nano" not in repr(job)


@pytest.mark.filterwarnings("ignore")  # LlamaIndex's, of what it does not pickle
def test_a_job_can_be_pickled(llm, monkeypatch, box):
    job = batch_api(llm, ["Hi"])
    monkeypatch.setenv("NANOGPT_API_KEY", box.api_key)
    again = pickle.loads(pickle.dumps(job))
    assert [each.message.content for each in collected(again)] == ["re: Hi"]


def test_the_async_twins(llm):
    async def all_of_them() -> None:
        job = await abatch_api(llm, ["Hi"], inline=False)
        assert (await job.astatus()).total == 1
        assert (await job.await_end(**SOON)).status == "completed"
        found: list[Any] = await job.aresults()
        assert [each.message.content for each in found] == ["re: Hi"]
        cancelled = await abatch_api(llm, ["a", "b"])
        assert (await cancelled.acancel()).status == "cancelling"
        outcomes: list[Any] = await cancelled.aresults(**SOON)
        first, second = outcomes
        assert first.message.content == "re: a"  # it was done by then
        assert isinstance(second, JobFailedError)
        await llm.aclose()

    asyncio.run(all_of_them())


def test_a_wrong_conversation_is_refused_before_anything_is_sent(llm, box):
    with pytest.raises(InvalidArgumentError, match="one choice"):
        batch_api(llm, ["Hi"], {"n": 2})
    with pytest.raises(InvalidArgumentError, match="no headers"):
        batch_api(llm, ["Hi"], {"extra_headers": {"memory": "true"}})
    with pytest.raises(InvalidArgumentError, match="at least one row"):
        batch_api(llm, [])
    with pytest.raises(InvalidArgumentError, match="not MockLLM"):
        batch_api(MockLLM(), ["Hi"])  # type: ignore[arg-type]
    llm.pydantic_program_mode = PydanticProgramMode.GUIDANCE
    with pytest.raises(InvalidArgumentError, match="cannot be part of a batch"):
        batch_api(llm.as_structured_llm(Review), ["Hi"])
    assert len(box.requests) == 0
