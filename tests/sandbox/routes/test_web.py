"""Direct web search: three kinds of output, filters, the minimum balance."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import ask

SCHEMA = {
    "type": "object",
    "properties": {
        "topic": {"type": "string"},
        "sources": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["topic", "sources"],
}


def search(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", "/api/web", {"query": "What is Nano?"} | body)


@pytest.mark.parametrize(
    "provider", "linkup tavily exa kagi perplexity valyu brave sofya firecrawl".split()
)
def test_every_documented_provider(provider):
    found = search(SandboxApp(), provider=provider).json()
    assert found["metadata"]["provider"] == provider


def test_search_results():
    app = SandboxApp()
    found = search(app, maxResults=3).json()
    assert len(found["data"]) == 3
    assert all(hit["type"] == "text" and hit["content"] for hit in found["data"])
    metadata = found["metadata"]
    assert (metadata["provider"], metadata["depth"], metadata["cost"]) == (
        "linkup",
        "standard",
        0.006,
    )
    assert float(app.balance) == 4.994


def test_a_sourced_answer():
    data = search(SandboxApp(), outputType="sourcedAnswer").json()["data"]
    assert "Nano" in data["answer"]
    assert set(data["sources"][0]) == {"name", "url", "snippet"}


def test_a_structured_answer():
    request = {"outputType": "structured", "structuredOutputSchema": json.dumps(SCHEMA)}
    data = search(SandboxApp(), **request).json()["data"]
    assert isinstance(data["topic"], str)
    assert isinstance(data["sources"], list)


def test_a_structured_answer_of_a_model_that_gives_no_json_is_a_clear_error():
    app = SandboxApp(model=lambda _: "Hello")
    reply = search(app, outputType="structured", structuredOutputSchema=json.dumps(SCHEMA))
    assert reply.status == 424
    assert "must answer a structured web search with JSON, not with 'Hello'" in str(reply.json())
    assert app.balance == 5


def test_filters():
    every = search(SandboxApp(), maxResults=50).json()["data"]
    hosts = {hit["url"].split("/")[2] for hit in every}
    one = min(hosts)
    included = search(SandboxApp(), includeDomains=[one]).json()["data"]
    assert {hit["url"].split("/")[2] for hit in included} == {one}
    excluded = search(SandboxApp(), excludeDomains=[one], maxResults=50).json()["data"]
    assert one not in {hit["url"].split("/")[2] for hit in excluded}
    assert search(SandboxApp(), fromDate="2099-01-01").json()["data"] == []


def test_images_are_added_when_asked_for():
    data = search(SandboxApp(), includeImages=True).json()["data"]
    assert {hit["type"] for hit in data} == {"text", "image"}
    assert [hit["imageUrl"] for hit in data if hit["type"] == "image"]


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": None},
        {"query": 5},
        {"provider": "openai-native"},
        {"provider": "gopher"},
        {"depth": "shallow"},
        {"outputType": "poem"},
        {"outputType": "structured"},
        {"outputType": "structured", "structuredOutputSchema": "{"},
        {"outputType": "structured", "structuredOutputSchema": "[]"},
        {"provider": "tavily", "outputType": "sourcedAnswer"},
        {"fromDate": "yesterday"},
        {"includeDomains": "news.example"},
        {"maxResults": 0},
        {"provider": "sofya", "operation": "fetch"},
    ],
)
def test_refusals_are_plain_and_free(body):
    app = SandboxApp()
    reply = search(app, **body)
    assert reply.status == 400
    assert isinstance(reply.json()["error"], str)
    assert reply.json()["status"] == 400
    assert app.balance == 5


def test_below_one_dollar_there_is_no_search():
    reply = search(SandboxApp(balance="0.99"))
    assert (reply.status, reply.json()["requiredBalance"]) == (402, 1.0)
