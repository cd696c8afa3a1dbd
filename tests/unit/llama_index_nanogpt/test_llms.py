"""`NanoGPT`: its eight methods, its events, what it sends, and how it travels."""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import Any

import httpx
import pytest
from llama_index.core import Settings
from llama_index.core.callbacks import CallbackManager, TokenCountingHandler
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.event_handlers import BaseEventHandler
from pydantic import ValidationError

from llama_index_nanogpt import NanoGPT
from nanogpt_client import (
    AuthenticationError,
    BadRequestError,
    Budget,
    BudgetExceededError,
    ConfigurationError,
    ContextLengthExceededError,
    InvalidArgumentError,
    Ledger,
    NanoGPTClient,
    StreamInterruptedError,
)
from tests.conformance.llama_index.events import Limiter
from tests.conformance.llama_index.wire import USAGE, call, stream, whole
from tests.unit.llama_index_nanogpt.scripted import Scripted

HELLO = [ChatMessage("hi")]
MESSAGE = {
    "content": "Hello there",
    "reasoning": "A greeting.",
    "annotations": [{"type": "url_citation", "url_citation": {"url": "https://s", "title": "T"}}],
    "tool_calls": [call(0, "c1", "f", '{"a": 1}'), call(1, "c2", "g", "{}")],
}
PIECES = stream(
    {"role": "assistant"},
    {"reasoning": "A gre"},
    {"reasoning": "eting."},
    {"content": "Hello"},
    {"content": " there", "annotations": MESSAGE["annotations"]},
    {"tool_calls": [call(0, "c1", "f", '{"a"'), call(1, "c2", "g", "")]},
    {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]},
    finish_reason="stop",
)


def same(response):
    """What must not depend on how an answer was asked for."""
    # A stream's frames are gone when it ends; a whole reply keeps its choices as they came.
    raw = {k: v for k, v in response.raw.items() if k not in {"choices", "object"}}
    return response.message, raw, response.additional_kwargs


async def items_of(coroutine):
    return [item async for item in await coroutine]


class Recorder(BaseEventHandler):
    """Keeps the names of events and the last of each kind."""

    names: list[str] = []  # noqa: RUF012 - a pydantic field
    last: dict = {}  # noqa: RUF012 - a pydantic field

    @classmethod
    def class_name(cls):
        return "Recorder"

    def handle(self, event, **_):
        self.names.append(event.class_name())
        self.last[event.class_name()] = event


@pytest.fixture
def recorder():
    handler, root = Recorder(names=[], last={}), get_dispatcher()
    root.add_event_handler(handler)
    yield handler
    root.event_handlers.remove(handler)


async def test_whole_streamed_sync_and_async_give_the_same_answer():
    llm = Scripted(whole(MESSAGE)).llm()
    streaming = Scripted(PIECES).llm()
    answers = [
        llm.chat(HELLO),
        await llm.achat(HELLO),
        list(streaming.stream_chat(HELLO))[-1],
        (await items_of(streaming.astream_chat(HELLO)))[-1],
    ]
    assert all(same(answer) == same(answers[0]) for answer in answers)
    said = answers[0].message
    assert [b.block_type for b in said.blocks] == ["thinking", "text", "tool_call", "tool_call"]
    assert answers[0].raw["usage"] == USAGE
    assert answers[0].raw["cost"] == 0.00125
    assert answers[0].raw["finish_reason"] == "stop"


async def test_completions_are_the_same_four_ways():
    llm, streaming = Scripted(whole(MESSAGE)).llm(), Scripted(PIECES).llm()
    answers = [
        llm.complete("hi"),
        await llm.acomplete("hi"),
        list(streaming.stream_complete("hi"))[-1],
        (await items_of(streaming.astream_complete("hi")))[-1],
    ]
    assert {answer.text for answer in answers} == {"Hello there"}
    assert {answer.additional_kwargs["cost"] for answer in answers} == {0.00125}


def test_streamed_items_add_up():
    items = list(Scripted(PIECES).llm().stream_chat(HELLO))
    assert "".join(item.delta or "" for item in items) == items[-1].message.content
    texts = [item.message.content or "" for item in items]
    assert all(after.startswith(before) for before, after in itertools.pairwise(texts))
    reasoning = [item.additional_kwargs.get("thinking_delta") or "" for item in items]
    assert "".join(reasoning) == "A greeting."
    assert items[-1].delta == ""


