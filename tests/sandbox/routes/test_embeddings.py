"""Embeddings: shapes, price, refusals; unit vectors, near for near texts."""

from __future__ import annotations

import base64
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.media.embeddings import embed as hashed
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


@pytest.mark.parametrize("dimensions", [1, 3, 256, 4096])
def test_rows_are_float32_of_unit_length(dimensions):
    texts = ["one", "", "two words", "!?", "東京", "x" * 10_000, "\ud800", "a b " * 900]
    vectors = hashed(texts, dimensions=dimensions)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert hashed([], dimensions=dimensions).shape == (0, dimensions)
    first, second = hashed(["dog bites man", "man bites dog"])
    assert 0.5 < first @ second < 0.99  # neighbours count


def test_texts_without_words_share_one_fixed_vector():
    empty, dots, blank = hashed(["", "...", " \n"], dimensions=16)
    assert empty.tolist() == dots.tolist() == blank.tolist() == [1.0] + [0.0] * 15


@pytest.mark.parametrize(("text", "near", "far"), [
    ("delete a file", "remove the files", "boil some pasta"),
    ("splitting sentences", "sentence splitter", "weather in Paris"),
    ("InMemoryVectorStore", "a vector store in memory", "a painter of portraits"),
    ("embeding modle", "embedding model", "railway station"),
    ("Wie wird das Wetter heute?", "Das Wetter von heute", "Der Zug nach Bern"),
    ("今日の天気はどうですか", "明日の天気", "電車の時刻表"),
    ("погода в Москве", "какая погода", "рецепт борща"),
])  # fmt: skip
@pytest.mark.parametrize("dimensions", [256, 1536])
def test_near_texts_are_nearer_than_far_ones(text, near, far, dimensions):
    first, second, third = hashed([text, near, far], dimensions=dimensions)
    assert first @ second > first @ third + 0.1


def test_a_text_has_the_same_vector_alone_and_in_another_process():
    texts = [f"text number {i} of many" for i in range(600)]
    assert np.allclose(hashed(texts)[517], hashed([texts[517]])[0], atol=1e-6)
    code = (
        "from nanogpt_client.sandbox.media.embeddings import embed;"
        "print(embed(['the same text'], dimensions=64).tobytes().hex())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashed(["the same text"], dimensions=64).tobytes().hex()
