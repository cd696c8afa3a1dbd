"""Embeddings.

Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from nanogpt_client._core.call import Call, Reply, Resend
from nanogpt_client.endpoints import _check
from nanogpt_client.endpoints._request import post, read_object, without_request_words
from nanogpt_client.errors import ConfigurationError, ResponseFormatError
from nanogpt_client.wire._read import as_count, as_text, dicts
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.chat import Usage
from nanogpt_client.wire.media import Embeddings
from nanogpt_client.wire.options import EmbeddingOptions

MAX_INPUTS = 2048


def embed(
    texts: str | Sequence[str], *, model: str, **options: Unpack[EmbeddingOptions]
) -> Call[Embeddings]:
    """Ask for the vectors of at most 2048 texts, as base64 unless asked otherwise."""
    inputs = [texts] if isinstance(texts, str) else list(texts)
    _check_inputs(inputs)
    given = without_request_words(_check.checked(options, EmbeddingOptions))
    given.setdefault("encoding_format", "base64")  # a quarter of the bytes, no parsing of numbers
    body = {"model": _check.check_model(model), "input": inputs, **given}
    return Call(
        post("/embeddings", body, options),
        lambda reply: _embeddings(reply, len(inputs), given.get("dimensions")),
        "embedding",
        model,
        Resend.IF_REFUSED,
        billable=True,
    )


def _check_inputs(inputs: Sequence[Any]) -> None:
    if not inputs:
        raise ConfigurationError("there is no text to embed", param="texts")
    if len(inputs) > MAX_INPUTS:
        msg = f"{len(inputs)} texts are more than NanoGPT takes in one request ({MAX_INPUTS})"
        raise ConfigurationError(msg, param="texts")
    for at, text in enumerate(inputs):
        if not isinstance(text, str):
            msg = f"texts[{at}] is a {type(text).__name__}, not a text"
            raise ConfigurationError(msg, param="texts")


def _embeddings(reply: Reply, expected: int, dimensions: int | None) -> Embeddings:
    body = read_object(reply)
    rows = dicts(body.get("data"))
    if len(rows) != expected:
        msg = f"NanoGPT answered with {len(rows)} vectors for {expected} texts"
        raise ResponseFormatError(msg)
    places = [place if (place := as_count(r.get("index"))) is not None else at
              for at, r in enumerate(rows)]  # fmt: skip
    if sorted(places) != list(range(expected)):
        raise ResponseFormatError("NanoGPT's vectors do not say which text each belongs to")
    # NumPy is loaded with the first answer: it takes long, and who only chats needs it not.
    from nanogpt_client.endpoints._vectors import matrix  # noqa: PLC0415

    vectors = matrix([row.get("embedding") for row in rows], places, dimensions)
    return Embeddings(
        vectors=vectors,
        model=as_text(body.get("model")),
        usage=Usage.read(body.get("usage"), body.get("x_nanogpt_pricing")),
        billing=Billing.read(body, reply.headers),
        raw={key: value for key, value in body.items() if key != "data"},
    )
