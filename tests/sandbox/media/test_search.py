"""The built-in corpus and the search over it."""

from __future__ import annotations

import json
from importlib import resources
from urllib.parse import urlsplit

import pytest

from nanogpt_client.sandbox.media.search import search

DATA = resources.files("nanogpt_client.sandbox") / "data" / "corpus.json"
CORPUS = json.loads(DATA.read_text("utf-8"))


@pytest.mark.parametrize(("query", "path"), [
    ("What is the Nano currency?", "/nano-currency"),
    ("How does NanoGPT search the web?", "/nanogpt-web-search"),
    ("capital of Australia", "/cities/canberra"),
    ("who walked on the moon first", "/moon-landing"), ("how fast is light", "/speed-of-light"),
    ("Who painted the Starry Night?", "/van-gogh"),
    ("retrieval augmented generation", "/retrieval-augmented-generation"),
    ("server-sent events stream", "/server-sent-events"),
])  # fmt: skip
def test_the_right_article_comes_first(query, path):
    assert urlsplit(search(query)[0].url).path == path


def test_limits_domains_and_dates():
    five = search("capital city", limit=5)
    assert [len(search("capital city", limit=each)) for each in (5, 2, 0)] == [5, 2, 0]
    assert search("capital city", limit=2) == five[:2]

    def hosts(**filters):
        return {urlsplit(hit.url).hostname for hit in search("nano", **filters)}

    assert hosts(include_domains=["guides.example"]) == {"guides.example"}
    assert hosts(include_domains=["*.Example"]) == hosts()
    assert "encyclopedia.example" not in hosts(exclude_domains=["encyclopedia.example"])
    assert hosts(include_domains=["ides.example"]) == set()
    day = search("nano currency")[0].date
    assert search("nano currency", from_date=day, to_date=day)[0].date == day
    assert all(hit.date >= "2025-06-01" for hit in search("nano", limit=50, from_date="2025-06-01"))
    assert search("nano", from_date="2999-01-01") == []


def test_an_unknown_word_finds_the_newest_articles():
    dates = [hit.date for hit in search("xyzzyplugh")]
    assert len(dates) == 5
    assert dates == sorted(dates, reverse=True)
    assert dates[0] == max(article["date"] for article in CORPUS)
