"""Middleware: what a run costs, a limit for it, a fallback model; blocking and async alike."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_nanogpt import ChatNanoGPT, NanoGPTCostCallbackHandler, NanoGPTToolkit
from langchain_nanogpt.middleware import (
    NanoGPTBudgetMiddleware,
    NanoGPTCostMiddleware,
    NanoGPTFallbackMiddleware,
)
from nanogpt_client import Budget, ConfigurationError, NanoGPTClient, NanoGPTError
from nanogpt_client.sandbox import SandboxApp, Script, ToolCalls
from tests.support.in_process import connection
from tests.support.paths import ROOT
from tests.unit.langchain_nanogpt.samples import picture

MODEL, CHEAP, DEAR = "openai/gpt-5.2", "openai/gpt-5-nano", "openai/gpt-5.2-pro"
TEXT_ALONE = "deepseek/deepseek-v3.2"
PNG = b64encode(picture("PNG")).decode()

Invoke = Callable[..., Any]


@pytest.fixture(params=["invoke", "ainvoke"])
def invoke(request) -> Invoke:
    async def act(agent: Any, text: Any = "hi", config: Any = None) -> Any:
        given = {"messages": [HumanMessage(text)]}
        if request.param == "ainvoke":
            return await agent.ainvoke(given, config)
        return agent.invoke(given, config)

    return act


@pytest.fixture
def client(sandbox):
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url) as client:
        yield client


def image_tools(client: NanoGPTClient) -> list[Any]:
    return NanoGPTToolkit(client=client, include=("generate_image",)).get_tools()


def agent_of(client: NanoGPTClient, *middleware: Any, tools: Any = (), **more: Any) -> Any:
    model = ChatNanoGPT(model=MODEL, client=client)
    return create_agent(model, [*tools], middleware=middleware, **more)


def last(state: Any) -> str:
    message: AIMessage = state["messages"][-1]
    return message.text


async def test_the_final_state_has_the_cost_of_models_and_tools(client, invoke):
    agent = agent_of(client, NanoGPTCostMiddleware(), tools=image_tools(client))
    cost = (await invoke(agent, 'Draw "a fox".'))["nanogpt_cost"]
    assert Decimal(cost["usd_exact"]) == client.ledger.spent
    assert cost["usd"] == float(client.ledger.spent)
    assert (cost["calls"], cost["unknown_costs"]) == (3, 0)  # two chats, one image


async def test_what_tools_and_subagents_call_counts_too(client, invoke):
    inner = ChatNanoGPT(model=CHEAP, client=client)

    def consult(question: str) -> str:
        """Ask somebody else."""
        return inner.invoke(question).text

    agent = agent_of(client, NanoGPTCostMiddleware(), tools=[consult])
    with NanoGPTCostCallbackHandler() as outside:
        state = await invoke(agent, 'Ask "why".')
    assert {MODEL, CHEAP} <= client.ledger.totals_by("model").keys()
    assert Decimal(state["nanogpt_cost"]["usd_exact"]) == client.ledger.spent == outside.total_usd


async def test_each_run_of_a_thread_starts_at_zero(client, invoke):
    agent = agent_of(client, NanoGPTCostMiddleware(), checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "1"}}
    first = (await invoke(agent, "hi", config))["nanogpt_cost"]
    spent = client.ledger.spent
    second = (await invoke(agent, "hi again", config))["nanogpt_cost"]
    assert Decimal(first["usd_exact"]) == spent
    assert Decimal(second["usd_exact"]) == client.ledger.spent - spent


async def test_a_budget_ends_the_run_politely(client, invoke):
    budget = NanoGPTBudgetMiddleware("0.0001", text="Spent {usd}, that is enough.")
    agent = agent_of(client, budget, tools=image_tools(client))
    state = await invoke(agent, 'Draw "a fox".')
    spent = client.ledger.spent
    assert last(state) == f"Spent {spent:f}, that is enough."
    (refused,) = (m for m in state["messages"] if isinstance(m, ToolMessage))
    assert refused.status == "error"
    assert client.ledger.totals.calls == 1  # no image, and no second chat


async def test_a_budget_that_suffices_changes_nothing(client, invoke):
    agent = agent_of(client, NanoGPTBudgetMiddleware(usd=1), tools=image_tools(client))
    assert len(client.ledger) == 0
    state = await invoke(agent, 'Draw "a fox".')
    assert state["nanogpt_cost"]["calls"] == 3
    assert "budget" not in last(state)


async def test_a_budget_of_the_client_ends_the_run_politely_too(sandbox, invoke):
    budget = Budget(max_calls=1)
    with NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url, budget=budget) as client:
        agent = agent_of(client, NanoGPTBudgetMiddleware(usd=None), tools=[len_of])
        state = await invoke(agent, 'Count "abc".')
        assert last(state).startswith("I stop here")
        assert budget.calls == 1


def len_of(text: str) -> int:
    """Count the letters of a text."""
    return len(text)


@pytest.mark.parametrize("usd", ["much", -1, float("nan")])
def test_a_budget_is_a_number_of_dollars(usd):
    with pytest.raises(ConfigurationError, match="usd must be a number"):
        NanoGPTBudgetMiddleware(usd)


def failing(fault: str, *middleware: Any, app: SandboxApp, **more: Any) -> Any:
    settings: Any = connection(app) | {"max_retries": 0}
    model = ChatNanoGPT(model=f"sandbox/fault/{fault}", **settings)
    return create_agent(model, [], middleware=middleware, **more)


def asked(app: SandboxApp) -> list[str]:
    """Return the models that were sent requests, in order."""
    return [request.json["model"] for request in app.requests]


@pytest.fixture
def app() -> SandboxApp:
    return SandboxApp(rate=None)


@pytest.mark.parametrize("fault", ["503", "context", "policy", "400", "403", "404-model"])
async def test_the_cheapest_candidate_answers_where_the_model_fails(app, invoke, fault):
    agent = failing(fault, NanoGPTFallbackMiddleware(DEAR, CHEAP, MODEL), app=app)
    state = await invoke(agent, "hi")
    assert asked(app) == [f"sandbox/fault/{fault}", CHEAP]
    assert state["messages"][-1].response_metadata["model_name"] == CHEAP


@pytest.mark.parametrize("fault", ["401", "402", "429-daily", "cut-before", "502-html", "html-200"])
async def test_what_no_model_helps_or_may_be_billed_is_sent_once(app, invoke, fault):
    agent = failing(fault, NanoGPTFallbackMiddleware(CHEAP), app=app)
    with pytest.raises(NanoGPTError):
        await invoke(agent, "hi")
    assert asked(app) == [f"sandbox/fault/{fault}"]


async def test_who_says_so_pays_again(app, invoke):
    agent = failing("html-200", NanoGPTFallbackMiddleware(CHEAP, pay_again=True), app=app)
    await invoke(agent, "hi")
    assert asked(app) == ["sandbox/fault/html-200", CHEAP]


async def test_only_candidates_that_can_take_the_input_are_asked(app, invoke):
    image = {"type": "image", "base64": PNG, "mime_type": "image/png"}
    agent = failing("503", NanoGPTFallbackMiddleware(TEXT_ALONE, DEAR), app=app)
    await invoke(agent, [{"type": "text", "text": "What is this?"}, image])
    assert asked(app) == ["sandbox/fault/503", DEAR]


async def test_a_candidate_with_too_small_a_context_is_not_asked(app, invoke):
    small = "undi95/remm-slerp-l2-13b"  # 6,144 tokens
    agent = failing("context", NanoGPTFallbackMiddleware(small, MODEL), app=app)
    await invoke(agent, "many words " * 3_000)
    assert asked(app) == ["sandbox/fault/context", MODEL]


async def test_if_all_fail_the_last_error_is_raised(app, invoke):
    agent = failing("503", NanoGPTFallbackMiddleware("sandbox/fault/policy"), app=app)
    with pytest.raises(NanoGPTError, match="content policy"):
        await invoke(agent, "hi")


async def test_the_attempts_that_failed_are_in_the_cost(app, invoke):
    middleware = NanoGPTCostMiddleware(), NanoGPTFallbackMiddleware(CHEAP, pay_again=True)
    state = await invoke(failing("html-200", *middleware, app=app), "hi")
    assert (state["nanogpt_cost"]["calls"], state["nanogpt_cost"]["unknown_costs"]) == (2, 1)


async def test_other_models_are_left_alone(invoke):
    agent = create_agent(
        FakeListChatModel(responses=["Hello"]), middleware=[NanoGPTFallbackMiddleware(CHEAP)]
    )
    assert last(await invoke(agent)) == "Hello"


def test_a_fallback_needs_a_candidate():
    with pytest.raises(ConfigurationError, match="at least one model"):
        NanoGPTFallbackMiddleware()


async def test_a_scripted_agent_streams_with_all_of_them():
    script = Script(ToolCalls(len_of={"text": "abc"}), "Three.")
    model = ChatNanoGPT(model=MODEL, **connection(script))
    middleware = [NanoGPTBudgetMiddleware(1), NanoGPTFallbackMiddleware(CHEAP)]
    agent: Any = create_agent(model, [len_of], middleware=middleware)
    given = {"messages": [HumanMessage("Count.")]}
    modes = [mode async for mode, _ in agent.astream(given, stream_mode=["messages", "values"])]
    assert modes.count("messages") > 2


def test_without_langchain_it_says_what_to_install():
    code = (
        "import sys; sys.modules['langchain.agents.middleware'] = None\n"
        "import langchain_nanogpt.middleware"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "langchain_nanogpt.middleware needs" in done.stderr
    assert "[agents]" in done.stderr
