"""`POST /v1/embeddings`: vectors as floats or as base64 little-endian float32."""

import base64
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.media.embeddings import embed
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import per_million
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import check_inputs, check_window
from nanogpt_client.sandbox.world import Exchange


def create(exchange: Exchange) -> Reply:
    """Answer an embedding request. Raises `Refusal`."""
    body = read_json(exchange.request)
    model = catalog.asked_for("embedding", body)
    texts = check_inputs(body, model)
    counts = [count_tokens(text) for text in texts]
    check_window(max(counts), model)
    vectors = embed(texts, dimensions=body.get("dimensions") or model.metadata["dimensions"])
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


ROUTES = [
    Route("POST", "v1/embeddings", create),
]
