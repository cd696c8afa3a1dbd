"""The tools behind the server: budget, approval, progress, files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from nanogpt_client import Budget
from nanogpt_client.mcp.approval import InputNeededError, is_approved, key_of, question
from nanogpt_client.mcp.server import ToolServer
from nanogpt_client.sandbox import SandboxApp
from nanogpt_client.tools import SpendRequest, Toolbox
from tests.support.in_process import connection

IMAGE = {"prompt": "a cat"}  # 0.014 USD


@dataclass
class FakeClient:
    """A client whose user answers what it is told to."""

    can_ask: bool = True
    action: str = "accept"
    content: dict[str, Any] | None = None
    asked: list[str] = field(default_factory=list)
    reports: list[tuple[float, float | None, str]] = field(default_factory=list)

    async def ask(self, request: SpendRequest, question: Mapping[str, Any]) -> Any:
        assert str(request) in question["message"]
        self.asked.append(question["message"])
        return SimpleNamespace(action=self.action, content=self.content)

    async def report(self, done: float, total: float | None, message: str) -> None:
        self.reports.append((done, total, message))


@pytest.fixture
def app() -> SandboxApp:
    return SandboxApp(rate=None, job_pace=0)


@pytest.fixture
def server(app) -> Callable[..., ToolServer]:
    def make(**settings: Any) -> ToolServer:
        usual = {"video_poll_interval": 0.01, **connection(app)}
        return ToolServer(Toolbox(**(usual | settings)))

    return make


def posts(app: SandboxApp) -> int:
    return sum(request.method == "POST" for request in app.requests)


async def test_a_budget_stops_the_next_call_before_it_is_sent(server, app):
    tools = server(budget=Budget("0.02"))
    assert not (await tools.call("generate_image", IMAGE, FakeClient()))["isError"]
    stopped = await tools.call("generate_image", IMAGE, FakeClient())
    assert stopped["isError"]
    assert stopped["_meta"]["nanogpt-integrations/error"] == "BudgetExceededError"
    assert "Make no more paid calls; tell the user." in stopped["content"][0]["text"]
    assert posts(app) == 1
    assert tools.toolbox.ledger.spent == Decimal("0.014")


async def test_cheap_calls_need_no_approval(server):
    client = FakeClient()
    tools = server(confirm_above_usd="0.02")
    assert not (await tools.call("generate_image", IMAGE, client))["isError"]
    assert client.asked == []


@pytest.mark.parametrize(
    ("action", "content", "approved"),
    [
        ("accept", {"allow": True}, True),
        ("accept", None, True),
        ("accept", {"allow": False}, False),
        ("accept", {"allow": "yes"}, False),
        ("decline", {"allow": True}, False),
        ("cancel", None, False),
    ],
)
async def test_the_user_decides(server, app, action, content, approved):
    client = FakeClient(action=action, content=content)
    made = await server(confirm_above_usd="0.01").call("generate_image", IMAGE, client)
    assert client.asked == [
        "generate_image with hidream costs about 0.014 USD ('a cat'). Allow it?"
    ]
    assert made["isError"] is not approved
    assert posts(app) == int(approved)
    if not approved:
        assert "the user did not confirm it; nothing was sent" in made["content"][0]["text"]


async def test_a_client_that_cannot_ask_is_refused_and_told_why(server, app):
    made = await server(confirm_above_usd="0.01").call(
        "generate_image", IMAGE, FakeClient(can_ask=False)
    )
    assert made["isError"]
    text = made["content"][0]["text"]
    assert "does not support elicitation" in text
    assert "--confirm-above" in text
    assert posts(app) == 0


async def test_without_a_limit_nobody_is_asked(server):
    client = FakeClient()
    assert not (await server().call("generate_image", IMAGE, client))["isError"]
    assert client.asked == []


async def test_a_toolbox_with_its_own_confirmation_keeps_it(server, app):
    client, asked = FakeClient(), []

    def refuse(request: SpendRequest) -> bool:
        asked.append(request)
        return False

    tools = server(confirm_above_usd="0.01", confirm=refuse)
    assert (await tools.call("generate_image", IMAGE, client))["isError"]
    assert client.asked == []
    assert len(asked) == 1
    assert posts(app) == 0


async def test_progress_grows(server):
    client = FakeClient()
    await server().call("generate_video", {"prompt": "a cat"}, client)
    assert [done for done, _, _ in client.reports] == list(range(1, len(client.reports) + 1))
    assert client.reports[0][2].startswith("video: submitted, 0 s (run id vid_")


async def test_files_of_one_call_are_input_of_the_next(server, tmp_path):
    tools, client = server(output_dir=tmp_path), FakeClient()
    made = await tools.call("generate_image", IMAGE, client)
    (path,) = tmp_path.iterdir()
    assert str(path) in made["content"][0]["text"]
    assert made["content"][1]["type"] == "image"
    assert made["structuredContent"]["path"] == str(path)
    edited = await tools.call("edit_image", {"prompt": "blue", "image": path.name}, client)
    assert not edited["isError"]


async def test_tools_that_are_not_offered_are_errors(server):
    tools = server(include=("check_balance",))
    assert [tool["name"] for tool in tools.definitions()] == ["check_balance"]
    made = await tools.call("generate_image", IMAGE, FakeClient())
    assert made["isError"]
    assert "there is no tool 'generate_image'" in made["content"][0]["text"]


def test_an_answer_approves_one_spending_alone():
    request = SpendRequest("speak", "tts-1", Decimal("0.1"), {"text": "hi"})
    others = [
        SpendRequest("speak", "tts-1", Decimal("0.2"), {"text": "hi"}),
        SpendRequest("speak", "tts-1-hd", Decimal("0.1"), {"text": "hi"}),
        SpendRequest("speak", "tts-1", Decimal("0.1"), {"text": "hello"}),
        SpendRequest("transcribe", "tts-1", Decimal("0.1"), {"text": "hi"}),
    ]
    keys = {key_of(request), *map(key_of, others)}
    assert len(keys) == 5
    assert InputNeededError(request).key == key_of(request)


def test_a_question_is_short_and_json():
    request = SpendRequest("speak", "tts-1", None, {"text": "x" * 10_000})
    asked = question(request)
    assert "has an unknown price" in asked["message"]
    assert len(asked["message"]) < 400
    json.dumps(asked)
    assert is_approved("accept", {})
