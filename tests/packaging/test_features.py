"""Every name of the feature table is imported and used, over the sandbox."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents.base import Blob, Document
from langchain_core.messages import HumanMessage
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.schema import NodeWithScore, TextNode

import nanogpt_client
from langchain_nanogpt import ChatNanoGPT
from nanogpt_client import NanoGPTClient
from tests.support import tables
from tests.support.features import (
    ADD,
    BEYOND,
    CHAT,
    FOUND,
    LLM,
    MESSAGES,
    MODEL,
    PICTURE,
    RECORDING,
    ROWS,
    RUN_ID,
    STATE,
    TABLE,
    Cell,
    rendered,
)
from tests.support.paths import REFERENCE
from tests.unit.langchain_nanogpt.samples import picture, sound

SKILL = REFERENCE / "skill.md"
PACKAGES = {
    "core": "nanogpt_client",
    "langchain": "langchain_nanogpt",
    "llama_index": "llama_index_nanogpt",
}
USES = [(row.what, package, cell) for row in ROWS for package, cell in row.cells()]
# What is done with a class whose cell names no method, and with one that is named by a word.
USUAL = {"NanoGPTClient": "chat", "ChatNanoGPT": "invoke", "NanoGPT": "complete"}
_WORD = re.compile(r"(\w+)\((\w+)=…\)")


def test_the_table_is_current():
    assert tables.read(TABLE) == rendered(), "run python -m tests.support.features"


def test_every_section_of_the_document_is_covered():
    if not SKILL.exists():
        pytest.skip("NanoGPT's skill description is not beside this checkout")
    text = SKILL.read_text("utf-8")
    headings = set(re.findall(r"^## (.+)$", text, re.MULTILINE))
    about_the_document = {"When to Apply", "Resources", "Quick Reference: Common Agent Workflows"}
    workflows = re.findall(r"^### (.+)$", text.partition("## Quick Reference")[2], re.MULTILINE)
    sections = {row.section for row in ROWS} - {BEYOND}
    assert headings - about_the_document | set(workflows) == sections


class Kit:
    """What cells need: a client over the sandbox, files, and a video that is being made."""

    def __init__(self, box: Any, folder: Path) -> None:
        self.box = box
        self.client = NanoGPTClient(box.api_key, base_url=box.base_url)
        self.folder = folder

    def words(self, cell: Cell, name: str, word: str | None) -> dict[str, Any]:
        """Return constructor words: the client over the sandbox, or its key and address."""
        if name == "Ledger" or name.endswith(("CostCallbackHandler", "CostHandler")):
            return {}
        if word is not None or name == "NanoGPTClient":
            folder = {"output_dir": self.folder} if word == "output_dir" else {}
            known = {"api_key": self.box.api_key, "base_url": self.box.base_url}
            if word == "pay":
                return {**cell.words, "base_url": self.box.base_url, "pay": self.box.wallet().pay}
            return known | folder | cell.words
        fast = {
            "NanoGPTVideoTool": {"poll_interval": 0.01},
            "NanoGPTToolSpec": {"video_poll_interval": 0.01},
        }
        words = {key: self.value(value, "langchain", name) for key, value in cell.words.items()}
        return {"client": self.client} | fast.get(name, {}) | words

    def value(self, value: Any, package: str, name: str) -> Any:
        """Put a thing in the place of its name."""
        if isinstance(value, list | tuple):
            return [self.value(item, package, name) for item in value]
        made = {
            PICTURE: lambda: picture("PNG"),
            RECORDING: lambda: self._recording(name),
            RUN_ID: lambda: self.client.submit_video("a cat", model="veo2-video").run_id,
            ADD: lambda: self._tools(package),
            LLM: lambda: ChatNanoGPT(model=CHAT, client=self.client),
            STATE: lambda: {"messages": [HumanMessage("Hi")]},
            MESSAGES: lambda: [ChatMessage("Hi")],
            FOUND: lambda: self._found(package),
            MODEL: lambda: self._model(package),
        }
        return made[value]() if isinstance(value, str) and value in made else value

    def _recording(self, name: str) -> Any:
        if name == "NanoGPTAudioReader":
            path = self.folder / "talk.wav"
            path.write_bytes(sound())
            return str(path)
        return Blob.from_data(sound()) if name == "NanoGPTAudioParser" else sound()

    def _model(self, package: str) -> Any:
        name = {"langchain": "ChatNanoGPT", "llama_index": "NanoGPT"}[package]
        return found(package, name)(model=CHAT, client=self.client)

    @staticmethod
    def _found(package: str) -> list[Any]:
        if package == "langchain":
            return [Document("Nano")]
        return [NodeWithScore(node=TextNode(text="Nano"))]

    @staticmethod
    def _tools(package: str) -> list[Any]:
        if package == "core":
            function = {"name": "add", "parameters": {"type": "object", "properties": {}}}
            return [{"type": "function", "function": function}]
        if package == "langchain":
            return [add]
        tools = importlib.import_module("llama_index.core.tools")
        return [tools.FunctionTool.from_defaults(add)]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.fixture
def kit(sandbox, tmp_path) -> Iterator[Kit]:
    made = Kit(sandbox, tmp_path)
    yield made
    made.client.close()


def found(package: str, name: str) -> Any:
    """Return what a package exports under a name; what is the core's, the core exports."""
    part = ".middleware" if name.endswith("Middleware") else ""  # which needs an extra of its own
    module = importlib.import_module(PACKAGES[package] + part)
    own = name in module.__all__
    return getattr(module if own else nanogpt_client, name)


@pytest.mark.parametrize(
    ("package", "cell"),
    [(package, cell) for _, package, cell in USES],
    ids=[f"{what}-{package}-{cell.name}" for what, package, cell in USES],
)
def test_a_cell(package, cell, kit):
    by_word = _WORD.fullmatch(cell.name)
    name, word = by_word.groups() if by_word else (cell.name.partition(".")[0], None)
    cls = found(package, name)
    if isinstance(cls, type) and issubclass(cls, Exception):
        assert cell.good(cls(*cell.args))
        return
    if inspect.isfunction(cls):
        assert cell.good(cls(*kit.value(cell.args, package, name), **cell.options))
        return
    made = cls(**kit.words(cell, name, word))
    method = cell.name.partition(".")[2] if word is None else ""
    method = method or USUAL.get(name)
    args = kit.value(cell.args, package, name)
    options = {key: kit.value(value, package, name) for key, value in cell.options.items()}
    if method is None:  # a LangChain tool, used as an agent does
        call = {"type": "tool_call", "id": "1", "name": made.name, "args": options}
        message = made.invoke(call)
        assert message.status == "success"
        assert cell.good(message)
        return
    member = getattr(made, method)
    result = member(*args, **options) if callable(member) else member
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    assert cell.good(result)
