"""Embeddings (floats, or base64 of little-endian float32) and moderation (short lists of words)."""

from __future__ import annotations

import base64
import re
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.failures import invalid, require
from nanogpt_client.sandbox.media.embeddings import embed
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import per_million
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import check_inputs, check_window
from nanogpt_client.sandbox.world import Exchange

_FLAGGED = {
    "harassment": {"idiot", "moron", "loser", "worthless"},
    "hate": {"subhuman", "vermin"},
    "self-harm": {"suicide", "self-harm"},
    "sexual": {"porn", "pornographic", "explicit"},
    "violence": {"kill", "murder", "stab", "shoot", "bomb", "attack"},
}


def create(exchange: Exchange) -> Reply:
    """Answer an embedding request. Raises `Refusal`."""
    body = read_json(exchange.request)
    model = catalog.asked_for("embedding", body)
    texts = check_inputs(body, model)
    counts = [count_tokens(text) for text in texts]
    check_window(max(counts), model)
    vectors = embed(texts, dimensions=body.get("dimensions") or model.facts["dimensions"])
    tokens = sum(counts)
    bill = exchange.bill(model, per_million(model, tokens), tokens)
    values: list[Any] = [vector.tolist() for vector in vectors]
    if body.get("encoding_format") == "base64":
        packed = (vector.astype("<f4").tobytes() for vector in vectors)
        values = [base64.b64encode(each).decode() for each in packed]
    data = [
        {"object": "embedding", "index": index, "embedding": value}
        for index, value in enumerate(values)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    found = {"object": "list", "data": data, "model": model.id, "usage": usage}
    return json_reply(found, headers=bill.headers)


def moderate(exchange: Exchange) -> Reply:
    """Classify one text, several texts, or text parts. Raises `Refusal` (400)."""
    body = read_json(exchange.request)
    model = catalog.asked_for("moderation", body, "omni-moderation-latest")
    texts = _texts(body.get("input"))
    tokens = sum(count_tokens(text) for text in texts)
    check_window(tokens, model)
    bill = exchange.bill(model, per_million(model, tokens), tokens)
    found = {
        "id": exchange.world.ids.new("modr_"),
        "model": model.id,
        "results": [_result(text) for text in texts],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    }
    return json_reply(found, headers=bill.headers)


def _texts(given: Any) -> list[str]:
    """Return one text for each result: content parts are one input together."""
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, list) and texts and all(isinstance(part, dict) for part in texts):
        are_text = all(isinstance(each.get("text"), str) for each in texts)
        message = "The model takes text input only."
        require(are_text, message, "input", "unsupported_input_modality")
        texts = ["\n".join(part["text"] for part in texts)]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise invalid("input must be text, an array of texts or content parts.", "input")
    message = "The request has no text to moderate."
    require(any(text.strip() for text in texts), message, "input", "empty_input")
    return texts


def _result(text: str) -> dict[str, Any]:
    found = set(re.findall(r"[\w-]+", text.lower()))
    categories = {name: not found.isdisjoint(flagged) for name, flagged in _FLAGGED.items()}
    scores = {name: 0.97 if flagged else 0.01 for name, flagged in categories.items()}
    flagged = any(categories.values())
    return {"flagged": flagged, "categories": categories, "category_scores": scores}


ROUTES = [
    Route("POST", "v1/embeddings", create),
    Route("POST", "v1/moderations", moderate),
]
