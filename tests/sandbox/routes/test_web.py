"""Direct web search: three kinds of output, filters, the minimum balance."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
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
