"""What users write, as mypy sees it: never run, only type-checked.

`assert_type` holds what comes back; each ``type: ignore`` holds a mistake that must be caught,
because an unused one is an error.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from nanogpt_client import (
    AsyncNanoGPTClient,
    Balance,
    Batch,
    BatchPage,
    BatchResult,
    Budget,
    ChatChunk,
    ChatCompletion,
    ClonedVoice,
    GeneratedImages,
    InsufficientBalanceError,
    Ledger,
    ModelList,
    NanoGPTClient,
    NanoGPTError,
    ScrapedPage,
    Speech,
    StreamInterruptedError,
    Transcript,
    UrlResults,
    Video,
    VideoJob,
    WebSearchResult,
    YoutubeTranscript,
    batch_row,
)

MODEL = "openai/gpt-5.2"


def configured(ledger: Ledger) -> NanoGPTClient:
    return NanoGPTClient(
        "key",
        base_url="https://nano-gpt.com/api/v1",
        timeout=30,
        max_retries=0,
        stream_idle_timeout=None,
        first_event_timeout=20.0,
        default_headers={"x-provider": "any"},
        budget=Budget(usd="0.50"),
        ledger=ledger,
    )


def sync_calls(client: NanoGPTClient) -> None:
    assert_type(client.chat("hi", model=MODEL, temperature=0.2), ChatCompletion)
    assert_type(
        client.chat([{"role": "user", "content": "hi"}], model=MODEL, web_search="linkup-deep"),
        ChatCompletion,
    )
    for chunk in client.stream_chat("hi", model=MODEL, max_tokens=10):
        assert_type(chunk, ChatChunk)
    vectors: NDArray[np.float32] = client.embed(["a", "b"], model="BAAI/bge-m3").vectors
    vectors.mean()
    assert_type(client.generate_image("a cat", model="hidream"), GeneratedImages)
    assert_type(client.speak("hi", model="tts-1"), Speech)
    assert_type(client.transcribe("a.wav", model="Whisper-Large-V3"), Transcript)
    assert_type(client.submit_video("a cat", model="sora-2"), VideoJob)
    assert_type(client.batches.submit([batch_row("Hi", model="gpt-4.1")]), Batch)
    assert_type(client.batches.results("batch_1")[0], BatchResult)
    assert_type(client.batches.list(limit=5), BatchPage)
    assert_type(client.generate_video("a cat", model="sora-2"), Video)
    assert_type(client.search_web("news"), WebSearchResult)
    assert_type(client.scrape("https://example.com"), UrlResults[ScrapedPage])
    assert_type(client.transcribe_youtube(["https://youtu.be/x"])[0], YoutubeTranscript)
    assert_type(client.clone_voice("me.wav", provider="qwen"), ClonedVoice)
    assert_type(client.list_models("embedding"), ModelList)
    assert_type(client.balance(), Balance)


async def async_calls() -> None:
    async with AsyncNanoGPTClient() as client:
        assert_type(await client.chat("hi", model=MODEL), ChatCompletion)
        async for chunk in client.stream_chat("hi", model=MODEL):
            assert_type(chunk, ChatChunk)
        assert_type(await client.balance(), Balance)


def mistakes(client: NanoGPTClient) -> None:
    client.chat("hi", model=MODEL, temperature="hot")  # type: ignore[arg-type]
    client.chat("hi", model=MODEL, temprature=0.2)  # type: ignore[call-arg]
    client.chat("hi")  # type: ignore[call-arg]
    client.chat("hi", model=MODEL, reasoning_effort="huge")  # type: ignore[arg-type]
    client.list_models("poem")  # type: ignore[arg-type]
    NanoGPTClient("key", "https://nano-gpt.com/api/v1")  # type: ignore[call-arg]


def what_went_wrong(error: NanoGPTError) -> Any:
    if isinstance(error, InsufficientBalanceError):
        assert_type(error.required_usd, Decimal | None)
    if isinstance(error, StreamInterruptedError):
        return error.partial
    return error.status_code, error.code, error.request_id, error.sends, error.maybe_billed


def what_it_cost(ledger: Ledger) -> None:
    assert_type(ledger.spent, Decimal)
    for entry in ledger:
        assert_type(entry.cost, Decimal | None)