def test_nothing_is_sent_before_the_first_item_but_bad_options_are_refused_at_once():
    server = Scripted(PIECES)
    items = server.llm().stream_chat(HELLO)
    assert server.bodies == []
    next(items)
    assert len(server.bodies) == 1
    with pytest.raises(InvalidArgumentError, match="temperature"):
        server.llm().stream_chat(HELLO, temperature=9)


def test_leaving_a_stream_early_is_booked():
    llm = Scripted(PIECES).llm()
    for _ in llm.stream_chat(HELLO):
        break
    assert [entry.outcome for entry in llm.ledger] == ["abandoned"]


async def test_leaving_an_async_stream_early_is_booked_too():
    llm = Scripted(PIECES).llm()
    items = await llm.astream_chat(HELLO)
    await anext(items)
    await items.aclose()
    await asyncio.sleep(0.01)  # LlamaIndex leaves closing what it wraps to the event loop
    assert [entry.outcome for entry in llm.ledger] == ["abandoned"]


def test_a_cut_stream_is_an_error_that_holds_what_came():
    llm = Scripted(stream({"content": "Hel"}, {"content": "lo"}, finish_reason=None)).llm()
    with pytest.raises(StreamInterruptedError) as caught:
        list(llm.stream_chat(HELLO))
    assert caught.value.partial.text == "Hello"


def test_options_of_a_call_win_over_additional_kwargs_and_those_over_the_constructor():
    server = Scripted(whole({"content": "ok"}))
    more = {"top_p": 0.5, "min_p": 0.1, "some_new_word": 1}
    llm = server.llm(
        temperature=0.5, top_p=0.1, seed=3, extra_body={"x": 1}, additional_kwargs=more
    )
    kwargs = {"min_p": 0.2, "seed": None, "extra_body": {"y": 2}}
    llm.chat(HELLO, **kwargs)
    body = server.body
    words = {k: body.get(k) for k in ("temperature", "top_p", "min_p", "seed", "x", "y")}
    assert words == {"temperature": 0.5, "top_p": 0.5, "min_p": 0.2, "seed": None, "x": 1, "y": 2}
    assert body["some_new_word"] == 1
    assert kwargs == {"min_p": 0.2, "seed": None, "extra_body": {"y": 2}}
    assert llm.additional_kwargs == more


def test_the_model_and_its_words_go_over_the_wire_as_nanogpt_takes_them():
    server = Scripted(whole({"content": "ok"}))
    llm = server.llm(web_search="linkup-deep", memory=30, reasoning_effort="low")
    llm.chat(HELLO)
    assert server.body["model"] == "openai/gpt-5.2:memory-30:online/linkup-deep"
    assert server.body["reasoning_effort"] == "low"
    llm.chat(HELLO, model="deepseek/deepseek-v3.2", web_search=False, memory=None)
    assert server.body["model"] == "deepseek/deepseek-v3.2"


def test_typing_errors_and_several_answers_are_refused():
    llm = Scripted(whole({"content": "ok"})).llm()
    with pytest.raises(InvalidArgumentError, match="did you mean 'temperature'"):
        llm.chat(HELLO, temprature=0)
    with pytest.raises(InvalidArgumentError, match="n=1"):
        llm.chat(HELLO, n=2)
    with pytest.raises(ConfigurationError, match="temprature"):
        NanoGPT(model="m", temprature=0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="temperature"):
        NanoGPT(model="m", temperature=3)
    with pytest.raises(ValidationError, match="contradict"):
        NanoGPT(model="m:memory-1:memory-2")


def test_a_complaint_does_not_show_the_key():
    words: Any = {"model": "m", "api_key": "sk-secret-key", "temperature": "sk-secret-key"}
    with pytest.raises(ValidationError) as caught:
        NanoGPT(**words)
    assert "secret" not in str(caught.value)


def test_context_overflow_is_typed_and_notes_the_remedy():
    error = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    llm = Scripted(httpx.Response(400, json=error)).llm()
    with pytest.raises(ContextLengthExceededError) as caught:
        llm.chat(HELLO)
    assert "context_window" in caught.value.__notes__[0]


def test_a_model_without_tools_notes_the_remedy():
    error = {"error": {"message": "no tools", "code": "tool_choice_unsupported"}}
    with pytest.raises(BadRequestError) as caught:
        Scripted(httpx.Response(400, json=error)).llm().chat(HELLO)
    assert "is_function_calling_model=False" in caught.value.__notes__[0]


