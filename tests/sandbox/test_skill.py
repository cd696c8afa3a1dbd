"""Every request of NanoGPT's published skill description works against the sandbox's server.

The document lies beside the checkout (`../shared/nanogpt/skill.md`) and is no part of the project.
Its curl and Python blocks run as they stand, and the bodies of its JSON blocks are sent: only
address, key, placeholder ids and file names are replaced.
The official `openai` SDK works, too, with only address and key set.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from nanogpt_client.sandbox import Sandbox
from tests.sandbox.asking import HELLO, MODEL, QUESTION, WEATHER
from tests.support.paths import REFERENCE

SKILL = REFERENCE / "skill.md"
IDS = {
    "TEXT_MODEL_ID": "openai/gpt-5.2",
    "IMAGE_MODEL_ID": "hidream",
    "VIDEO_MODEL_ID": "veo2-video",
    "TTS_MODEL_ID": "tts-1",
    "STT_MODEL_ID": "Whisper-Large-V3",
    "EMBEDDING_MODEL_ID": "text-embedding-3-small",
    "VOICE_ID": "alloy",
}
# The path of a JSON body, by its model.
PATHS = {
    "TEXT_MODEL_ID": "/api/v1/chat/completions",
    "TEXT_MODEL_ID:online": "/api/v1/chat/completions",
    "IMAGE_MODEL_ID": "/api/v1/images/generations",
    "VIDEO_MODEL_ID": "/api/generate-video",
    "TTS_MODEL_ID": "/api/v1/audio/speech",
    "EMBEDDING_MODEL_ID": "/api/v1/embeddings",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(rate=None, balance="50") as box:
        yield box


@pytest.fixture(scope="module")
def client(server: Sandbox) -> Iterator[httpx.Client]:
    headers = {"x-api-key": server.api_key}
    with httpx.Client(base_url=server.origin, headers=headers, timeout=30) as found:
        yield found


def filled(text: str, server: Sandbox, job: str = "") -> str:
    """Return the text with address, key and placeholders replaced."""
    key = dict.fromkeys(("YOUR_NANOGPT_API_KEY", "YOUR_API_KEY"), server.api_key)
    for old, new in {"https://nano-gpt.com": server.origin, "abc123": job, **IDS, **key}.items():
        text = text.replace(old, new)
    return text


def blocks(language: str) -> list[str]:
    """Return the document's code blocks in a language; skip where there is no document."""
    if not SKILL.exists():
        pytest.skip("no ../shared/nanogpt/skill.md beside the checkout")
    return re.findall(rf"```{language}\n(.*?)```", SKILL.read_text("utf-8"), re.DOTALL)


def test_the_json_bodies_are_accepted(server, client):
    bodies: list[dict[str, Any]] = [json.loads(block) for block in blocks("json")]
    requests = [body for body in bodies if "model" in body]
    assert len(requests) == 8
    for body in requests:
        path = PATHS[body["model"]]
        reply = client.post(path, content=filled(json.dumps(body), server))
        assert reply.status_code in {200, 202}, reply.text
        if path == "/api/v1/audio/speech":
            assert reply.headers["content-type"] == "audio/mpeg"
        else:
            assert {"choices", "data", "runId"} & reply.json().keys()


def test_curl_itself_gets_an_answer(server, client, tmp_path):
    video = {"model": "veo2-video", "prompt": "A cat walking through a garden"}
    job = client.post("/api/generate-video", json=video).json()["runId"]
    commands = [shlex.split(filled(b.replace("\\\n", " "), server, job)) for b in blocks("bash")]
    assert len(commands) == 15
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    spoken = {"model": "tts-1", "input": "Good morning.", "response_format": "mp3"}
    recording = client.post("/api/v1/audio/speech", json=spoken).content
    (tmp_path / "audio.mp3").write_bytes(recording)
    for command in commands:
        done = subprocess.run(
            [*command, "--silent", "--show-error", "--fail-with-body", "--noproxy", "*"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert (tmp_path / "speech.mp3").stat().st_size > 0


def test_the_python_blocks_run(server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = blocks("python")
    assert len(found) == 3
    with warnings.catch_warnings():
        # `stream_to_file` is deprecated, and the clients are left to the collector.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        for block in found:
            names: dict[str, Any] = {"OpenAI": openai.OpenAI}
            exec(filled(block, server), names)
            names["client"].close()
    assert (tmp_path / "output.mp3").stat().st_size > 0
    assert capsys.readouterr().out


ASKED = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def sdk(server: Sandbox) -> Iterator[openai.OpenAI]:
    address, key = server.base_url, server.api_key
    with openai.OpenAI(base_url=address, api_key=key, max_retries=0) as found:
        yield found


def test_a_stream_is_the_whole_reply(sdk):
    whole = sdk.chat.completions.create(model=MODEL, messages=HELLO)
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(sdk.chat.completions.create(model=MODEL, messages=HELLO, **options))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


def test_a_tool_is_called_and_its_result_used(sdk):
    with sdk.chat.completions.stream(model=MODEL, messages=ASKED, tools=[WEATHER]) as stream:
        said = stream.get_final_completion().choices[0].message
    (call,) = said.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Lisbon"}
    result = {"role": "tool", "tool_call_id": call.id, "content": "19 degrees and sunny"}
    messages = [*ASKED, said.model_dump(exclude_none=True, exclude={"parsed"}), result]
    second = sdk.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert "19 degrees" in second.choices[0].message.content


@pytest.mark.parametrize(("fault", "error"), [
    ("400", openai.BadRequestError), ("401", openai.AuthenticationError),
    ("403", openai.PermissionDeniedError), ("409", openai.ConflictError),
    ("429", openai.RateLimitError), ("500", openai.InternalServerError),
    ("402-legacy", openai.APIStatusError), ("cut-before", openai.APIConnectionError),
])  # fmt: skip
def test_errors_are_the_sdks_own(sdk, fault, error):
    with pytest.raises(error):
        sdk.chat.completions.create(model=f"sandbox/fault/{fault}", messages=HELLO)
