"""Embeddings: shapes, price, refusals."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import ask, code


def embed(value: Any, app: SandboxApp | None = None, **extra: Any) -> Reply:
    body = {"model": "text-embedding-3-small", "input": value, **extra}
    return ask(app or SandboxApp(), "POST", "/api/v1/embeddings", body)


def test_a_reply_and_its_price():
    app = SandboxApp()
    reply = embed(["one", "some words " * 50], app)
    found = reply.json()
    assert (found["object"], found["model"]) == ("list", "text-embedding-3-small")
    assert [item["index"] for item in found["data"]] == [0, 1]
    assert [len(item["embedding"]) for item in found["data"]] == [1536, 1536]
    tokens = found["usage"]["total_tokens"]
    assert found["usage"]["prompt_tokens"] == tokens > 0
    assert Decimal(reply.headers["x-cost"]) == tokens * Decimal("0.02") / 1_000_000
    assert Decimal(reply.headers["x-remaining-balance"]) == app.balance < 5


def test_base64_holds_the_same_floats():
    plain = embed("one").json()["data"][0]["embedding"]
    packed = embed("one", encoding_format="base64").json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == pytest.approx(plain)


@pytest.mark.parametrize(("model", "dimensions", "expected"), [
    ("text-embedding-3-large", None, 3072), ("text-embedding-3-small", 256, 256),
    ("Qwen/Qwen3-Embedding-0.6B", 64, 64), ("doubao-embedding-large-text-240915", None, 4096),
    ("BAAI/bge-m3", 1024, 1024),
])  # fmt: skip
def test_dimensions(model, dimensions, expected):
    found = embed("x", model=model, dimensions=dimensions).json()
    assert len(found["data"][0]["embedding"]) == expected


MISSING, BAD = (400, "missing_required_parameter"), (400, "invalid_parameter_value")
TOO_LONG, UNKNOWN = (400, "context_length_exceeded"), (404, "model_not_found")


@pytest.mark.parametrize(("value", "extra", "expected"), [
    (None, {}, MISSING), ([], {}, BAD), ("", {}, BAD), (["a", ""], {}, BAD), ([1, 2, 3], {}, BAD),
    ([[1, 2], [3]], {}, BAD), (["a"] * 2049, {}, BAD), ("a", {"encoding_format": "int8"}, BAD),
    ("a", {"dimensions": 0}, BAD), ("a", {"dimensions": 1537}, BAD),
    ("a", {"dimensions": "256"}, BAD), ("a", {"model": "BAAI/bge-m3", "dimensions": 512}, BAD),
    ("a", {"model": None}, MISSING), ("word " * 20_000, {}, TOO_LONG),
    ("a", {"model": "openai/gpt-5.2"}, UNKNOWN),
])  # fmt: skip
def test_refusals(value, extra, expected):
    assert code(embed(value, **extra)) == expected
    assert embed(["a"] * 2048, dimensions=8).status == 200
