"""Middleware for agents: input is checked before it is paid for; old messages become memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.exceptions import ModelInvalidRequestError
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from pydantic import ValidationError

from langchain_nanogpt import ChatNanoGPT
from langchain_nanogpt.middleware import (
    NanoGPTMemoryCompressionMiddleware,
    NanoGPTModerationMiddleware,
)
from nanogpt_client import (
    Budget,
    BudgetExceededError,
    ConfigurationError,
    ContentPolicyError,
    InsufficientBalanceError,
    Ledger,
    NanoGPTClient,
)
from nanogpt_client.sandbox import SandboxApp, Script, ToolCalls
from tests.support.in_process import connection

MODEL = "openai/gpt-5.2"
GUARD = "meta-llama/llama-guard-4-12b"
UNSAFE = "I will kill him."


def look_up(name: str) -> str:
    """Look something up."""
    return f"{name}: kill all processes"


def agent_of(app: SandboxApp, *middleware: Any, tools: Sequence[Any] = (), **more: Any) -> Any:
    llm = ChatNanoGPT(model=MODEL, **connection(app))
    return create_agent(llm, list(tools), middleware=middleware, **more)


def moderation(app: SandboxApp, **settings: Any) -> NanoGPTModerationMiddleware:
    return NanoGPTModerationMiddleware(**settings, **connection(app))


def routes(app: SandboxApp) -> list[str]:
    return [request.path.rpartition("/")[2] for request in app.requests]


@pytest.fixture(params=["invoke", "ainvoke", "stream", "astream"])
def run(request):
    """Return a function that runs an agent and returns its messages."""

    async def act(agent: Any, *messages: Any, **config: Any) -> list[AnyMessage]:
        given = {"messages": list(messages)}
        options: dict[str, Any] = {"config": {"configurable": config}} if config else {}
        match request.param:
            case "invoke":
                state = agent.invoke(given, **options)
            case "ainvoke":
                state = await agent.ainvoke(given, **options)
            case "stream":
                *_, state = agent.stream(given, stream_mode="values", **options)
            case _:
                stream = agent.astream(given, stream_mode="values", **options)
                *_, state = [each async for each in stream]
        found: list[AnyMessage] = state["messages"]
        return found

    return act


# --- moderation


async def test_safe_input_reaches_the_model_after_its_check(run):
    app = SandboxApp(model=Script("Hello."))
    messages = await run(agent_of(app, moderation(app)), ("user", "Hi"))
    assert messages[-1].text == "Hello."
    assert routes(app) == ["moderations", "completions"]
    assert app.requests[0].json == {"input": "Hi"}


async def test_flagged_input_ends_the_run_unpaid_and_leaves_the_thread(run):
    app = SandboxApp(model=Script("It is safe."))
    saver = InMemorySaver()
    agent = agent_of(app, moderation(app, answer="No."), checkpointer=saver)
    asked, answer = await run(agent, ("user", UNSAFE), thread_id="1")
    assert (asked.text, answer.text) == ("[removed: flagged by moderation]", "No.")
    assert answer.response_metadata["moderation"] == {
        "model": "omni-moderation-latest", "flagged": True, "categories": ["violence"],
    }  # fmt: skip
    assert routes(app) == ["moderations"]
    await run(agent, ("user", "What else?"), thread_id="1")
    assert routes(app)[1:] == ["moderations", "completions"]
    assert app.requests[1].json == {"input": "What else?"}
    assert "kill" not in json.dumps(app.requests[2].messages)


async def test_flagged_input_is_an_error_where_a_setting_says_so(run):
    app = SandboxApp(model=Script())
    with pytest.raises(ModelInvalidRequestError, match="flagged the input: violence") as caught:
        await run(agent_of(app, moderation(app, on_flagged="raise")), ("user", UNSAFE))
    assert isinstance(caught.value, ContentPolicyError)
    assert caught.value.moderation["results"][0]["flagged"]
    assert routes(app) == ["moderations"]


@pytest.mark.parametrize("check_tool_results", [False, True])
async def test_each_message_is_checked_once_and_tools_results_where_wanted(run, check_tool_results):
    app = SandboxApp(model=Script(ToolCalls(look_up={"name": "Ada"}), "Done."))
    middleware = moderation(app, check_tool_results=check_tool_results)
    messages = await run(agent_of(app, middleware, tools=[look_up]), ("user", "Who is Ada?"))
    checked = [request.json["input"] for request in app.requests if "input" in request.json]
    if check_tool_results:
        assert checked == ["Who is Ada?", "Ada: kill all processes"]
        assert [each.type for each in messages] == ["human", "ai", "tool", "ai"]
        assert messages[2].text == "[removed: flagged by moderation]"
        assert messages[3].text == "I cannot help with this request."
    else:
        assert checked == ["Who is Ada?"]
        assert messages[-1].text == "Done."


@pytest.mark.parametrize("check_images", [True, False])
async def test_images_are_checked_as_well(run, check_images):
    app = SandboxApp(model=Script("A sea."))
    url = "https://example.com/sea.png"
    content: Any = [{"type": "text", "text": "What?"}, {"type": "image", "url": url}]
    middleware = moderation(app, model=GUARD, check_images=check_images)
    await run(agent_of(app, middleware), HumanMessage(content))
    image = {"type": "image_url", "image_url": {"url": url}}
    both = [{"type": "text", "text": "What?"}, image]
    assert app.requests[0].json == {"model": GUARD, "input": both if check_images else "What?"}


async def test_a_check_that_fails_stops_the_run(run):
    app = SandboxApp(model=Script(), balance="0")
    with pytest.raises(InsufficientBalanceError):
        await run(agent_of(app, moderation(app)), ("user", "Hi"))
    assert routes(app) == ["moderations"]


async def test_its_calls_are_in_the_ledger_and_the_budget_of_its_client(run):
    app, ledger = SandboxApp(model=Script("Hello.")), Ledger()
    settings = connection(app) | {"ledger": ledger, "budget": Budget(max_calls=1)}
    agent = agent_of(app, NanoGPTModerationMiddleware(**settings))
    await run(agent, ("user", "Hi"))
    assert [entry.kind for entry in ledger] == ["moderation"]
    with pytest.raises(BudgetExceededError):
        await run(agent, ("user", "Hi"))


def test_a_client_can_be_shared_and_wrong_settings_are_refused():
    client = NanoGPTClient("k-1")
    assert NanoGPTModerationMiddleware(client=client)._moderator._client() is client
    with pytest.raises(ConfigurationError, match="NANOGPT_API_KEY"):
        NanoGPTModerationMiddleware()
    with pytest.raises(ConfigurationError, match="modle"):
        NanoGPTModerationMiddleware(client=client, modle="x")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="expiration_days"):
        NanoGPTMemoryCompressionMiddleware(
            ChatNanoGPT(model=MODEL, client=client), client=client, expiration_days=-1
        )


def test_nothing_to_check_is_no_request():
    app = SandboxApp()
    middleware: Any = moderation(app)
    for messages in ([], [AIMessage("Hi")], [HumanMessage(" ")]):
        assert middleware.before_model({"messages": messages}, None) is None
    assert routes(app) == []


# --- memory

CALL = ToolCall(name="look_up", args={"name": "Ada"}, id="call_1")
LONG = [
    HumanMessage("My cat is called Ada."),
    AIMessage("A nice name."),
    HumanMessage("Who is Ada?"),
    AIMessage("", tool_calls=[CALL]),
    ToolMessage("a cat", tool_call_id="call_1"),
]


def compression(app: SandboxApp, **settings: Any) -> NanoGPTMemoryCompressionMiddleware:
    llm = ChatNanoGPT(model=MODEL, **connection(app))
    return NanoGPTMemoryCompressionMiddleware(llm, **settings, **connection(app))


async def test_old_messages_become_one_without_a_model(run):
    app = SandboxApp(model=Script("She is your cat."))
    middleware = compression(
        app, trigger=("messages", 5), keep=("messages", 1), expiration_days=45,
        model_context_limit=20_000,
    )  # fmt: skip
    messages = await run(agent_of(app, middleware, tools=[look_up]), *LONG)
    assert routes(app) == ["memory", "completions"]
    asked = app.requests[0].json
    assert (asked["expiration_days"], asked["model_context_limit"]) == (45, 20_000)
    assert [each["content"] for each in asked["messages"]] == [
        "My cat is called Ada.", "A nice name.", "Who is Ada?",
    ]  # fmt: skip
    # The result stays with its call.
    assert [each["role"] for each in app.requests[1].messages] == ["user", "assistant", "tool"]
    assert "My cat is called Ada." in app.requests[1].messages[0]["content"]
    assert messages[-1].text == "She is your cat."


async def test_a_short_conversation_is_left_alone(run):
    app = SandboxApp(model=Script("Hello."))
    await run(agent_of(app, compression(app)), ("user", "Hi"))
    assert routes(app) == ["completions"]


async def test_a_memory_is_compressed_with_what_came_after_it(run):
    app = SandboxApp(model=Script("One.", "Two.", "Three."))
    middleware = compression(app, trigger=("messages", 3), keep=("messages", 1))
    agent = agent_of(app, middleware, checkpointer=InMemorySaver())
    for text in ("My cat is called Ada.", "It is grey.", "And old."):
        await run(agent, ("user", text), thread_id="1")
    asked = [request.json["messages"] for request in app.requests if "model" not in request.json]
    assert len(asked) == 2
    assert "My cat is called Ada." in asked[1][0]["content"]
    assert "It is grey." in json.dumps(app.requests[-1].messages)


async def test_a_compression_that_fails_loses_nothing(run):
    app = SandboxApp(model=Script("She is your cat."), balance="0")
    saver = InMemorySaver()
    middleware = compression(app, trigger=("messages", 5), keep=("messages", 1))
    agent = agent_of(app, middleware, tools=[look_up], checkpointer=saver)
    with pytest.raises(InsufficientBalanceError):
        await run(agent, *LONG, thread_id="1")
    state = agent.get_state({"configurable": {"thread_id": "1"}})
    assert [each.text for each in state.values["messages"]] == [each.text for each in LONG]
