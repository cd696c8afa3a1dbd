"""Asynchronous tools do their work with files off the event loop."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from blockbuster import blockbuster_ctx

from langchain_nanogpt import NanoGPTRateLimiter
from nanogpt_client import AsyncNanoGPTClient, batch_row
from nanogpt_client.account import Account
from nanogpt_client.endpoints import _batch_output, _batch_rows
from tests.security.ways import acall, ainvoke
from tests.support.stores import redis_url, valkey

__all__ = ["valkey"]

PACKAGES = ["nanogpt_client", "langchain_nanogpt", "llama_index_nanogpt"]


@contextmanager
def raising() -> Iterator[None]:
    """Raise an error where one of our packages blocks a running loop."""
    with blockbuster_ctx(PACKAGES) as guard:
        # coverage takes a lock of its own at the first line of a file, in whoever's function.
        guard.functions["threading.Lock.acquire"].can_block_in("coverage/collector.py", "lock_data")
        yield


@pytest.fixture
def unblocked() -> Iterator[None]:
    """Raise an error where one of our packages blocks a running loop."""
    with raising():
        yield


@pytest.mark.parametrize("use", [ainvoke, acall])
def test_tools(use, client, tmp_path, unblocked):
    folder = tmp_path / "out"
    settings: dict[str, Any] = {
        "output_dir": folder, "image_size": "256x256", "audio_format": "wav",
        "video_poll_interval": 0.01, "client": client,
    }  # fmt: skip
    client = settings.pop("client")
    drawn = use(client, "generate_image", {"prompt": "a cat"}, **settings)
    changed = use(
        client, "edit_image", {"prompt": "blue", "image": drawn.artifact["path"]}, **settings
    )
    spoken = use(client, "speak", {"text": "Hello."}, **settings)
    heard = use(client, "transcribe", {"audio": spoken.artifact["path"]}, **settings)
    film = use(
        client, "generate_video", {"prompt": "x", "image": drawn.artifact["path"]}, **settings
    )
    for seen in (drawn, changed, spoken, heard, film):
        assert not seen.failed, seen.text
    assert heard.text == "Hello."
    assert film.artifact["path"]


def test_the_client_itself(sandbox, client, tmp_path, unblocked):
    settings = {"include_base64": True, "audio_format": "wav"}
    spoken = ainvoke(client, "speak", {"text": "Hi."}, **settings).artifact or {}
    path = tmp_path / "a.wav"
    path.write_bytes(base64.b64decode(spoken["base64"]))

    async def main() -> str:
        async with AsyncNanoGPTClient(sandbox.api_key, base_url=sandbox.base_url) as other:
            return (await other.transcribe(path, model="Whisper-Large-V3")).text

    assert asyncio.run(main()) == "Hi."


def test_batches_whose_rows_and_results_are_on_disk(sandbox, unblocked, monkeypatch):
    for module in (_batch_rows, _batch_output):
        monkeypatch.setattr(module, "IN_MEMORY", 100)
    rows = [batch_row("x" * 100_000, model="openai/gpt-5.2", max_tokens=9) for _ in range(3)]

    async def main() -> list[bool]:
        async with AsyncNanoGPTClient(sandbox.api_key, base_url=sandbox.base_url) as other:
            batch = await other.batches.submit(iter(rows), inline=False)
            results = await other.batches.results(batch, poll_interval=0.01)
            return [result.error is None async for result in results]

    assert asyncio.run(main()) == [True] * 3


@pytest.mark.parametrize("where", ["memory", "sqlite", "redis"])
def test_a_shared_account(where, sandbox, tmp_path, request):
    """Its store is asked, and learns of outcomes, in threads: also when a stream is abandoned."""
    url = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/spent.db"}.get(where)
    account = Account(url or redis_url(request.getfixturevalue("valkey")), usd=1)

    async def main() -> None:
        settings: dict[str, Any] = {"base_url": sandbox.base_url, "account": account}
        async with AsyncNanoGPTClient(sandbox.api_key, **settings) as client:
            await client.chat("Hi.", model="openai/gpt-5.2")
            stream = client.stream_chat("Hi.", model="openai/gpt-5.2")
            await anext(stream)
            await stream.aclose()
        await NanoGPTRateLimiter(account).aacquire()

    with raising():
        asyncio.run(main())
    assert len(account.rows()) == 2


def test_what_blocks_is_found(unblocked, tmp_path):
    """Else the tests above would show nothing."""
    from nanogpt_client.tools.artifacts import check_output_dir  # noqa: PLC0415 - as a tool would

    async def main() -> None:
        check_output_dir(tmp_path / "x")

    with pytest.raises(Exception, match="Blocking call"):
        asyncio.run(main())
