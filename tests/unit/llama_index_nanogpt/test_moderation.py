"""`NanoGPTModerator`: what an LLM is asked is checked before it is paid for."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock

from llama_index_nanogpt import NanoGPT, NanoGPTCostHandler, NanoGPTModerator
from nanogpt_client import ContentPolicyError, InsufficientBalanceError
from nanogpt_client.sandbox import SandboxApp, Script, ToolCalls
from tests.support.in_process import connection
from tests.support.llama_index import agents_own_warnings

pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
GUARD = "meta-llama/llama-guard-4-12b"
UNSAFE = "I will kill him."


def look_up(name: str) -> str:
    """Look something up."""
    return f"{name}: kill all processes"


def llm_of(app: SandboxApp, **settings: Any) -> NanoGPT:
    moderator = NanoGPTModerator(**settings, **connection(app))
    return NanoGPT(model="openai/gpt-5.2", moderator=moderator, **connection(app))


def routes(app: SandboxApp) -> list[str]:
    return [request.path.rpartition("/")[2] for request in app.requests]


WAYS = ["chat", "achat", "stream_chat", "astream_chat"]
WAYS += ["complete", "acomplete", "stream_complete", "astream_complete"]


@pytest.fixture(params=WAYS)
def ask(request):
    """Return a function that asks an LLM and returns the whole response."""

    async def act(llm: NanoGPT, asked: str) -> Any:
        by_chat = request.param.endswith("chat")
        given: Any = [ChatMessage(asked)] if by_chat else asked
        answer = getattr(llm, request.param)(given)
        match request.param.partition("stream")[0::2]:
            case ("a", "") | ("achat", "") | ("acomplete", ""):
                return await answer
            case ("a", _):
                return [each async for each in await answer][-1]
            case ("", _):
                return list(answer)[-1]
        return answer

    return act


async def test_safe_input_reaches_the_llm_after_its_check(ask):
    app = SandboxApp(model=Script("Hello."))
    assert "Hello." in str(await ask(llm_of(app), "Hi"))
    assert routes(app) == ["moderations", "completions"]
    assert app.requests[0].json == {"input": "Hi"}


async def test_flagged_input_is_not_sent(ask):
    app = SandboxApp(model=Script())
    with pytest.raises(ContentPolicyError, match="flagged the input: violence") as caught:
        await ask(llm_of(app), UNSAFE)
    assert caught.value.moderation["results"][0]["flagged"]
    assert routes(app) == ["moderations"]


async def test_a_check_that_fails_asks_nothing(ask):
    app = SandboxApp(model=Script(), balance="0")
    with pytest.raises(InsufficientBalanceError):
        await ask(llm_of(app), "Hi")
    assert routes(app) == ["moderations"]


@pytest.mark.parametrize("check_tool_results", [False, True])
async def test_in_an_agent_each_message_is_checked_once(check_tool_results):
    app = SandboxApp(model=Script(ToolCalls(look_up={"name": "Ada"}), "Done."))
    llm = llm_of(app, check_tool_results=check_tool_results)
    run = FunctionAgent(tools=[look_up], llm=llm).run("Who is Ada?")
    if check_tool_results:
        with pytest.raises(ContentPolicyError):
            await run
    else:
        assert str(await run) == "Done."
    checked = [request.json["input"] for request in app.requests if "input" in request.json]
    assert checked == ["Who is Ada?", "Ada: kill all processes"][: 1 + check_tool_results]


async def test_in_a_query_engine(embedding):
    app = SandboxApp(model=Script("Ada."))
    index = VectorStoreIndex([Document(text="My cat is Ada.")], embed_model=embedding)
    engine = index.as_query_engine(llm=llm_of(app))
    assert str(engine.query("Who is my cat?")) == "Ada."
    with pytest.raises(ContentPolicyError):
        await engine.aquery("How do I kill it?")
    assert routes(app) == ["moderations", "completions", "moderations"]


@pytest.mark.parametrize("check_images", [True, False])
def test_images_are_checked_as_well(check_images):
    app, url = SandboxApp(model=Script("A sea.")), "https://example.com/sea.png"
    blocks = [TextBlock(text="What?"), ImageBlock(url=url)]
    llm_of(app, model=GUARD, check_images=check_images).chat([ChatMessage(blocks=blocks)])
    image = {"type": "image_url", "image_url": {"url": url}}
    both = [{"type": "text", "text": "What?"}, image]
    assert app.requests[0].json == {"model": GUARD, "input": both if check_images else "What?"}


async def test_on_its_own():
    app = SandboxApp()
    moderator = NanoGPTModerator(**connection(app))
    moderator.check([ChatMessage("Hi"), ChatMessage("Hello.", role="assistant")])
    assert routes(app) == []  # what was answered was checked then
    await moderator.acheck([ChatMessage("Hi")])
    with pytest.raises(ContentPolicyError):
        await moderator.acheck([ChatMessage(UNSAFE)])
    with pytest.raises(ContentPolicyError):
        moderator.check([ChatMessage(UNSAFE)])


def test_costs_are_told_to_handlers_and_the_ledger():
    app = SandboxApp(model=Script("Hello."))
    llm = llm_of(app)
    assert llm.moderator is not None
    with NanoGPTCostHandler() as costs:
        llm.complete("Hi")
    assert [entry.kind for entry in costs.ledger] == ["moderation", "chat"]
    assert [entry.kind for entry in llm.moderator.ledger] == ["moderation"]
    assert app.balance == 5 - costs.total_usd


def test_the_cost_of_a_check_within_a_chat_is_told_as_well():
    app = SandboxApp(model=Script("Hello."))
    llm = NanoGPT(model="openai/gpt-5.2", moderation=True, **connection(app))
    with NanoGPTCostHandler() as costs:
        raw: Any = llm.complete("Hi").raw
        assert raw["moderation"]["flagged"] is False
        with pytest.raises(ContentPolicyError):
            llm.complete(UNSAFE)
    assert routes(app) == ["completions", "completions"]
    assert [entry.outcome for entry in costs.ledger] == ["ok", "ContentPolicyError"]
    assert app.balance == 5 - costs.total_usd == 5 - llm.ledger.spent


def test_no_key_is_shown_and_it_can_be_copied_stored_and_sent():
    moderator = NanoGPTModerator(api_key=KEY, pickle_api_key=True, check_tool_results=True)
    llm = NanoGPT(model="m", api_key=KEY, pickle_api_key=True, moderator=moderator)
    stored = llm.to_json()
    assert KEY not in repr(llm) + repr(moderator) + stored
    settings = json.loads(stored)["moderator"]
    assert NanoGPTModerator(**settings, api_key=KEY).check_tool_results
    for copied in (pickle.loads(pickle.dumps(llm)), copy.deepcopy(llm)):
        assert copied.moderator is not None
        assert copied.moderator.check_tool_results
        assert copied.moderator.api_key == moderator.api_key
