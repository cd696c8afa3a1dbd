"""Embedding tables of texts in any engine: `EmbedTexts`, a callable for batches.

`embed_once` is the same as a flow of a client: `embed_all`, with a store around each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.account import Account
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints.embeddings import MAX_BATCH_BYTES, MAX_INPUTS, embed, in_batches
from nanogpt_client.endpoints.gather import (
    MAX_CONCURRENCY,
    check_concurrency,
    results,
    without_progress,
)
from nanogpt_client.errors import InvalidResponseError, NanoGPTError
from nanogpt_client.jobs._once import OnUnknown, Rules, ask_once, key_of, rules, stored
from nanogpt_client.jobs._settings import JobArguments, split_settings
from nanogpt_client.jobs._table_job import TableJob
from nanogpt_client.jobs._tables import Column
from nanogpt_client.jobs.store import PaidStore
from nanogpt_client.types.media import Embeddings, PartialEmbeddings
from nanogpt_client.types.options import EmbeddingBatchOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["EmbedTexts", "embed_once"]

_LIMITS = {
    "batch_size": MAX_INPUTS,
    "max_batch_bytes": MAX_BATCH_BYTES,
    "max_concurrency": MAX_CONCURRENCY,
}
_SAME_ANSWER = frozenset({"user", "encoding_format", "extra_headers", "timeout"})


class EmbedSettings(JobArguments, EmbeddingBatchOptions, total=False):
    """Settings of the client, and options of `NanoGPTClient.embed_all`."""


class EmbedTexts(TableJob):
    """Embeds the texts of a batch's column, each text once.

    A callable for Ray Data's ``map_batches``, Dask's ``map_partitions``, Spark's ``mapInPandas``
    and a plain loop. A batch is a dict of arrays, a `pyarrow.Table` or a `pandas.DataFrame`, or an
    iterator of these; the result is of the same kind, with a column of vectors: float32 of shape
    (n, dim), in Arrow a fixed-size list, in pandas an array for each row.

    >>> import ray
    >>> from nanogpt_client.jobs import EmbedTexts
    >>> vectors = ray.data.read_parquet("/data/texts").map_batches(
    ...     EmbedTexts,
    ...     fn_constructor_kwargs={"model": "text-embedding-3-small", "store": "redis://10.0.0.5/1"},
    ...     batch_size=2048,
    ...     compute=ray.data.ActorPoolStrategy(size=4),
    ... )

    With a ``store``, answers are stored as they come: a batch that is run again asks for what is
    missing, a worker that dies costs at most its requests in flight, and equal texts are asked for
    once in all batches. Without one, that is so for equal texts of one batch only.

    Args:
        model: the embedding model.
        account: an `Account`, which limits and records what all workers spend.
        store: a `PaidStore` or its URL.
        column: the column of the texts.
        output: the column of the vectors.
        on_unknown: what to do with texts that a dead worker had sent, and which may have been
            billed: ``"resend"`` them, ``"raise"`` an `OutcomeUnknownError`, or ``"skip"`` them
            (their vectors are NaN).
        settings: settings of the `NanoGPTClient`, such as ``budget`` and ``ledger``, and options of
            `embed_all`: ``dimensions``, ``batch_size``, ``max_concurrency``, ``on_progress``, …

    Raises:
        ConfigurationError: a setting is invalid, or there is no key.
        InvalidArgumentError: an option is invalid, or a batch has no such column.
        NanoGPTError: from a call; what was paid before is in the store, and in the error's
            ``partial``, a `PartialEmbeddings`.
    """

    def __init__(
        self,
        model: str,
        *,
        account: Account | None = None,
        store: PaidStore | str | None = None,
        column: str = "text",
        output: str = "vector",
        on_unknown: OnUnknown = "resend",
        **settings: Unpack[EmbedSettings],
    ) -> None:
        self._options, of_client = split_settings(settings, EmbeddingBatchOptions)
        check_options(model, self._options)
        super().__init__(rules(store, on_unknown, model), column, output, account, of_client)

    def _columns(self, values: list[Any]) -> dict[str, Column]:
        service = self._client.config.service
        flow = embed_once(values, service=service, **self._rules._asdict(), **self._options)
        return {self.output: self._client.run(flow)}


def check_options(model: str, options: Mapping[str, Any]) -> None:
    """Raise for options that no request has, before there are texts."""
    _checks.check_model(model)
    limits = _limits(options)
    in_batches([], limits["batch_size"], limits["max_batch_bytes"])
    check_concurrency(limits["max_concurrency"])
    embed("x", model=model, **_request_options(options))


def _limits(options: Mapping[str, Any]) -> dict[str, int]:
    given = {name: options.get(name) for name in _LIMITS}
    return _LIMITS | {name: limit for name, limit in given.items() if limit is not None}


def _request_options(options: Mapping[str, Any]) -> Any:
    return {name: v for name, v in without_progress(options).items() if name not in _LIMITS}


def embed_once(
    texts: Iterable[str],
    *,
    model: str,
    store: PaidStore | str | None,
    service: str,
    on_unknown: OnUnknown = "resend",
    **options: Unpack[EmbeddingBatchOptions],
) -> Flow[NDArray[np.float32]]:
    """Embed any number of texts, asking only for what is not in the store; equal texts once.

    A flow, for `NanoGPTClient.run` and `AsyncNanoGPTClient.run`; float32 of shape (n, dim), in the
    order of the texts.

    Args:
        texts: the texts, as for `embed_all`.
        model: the embedding model.
        store: a `PaidStore` or its URL; ``None`` for none.
        service: what answers: ``client.config.service``.
        on_unknown: see `EmbedTexts`.
        options: those of `embed_all`. ``on_progress`` reports what was asked for.

    Raises:
        NanoGPTError: a request failed, and no further one was sent; ``partial`` is a
            `PartialEmbeddings`.
    """
    job = _Job(rules(store, on_unknown, model), service, options)
    inputs, _ = in_batches(texts, job.limits["batch_size"], job.limits["max_batch_bytes"])
    keys = job.keys(inputs)
    answers = yield from stored(job.store, list(dict.fromkeys(keys)))
    missing = {key: text for key, text in zip(keys, inputs, strict=True) if key not in answers}
    try:
        yield from job.ask_for(missing, answers)
    except NanoGPTError as error:
        _keep_in(error, keys, answers)
        raise
    return _matrix(keys, answers, options.get("dimensions"))


class _Job:
    """The requests of one call of `embed_once`."""

    def __init__(self, rules: Rules, service: str, options: Mapping[str, Any]) -> None:
        self._rules, self._model, self._options = rules, rules.model, options
        self.store = rules.store
        self.limits = _limits(options)
        self._request = _request_options(options)
        same = {k: v for k, v in self._request.items() if k not in _SAME_ANSWER and v is not None}
        self._canonical = {"service": service, "route": "embeddings", "model": rules.model, **same}

    def keys(self, texts: Sequence[str]) -> list[str]:
        """Return the texts' addresses in the store."""
        return [key_of({**self._canonical, "input": text}) for text in texts]

    def ask_for(self, missing: Mapping[str, str], answers: dict[str, bytes]) -> Flow[None]:
        """Request the missing texts in batches, several at a time; add to the answers."""
        _, batches = in_batches(
            missing.values(), self.limits["batch_size"], self.limits["max_batch_bytes"]
        )
        keys = list(missing)

        def part(rows: slice) -> Flow[None]:
            found: list[Embeddings] = []

            def request(mine: Sequence[str]) -> Flow[dict[str, bytes]]:
                texts = [missing[key] for key in mine]
                found.append((yield from ask(embed(texts, model=self._model, **self._request))))
                return dict(zip(mine, map(_as_bytes, found[-1].vectors), strict=True))

            batch = keys[rows]
            answers.update((yield from ask_once(batch, request, self._rules)))
            yield from reporter.finished(
                "embedding", len(keys), found[-1] if found else None, parts=len(batch)
            )

        with ProgressReporter(self._options) as reporter:
            yield from results([part(rows) for rows in batches], self.limits["max_concurrency"])