def test_other_errors_leave_as_they_are():
    llm = Scripted(httpx.Response(401, json={"error": {"message": "bad key"}})).llm()
    with pytest.raises(AuthenticationError) as caught:
        llm.chat(HELLO)
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.usefixtures("key_in_environment")
def test_metadata_knows_the_catalogue_and_listens_to_the_constructor():
    known = NanoGPT(model="openai/gpt-5.2:online").metadata
    assert known.context_window == 400_000
    assert (known.is_function_calling_model, known.is_chat_model) == (True, True)
    assert (known.num_output, known.model_name) == (-1, "openai/gpt-5.2:online")
    assert NanoGPT(model="m", max_tokens=99).metadata.num_output == 99
    told = NanoGPT(model="m", context_window=5, is_function_calling_model=False).metadata
    assert (told.context_window, told.is_function_calling_model) == (5, False)


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o", "openai/gpt-4.1-mini", "gemini-2.5-pro", "openai/o3", "no/body"]
)
@pytest.mark.usefixtures("key_in_environment")
def test_a_catalogue_that_denies_tools_keeps_no_agent_from_them(model):
    assert NanoGPT(model=model).metadata.is_function_calling_model
    told = NanoGPT(model=model, is_function_calling_model=False)
    assert not told.metadata.is_function_calling_model


@pytest.mark.usefixtures("key_in_environment")
def test_metadata_never_raises():
    unknown = NanoGPT(model="nobody/knows-this").metadata
    assert unknown.context_window == 24_000
    assert unknown.is_function_calling_model
    broken = NanoGPT(model="m")
    broken.model = ":"
    assert broken.metadata.model_name == ":"


def test_an_assumed_window_is_logged_once_per_model(caplog):
    llm = NanoGPT(model="somebody/new-model", api_key="k")
    assert {llm.metadata.context_window for _ in range(3)} == {24_000}
    (record,) = [each for each in caplog.records if "context window" in each.message]
    assert "'somebody/new-model'" in record.message
    caplog.clear()
    known = NanoGPT(model="somebody/other", api_key="k", context_window=9)
    assert known.metadata.context_window == 9
    assert not caplog.records


async def test_each_call_is_one_event_and_asks_the_limiter_once(recorder):
    server = Scripted(whole({"content": "ok"}))
    limiter = Limiter()
    llm = server.llm(rate_limiter=limiter)
    llm.complete("hi")
    await llm.acomplete("hi")
    llm.chat(HELLO)
    assert recorder.names.count("LLMCompletionStartEvent") == 2
    assert recorder.names.count("LLMCompletionEndEvent") == 2
    assert recorder.names.count("LLMChatStartEvent") == 1
    assert limiter.times == len(server.bodies) == 3


def test_the_end_event_of_a_stream_brings_usage_and_cost(recorder):
    list(Scripted(PIECES).llm().stream_chat(HELLO))
    response = recorder.last["LLMChatEndEvent"].response
    assert (response.raw["usage"], response.raw["cost"]) == (USAGE, 0.00125)
    payload = recorder.last["LLMChatStartEvent"].model_dict
    assert payload["model"] == payload["model_name"] == "openai/gpt-5.2"
    assert "api_key" not in payload


@pytest.mark.parametrize("usage", [USAGE, {**USAGE, "prompt_tokens": None, "input_tokens": 7}])
def test_tokens_are_counted_as_nanogpt_told(usage):
    counter = TokenCountingHandler()
    llm = Scripted(whole({"content": "ok"}, usage=usage)).llm(
        callback_manager=CallbackManager([counter])
    )
    llm.chat(HELLO)
    llm.complete("hi")
    assert (counter.prompt_llm_token_count, counter.completion_llm_token_count) == (14, 10)


def test_dicts_and_repr_hold_the_settings_without_the_key():
    llm = Scripted(whole({"content": "ok"})).llm(
        temperature=0.25, web_search={"depth": "deep"}, default_headers={"X-Team": "secret-team"}
    )
    llm.chat(HELLO)
    data = llm.to_dict()
    for text in (json.dumps(data), llm.to_json(), repr(llm), str(llm.to_payload())):
        assert "sk-test-key" not in text
        assert "secret-team" not in text
    again = NanoGPT.from_dict(data, api_key="sk-other")
    assert again.to_dict() == data
    assert (again.temperature, again.web_search) == (0.25, {"depth": "deep"})


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, lambda x: x.model_copy()])
def test_copies_work_before_and_after_use_and_book_together(travel, sandbox):
    llm = NanoGPT(
        model="openai/gpt-5.2", api_key=sandbox.api_key, base_url=sandbox.base_url, budget=Budget(9)
    )
    before = travel(llm)
    llm.complete("hi")
    after = travel(llm)
    assert before.complete("hi").text == after.complete("hi").text
    assert before.ledger is after.ledger is llm.ledger
    assert len(llm.ledger) == 3
    assert after.budget is llm.budget
    for model in (llm, before, after):
        model.close()


