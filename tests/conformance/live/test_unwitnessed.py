"""Shapes that no public witness has shown, so the first that `make record` asks NanoGPT for.

Each test states what our reading of a shape assumes. Where NanoGPT's answer shows it to be wrong,
its cassette is the witness: mend the reader and its docstring. They cost money: searches, pictures,
a long answer. Nothing here has been recorded unless its cassette is in ``tests/cassettes/live``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest

from nanogpt_client import (
    BadRequestError,
    Call,
    InsufficientBalanceError,
    NanoGPTClient,
    Request,
)
from tests.unit.langchain_nanogpt.samples import picture

pytestmark = pytest.mark.vcr

MODEL = "openai/gpt-5.2"
THINKING = "alibaba/qwen3.6-27b:thinking"
NEWS = "What happened in the news today? One sentence."
PROVIDERS = [
    "linkup", "tavily", "brave", "sofya", "exa", "kagi", "perplexity", "valyu", "firecrawl",
]  # fmt: skip


@pytest.fixture
def client(recorded) -> Iterator[NanoGPTClient]:
    with NanoGPTClient(recorded.api_key, base_url=recorded.base_url, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("streamed", [False, True])
def test_citations_of_a_chat_that_searches(client, streamed):
    """`Citation`: nested or flat ``annotations`` of the message, or of deltas."""
    if streamed:
        stream = client.stream_chat(NEWS, model=f"{MODEL}:online", max_tokens=200)
        citations = stream.get_final().citations
    else:
        citations = client.chat(NEWS, model=f"{MODEL}:online", max_tokens=200).citations
    assert citations
    assert all(citation.url.startswith("http") for citation in citations)


def test_price_in_headers_alone(client):
    """`Billing`: ``x-cost``, ``x-nano-cost``, where a body has no price; sound has none."""
    spoken = client.speak("One.", model="tts-1", voice="alloy")
    assert spoken.data
    assert spoken.cost is not None


def test_comments_that_keep_a_stream_alive(client):
    """`SSEDecoder`: lines that begin with a colon, while a model thinks; they are read over."""
    question = "How many primes are there below 2000? Count them carefully."
    answer = client.stream_chat(question, model=THINKING, max_tokens=4000).get_final()
    assert answer.finish_reason in {"stop", "length"}


def test_the_estimate_of_a_chat(client):
    """`CostEstimate`: the reply of get-completion-cost names dollars somewhere. Free."""
    assert client.estimate_chat_cost("Hello", model=MODEL).usd is not None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_hits_of_each_search_provider(client, provider):
    """`SearchHit`: whatever a provider calls them, each hit has an address and a title or text."""
    found = client.search_web("Nano cryptocurrency", provider=provider, output_type="searchResults")
    assert found.hits
    assert all(hit.url and (hit.title or hit.content) for hit in found.hits)


def test_pictures_of_a_chat(client):
    """`Message.images`: items with a URL, in one of the forms of other gateways."""
    drawing = [m.id for m in client.list_models("text") if "image" in m.output_modalities]
    if not drawing:
        pytest.skip("NanoGPT lists no chat model that says that it draws")
    answer = client.chat("Draw a red circle.", model=min(drawing))
    assert answer.images
    assert all(url.startswith(("data:image/", "http")) for url in answer.images)


def test_formats_in_the_list_of_speech(client):
    """No reader: which key of ``supported_parameters`` names formats, the cassette shows. Free."""
    assert any(model.supported_parameters for model in client.list_models("tts"))


def test_a_mask_where_the_list_denies_it(client):
    """`check_image`: a mask goes out although the list says ``inpainting: false``."""
    denied = [
        m.id
        for m in client.list_models("image")
        if {"image_to_image", "inpainting"} & m.capabilities == {"image_to_image"}
    ]
    if not denied:
        pytest.skip("NanoGPT lists no model that edits and says that it takes no mask")
    square = picture("PNG")
    with suppress(BadRequestError):
        assert client.edit_image("a red dot", model=min(denied), image=square, mask=square).images


def test_a_balance_that_does_not_cover_memory_and_search(client):
    """`InsufficientBalanceError`: nested codes other than ``insufficient_balance``."""
    if client.balance().usd:
        pytest.skip("this needs the key of an account without money")
    with pytest.raises(InsufficientBalanceError) as raised:
        client.chat("Hello", model=f"{MODEL}:online:memory", max_tokens=1)
    assert raised.value.code == "both_balance_required"


def test_the_whole_reply_of_images(client):
    """No reader of its own: ``POST /v1/images`` should answer as ``/v1/images/generations``."""
    body = {"model": "gpt-image-2", "prompt": "a red circle", "quality": "low", "n": 1}
    request = Request("POST", "/images", content=json.dumps(body).encode())
    answer = client.send(Call(request, lambda reply: reply.json(), "image", billable=True))
    assert all(item.get("b64_json") or item.get("url") for item in answer["data"])
