"""`NanoGPTWebSearchRetriever`: what is asked for, and what comes back."""

from __future__ import annotations

import json
import pickle
from typing import Any

import httpx
import pytest
from langchain_core.exceptions import ModelInvalidRequestError

from langchain_nanogpt import NanoGPTWebSearchRetriever


class Wire:
    """Answers every search with four pages and a image, and remembers the bodies."""

    def __init__(self, status: int = 200) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        if self.status != 200:
            return httpx.Response(self.status, json={"error": "no"})
        pages = [
            {"type": "text", "title": f"T{n}", "url": f"https://x/{n}", "content": f"C{n}"}
            for n in range(4)
        ]
        image = {"type": "image", "url": "https://x/p.png", "title": "P"}
        return httpx.Response(200, json={"data": [image, *pages]})

    async def answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)

    def retriever(self, **options: Any) -> NanoGPTWebSearchRetriever:
        return NanoGPTWebSearchRetriever(
            api_key="k-1",
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)),
            **options,
        )


@pytest.fixture(params=["invoke", "ainvoke"])
def find(request):
    async def act(retriever: Any, query: str, **options: Any) -> Any:
        found = getattr(retriever, request.param)(query, **options)
        return found if request.param == "invoke" else await found

    return act


async def test_pages_are_documents(find):
    first, second = await find(Wire().retriever(k=2), "nano")
    assert (first.page_content, first.id) == ("C0", "https://x/0")
    assert first.metadata == {"source": "https://x/0", "url": "https://x/0", "title": "T0"}
    assert second.page_content == "C1"


async def test_dates_and_sites_are_asked_for(find):
    wire = Wire()
    retriever = wire.retriever(
        provider="linkup", from_date="2026-01-01", include_domains=["a.com"], depth="deep"
    )
    await find(retriever, "nano", to_date="2026-02-01", k=3, include_domains=["b.com"])
    assert wire.bodies == [
        {
            "query": "nano", "outputType": "searchResults", "maxResults": 3, "provider": "linkup",
            "depth": "deep", "fromDate": "2026-01-01", "toDate": "2026-02-01",
            "includeDomains": ["b.com"],
        }
    ]  # fmt: skip


async def test_an_unknown_option_is_refused_unsent(find):
    wire = Wire()
    with pytest.raises(ModelInvalidRequestError, match="unknown option 'kk'"):
        await find(wire.retriever(), "nano", kk=3)
    assert wire.bodies == []


@pytest.mark.parametrize("k", ["3", 3.0, 0, None])
async def test_a_number_of_pages_that_is_none_is_refused_unsent(find, k):
    wire = Wire()
    with pytest.raises(ModelInvalidRequestError, match="k must be a whole number from 1 on"):
        await find(wire.retriever(), "nano", k=k)
    assert wire.bodies == []


async def test_errors_are_langchains(find):
    with pytest.raises(ModelInvalidRequestError):
        await find(Wire(400).retriever(max_retries=0), "nano")


def test_it_can_be_sent_elsewhere_and_shows_no_key():
    key = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"
    made = NanoGPTWebSearchRetriever(api_key=key, k=3)
    assert pickle.loads(pickle.dumps(made)).k == 3
    assert key not in repr(made) + str(made.model_dump())
