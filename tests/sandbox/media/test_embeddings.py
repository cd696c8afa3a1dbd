"""Hashed n-gram embeddings: deterministic, of unit length, near for near texts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nanogpt_client.sandbox.media.embeddings import embed


@pytest.mark.parametrize("dimensions", [1, 3, 256, 4096])
def test_rows_are_float32_of_unit_length(dimensions):
    texts = ["one", "", "two words", "!?", "東京", "x" * 10_000, "\ud800", "a b " * 900]
    vectors = embed(texts, dimensions=dimensions)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embed([], dimensions=dimensions).shape == (0, dimensions)
    first, second = embed(["dog bites man", "man bites dog"])
    assert 0.5 < first @ second < 0.99  # neighbours count


@pytest.mark.parametrize("dimensions", [0, -1, 4097])
def test_other_dimensions_are_refused(dimensions):
    with pytest.raises(ValueError, match="dimensions"):
        embed(["text"], dimensions=dimensions)


def test_texts_without_words_share_one_fixed_vector():
    empty, dots, blank = embed(["", "...", " \n"], dimensions=16)
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
    first, second, third = embed([text, near, far], dimensions=dimensions)
    assert first @ second > first @ third + 0.1


def test_a_text_has_the_same_vector_alone_and_in_another_process():
    texts = [f"text number {i} of many" for i in range(600)]
    assert np.allclose(embed(texts)[517], embed([texts[517]])[0], atol=1e-6)
    code = (
        "from nanogpt_client.sandbox.media.embeddings import embed;"
        "print(embed(['the same text'], dimensions=64).tobytes().hex())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == embed(["the same text"], dimensions=64).tobytes().hex()
