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


@pytest.mark.parametrize(
    ("heading", "call"),
    [("One `invoke`, hop by hop", invoke), ("One stream, hop by hop", stream_chat)],
)
def test_a_call_takes_the_way_that_the_page_says(heading, call):
    named, order = hops(heading), called_by(call)
    assert len(named) >= 10
    missing = [hop for hop in named if hop not in order]
    assert not missing, f"not called: {missing}"
    assert named == sorted(named, key=order.index)
