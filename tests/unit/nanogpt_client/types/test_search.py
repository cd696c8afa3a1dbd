"""Web search: hits, a sourced answer, a structured object."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.errors import InvalidResponseError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.search import SearchHit, WebSearchResult


def read(body, *, structured=False):
    return WebSearchResult.read(body, Billing(), structured=structured)


def test_hits():
    body = {"data": [
        {"type": "text", "title": "T", "url": "https://a", "content": "c", "score": 1},
        {"type": "image", "url": "https://b", "imageUrl": "https://b/i.png"},
        "odd",
    ]}  # fmt: skip
    result = read(body)
    assert list(result) == list(result.hits)
    text, image = result
    assert (text.title, text.url, text.content, text.type) == ("T", "https://a", "c", "text")
    assert text.raw["score"] == 1
    assert (image.type, image.image_url) == ("image", "https://b/i.png")
    assert result.answer is None


def test_hits_in_a_providers_own_words():
    (hit,) = read({"data": [{"title": "T", "link": "https://a", "description": "d", "date": "2d"}]})
    assert (hit.url, hit.title, hit.content, hit.date) == ("https://a", "T", "d", "2d")
    (hit,) = read({"data": [{"href": "https://a", "name": "N"}]})
    assert (hit.url, hit.title, hit.date) == ("https://a", "N", None)


def test_a_sourced_answer():
    body: Any = {
        "data": {"answer": "42", "sources": [{"name": "N", "url": "https://a", "snippet": "s"}]}
    }
    result = read(body)
    assert result.answer == "42"
    assert result.hits == (SearchHit("https://a", "N", "s", raw=body["data"]["sources"][0]),)


def test_a_structured_answer():
    result = read({"data": {"year": 2015}}, structured=True)
    assert (result.structured, result.hits) == ({"year": 2015}, ())


def test_nothing_found_is_an_answer():
    assert read({"data": []}).hits == ()


@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("body", [{}, {"data": None}, {"metadata": {}}])
def test_no_data_is_none(body, structured):
    with pytest.raises(InvalidResponseError, match="without results"):
        read(body, structured=structured)
