"""Hashed n-gram embeddings: deterministic, of unit length, near for near texts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from nanogpt_client.sandbox.media.embeddings import embed
from nanogpt_client.sandbox.media.words import concepts, importance, stem, units


def likeness(one, other, dimensions=1536):
    first, second = embed([one, other], dimensions=dimensions)
    return float(first @ second)


@pytest.mark.parametrize("dimensions", [1, 2, 3, 64, 256, 1536, 3072, 4096])
def test_rows_are_float32_of_unit_length(dimensions):
    texts = ["one", "", "two words", "!?", "東京", "x" * 10_000, "\ud800", "a b " * 900]
    vectors = embed(texts, dimensions=dimensions)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("dimensions", [0, -1, 4097])
def test_other_dimensions_are_refused(dimensions):
    with pytest.raises(ValueError, match="dimensions"):
        embed(["text"], dimensions=dimensions)


def test_no_texts_give_no_rows():
    assert embed([], dimensions=8).shape == (0, 8)


def test_texts_without_words_share_one_fixed_vector():
    empty, dots, blank = embed(["", "...", " \n"], dimensions=16)
    assert empty.tolist() == dots.tolist() == blank.tolist() == [1.0] + [0.0] * 15


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("delete a file", "remove the files", "boil some pasta"),
        ("splitting sentences", "sentence splitter", "weather in Paris"),
        ("InMemoryVectorStore", "a vector store in memory", "a painter of portraits"),
        ("embeding modle", "embedding model", "railway station"),
        ("Wie wird das Wetter heute?", "Das Wetter von heute", "Der Zug nach Bern"),
        ("今日の天気はどうですか", "明日の天気", "電車の時刻表"),
        ("погода в Москве", "какая погода", "рецепт борща"),
    ],
)
@pytest.mark.parametrize("dimensions", [256, 1536])
def test_near_texts_are_nearer_than_far_ones(text, near, far, dimensions):
    assert likeness(text, near, dimensions) > likeness(text, far, dimensions) + 0.1


def test_neighbouring_words_tell_orders_apart(monkeypatch):
    with_pairs = likeness("dog bites man", "man bites dog")
    monkeypatch.setattr("nanogpt_client.sandbox.media.embeddings._PAIR", 0.0)
    assert with_pairs < likeness("dog bites man", "man bites dog") - 0.01


def test_a_text_has_the_same_vector_alone_and_among_others():
    texts = [f"text number {i} of many" for i in range(600)]
    assert np.allclose(embed(texts)[517], embed([texts[517]])[0], atol=1e-6)


def test_vectors_are_the_same_in_another_process():
    code = (
        "from nanogpt_client.sandbox.media.embeddings import embed;"
        "print(embed(['the same words everywhere'], dimensions=64).tobytes().hex())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = embed(["the same words everywhere"], dimensions=64).tobytes().hex()
    assert run.stdout.strip() == here


@pytest.mark.parametrize(
    "family",
    [
        "split splits splitting splitter",
        "retrieve retrieves retrieved retriever retrieving",
        "create creates created creating creation creator",
        "query queries",
        "evaluate evaluation evaluator evaluates",
        "configure configurable configured",
    ],
)
def test_a_word_family_has_one_stem(family):
    assert len({stem(word) for word in family.split()}) == 1


def test_names_are_split_into_words():
    assert units("HTTPServer.get_user2") == [stem(w) for w in "http server get user 2".split()]
    assert units("L'été à Zürich") == ["lété", "à", "zürich"]


def test_common_words_count_less():
    assert importance(stem("the")) < importance(stem("function")) < importance(stem("volcano"))
    assert set(concepts(stem("remove"))) & set(concepts(stem("delete")))
