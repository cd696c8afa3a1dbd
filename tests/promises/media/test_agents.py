"""Agents of both frameworks, each with all tools, do several things in a row over the sandbox.

A script says which tools are called. What they make is opened: images are decoded, recordings
played through their headers, videos probed.
"""

from __future__ import annotations

import io
import re
import wave
from base64 import b64decode
from collections.abc import Iterator, Mapping
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
from nanogpt_client.sandbox import ChatRequest, Model, Sandbox, Script, ToolCall, ToolCalls
from tests.support.llama_index import agents_own_warnings
from tests.unit.llama_index_nanogpt.conftest import litter_stays_here  # noqa: F401 - a fixture

pytestmark = [pytest.mark.usefixtures("litter_stays_here"), agents_own_warnings]

MODEL = "openai/gpt-5.2"
SEARCH = ToolCall("search_web", {"query": "Who founded Nano?"})
DRAW = ToolCall("generate_image", {"prompt": "the founder of Nano"})


def file_named(kind: str, request: ChatRequest) -> str:
    """Return the file of this kind that a tool's result names."""
    (name,) = re.findall(rf"File: (\S*{kind}-\w+\.\w+)", "\n".join(request.tool_results))
    return str(name)


def transcribe(request: ChatRequest) -> ToolCalls:
    return ToolCalls(transcribe={"audio": file_named("speech", request)})


def speak_result(request: ChatRequest) -> ToolCalls:
    """Read aloud the first sentence of what was found."""
    return ToolCalls(speak={"text": request.tool_results[0].split("\n")[2].split(". ")[0] + "."})


def report(request: ChatRequest) -> str:
    return "\n".join(request.tool_results)


END = (transcribe, ToolCalls(check_balance={}), report)
ONE_BY_ONE = (ToolCalls(SEARCH), ToolCalls(DRAW), speak_result, *END)
AT_ONCE = (ToolCalls(SEARCH, DRAW, speak={"text": "Colin LeMahieu founded Nano."}), *END)


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


def tool_settings(folder: Path, client: NanoGPTClient) -> dict[str, Any]:
    return {
        "client": client,
        "output_dir": folder,
        "audio_format": "wav",
        "video_poll_interval": 0.01,
    }


async def by_langchain(request: str, folder: Path, client: NanoGPTClient) -> Done:
    """Ask an agent of LangChain, blocking."""
    kit = NanoGPTToolkit(**tool_settings(folder, client))
    agent: Any = create_agent(ChatNanoGPT(model=MODEL, client=client), kit.get_tools())
    return langchain_done(agent.invoke({"messages": [("user", request)]})["messages"])


async def by_langchain_async(request: str, folder: Path, client: NanoGPTClient) -> Done:
    """Ask an agent of LangChain, without blocking."""
    model = ChatNanoGPT(model=MODEL, client=client)
    tools: list[Any] = NanoGPTToolkit(**tool_settings(folder, client)).get_tools()
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
    spec = NanoGPTToolSpec(**tool_settings(folder, client))
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


class Account(NamedTuple):
    """An account whose balance the test alone changes, and its model's script."""

    box: Sandbox
    client: NanoGPTClient
    script: Script

    def answer(self, *answers: Model | ToolCalls) -> None:
        """Let the model answer this from now on, in order."""
        self.script.when(then=Script(*answers))


@pytest.fixture
def account() -> Iterator[Account]:
    script = Script()
    with Sandbox(model=script, rate=None) as box:
        with NanoGPTClient(box.api_key, base_url=box.base_url) as client:
            yield Account(box, client, script)
    script.assert_exhausted()


def decode_image(path: str) -> Image.Image:
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        return image.convert("RGB")


def duration(path: str) -> float:
    """Return the seconds of a recording, as its header says."""
    with wave.open(path, "rb") as recording:
        frames = recording.readframes(recording.getnframes())
        size = recording.getsampwidth() * recording.getnchannels()
        assert len(frames) == recording.getnframes() * size
        assert any(frames), "it is silent"
        return recording.getnframes() / recording.getframerate()