def test_a_copy_with_another_address_asks_there():
    here, there = Scripted(whole({"content": "here"})), Scripted(whole({"content": "there"}))
    llm = here.llm()
    assert llm.complete("hi").text == "here"
    client = httpx.Client(transport=httpx.MockTransport(there))
    assert llm.model_copy(update={"http_client": client}).complete("hi").text == "there"


def test_pickles_work_before_and_after_use(sandbox_environment):
    llm = NanoGPT(model="openai/gpt-5.2")
    before = pickle.dumps(llm)
    with llm._client():
        text = llm.complete("hi").text
    for data in (before, pickle.dumps(llm)):
        again = pickle.loads(data)
        assert again.complete("hi").text == text
        again.close()
    assert asyncio.run(_complete_and_close(pickle.loads(before))) == text


async def _complete_and_close(llm):
    try:
        return (await llm.acomplete("hi")).text
    finally:
        await llm.aclose()


def test_injected_clients_stay_open_and_are_not_left_out_of_pickles():
    llm = Scripted(whole({"content": "ok"})).llm()
    llm.complete("hi")
    assert copy.deepcopy(llm).complete("hi").text == "ok"
    llm.close()
    assert not llm.http_client.is_closed
    with pytest.raises(ConfigurationError, match="http_client cannot be pickled"):
        pickle.dumps(llm)


def test_several_event_loops_one_after_the_other(sandbox):
    llm = NanoGPT(model="openai/gpt-5.2", api_key=sandbox.api_key, base_url=sandbox.base_url)

    async def ask():
        items = await items_of(llm.astream_complete("hi"))
        return items[-1].text, (await llm.acomplete("hi")).text

    assert asyncio.run(ask()) == asyncio.run(ask())
    llm.close()


NESTED = """
import asyncio, sys
import nest_asyncio
from llama_index_nanogpt import NanoGPT

nest_asyncio.apply()
llm = NanoGPT(model="openai/gpt-5.2", base_url=sys.argv[1], api_key=sys.argv[2])

async def ask():
    return (await llm.acomplete("hi")).text

async def within():
    return asyncio.run(ask()), llm.complete("hi").text, await ask()

texts = {*asyncio.run(within()), asyncio.run(ask())}
print(len(texts), llm.ledger.totals.calls)
"""


@pytest.mark.unwatched
def test_loops_within_loops_work_with_nest_asyncio(sandbox):
    # In a process of its own, for `nest_asyncio` cannot be taken back.
    command = [sys.executable, "-W", "ignore", "-c", NESTED, sandbox.base_url, sandbox.api_key]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1 4\n", "")


async def test_two_calls_at_once_share_one_client(sandbox):
    llm = NanoGPT(model="openai/gpt-5.2", api_key=sandbox.api_key, base_url=sandbox.base_url)
    answers = await asyncio.gather(*(llm.acomplete("hi") for _ in range(8)))
    assert len({answer.text for answer in answers}) == 1
    assert llm.ledger.totals.calls == 8
    await llm.aclose()


def test_a_shared_client_brings_its_books(sandbox):
    settings: dict[str, Any] = {"base_url": sandbox.base_url, "pickle_api_key": True}
    with NanoGPTClient(sandbox.api_key, budget=Budget(9), **settings) as client:
        llm = NanoGPT(model="openai/gpt-5.2", client=client)
        llm.complete("hi")
        llm.close()
        assert llm.ledger is client.ledger
        assert llm.budget is client.budget
        assert client.ledger.spent > 0
        assert client.balance().usd  # still open
        again = pickle.loads(pickle.dumps(llm))
        assert again.client.config == client.config
        with pytest.raises(ConfigurationError, match="ledger differs from that of client="):
            NanoGPT(model="m", client=client, ledger=Ledger())


def test_a_spent_budget_refuses_the_next_call():
    budget = Budget("0.001")
    llm = Scripted(whole({"content": "ok"})).llm(budget=budget)
    llm.complete("hi")
    assert budget.spent == Decimal("0.00125")
    with pytest.raises(BudgetExceededError):
        llm.complete("hi")


def test_settings_takes_it():
    llm = Scripted(whole({"content": "ok"})).llm()
    try:
        Settings.llm = llm
        assert Settings.llm is llm
    finally:
        Settings._llm = None
