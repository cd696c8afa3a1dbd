"""Embeddings: floats and base64, dimensions, price."""

from __future__ import annotations

import base64
from decimal import Decimal

import numpy as np
import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import ask


def embed(app: SandboxApp, given, **extra):
    body = {"model": "text-embedding-3-small", "input": given, **extra}
    reply = ask(app, "POST", "/api/v1/embeddings", body)
    assert reply.status == 200, reply.content
    return reply


def test_a_reply():
    found = embed(SandboxApp(), ["one", "two"]).json()
    assert (found["object"], found["model"]) == ("list", "text-embedding-3-small")
    assert [item["index"] for item in found["data"]] == [0, 1]
    assert all(len(item["embedding"]) == 1536 for item in found["data"])
    assert found["usage"]["prompt_tokens"] == found["usage"]["total_tokens"] > 0


def test_base64_holds_the_same_floats():
    plain = embed(SandboxApp(), "one").json()["data"][0]["embedding"]
    packed = embed(SandboxApp(), "one", encoding_format="base64").json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == pytest.approx(plain)


@pytest.mark.parametrize(
    ("model", "dimensions", "expected"),
    [
        ("text-embedding-3-large", None, 3072),
        ("text-embedding-3-small", 256, 256),
        ("Qwen/Qwen3-Embedding-0.6B", 64, 64),
        ("doubao-embedding-large-text-240915", None, 4096),
    ],
)
def test_dimensions(model, dimensions, expected):
    found = embed(SandboxApp(), "x", model=model, dimensions=dimensions).json()
    assert len(found["data"][0]["embedding"]) == expected


def test_the_price_is_in_the_headers():
    app = SandboxApp()
    reply = embed(app, "some words " * 50)
    tokens = reply.json()["usage"]["total_tokens"]
    assert Decimal(reply.headers["x-cost"]) == tokens * Decimal("0.02") / 1_000_000
    assert Decimal(reply.headers["x-remaining-balance"]) == app.balance
    assert app.balance < 5
