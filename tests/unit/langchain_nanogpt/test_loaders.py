"""`NanoGPTWebLoader` and `NanoGPTYoutubeLoader`: URLs as documents, part by part."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from langchain_core.exceptions import ModelError, ModelInvalidRequestError

from langchain_nanogpt import NanoGPTWebLoader, NanoGPTYoutubeLoader
from nanogpt_client import Budget, DownloadError, InsufficientBalanceError
from tests.support.web_pages import URLS, VIDEOS, PageWire


@pytest.fixture(params=["load", "aload", "lazy_load", "alazy_load"])
def load(request):
    async def act(loader: Any) -> list[Any]:
        found = getattr(loader, request.param)()
        if request.param == "alazy_load":
            return [document async for document in found]
        return list(await found if request.param == "aload" else found)

    return act


def web(wire: PageWire, urls: Any, **settings: Any) -> NanoGPTWebLoader:
    return NanoGPTWebLoader(urls=urls, **wire.settings, **settings)


async def test_a_document_for_each_page(load):
    wire = PageWire()
    first, *others = await load(web(wire, URLS))
    assert (first.page_content, first.id) == (f"# {URLS[0]}", URLS[0])
    assert first.metadata == {"source": URLS[0], "title": f"Title of {URLS[0]}", "cost": 0.001}
    assert [document.id for document in others] == URLS[1:]
    assert [body["urls"] for body in wire.sent] == [URLS[:5], URLS[5:10], URLS[10:]]


async def test_a_document_for_each_video(load):
    wire = PageWire()
    documents = await load(NanoGPTYoutubeLoader(urls=VIDEOS, **wire.settings))
    assert [document.page_content for document in documents] == [f"said in {u}" for u in VIDEOS]
    assert documents[0].metadata["cost"] == 0.01
    assert [len(body["urls"]) for body in wire.sent] == [10, 2]


def test_a_part_is_paid_when_it_is_needed():
    wire = PageWire()
    loader = web(wire, URLS)
    documents = loader.lazy_load()
    assert wire.sent == []
    for _ in range(5):
        next(documents)
    assert len(wire.sent) == 1
    next(documents)
    assert len(wire.sent) == 2
    documents.close()  # type: ignore[attr-defined]
    assert str(loader.ledger.spent) == "0.010"


async def test_a_part_is_paid_when_it_is_needed_in_async_code():
    wire = PageWire()
    documents = web(wire, URLS).alazy_load()
    assert wire.sent == []
    await anext(documents)
    assert len(wire.sent) == 1
    await documents.aclose()  # type: ignore[attr-defined]


def test_several_requests_at_a_time_load_ahead():
    wire = PageWire()
    documents = web(wire, URLS, max_concurrency=2).lazy_load()
    assert next(documents).id == URLS[0]
    assert sorted(body["urls"][0] for body in wire.sent) == [URLS[0], URLS[5]]
    assert [document.id for document in documents] == URLS[1:]


async def test_a_page_that_fails_is_skipped_with_a_warning(load):
    with pytest.warns(UserWarning, match=f"{URLS[1]} is skipped, free of charge: gone"):
        documents = await load(web(PageWire(URLS[1]), URLS[:3]))
    assert [document.id for document in documents] == [URLS[0], URLS[2]]


async def test_or_kept_empty_with_its_error(load):
    _, kept, _ = await load(web(PageWire(URLS[1]), URLS[:3], on_error="keep"))
    assert (kept.page_content, kept.id) == ("", URLS[1])
    assert kept.metadata == {"source": URLS[1], "cost": 0.0, "error": "gone"}


async def test_or_raised_after_the_others_have_been_passed_on(load):
    arrived: list[Any] = []
    wire = PageWire(URLS[1])
    with pytest.raises(DownloadError, match=f"1 of 5 URLs .* {URLS[1]}: gone") as caught:
        arrived = await load(web(wire, URLS, on_error="raise"))
    assert isinstance(caught.value, ModelError)
    assert not caught.value.maybe_billed
    assert len(wire.sent) == 1
    assert arrived == []


@pytest.mark.parametrize("method", ["load", "aload"])
@pytest.mark.parametrize(
    ("wire", "on_error", "paid"),
    [
        (PageWire(refuses=URLS[5]), "skip", URLS[:5]),
        (PageWire(URLS[6]), "raise", [*URLS[:6], *URLS[7:10]]),
    ],
)
async def test_what_was_paid_before_an_error_is_on_it(method, wire, on_error, paid):
    loader = web(wire, URLS, on_error=on_error)
    with pytest.raises((DownloadError, InsufficientBalanceError)) as caught:
        await loader.aload() if method == "aload" else loader.load()
    assert [document.id for document in caught.value.partial] == paid


def test_what_arrived_of_a_part_is_passed_on_before_its_error():
    loader = web(PageWire(refuses=URLS[5]), URLS, max_concurrency=3)
    with pytest.raises(InsufficientBalanceError) as caught:
        loader.load()
    assert {document.id for document in caught.value.partial} >= set(URLS[:5])


async def test_a_bad_url_is_refused_before_anything_is_paid(load):
    wire = PageWire()
    for loader in (
        web(wire, [*URLS, "https://youtu.be/x"]),
        NanoGPTYoutubeLoader(urls=[*VIDEOS, URLS[0]], **wire.settings),
    ):
        with pytest.raises(ModelInvalidRequestError, match=r"urls\[12\]"):
            await load(loader)
    assert wire.sent == []


def test_stealth_and_a_budget():
    wire = PageWire()
    loader = web(wire, URLS[0], stealth=True, budget=Budget(usd="0.005"))
    assert len(loader.load()) == 1
    assert wire.sent == [{"urls": [URLS[0]], "stealthMode": True}]
    assert loader.budget is not None


def test_no_urls_are_no_documents_and_twice_the_same_is_one():
    wire = PageWire()
    assert web(wire, []).load() == []
    assert len(web(wire, [URLS[0], URLS[0]]).load()) == 1


def test_a_misspelt_setting_is_refused():
    with pytest.raises(ValueError, match="on_eror"):
        web(PageWire(), URLS, on_eror="keep")
    with pytest.raises(ValueError, match="max_concurrency"):
        web(PageWire(), URLS, max_concurrency=0)


def test_it_travels_without_its_key():
    loader = NanoGPTWebLoader(urls=URLS, api_key="sk-nano-secret-key", on_error="keep")
    data = pickle.dumps(loader)
    assert b"secret" not in data
    assert "secret" not in repr(loader)
    assert pickle.loads(data).urls == URLS