def probe(path: str) -> tuple[str, float, int]:
    """Return a video's codec, its seconds, and how many frames can be decoded."""
    with av.open(path) as video:
        stream = video.streams.video[0]
        frames = sum(1 for _ in video.decode(stream))
        return stream.codec_context.name, float(video.duration or 0) / av.time_base, frames


@AGENTS
@pytest.mark.parametrize("answers", [ONE_BY_ONE, AT_ONCE], ids=["one by one", "at once"])
async def test_search_draw_speak_transcribe_report(ask, answers, account, tmp_path):
    account.answer(*answers)
    before = account.box.balance
    done = await ask("Who founded Nano? Draw him, and read it aloud.", tmp_path, account.client)
    assert sorted(name for name, _, _ in done.calls) == [
        "check_balance", "generate_image", "search_web", "speak", "transcribe",
    ]  # fmt: skip

    assert done.artifact("search_web")["sources"]
    image = decode_image(done.artifact("generate_image")["path"])
    assert image.size == (1024, 1024)
    assert len(image.getcolors(1 << 24) or ()) > 20, "it shows nothing"

    # The name of the file reached the next tool, which understood what was spoken.
    spoken = done.artifact("speak")["path"]
    assert duration(spoken) > 1
    assert done.argument("transcribe", "audio") == spoken
    text = done.artifact("transcribe")["text"]
    assert text == done.argument("speak", "text")
    assert "Nano" in text

    # The costs that the tools report are the account's.
    prices = [artifact["cost"] for _, _, artifact in done.calls]
    assert all(price is not None for price in prices)
    assert before - account.box.balance == account.client.ledger.spent
    assert f"{Decimal(done.artifact('check_balance')['usd_exact']).normalize()}" in done.answer
    assert f"{done.artifact('generate_image')['cost_exact']} USD" in done.answer


def draw(prompt: str) -> ToolCalls:
    return ToolCalls(generate_image={"prompt": prompt})


@AGENTS
async def test_an_image_becomes_a_video(ask, account, tmp_path):
    account.answer(
        draw("a red fox"),
        lambda request: ToolCalls(
            generate_video={
                "prompt": "a red fox",
                "image": file_named("image", request),
            }
        ),
        report,
    )
    done = await ask("Draw a fox, then make a short video of it.", tmp_path, account.client)
    assert done.argument("generate_video", "image") == done.artifact("generate_image")["path"]
    codec, seconds, frames = probe(done.artifact("generate_video")["path"])
    assert (codec, round(seconds)) == ("h264", 5)
    assert frames == 3
    assert len([entry for entry in account.client.ledger if entry.kind == "video"]) > 0
    assert done.artifact("generate_video")["run_id"] in done.answer


@AGENTS
async def test_an_image_is_edited(ask, account, tmp_path):
    account.answer(
        draw("a sailing boat"),
        lambda request: ToolCalls(
            edit_image={"prompt": "make the sea green", "image": file_named("image", request)}
        ),
        report,
    )
    done = await ask("Paint a boat. Then make the sea green.", tmp_path, account.client)
    drawn, edited = (done.artifact(name)["path"] for name in ("generate_image", "edit_image"))
    assert done.argument("edit_image", "image") == drawn
    assert decode_image(drawn).tobytes() != decode_image(edited).tobytes()


@AGENTS
async def test_files_are_found_by_name_where_nothing_is_saved(ask, account, tmp_path, monkeypatch):
    """Without a folder the recording stays in memory, under the name that its result reports."""
    account.answer(ToolCalls(speak={"text": "Good evening, all"}), transcribe, report)
    monkeypatch.setattr(
        "tests.promises.media.test_agents.tool_settings",
        lambda _, client: {"client": client, "audio_format": "wav", "include_base64": True},
    )
    done = await ask("Say 'Good evening, all' and transcribe it.", tmp_path, account.client)
    assert done.argument("transcribe", "audio") == done.artifact("speak")["name"]
    assert done.artifact("transcribe")["text"] == "Good evening, all"
    with wave.open(io.BytesIO(b64decode(done.artifact("speak")["base64"]))) as recording:
        assert recording.getnframes()
    assert list(tmp_path.iterdir()) == []
