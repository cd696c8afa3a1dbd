"""`POST /v1/embeddings`, and `POST /v1/rerank`: documents in the order of nearness to a query."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import integer, string, strings
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import Reply, json_reply, missing, require
from nanogpt_client.sandbox.media.embeddings import embed
from nanogpt_client.sandbox.media.words import concepts, importance, units
from nanogpt_client.sandbox.money import per_million
from nanogpt_client.sandbox.validate import check_inputs, check_window


@Route("POST", "v1/embeddings")
def create(exchange: Exchange) -> Reply:
    """Answer an embedding request. Raises `Refusal`."""
    body = exchange.json()
    model = catalog.asked_for("embedding", body)
    texts = check_inputs(body, model)
    counts = [count_tokens(text) for text in texts]
    check_window(max(counts), model)
    vectors = embed(texts, dimensions=body.get("dimensions") or model.metadata["dimensions"])
    tokens = sum(counts)
    bill = exchange.bill(model, per_million(model, tokens), tokens)
    values: list[Any] = [vector.tolist() for vector in vectors]
    if body.get("encoding_format") == "base64":
        values = [base64.b64encode(each.astype("<f4").tobytes()).decode() for each in vectors]
    data = [
        {"object": "embedding", "index": index, "embedding": value}
        for index, value in enumerate(values)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    found = {"object": "list", "data": data, "model": model.id, "usage": usage}
    return json_reply(found, headers=bill.headers)


MAX_DOCUMENTS = 1024
_DIMENSIONS = 4096  # hardly any two features share one of so many


@Route("POST", "v1/rerank")
def rerank(exchange: Exchange) -> Reply:
    """Answer a request to rank documents. Raises `Refusal`."""
    body = exchange.json()
    model = catalog.asked_for("rerank", body)
    query, documents = string(body, "query"), _documents(body)
    top_n = integer(body, "top_n", 1) or len(documents)
    wanted = body.get("return_documents") or False
    require(wanted in (True, False), "return_documents must be a boolean.", "return_documents")
    asked = count_tokens(query)
    counts = [asked + count_tokens(text) for text in documents]
    check_window(max(counts), model)
    tokens = sum(counts)
    bill = exchange.bill(model, per_million(model, tokens), tokens)
    scores = _scores(query, documents)
    found = {
        "id": exchange.world.new_id("rerank-"),
        "model": model.id,
        "results": [
            {"index": at, "relevance_score": round(float(scores[at]), 4)}
            | ({"document": {"text": documents[at]}} if wanted else {})
            for at in np.argsort(-scores, kind="stable")[:top_n].tolist()
        ],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return json_reply(found, headers=bill.headers)


def _scores(query: str, documents: list[str]) -> npt.NDArray[np.float64]:
    """Return a score for each document; as documented, it may be negative.

    A reranker reads both texts together. So beside the nearness of the vectors it counts how much
    of the query is in a document: its words, or half of each of which only the meaning is there.
    """
    vectors = embed([query, *documents], dimensions=_DIMENSIONS)
    near = vectors[1:].astype(np.float64) @ vectors[0]
    asked = {unit: importance(unit) for unit in units(query)}
    covered = np.array([_covered(asked, set(units(text))) for text in documents])
    share = np.clip((near + covered) / 2, 1e-6, 1 - 1e-6)
    scores: npt.NDArray[np.float64] = np.log(share / (1 - share))
    return scores


def _covered(asked: Mapping[str, float], found: set[str]) -> float:
    meanings = {meaning for unit in found for meaning in concepts(unit)}
    total = sum(
        weight if unit in found else 0 if meanings.isdisjoint(concepts(unit)) else weight / 2
        for unit, weight in asked.items()
    )
    return total / (sum(asked.values()) or 1)


def _documents(body: Mapping[str, Any]) -> list[str]:
    if body.get("documents") is None:
        raise missing("documents")
    given = strings(body, "documents")
    message = f"documents must be an array of 1 to {MAX_DOCUMENTS} texts."
    require(1 <= len(given) <= MAX_DOCUMENTS, message, "documents")
    are_texts = all(text.strip() for text in given)
    require(are_texts, "documents must be non-empty strings.", "documents")
    return given
