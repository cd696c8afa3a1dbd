"""Reranking: shapes, price, refusals; what answers the query comes first."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import ask, code

MODEL = "nvidia/Nemotron-3.5-Rerank-8B-BF16"
DOCUMENTS = [
    "Our office is closed on Sundays.",
    "Open Settings and choose Reset password.",
    "Wombats sleep sixteen hours a day.",
]


def rank(app: SandboxApp | None = None, **extra: Any) -> Reply:
    body = {"model": MODEL, "query": "How do I reset my password?", "documents": DOCUMENTS, **extra}
    body = {name: value for name, value in body.items() if value is not ...}
    return ask(app or SandboxApp(), "POST", "/api/v1/rerank", body)


def test_a_reply_and_its_price():
    app = SandboxApp()
    reply = rank(app)
    found = reply.json()
    assert found.keys() == {"id", "model", "results", "usage"}
    assert (found["id"].partition("-")[0], found["model"]) == ("rerank", MODEL)
    scores = [each["relevance_score"] for each in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0
    assert found["results"][0]["index"] == 1
    tokens = found["usage"]["total_tokens"]
    assert found["usage"]["prompt_tokens"] == tokens > 0
    assert Decimal(reply.headers["x-cost"]) == tokens * Decimal("0.05") / 1_000_000
    assert app.balance < 5


def test_as_many_as_asked_for_with_their_texts():
    (best,) = rank(top_n=1, return_documents=True).json()["results"]
    assert best["document"] == {"text": DOCUMENTS[1]}
    assert len(rank(top_n=9).json()["results"]) == 3


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"model": ...}, (400, "missing_required_parameter")),
        ({"model": "BAAI/bge-m3"}, (404, "model_not_found")),
        ({"query": ...}, (400, "missing_required_parameter")),
        ({"query": " "}, (400, "missing_required_parameter")),
        ({"documents": ...}, (400, "missing_required_parameter")),
        ({"documents": []}, (400, "invalid_parameter_value")),
        ({"documents": ["a"] * 1025}, (400, "invalid_parameter_value")),
        ({"documents": ["a", ""]}, (400, "invalid_parameter_value")),
        ({"documents": [{"text": "a"}]}, (400, "invalid_parameter_value")),
        ({"top_n": 0}, (400, "invalid_parameter_value")),
        ({"return_documents": "yes"}, (400, "invalid_parameter_value")),
        ({"documents": ["word " * 40_000]}, (400, "context_length_exceeded")),
    ],
)
def test_refusals(extra, expected):
    app = SandboxApp()
    assert code(rank(app, **extra)) == expected
    assert app.balance == 5


def test_the_list():
    found = ask(SandboxApp(), "GET", "/api/v1/rerank-models").json()
    assert [entry["id"] for entry in found["data"]] == [MODEL]
