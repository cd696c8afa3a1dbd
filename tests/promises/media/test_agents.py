"""Agents of both frameworks, each with all tools, do several things in a row over the sandbox.

What they make is opened: pictures decoded, sounds played through their headers, films probed.
"""

from __future__ import annotations

import io
import wave
from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import av
import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolMessage
from llama_index.core.agent.workflow import FunctionAgent
from PIL import Image

from langchain_nanogpt import ChatNanoGPT, NanoGPTToolkit
from llama_index_nanogpt import NanoGPT, NanoGPTToolSpec
from nanogpt_client import NanoGPTClient
from nanogpt_client.sandbox import Sandbox
from tests.unit.llama_index_nanogpt.conftest import litter_stays_here  # noqa: F401 - a fixture

# LlamaIndex's workflows read deprecated attributes, and its memories leave their database to the
# garbage collector.
pytestmark = [
    pytest.mark.usefixtures("litter_stays_here"),
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince211"),
    pytest.mark.filterwarnings("ignore:is_running called from within a step:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:<aiosqlite:ResourceWarning"),
]

MODEL = "openai/gpt-5.2"
FOUNDER = (
    "Find out who founded Nano, draw him, read it aloud, transcribe the recording and report the "
    "cost."
)
PENGUINS = """1. Search the web for penguins
2. Paint one on the ice
3. Narrate a short summary
4. Transcribe that recording
5. Tell me what it all cost"""
FIND_DRAW_READ = "search_web generate_image speak transcribe check_balance".split()


class Done(NamedTuple):
    """What an agent did: each call's name, arguments and artifact, and the answer."""

    calls: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
    answer: str

    def artifact(self, name: str) -> Mapping[str, Any]:
        (found,) = [artifact for called, _, artifact in self.calls if called == name]
        return found

    def argument(self, name: str, argument: str) -> Any:
        (found,) = [arguments[argument] for called, arguments, _ in self.calls if called == name]
        return found


def words_of(folder: Path, client: NanoGPTClient) -> dict[str, Any]:
    return {
        "client": client,
        "output_dir": folder,
        "audio_format": "wav",
        "video_poll_interval": 0.01,
    }


async def by_langchain(request: str, folder: Path, client: NanoGPTClient) -> Done:
    """Ask an agent of LangChain, blocking."""
    kit = NanoGPTToolkit(**words_of(folder, client))
    agent: Any = create_agent(ChatNanoGPT(model=MODEL, client=client), kit.get_tools())
    return langchain_done(agent.invoke({"messages": [("user", request)]})["messages"])


async def by_langchain_async(request: str, folder: Path, client: NanoGPTClient) -> Done:
    """Ask an agent of LangChain, without blocking."""
    model = ChatNanoGPT(model=MODEL, client=client)
    tools: list[Any] = NanoGPTToolkit(**words_of(folder, client)).get_tools()
    agent: Any = create_agent(model, tools)
    done = langchain_done((await agent.ainvoke({"messages": [("user", request)]}))["messages"])
    for opened in (model, *tools):
        await opened.aclose()
    return done


def langchain_done(messages: list[Any]) -> Done:
    asked = {call["id"]: call for m in messages for call in getattr(m, "tool_calls", ())}
    results = [message for message in messages if isinstance(message, ToolMessage)]
    assert [message.status for message in results] == ["success"] * len(results)
    calls = [(asked[m.tool_call_id]["name"], asked[m.tool_call_id]["args"], m.artifact)
             for m in results]  # fmt: skip
    return Done(calls, messages[-1].text)


async def by_llama_index(request: str, folder: Path, client: NanoGPTClient) -> Done:
    """Ask an agent of LlamaIndex."""
    spec = NanoGPTToolSpec(**words_of(folder, client))
    llm = NanoGPT(model=MODEL, client=client)
    answer: Any = await FunctionAgent(llm=llm, tools=[*spec.to_tool_list()]).run(request)
    await spec.aclose()
    await llm.aclose()
    assert [
        call.tool_output.content for call in answer.tool_calls if call.tool_output.is_error
    ] == []
    calls = [(c.tool_name, c.tool_kwargs, c.tool_output.raw_output.artifact)
             for c in answer.tool_calls]  # fmt: skip
    return Done(calls, str(answer))


AGENTS = pytest.mark.parametrize("ask", [by_langchain, by_langchain_async, by_llama_index])