def _as_bytes(vector: NDArray[np.float32]) -> bytes:
    return vector.astype("<f4", copy=False).tobytes()


def _matrix(
    keys: Sequence[str], answers: Mapping[str, bytes], dimensions: int | None
) -> NDArray[np.float32]:
    """Return the vectors of all keys, float32 of shape (n, dim); NaN for those that are missing."""
    import numpy as np  # noqa: PLC0415 - as in `endpoints.embeddings`

    widths = {len(answers[key]) // 4 for key in keys if key in answers} or {dimensions or 0}
    if len(widths) > 1:
        raise InvalidResponseError(f"the stored vectors differ in length: {sorted(widths)}")
    vectors = np.full((len(keys), widths.pop()), np.nan, np.float32)
    for at, key in enumerate(keys):
        if (answer := answers.get(key)) is not None:
            vectors[at] = np.frombuffer(answer, "<f4")
    return vectors


def _keep_in(error: NanoGPTError, keys: Sequence[str], answers: Mapping[str, bytes]) -> None:
    """Set an error's ``partial`` to the vectors that have arrived, and note it."""
    missing = [at for at, key in enumerate(keys) if key not in answers]
    error.partial = PartialEmbeddings(_matrix(keys, answers, None), missing, None)
    error.add_note(f"{len(keys) - len(missing)} of {len(keys)} texts are embedded")
