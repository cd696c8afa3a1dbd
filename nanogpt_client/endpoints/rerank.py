"""Reranking: documents in the order of their relevance to a query.

A reranker scores each document on its own, so documents of several requests can be merged.
Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Unpack

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
from nanogpt_client.types._coerce import as_text, dicts
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.options import RerankOptions
from nanogpt_client.types.rerank import RankedDocument, Reranking

MAX_DOCUMENTS = 1024
# Of text in one request: far below the 32 MB of a body, also where characters are escaped.
MAX_PART_BYTES = 4_000_000


def rerank(
    query: str,
    documents: Iterable[str],
    *,
    model: str,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[RerankOptions],
) -> Flow[Reranking]:
    """Order any number of documents, in parts of at most 1,024; ``top_n`` applies to all of them.

    After a failure no further part is started; what arrived is the error's ``partial``.
    """
    given = _checks.checked(options, RerankOptions)
    texts = _checked_documents(documents)
    parts = slices(sizes_of(texts), MAX_DOCUMENTS, MAX_PART_BYTES)
    calls = [
        _part(query, texts[rows], model=model, offset=rows.start, options=without_progress(options))
        for rows in parts
    ]

    def ranked(call: Call[Reranking], rows: slice, reporter: ProgressReporter) -> Flow[Reranking]:
        found = yield from ask(call)
        yield from reporter.finished(
            "rerank", len(texts), found, parts=len(range(*rows.indices(len(texts))))
        )
        return found

    top_n = given.get("top_n")
    with ProgressReporter(options) as reporter:
        flows = [ranked(call, rows, reporter) for call, rows in zip(calls, parts, strict=True)]
        if len(flows) == 1:
            return (yield from flows[0])
        try:
            found = yield from results(flows, max_concurrency)
        except NanoGPTError as error:
            arrived = [part for part in error.partial or () if part is not None]
            error.partial = _merged(arrived, top_n) if arrived else None
            raise
    return _merged(found, top_n)


def _part(
    query: str, texts: Sequence[str], *, model: str, offset: int, options: Mapping[str, Any]
) -> Call[Reranking]:
    """Request the order of at most 1,024 documents; their indices begin at ``offset``."""
    given = _checks.body_options(options, RerankOptions)
    if "top_n" in given:
        given["top_n"] = min(given["top_n"], len(texts))
    body = {
        "model": _checks.check_model(model),
        "query": _checks.check_text("query", query),
        "documents": list(texts),
        **given,
    }
    return Call(
        post("/rerank", body, options),
        lambda reply: _reranking(reply, len(texts), offset),
        "rerank",
        model,
        RetrySafety.IF_REJECTED,
        billable=True,
    )


def _checked_documents(documents: Iterable[str]) -> list[str]:
    if isinstance(documents, str | bytes) or not isinstance(documents, Iterable):
        msg = f"documents must be a list of strings, not {type(documents).__name__}"
        raise InvalidArgumentError(msg, param="documents")
    texts: list[Any] = list(documents)
    if not texts:
        msg = "documents is empty; pass at least one text"
        raise InvalidArgumentError(msg, param="documents")
    for at, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            what = "is blank" if isinstance(text, str) else f"is a {type(text).__name__}"
            msg = f"documents[{at}] {what}; NanoGPT ranks non-empty texts only"
            raise InvalidArgumentError(msg, param="documents")
    return texts


def _reranking(reply: Reply, count: int, offset: int) -> Reranking:
    body = read_object(reply)
    found = [RankedDocument.read(row) for row in dicts(body.get("results"))]
    places = {document.index for document in found}
    if not found or len(places) < len(found) or max(places) >= count:
        msg = f"NanoGPT's ranking does not match the {count} documents sent"
        raise InvalidResponseError(msg)
    return Reranking(
        results=_best_first(replace(each, index=each.index + offset) for each in found),
        model=as_text(body.get("model")),
        usage=Usage.read(body.get("usage"), body.get("x_nanogpt_pricing")),
        billing=Billing.read(body, reply.headers),
        raw=body,
    )


def _best_first(documents: Iterable[RankedDocument]) -> tuple[RankedDocument, ...]:
    return tuple(sorted(documents, key=lambda document: -document.score))


def _merged(parts: Sequence[Reranking], top_n: int | None) -> Reranking:
    """Return the parts as one ranking."""
    ranked = _best_first(document for part in parts for document in part)
    return Reranking(
        results=ranked[:top_n],
        model=parts[0].model,
        usage=_summed_usage([part.usage for part in parts]),
        billing=_summed_billing([part.billing for part in parts]),
        raw={"responses": [part.raw for part in parts]},
    )


def _summed_usage(usages: Sequence[Usage | None]) -> Usage:
    reported = [usage for usage in usages if usage is not None]
    return Usage(
        prompt_tokens=sum(usage.prompt_tokens or 0 for usage in reported),
        total_tokens=sum(usage.total_tokens or 0 for usage in reported),
    )


def _summed_billing(bills: Sequence[Billing]) -> Billing:
    """Return what all requests cost; unknown if the cost of one is."""
    reported = [bill.cost for bill in bills if bill.cost is not None]
    total = sum(reported, Decimal(0)) if len(reported) == len(bills) else None
    return Billing(cost=total, source=bills[0].source, currency=bills[0].currency)
