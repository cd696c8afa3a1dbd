"""`batch_api`: what `model.batch` would have sent, and would have returned."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import ContextOverflowError, ModelInvalidRequestError
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from pydantic import BaseModel

from langchain_nanogpt import BatchJob, ChatNanoGPT, abatch_api, batch_api
from nanogpt_client import Budget, BudgetExceededError, InvalidArgumentError, JobFailedError
from nanogpt_client.sandbox import Failure, Sandbox, ToolCalls

MODEL = "openai/gpt-5.2"
SOON: Any = {"poll_interval": 0.001}


class Review(BaseModel):
    """A review of a film."""

    title: str
    stars: int


def weather(city: str) -> str:
    """Return the weather of a city."""
    return city


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
def llm(box) -> ChatNanoGPT:
    box.requests.clear()
    return ChatNanoGPT(model=MODEL, api_key=box.api_key, base_url=box.base_url, max_tokens=50)


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


PROMPT = ChatPromptTemplate.from_messages([("system", "You are {role}."), ("user", "{text}")])
CHAINS = {
    "model": lambda llm: llm,
    "tools": lambda llm: llm.bind_tools([weather], tool_choice="weather"),
    "bound": lambda llm: llm.bind(temperature=0).bind(stop=["."]),
    "structure": lambda llm: llm.with_structured_output(Review),
    "structure with raw": lambda llm: llm.with_structured_output(Review, include_raw=True),
    "chain": lambda llm: PROMPT | llm.with_structured_output(Review) | itemgetter_of("title"),
    "named": lambda llm: PROMPT | RunnableParallel(answer=llm),
    "configured": lambda llm: llm.with_config(tags=["x"]),
}


def itemgetter_of(name: str) -> Any:
    return RunnableLambda(lambda found: getattr(found, name))


def comparable(value: Any) -> Any:
    """Return an outcome without what differs from call to call: ids, and the price."""
    if isinstance(value, dict):
        return {name: comparable(item) for name, item in value.items()}
    if isinstance(value, AIMessage):
        calls = [call | {"id": ""} for call in value.tool_calls]
        changing = {"id", "request_id", "cost", "balance", "pricing"}
        metadata = {k: v for k, v in value.response_metadata.items() if k not in changing}
        return value.content, calls, value.usage_metadata, metadata, value.additional_kwargs
    return value


@pytest.mark.parametrize("name", CHAINS)
def test_a_batch_sends_and_returns_what_single_calls_do(llm, box, name):
    chain = CHAINS[name](llm)
    given = {"role": "terse", "text": "Hi"} if name in {"chain", "named"} else "Hi"
    job = batch_api(chain, [given, given])
    found = job.results(**SOON)
    single = chain.invoke(given)
    assert [comparable(each) for each in found] == 2 * [comparable(single)]
    rows = bodies(box)
    assert len(rows) == 3
    assert rows[0] == rows[1] == rows[2]


def test_costs_are_half_and_in_the_message(llm):
    (found,) = batch_api(llm, ["Hi"]).results(**SOON)
    single = llm.invoke("Hi")
    assert found.response_metadata["cost"] * 2 == single.response_metadata["cost"] > 0
    assert found.usage_metadata == single.usage_metadata
    assert float(llm.ledger.totals.cost) == pytest.approx(single.response_metadata["cost"] * 1.5)


def test_failed_inputs_are_exceptions_in_their_place(llm):
    found = batch_api(llm, ["a", "too long", "b"]).results(**SOON)
    assert [each.text for each in (found[0], found[2])] == ["re: a", "re: b"]
    (alone,) = llm.batch(["too long"], return_exceptions=True)
    assert type(found[1]) is type(alone)
    assert isinstance(found[1], ContextOverflowError)
    (raised,) = batch_api(llm.with_structured_output(Review), ["too long"]).results(**SOON)
    assert type(raised) is type(alone)


def test_another_process_collects_by_the_id(llm, box, monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", box.api_key)
    job = batch_api(llm, [f"{at}" for at in range(12)], inline=False)
    for again in (BatchJob(job.id, llm), pickle.loads(pickle.dumps(job))):
        again.wait(**SOON)
        found = again.results()
        assert [each.text for each in found] == [f"re: {at}" for at in range(12)]
    assert (job.status().status, job.status().progress) == ("completed", (12, 12))
    assert "sk-nano" not in repr(job)


def test_the_async_twins(llm):
    async def all_of_them() -> None:
        job = await abatch_api(PROMPT | llm, [{"role": "x", "text": "Hi"}], inline=False)
        assert (await job.astatus()).total == 1
        assert (await job.await_end(**SOON)).status == "completed"
        assert [each.text for each in await job.aresults()] == ["re: Hi"]
        cancelled = await abatch_api(llm, ["a", "b"])
        assert (await cancelled.acancel()).status == "cancelling"
        first, second = await cancelled.aresults(**SOON)
        assert first.text == "re: a"  # it was done by then
        assert isinstance(second, JobFailedError)
        await llm.aclose()

    asyncio.run(all_of_them())


def test_cancelled_inputs_are_exceptions_unless_they_were_done(llm):
    job = batch_api(llm, ["a", "b", "c"])
    assert job.cancel().status == "cancelling"
    first, *others = job.results(**SOON)
    assert first.text == "re: a"
    for each in others:
        assert isinstance(each, JobFailedError)
        assert "cancelled" in str(each)


def test_a_wrong_input_is_refused_before_anything_is_sent(llm, box):
    with pytest.raises(ModelInvalidRequestError, match="did you mean 'temperature'"):
        batch_api(llm.bind(temprature=1), ["Hi"])
    with pytest.raises(KeyError):
        batch_api(PROMPT | llm, [{"role": "x"}])
    with pytest.raises(InvalidArgumentError, match="no headers"):
        batch_api(llm.bind(extra_headers={"memory": "true"}), ["Hi"])
    with pytest.raises(InvalidArgumentError, match="at least one row"):
        batch_api(llm, [])
    assert len(box.requests) == 0


@pytest.mark.parametrize(
    ("chain", "why"),
    [
        (lambda _: RunnableLambda(str), "0 steps"),
        (lambda llm: llm | RunnableLambda(str) | llm, "2 steps"),
        (lambda llm: RunnableParallel(a=llm, b=llm), "0 steps"),
        (lambda llm: llm.with_retry(), "0 steps"),
        (lambda llm: llm.with_fallbacks([llm]), "0 steps"),
    ],
)
def test_chains_that_are_no_single_request(llm, box, chain, why):
    with pytest.raises(ModelInvalidRequestError, match=why):
        batch_api(chain(llm), ["Hi"])
    with pytest.raises(ModelInvalidRequestError, match=why):
        BatchJob("batch_1", chain(llm))
    assert len(box.requests) == 0


def test_the_budget_refuses_a_batch_as_a_whole(box):
    llm = ChatNanoGPT(model=MODEL, api_key=box.api_key, base_url=box.base_url, max_tokens=500,
                      budget=Budget("0.01"))  # fmt: skip
    with pytest.raises(BudgetExceededError):
        batch_api(llm, ["Hi"] * 10)


def test_no_callback_is_called_for_a_row(llm):
    class Refuses(BaseCallbackHandler):
        raise_error = True

        def on_chat_model_start(self, *_: Any, **__: Any) -> None:
            raise AssertionError

    quiet = llm.model_copy(update={"callbacks": [Refuses()], "streaming": True})
    (found,) = batch_api(quiet, [[HumanMessage("Hi")]]).results(**SOON)
    assert found.text == "re: Hi"
