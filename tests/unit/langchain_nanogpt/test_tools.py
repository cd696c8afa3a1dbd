"""NanoGPT's tools in LangChain: what models and programs get, progress, and errors."""

from __future__ import annotations

import base64
import copy
import pickle
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import ModelError
from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException
from langchain_core.utils.function_calling import convert_to_openai_tool

import langchain_nanogpt
from langchain_nanogpt import (
    NanoGPTAudioParser,
    NanoGPTImageEditTool,
    NanoGPTImageTool,
    NanoGPTToolkit,
    NanoGPTVideoTool,
    NanoGPTWebSearchRetriever,
)
from nanogpt_client import (
    Budget,
    ConfigurationError,
    InvalidArgumentError,
    NanoGPTClient,
    Progress,
)
from nanogpt_client.tools import TOOLS
from tests.conformance.langchain.test_standard_tools import EXAMPLES, KEY
from tests.unit.langchain_nanogpt.samples import picture


def test_every_tool_of_the_core_is_here():
    assert [tool.core.name for tool in EXAMPLES] == list(TOOLS)
    assert {tool.__name__ for tool in EXAMPLES} <= set(langchain_nanogpt.__all__)


def asked(tool: Any, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": "call-1", "name": tool.name, "args": arguments}


@pytest.fixture(params=["invoke", "ainvoke"])
def run(request):
    """Return a coroutine function that runs a tool as an agent does, either way."""

    async def act(tool: Any, *, config: Any = None, **arguments: Any) -> ToolMessage:
        found = getattr(tool, request.param)(asked(tool, **arguments), config)
        result = found if request.param == "invoke" else await found
        assert isinstance(result, ToolMessage)
        return result

    return act


@pytest.fixture
def client(sandbox) -> NanoGPTClient:
    return NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url)


async def test_text_for_the_model_and_bytes_for_the_program(run, client, tmp_path):
    tool = NanoGPTImageTool(client=client, output_dir=tmp_path, size="256x256")
    message = await run(tool, prompt="a cat")
    assert message.content == (
        f"Generated 1 image with hidream for 0.005 USD. File: {message.artifact['path']}."
    )
    (path,) = tmp_path.iterdir()
    assert message.artifact["path"] == str(path)
    assert path.stem in message.artifact["name"]
    assert message.status == "success"


async def test_a_model_with_vision_gets_the_image_as_a_block(run, client):
    tool = NanoGPTImageTool(client=client, size="256x256", image_blocks=True)
    text, image = (await run(tool, prompt="a cat")).content
    assert text["type"] == "text"
    assert (image["type"], image["mime_type"]) == ("image", "image/png")
    assert base64.b64decode(image["base64"]).startswith(b"\x89PNG")


async def test_the_model_reads_an_error(run, client):
    tool = NanoGPTImageTool(client=client)
    message = await run(tool, prompt="a cat", size="9x9")
    assert message.status == "error"
    assert "does not support size='9x9'; it supports 1024x1024" in message.content
    assert "Nothing was sent or spent" in message.content


async def test_or_raised_with_its_cause(client):
    tool = NanoGPTImageTool(client=client, handle_tool_error=False)
    with pytest.raises(ToolException, match="it supports 1024x1024") as caught:
        tool.invoke({"prompt": "x", "size": "9x9"})
    assert isinstance(caught.value.__cause__, ModelError)
    assert isinstance(caught.value.__cause__, InvalidArgumentError)
    with pytest.raises(ToolException, match="it supports 1024x1024"):
        await tool.ainvoke({"prompt": "x", "size": "9x9"})


