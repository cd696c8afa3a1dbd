"""The built-in corpus and the search over it."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from urllib.parse import urlsplit

import pytest

from nanogpt_client.sandbox.answers.turn import SearchResult
from nanogpt_client.sandbox.media.search import search

CORPUS = json.loads(
    (resources.files("nanogpt_client.sandbox") / "data" / "corpus.json").read_text("utf-8")
)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("What is the Nano currency?", "/nano-currency"),
        ("How does NanoGPT search the web?", "/nanogpt-web-search"),
        ("capital of Australia", "/cities/canberra"),
        ("who walked on the moon first", "/moon-landing"),
        ("how fast is light", "/speed-of-light"),
        ("What is LangGraph?", "/langgraph"),
        ("Who painted the Starry Night?", "/van-gogh"),
        ("retrieval augmented generation", "/retrieval-augmented-generation"),
        ("server-sent events stream", "/server-sent-events"),
    ],
)
def test_the_right_article_comes_first(query, path):
    assert urlsplit(search(query)[0].url).path == path


def test_limit_bounds_the_hits_and_keeps_their_order():
    five = search("capital city", limit=5)
    assert len(five) == 5
    assert search("capital city", limit=2) == five[:2]
    assert search("capital city", limit=0) == []


def test_domains_are_kept_or_left_out_with_their_subdomains():
    assert {
        urlsplit(h.url).hostname for h in search("nano", include_domains=["guides.example"])
    } == {"guides.example"}
    assert search("nano", include_domains=["*.Example"]) == search("nano")
    assert all(
        "encyclopedia" not in h.url
        for h in search("nano", exclude_domains=["encyclopedia.example"])
    )
    assert search("nano", include_domains=["ides.example"]) == []


def test_dates_are_inclusive():
    day = search("nano currency")[0].date
    assert search("nano currency", from_date=day, to_date=day)[0].date == day
    assert all(hit.date >= "2025-06-01" for hit in search("nano", limit=50, from_date="2025-06-01"))
    assert search("nano", from_date="2999-01-01") == []


def test_an_unknown_word_finds_the_newest_articles():
    dates = [hit.date for hit in search("xyzzyplugh")]
    assert len(dates) == 5
    assert dates == sorted(dates, reverse=True)
    assert dates[0] == max(article["date"] for article in CORPUS)


def test_hits_are_values():
    assert search("jazz") == search("jazz")
    assert isinstance(search("jazz")[0], SearchResult)


def test_articles_are_short_dated_and_under_reserved_domains():
    assert len(CORPUS) >= 60
    assert len({article["url"] for article in CORPUS}) == len(CORPUS)
    for article in CORPUS:
        assert 60 <= len(article["content"].split()) <= 150, article["title"]
        assert date.fromisoformat(article["date"]).isoformat() == article["date"]
        assert urlsplit(article["url"]).scheme == "https"
        assert urlsplit(article["url"]).hostname.endswith(".example")
