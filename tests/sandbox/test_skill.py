"""Every request of NanoGPT's published skill description works against the sandbox's server.

The requests are written out below, so that they run without the document. Where it lies beside
the checkout (`../shared/nanogpt/skill.md`), each of its curl, Python and JSON requests must be in
the list, and its curl and Python blocks are run as they stand: only address, key, placeholder
ids and file names are replaced.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import openai
import pytest

from nanogpt_client.sandbox import Sandbox
from tests.support.paths import REFERENCE

SKILL = REFERENCE / "skill.md"
ORIGIN = "https://nano-gpt.com"
IDS = {
    "TEXT_MODEL_ID": "openai/gpt-5.2",
    "IMAGE_MODEL_ID": "hidream",
    "VIDEO_MODEL_ID": "veo2-video",
    "TTS_MODEL_ID": "tts-1",
    "STT_MODEL_ID": "Whisper-Large-V3",
    "EMBEDDING_MODEL_ID": "text-embedding-3-small",
    "VOICE_ID": "alloy",
}
KEYS = ("YOUR_NANOGPT_API_KEY", "YOUR_API_KEY")
NANO = [{"role": "user", "content": "What is Nano cryptocurrency?"}]
GREETING = [{"role": "user", "content": "Hello!"}]
HELP = {"role": "system", "content": "You are a helpful assistant."}
GARDEN = "A cat walking through a garden"


class Example(NamedTuple):
    """One request of the document; a form has its body in `form`."""

    method: str
    path: str
    body: Any = None
    form: dict[str, str] | None = None


CURL = [
    Example(
        "POST",
        "/api/v1/chat/completions",
        {"model": "TEXT_MODEL_ID", "messages": NANO, "stream": False},
    ),
    Example(
        "POST",
        "/api/v1/images/generations",
        {"model": "IMAGE_MODEL_ID", "prompt": "A futuristic city at sunset", "size": "1024x1024"},
    ),
    Example(
        "POST",
        "/api/generate-video",
        {"model": "VIDEO_MODEL_ID", "prompt": GARDEN, "aspectRatio": "16:9"},
    ),
    Example("GET", "/api/generate-video/status?requestId=abc123"),
    Example(
        "POST",
        "/api/v1/audio/speech",
        {"model": "TTS_MODEL_ID", "input": "Hello world!", "voice": "VOICE_ID"},
    ),
    Example(
        "POST",
        "/api/v1/audio/transcriptions",
        form={"file": "@audio.mp3", "model": "STT_MODEL_ID"},
    ),
    Example("POST", "/api/check-balance"),
    Example("POST", "/api/transaction/create/btc", {"amount": 10}),
    Example(
        "POST",
        "/api/get-completion-cost",
        {"model": "TEXT_MODEL_ID", "messages": [{"role": "user", "content": "Hello"}]},
    ),
    Example("POST", "/api/estimate-image-cost", {"model": "IMAGE_MODEL_ID", "size": "1024x1024"}),
    Example("GET", "/api/v1/models"),
    Example("GET", "/api/v1/image-models"),
    Example("GET", "/api/v1/video-models"),
    Example("GET", "/api/v1/audio-models"),
    Example("GET", "/api/v1/embedding-models"),
]
PYTHON = [
    Example("POST", "/api/v1/chat/completions", {"model": "TEXT_MODEL_ID", "messages": GREETING}),
    Example(
        "POST",
        "/api/v1/audio/speech",
        {"model": "TTS_MODEL_ID", "input": "Hello world!", "voice": "VOICE_ID"},
    ),
    Example("POST", "/api/v1/embeddings", {"model": "EMBEDDING_MODEL_ID", "input": "Hello world"}),
]
JSON = [
    Example(
        "POST",
        "/api/v1/chat/completions",
        {
            "model": "TEXT_MODEL_ID",
            "messages": [HELP, *GREETING],
            "stream": False,
            "temperature": 0.7,
            "max_tokens": 1024,
        },
    ),
    Example(
        "POST",
        "/api/v1/images/generations",
        {
            "model": "IMAGE_MODEL_ID",
            "prompt": "A futuristic city at sunset, cyberpunk style",
            "n": 1,
            "size": "1024x1024",
            "response_format": "url",
        },
    ),
    Example(
        "POST",
        "/api/v1/images/generations",
        {
            "model": "IMAGE_MODEL_ID",
            "prompt": "Convert to oil painting style",
            "image": "https://example.com/photo.jpg",
            "strength": 0.8,
        },
    ),
    Example(
        "POST",
        "/api/generate-video",
        {
            "model": "VIDEO_MODEL_ID",
            "prompt": f"{GARDEN} in slow motion",
            "aspectRatio": "16:9",
            "duration": 5,
        },
    ),
    Example(
        "POST",
        "/api/generate-video",
        {
            "model": "VIDEO_MODEL_ID",
            "prompt": "The person in the image starts walking",
            "imageUrl": "https://example.com/photo.jpg",
        },
    ),
    Example(
        "POST",
        "/api/v1/audio/speech",
        {
            "model": "TTS_MODEL_ID",
            "input": "Hello, this is a test of the text to speech system.",
            "voice": "VOICE_ID",
        },
    ),
    Example(
        "POST",
        "/api/v1/embeddings",
        {
            "model": "EMBEDDING_MODEL_ID",
            "input": "The food was delicious and the waiter was friendly.",
        },
    ),
    Example(
        "POST",
        "/api/v1/chat/completions",
        {
            "model": "TEXT_MODEL_ID:online",
            "messages": [{"role": "user", "content": "What happened in the news today?"}],
        },
    ),
]
# Keys by which the reply to a path can be told to be what was asked for.
ANSWERS = {
    "/api/v1/chat/completions": "choices",
    "/api/v1/images/generations": "data",
    "/api/generate-video": "runId",
    "/api/generate-video/status": "status",
    "/api/v1/audio/transcriptions": "text",
    "/api/v1/embeddings": "data",
    "/api/check-balance": "usd_balance",
    "/api/transaction/create/btc": "txId",
    "/api/get-completion-cost": "cost",
    "/api/estimate-image-cost": "cost",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(rate=None, balance="50") as box:
        yield box


@pytest.fixture
def client(server) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server.origin, headers={"x-api-key": server.api_key}, timeout=30
    ) as found:
        yield found


@pytest.fixture
def recording(client) -> bytes:
    """An MP3 with words in it."""
    body = {"model": "tts-1", "input": "Good morning.", "response_format": "mp3"}
    return bytes(client.post("/api/v1/audio/speech", json=body).content)


@pytest.fixture
def job(client) -> str:
    """The id of a submitted video."""
    body = {"model": "veo2-video", "prompt": GARDEN}
    return str(client.post("/api/generate-video", json=body).json()["runId"])


def filled(text: str, server: Sandbox, job: str = "") -> str:
    """The text with address, key and placeholders replaced."""
    replacements = {ORIGIN: server.origin, "abc123": job, **IDS}
    for key in KEYS:
        replacements[key] = server.api_key
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("example", [*CURL, *PYTHON, *JSON])
def test_a_request_works(example, server, client, recording, job):
    example = Example(*json.loads(filled(json.dumps(example), server, job)))
    files = {"file": ("audio.mp3", recording, "audio/mpeg")} if example.form else None
    data = {key: value for key, value in (example.form or {}).items() if key != "file"} or None
    reply = client.request(example.method, example.path, json=example.body, data=data, files=files)
    assert reply.status_code in {200, 202}, reply.text
    path = example.path.partition("?")[0]
    if path == "/api/v1/audio/speech":
        assert reply.headers["content-type"] == "audio/mpeg"
    else:
        assert ANSWERS.get(path, "data") in reply.json()


def blocks(language: str) -> list[str]:
    """The document's code blocks in a language; skips where there is no document."""
    if not SKILL.exists():
        pytest.skip("no ../shared/nanogpt/skill.md beside the checkout")
    return re.findall(rf"```{language}\n(.*?)```", SKILL.read_text("utf-8"), re.DOTALL)


def curl_arguments(block: str) -> list[str]:
    return shlex.split(block.replace("\\\n", " "))


def read_curl(block: str) -> Example:
    """The request that a curl command sends."""
    words = iter(curl_arguments(block)[1:])
    method, url, body, form = None, "", None, {}
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-d":
            body = json.loads(next(words))
        elif word == "-F":
            name, _, value = next(words).partition("=")
            form[name] = value
        elif word in {"-H", "--output"}:
            next(words)
        else:
            url = word
    default = "GET" if body is None and not form else "POST"
    return Example(method or default, url.removeprefix(ORIGIN), body, form or None)


def test_the_list_holds_every_curl_request_of_the_document():
    assert [read_curl(block) for block in blocks("bash")] == CURL


def test_the_list_holds_every_json_request_of_the_document():
    bodies = [json.loads(block) for block in blocks("json")]
    assert [body for body in bodies if "model" in body] == [example.body for example in JSON]


def test_the_list_holds_every_python_request_of_the_document():
    assert len(blocks("python")) == len(PYTHON)


def test_curl_itself_gets_an_answer(server, recording, job, tmp_path):
    commands = [curl_arguments(filled(block, server, job)) for block in blocks("bash")]
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
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