@pytest.fixture
def account():
    """A fresh account, whose balance the test alone changes."""
    with Sandbox(rate=None) as box:
        with NanoGPTClient(box.api_key, base_url=box.base_url) as client:
            yield box, client


def decode_picture(path: str) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        return picture.convert("RGB")


def play(path: str) -> float:
    """Read a sound by what its header says of it; return its seconds."""
    with wave.open(path, "rb") as sound:
        frames = sound.readframes(sound.getnframes())
        assert len(frames) == sound.getnframes() * sound.getsampwidth() * sound.getnchannels()
        assert any(frames), "it is silent"
        return sound.getnframes() / sound.getframerate()


def probe(path: str) -> tuple[str, float, int]:
    """Return a film's codec, its seconds, and how many frames can be decoded."""
    with av.open(path) as film:
        stream = film.streams.video[0]
        frames = sum(1 for _ in film.decode(stream))
        return stream.codec_context.name, float(film.duration or 0) / av.time_base, frames


@AGENTS
@pytest.mark.parametrize(
    ("request_text", "heard"),
    [
        (FOUNDER, "Nano was founded by Colin LeMahieu"),
        (PENGUINS, "Penguins are birds"),
    ],
    ids=["founder", "penguins"],
)
async def test_find_draw_read_aloud_transcribe_report(ask, request_text, heard, account, tmp_path):
    box, client = account
    before = box.app.balance
    done = await ask(request_text, tmp_path, client)
    assert [name for name, _, _ in done.calls] == FIND_DRAW_READ

    assert done.artifact("search_web")["sources"]
    picture = decode_picture(done.artifact("generate_image")["path"])
    assert picture.size == (1024, 1024)
    assert len(picture.getcolors(1 << 24) or ()) > 20, "it shows nothing"
    spoken = done.artifact("speak")["path"]
    assert play(spoken) > 1

    # What one tool told, the next was given; and what was spoken was understood.
    assert done.argument("transcribe", "audio") == spoken
    assert done.artifact("transcribe")["text"] == done.argument("speak", "text")
    assert heard in done.artifact("transcribe")["text"]

    # The cost is reported, and it is the account's: prices of the work, and what is left.
    prices = [artifact["cost"] for _, _, artifact in done.calls]
    assert all(price is not None for price in prices)
    assert before - box.app.balance == client.ledger.spent
    assert f"{Decimal(done.artifact('check_balance')['usd_exact']).normalize()}" in done.answer
    assert f"{done.artifact('generate_image')['cost_exact']} USD" in done.answer


@AGENTS
async def test_an_image_becomes_a_film(ask, account, tmp_path):
    _, client = account
    done = await ask("Draw a red fox in the snow, then make a short video of it.", tmp_path, client)
    drawn = done.artifact("generate_image")["path"]
    assert done.argument("generate_video", "image") == drawn
    assert done.argument("generate_video", "prompt") == "a red fox in the snow"
    codec, seconds, frames = probe(done.artifact("generate_video")["path"])
    assert (codec, round(seconds)) == ("h264", 5)
    assert frames == 3
    assert len([entry for entry in client.ledger if entry.kind == "video"]) > 0
    assert done.artifact("generate_video")["run_id"] in done.answer


@AGENTS
async def test_an_image_is_changed(ask, account, tmp_path):
    _, client = account
    done = await ask(
        "Paint a sailing boat. Then edit the picture so that the sea is green.", tmp_path, client
    )
    drawn, changed = (done.artifact(name)["path"] for name in ("generate_image", "edit_image"))
    assert done.argument("edit_image", "image") == drawn
    assert decode_picture(drawn).tobytes() != decode_picture(changed).tobytes()


@AGENTS
async def test_files_are_found_by_name_where_nothing_is_saved(ask, account, tmp_path, monkeypatch):
    """Without a folder the sound stays in memory, under the name that its result told."""
    _, client = account
    monkeypatch.setattr(
        "tests.promises.media.test_agents.words_of",
        lambda _, client: {"client": client, "audio_format": "wav", "include_base64": True},
    )
    done = await ask("Say 'Good evening, all' and transcribe the recording.", tmp_path, client)
    assert done.argument("transcribe", "audio") == done.artifact("speak")["name"]
    assert done.artifact("transcribe")["text"] == "Good evening, all"
    with wave.open(io.BytesIO(b64decode(done.artifact("speak")["base64"]))) as sound:
        assert sound.getnframes()
    assert list(tmp_path.iterdir()) == []
