"""Embeddings.

Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from nanogpt_client._protocol.call import Call, Reply, RetrySafety
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._requests import post, read_object
from nanogpt_client.endpoints.gather import (
    MAX_CONCURRENCY,
    results,
    sizes_of,
    slices,
    without_progress,
)
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from nanogpt_client.types._coerce import as_count, as_text, dicts
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.media import Embeddings
from nanogpt_client.types.options import EmbedAllOptions, EmbeddingOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_INPUTS = 2048
# Of text in one request. Providers limit its tokens (OpenAI: 300,000); this stays below in any
# language.
MAX_BATCH_BYTES = 800_000


def embed(
    texts: str | Sequence[str], *, model: str, **options: Unpack[EmbeddingOptions]
) -> Call[Embeddings]:
    """Request the vectors of at most 2,048 texts, as base64 by default.

    A text without content is sent as a space: a provider that gets an empty one among others
    refuses them all (openai-python#576; BGE-M3 also line ends alone, xoai/sage-wiki#86).
    """
    inputs = [texts] if isinstance(texts, str) else list(texts)
    _check_inputs(inputs)
    inputs = [" " if not text or text.isspace() else text for text in inputs]
    given = _checks.body_options(options, EmbeddingOptions)
    given.setdefault("encoding_format", "base64")  # a quarter of the bytes, no parsing of numbers
    body = {"model": _checks.check_model(model), "input": inputs, **given}
    return Call(
        post("/embeddings", body, options),
        lambda reply: _embeddings(reply, len(inputs), given.get("dimensions")),
        "embedding",
        model,
        RetrySafety.IF_REJECTED,
        billable=True,
    )


def embed_all(
    texts: Iterable[str],
    *,
    model: str,
    batch_size: int = MAX_INPUTS,
    max_batch_bytes: int = MAX_BATCH_BYTES,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[EmbedAllOptions],
) -> Flow[NDArray[np.float32]]:
    """Embed any number of texts in batches; float32 of shape (n, dim), in their order.

    Equal texts are not merged. After a failure no further batch is started; batches that arrived,
    or were in flight, are paid for and are in the error's ``partial``.
    """
    # NumPy loads slowly and chats do not need it, so it is imported here.
    from nanogpt_client.endpoints._vectors import VectorRows  # noqa: PLC0415

    given = _checks.checked(options, EmbedAllOptions)
    _checks.check_model(model)
    inputs, batches = in_batches(texts, batch_size, max_batch_bytes)
    vectors = VectorRows(len(inputs))
    batch_options = without_progress(options)

    def embedded(rows: slice, reporter: ProgressReporter) -> Flow[None]:
        batch = yield from ask(embed(inputs[rows], model=model, **batch_options))
        stored = vectors.fill(rows, batch)
        found = replace(batch, vectors=stored, offset=rows.start)
        yield from reporter.finished("embedding", len(inputs), found, parts=len(stored))

    with ProgressReporter(options) as reporter:
        try:
            yield from results([embedded(rows, reporter) for rows in batches], max_concurrency)
        except NanoGPTError as error:
            vectors.keep_in(error)
            raise
    return vectors.all(given.get("dimensions"))


def in_batches(
    texts: Iterable[str], batch_size: int, max_batch_bytes: int
) -> tuple[list[str], list[slice]]:
    """Return the texts, checked, and the rows of each request's batch."""
    inputs = _inputs(texts)
    _check_limit("batch_size", batch_size, MAX_INPUTS)
    _check_limit("max_batch_bytes", max_batch_bytes)
    return inputs, slices(sizes_of(inputs), batch_size, max_batch_bytes)


def _check_limit(name: str, value: int, most: float = math.inf) -> None:
    if not 1 <= value <= most:
        upper = "" if most == math.inf else f" and at most {most}"
        raise InvalidArgumentError(f"{name} must be at least 1{upper}, not {value}", param=name)


def _inputs(texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
        msg = f"texts must be a list of strings, not {type(texts).__name__}"
        raise InvalidArgumentError(msg, param="texts")
    inputs = list(texts)
    _check_texts(inputs)
    return inputs


def _check_inputs(inputs: Sequence[Any]) -> None:
    if not inputs:
        raise InvalidArgumentError("texts is empty; pass at least one text", param="texts")
    if len(inputs) > MAX_INPUTS:
        msg = f"texts has {len(inputs)} items, NanoGPT accepts {MAX_INPUTS}; use embed_all()"
        raise InvalidArgumentError(msg, param="texts")
    _check_texts(inputs)


def _check_texts(inputs: Sequence[Any]) -> None:
    for at, text in enumerate(inputs):
        if not isinstance(text, str):
            msg = f"texts[{at}] must be a string, not {type(text).__name__}"
            raise InvalidArgumentError(msg, param="texts")


def _embeddings(reply: Reply, expected: int, dimensions: int | None) -> Embeddings:
    body = read_object(reply)
    rows = dicts(body.get("data"))
    if len(rows) != expected:
        msg = f"NanoGPT returned {len(rows)} vectors for {expected} texts"
        raise InvalidResponseError(msg)
    places = [place if (place := as_count(r.get("index"))) is not None else at
              for at, r in enumerate(rows)]  # fmt: skip
    if sorted(places) != list(range(expected)):
        raise InvalidResponseError("the indices of NanoGPT's vectors do not match the texts")
    # As above: not before the first response.
    from nanogpt_client.endpoints._vectors import matrix  # noqa: PLC0415

    vectors = matrix([row.get("embedding") for row in rows], places, dimensions)
    return Embeddings(
        vectors=vectors,
        model=as_text(body.get("model")),
        usage=Usage.read(body.get("usage"), body.get("x_nanogpt_pricing")),
        billing=Billing.read(body, reply.headers),
        raw={key: value for key, value in body.items() if key != "data"},
    )
