"""The architecture page is true: what it says a call goes through is what a call goes through."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import httpx
import pytest
from llama_index.core.llms import ChatMessage

from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client import NanoGPTClient
from nanogpt_client.sandbox import SandboxApp, SandboxTransport
from tests.support.paths import ROOT

PAGE = ROOT / "cookbook/guides/architecture.md"
HOP = re.compile(r"^\| \d+ \| `([\w/]+\.py)` \| `([\w.]+)` \|", re.MULTILINE)


def client() -> NanoGPTClient:
    transport = SandboxTransport(SandboxApp())
    return NanoGPTClient(
        "sk-nano-5a4db0c5-0000-4000-8000-000000000000",
        base_url="http://sandbox.invalid/api/v1",
        http_client=httpx.Client(transport=transport),
    )


def invoke() -> None:
    ChatNanoGPT(model="openai/gpt-5.2", client=client()).invoke("hi")


def stream_chat() -> None:
    list(NanoGPT(model="openai/gpt-5.2", client=client()).stream_chat([ChatMessage("hi")]))


def called_by(call: Callable[[], None]) -> list[tuple[str, str]]:
    """Our functions in the order of their first call: file and qualified name."""
    order: dict[tuple[str, str], None] = {}
    root = f"{ROOT}/"

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(root):
            order[frame.f_code.co_filename.removeprefix(root), frame.f_code.co_qualname] = None

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return list(order)


def hops(heading: str) -> list[tuple[str, str]]:
    """The rows of the table under a heading."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")
    return HOP.findall(section.partition("\n## ")[0])


def differences(named: list[tuple[str, str]], order: list[tuple[str, str]]) -> list[str]:
    """What a page says that is not so: functions that are not called, or called later."""
    missing = [
        f"{file} {function} is not called"
        for file, function in named
        if (file, function) not in order
    ]
    places = [order.index(hop) for hop in named if hop in order]
    return missing or ([] if places == sorted(places) else [f"called in another order: {places}"])


@pytest.mark.parametrize(
    ("heading", "call"),
    [("One `invoke`, hop by hop", invoke), ("One stream, hop by hop", stream_chat)],
)
def test_a_call_takes_the_way_that_the_page_says(heading, call):
    named, order = hops(heading), called_by(call)
    assert len(named) >= 10
    assert differences(named, order) == []
    # It is this test that keeps the page true: any other page fails.
    for at, (file, function) in enumerate(named):
        for wrong in ((file, f"{function}_renamed"), (f"{file}.moved", function)):
            assert differences([*named[:at], wrong, *named[at + 1 :]], order)
        if at:
            assert differences(
                [*named[: at - 1], named[at], named[at - 1], *named[at + 1 :]], order
            )
