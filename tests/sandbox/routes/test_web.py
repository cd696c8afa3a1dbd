"""Direct web search: three kinds of output, filters, the minimum balance, the right article."""

from __future__ import annotations

import json
from datetime import date
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.search import search as find
from tests.sandbox.asking import ask

STRING = {"type": "string"}
LIST = {"type": "array", "items": STRING}
SCHEMA = {"type": "object", "properties": {"topic": STRING, "sources": LIST},
          "required": ["topic", "sources"]}  # fmt: skip
PROVIDERS = "linkup tavily exa kagi perplexity valyu brave sofya firecrawl".split()


def search(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", "/api/web", {"query": "What is Nano?"} | body)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_documented_provider(provider):
    found = search(SandboxApp(), provider=provider).json()
    assert found["metadata"]["provider"] == provider


def test_three_kinds_of_output():
    app = SandboxApp()
    found = search(app, maxResults=3).json()
    assert len(found["data"]) == 3
    assert all(hit["type"] == "text" and hit["content"] for hit in found["data"])
    shown = {"provider": "linkup", "depth": "standard", "cost": 0.006}
    assert found["metadata"].items() >= shown.items()
    assert float(app.balance) == 4.994
    data = search(app, outputType="sourcedAnswer").json()["data"]
    assert "Nano" in data["answer"]
    assert set(data["sources"][0]) == {"name", "url", "snippet"}
    request = {"outputType": "structured", "structuredOutputSchema": json.dumps(SCHEMA)}
    data = search(app, **request).json()["data"]
    assert (type(data["topic"]), type(data["sources"])) == (str, list)
    data = search(app, includeImages=True).json()["data"]
    assert {hit["type"] for hit in data} == {"text", "image"}
    assert all(hit["imageUrl"] for hit in data if hit["type"] == "image")


def test_filters():
    def hosts(**filters: Any) -> set[str]:
        data = search(SandboxApp(), **filters).json()["data"]
        return {hit["url"].split("/")[2] for hit in data}

    one = min(hosts(maxResults=50))
    assert hosts(includeDomains=[one]) == {one}
    assert one not in hosts(excludeDomains=[one], maxResults=50)
    assert hosts(fromDate="2099-01-01") == set()


def test_a_structured_answer_that_is_no_json_is_an_error_of_the_model():
    app = SandboxApp(model=lambda _: "Hello")
    reply = search(app, outputType="structured", structuredOutputSchema=json.dumps(SCHEMA))
    assert reply.status == 424
    assert "must answer a structured web search with JSON, not with 'Hello'" in str(reply.json())
    assert app.balance == 5


@pytest.mark.parametrize("body", [
    {"query": ""}, {"query": None}, {"query": 5}, {"provider": "openai-native"},
    {"provider": "gopher"}, {"depth": "shallow"}, {"outputType": "poem"},
    {"outputType": "structured"}, {"outputType": "structured", "structuredOutputSchema": "{"},
    {"outputType": "structured", "structuredOutputSchema": "[]"},
    {"provider": "tavily", "outputType": "sourcedAnswer"}, {"fromDate": "yesterday"},
    {"includeDomains": "news.example"}, {"maxResults": 0},
    {"provider": "sofya", "operation": "fetch"},
])  # fmt: skip
def test_refusals_are_plain_and_free(body):
    app = SandboxApp()
    reply = search(app, **body)
    assert (reply.status, reply.json()["status"]) == (400, 400)
    assert isinstance(reply.json()["error"], str)
    assert app.balance == 5
    poor = search(SandboxApp(balance="0.99"))
    assert (poor.status, poor.json()["requiredBalance"]) == (402, 1.0)


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
    assert urlsplit(find(query)[0].url).path == path


def test_limits_domains_and_dates():
    five = find("capital city", limit=5)
    assert [len(find("capital city", limit=each)) for each in (5, 2, 0)] == [5, 2, 0]
    assert find("capital city", limit=2) == five[:2]

    def hosts(**filters):
        return {urlsplit(hit.url).hostname for hit in find("nano", **filters)}

    assert hosts(include_domains=["guides.example"]) == {"guides.example"}
    assert hosts(include_domains=["*.Example"]) == hosts()
    assert "encyclopedia.example" not in hosts(exclude_domains=["encyclopedia.example"])
    assert hosts(include_domains=["ides.example"]) == set()
    day = find("nano currency")[0].date
    assert find("nano currency", from_date=day, to_date=day)[0].date == day
    assert all(hit.date >= "2025-06-01" for hit in find("nano", limit=50, from_date="2025-06-01"))
    assert find("nano", from_date="2999-01-01") == []


def test_articles_are_short_dated_and_under_reserved_domains():
    data = resources.files("nanogpt_client.sandbox") / "data" / "corpus.json"
    articles = json.loads(data.read_text("utf-8"))
    assert len({article["url"] for article in articles}) == len(articles) >= 60
    for article in articles:
        assert 60 <= len(article["content"].split()) <= 150, article["title"]
        assert date.fromisoformat(article["date"]).isoformat() == article["date"]
        url = urlsplit(article["url"])
        assert (url.scheme, (url.hostname or "").endswith(".example")) == ("https", True)