class Listener(BaseCallbackHandler):
    """Remembers custom events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        self.events.append((name, data))


async def test_long_work_dispatches_events_and_calls_back(run, client):
    listener = Listener()
    seen: list[Progress] = []
    tool = NanoGPTVideoTool(client=client, poll_interval=0.01, on_progress=seen.append)
    message = await run(tool, prompt="a cat", config={"callbacks": [listener]})
    events = [data for name, data in listener.events if name == "nanogpt_progress"]
    assert events[0]["status"] == "submitted"
    assert events[-1]["status"] == "completed"
    assert {data["run_id"] for data in events} == {message.artifact["run_id"]}
    assert [progress.status for progress in seen] == [data["status"] for data in events]
    name, call = listener.events[-1]
    assert (name, call["kind"], call["model"]) == ("nanogpt_cost", "video", "veo2-video")
    assert call["cost"] == message.artifact["cost_exact"]


async def test_events_reach_event_streams(client):
    tool = NanoGPTVideoTool(client=client, poll_interval=0.01)
    events = [
        event["name"]
        async for event in tool.astream_events({"prompt": "a cat"}, version="v2")
        if event["event"] == "on_custom_event"
    ]
    assert set(events) == {"nanogpt_progress", "nanogpt_cost"}


async def test_a_progress_function_may_be_asynchronous(client):
    seen: list[Progress] = []

    async def tell(progress: Progress) -> None:
        seen.append(progress)

    tool = NanoGPTVideoTool(client=client, poll_interval=0.01, on_progress=tell)
    await tool.ainvoke({"prompt": "a cat"})
    assert seen[-1].status == "completed"


async def test_tools_of_a_kit_share_client_folder_and_results(run, client, tmp_path):
    kit = NanoGPTToolkit(
        client=client, output_dir=tmp_path, audio_format="wav", image_size="256x256"
    )
    tools = {tool.name: tool for tool in kit.get_tools()}
    assert list(tools) == list(TOOLS)
    spoken = await run(tools["speak"], text="Shared.")
    heard = await run(tools["transcribe"], audio=spoken.artifact["name"])
    assert heard.content == "Shared."
    drawn = await run(tools["generate_image"], prompt="a cat")
    assert (await run(tools["edit_image"], prompt="blue", image=drawn.artifact["path"])).artifact
    assert {entry.kind for entry in client.ledger} >= {"speech", "transcription", "image"}


def test_a_toolkit_passes_its_settings_on(client):
    kit = NanoGPTToolkit(
        client=client,
        include=("speak", "generate_video"),
        speech_model="gpt-4o-mini-tts",
        voice="sage",
        video_model="veo3-video",
        video_poll_timeout=5,
        confirm_above_usd="0.5",
    )
    speak, film = kit.get_tools()
    assert (speak.model, speak.voice) == ("gpt-4o-mini-tts", "sage")  # type: ignore[attr-defined]
    assert (film.model, film.poll_timeout) == ("veo3-video", 5)  # type: ignore[attr-defined]
    assert str(film.confirm_above_usd) == "0.5"  # type: ignore[attr-defined]


async def test_a_kit_keeps_to_its_budget(run, sandbox):
    kit = NanoGPTToolkit(
        api_key=sandbox.api_key, base_url=sandbox.base_url, budget=Budget(max_calls=1)
    )
    speak = next(tool for tool in kit.get_tools() if tool.name == "speak")
    assert (await run(speak, text="one")).status == "success"
    refused = await run(speak, text="two")
    assert refused.status == "error"
    assert "Make no more paid calls" in refused.content


async def test_spending_is_confirmed(run, client):
    tool = NanoGPTImageTool(client=client, confirm_above_usd="0.001", confirm=lambda _: False)
    refused = await run(tool, prompt="a cat")
    assert "the user did not confirm it; nothing was sent" in refused.content


@pytest.mark.parametrize("tool", EXAMPLES)
def test_no_key_is_shown_and_tools_can_be_copied_and_sent(tool):
    made = tool(api_key=KEY, pickle_api_key=True, **EXAMPLES[tool][0])
    convert_to_openai_tool(made)  # which makes LangChain remember a schema
    for shown in (repr(made), str(made), str(made.model_dump())):
        assert KEY not in shown
    for copied in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), made.model_copy()):
        assert (copied.name, copied.api_key) == (made.name, made.api_key)
        assert convert_to_openai_tool(copied) == convert_to_openai_tool(made)


def test_schemas_tell_models_of_texts_where_programs_may_pass_bytes():
    schema = convert_to_openai_tool(NanoGPTImageEditTool(api_key=KEY))["function"]
    assert schema["parameters"]["properties"]["image"]["type"] == "string"
    assert schema["parameters"]["required"] == ["prompt", "image"]


async def test_programs_may_pass_bytes(run, client):
    tool = NanoGPTImageEditTool(client=client, size="256x256")
    assert (await run(tool, prompt="blue", image=picture("PNG"))).status == "success"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "prompt: field required."),
        ({"prompt": "a cat", "n": 0}, "n: input should be greater than or equal to 1."),
        ({"prompt": "a cat", "style": "oil"}, "style: extra inputs are not permitted."),
    ],
)
async def test_the_model_reads_which_argument_does_not_fit(run, client, arguments, error):
    message = await run(NanoGPTImageTool(client=client), **arguments)
    assert message.status == "error"
    assert (
        message.content
        == f"{error} Nothing was sent or spent. Correct the arguments and try again."
    )
    assert len(client.ledger) == 0


@pytest.mark.parametrize(
    "cls", [*EXAMPLES, NanoGPTToolkit, NanoGPTWebSearchRetriever, NanoGPTAudioParser]
)
def test_an_unknown_setting_is_refused(cls):
    with pytest.raises(ConfigurationError, match="modle"):
        cls(api_key=KEY, modle="x")


async def test_the_tools_of_a_kit_share_its_connections(client):
    kit = NanoGPTToolkit(client=client)
    tools: Any = kit.get_tools()
    assert {tool._client() for tool in tools} == {client}
    assert {tool._async_client() for tool in tools} == {kit._async_client()}
