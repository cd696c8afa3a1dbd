"""Embedding a file of texts so that it can be interrupted: ``nanogpt embed --jobs``.

What was paid is in a `PaidStore`, by default a file beside the texts. Vectors are written in
chunks, so that they need not fit in memory, and the output appears when it is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Session
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.jobs import OnUnknown, PaidStore
from nanogpt_client.jobs.embed import embed_once

__all__ = ["Job", "embed_file"]

CHUNK = 16_384  # texts: vectors of 100 MB or less
_WRITTEN = ".npy or .jsonl"


class Job(NamedTuple):
    """What to embed, where to, and where what was paid is stored."""

    texts: Path
    column: str
    output: Path | None
    store: str | None
    on_unknown: OnUnknown

    @property
    def target(self) -> Path:
        """The file of the vectors."""
        return self.output or self.texts.with_name(f"{self.texts.name}.npy")

    @property
    def url(self) -> str:
        """The store's URL."""
        return self.store or f"sqlite:///{self.texts.absolute()}.paid.db"


def embed_file(run: Session, job: Job, model: str, options: dict[str, Any], *, force: bool) -> None:
    """Embed the texts of a file, and write the vectors to another one."""
    if job.target.suffix not in {".npy", ".jsonl"}:
        raise click.UsageError(f"--output of --jobs must end with {_WRITTEN}.")
    files.Target(job.target, "", force=force).check(as_json=run.as_json)
    rows = _read(job.texts, job.column)
    with PaidStore(job.url) as store, run.client() as client, _shown(run, len(rows)) as show:
        dimensions = _write(
            job, rows, lambda texts: _embed(client, texts, model, store, job, options), show
        )
        unknown = len(store.unknown())
    if unknown:
        run.note(f"{unknown} requests may have been billed without an answer")
    about = {"model": model, "dimensions": dimensions, "texts": len(rows), "unknown": unknown}
    files.write_result(run, [job.target], **about)


def _embed(
    client: NanoGPTClient,
    texts: Sequence[str],
    model: str,
    store: PaidStore,
    job: Job,
    options: dict[str, Any],
) -> NDArray[np.float32]:
    flow = embed_once(
        texts,
        model=model,
        store=store,
        service=client.config.service,
        on_unknown=job.on_unknown,
        **options,
    )
    return client.run(flow)


class _Row(NamedTuple):
    """A text, and the object that it came in."""

    text: str
    item: dict[str, Any]


def _read(path: Path, column: str) -> list[_Row]:
    """Return the texts: objects of JSON lines, rows of Parquet, otherwise lines.

    Raises:
        click.UsageError: a row is not readable, or has no such text.
    """
    if path.suffix == ".parquet":
        items = _parquet(path)
    elif path.suffix in {".jsonl", ".ndjson"}:
        items = [_object(line, f"{path}:{at}") for at, line in _lines(path)]
    else:
        items = [{column: line} for _, line in _lines(path)]
    for at, item in enumerate(items, 1):
        if not isinstance(item.get(column), str):
            raise click.UsageError(f"{path}: row {at} has no text in {column!r}; see --column.")
    if not items:
        raise click.UsageError(f"{path} has no texts.")
    return [_Row(item[column], item) for item in items]


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers."""
    try:
        with path.open(encoding="utf-8") as file:
            for at, line in enumerate(file, 1):
                if line.strip():
                    yield at, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path} is not UTF-8 text.") from error


def _object(line: str, where: str) -> dict[str, Any]:
    try:
        item = json.loads(line)
    except ValueError as error:
        raise click.UsageError(f"{where} is not JSON: {error}") from error
    if not isinstance(item, dict):
        raise click.UsageError(f"{where} is not a JSON object.")
    return item


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise click.UsageError("Parquet files need pyarrow: pip install pyarrow.") from error
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (OSError, ArrowException) as error:
        raise click.UsageError(f"{path} is no Parquet file: {error}") from error
    return rows


def _write(
    job: Job,
    rows: Sequence[_Row],
    embed: Callable[[Sequence[str]], NDArray[np.float32]],
    show: Callable[[int], None],
) -> int:
    """Embed and write chunk by chunk; return the length of the vectors."""
    begun = job.target.with_name(f".{job.target.name}.{os.getpid()}")
    add = _add_to_array if job.target.suffix == ".npy" else _add_as_json
    dimensions = 0
    try:
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            vectors = embed([row.text for row in chunk])
            add(begun, start, len(rows), chunk, vectors)
            dimensions = vectors.shape[1]
            show(start + len(chunk))
        begun.replace(job.target)
    finally:
        begun.unlink(missing_ok=True)
    return dimensions


def _add_to_array(
    path: Path, start: int, total: int, _: Sequence[_Row], vectors: NDArray[np.float32]
) -> None:
    shape = (total, vectors.shape[1])
    mode = "w+" if start == 0 else "r+"
    array = np.lib.format.open_memmap(path, mode, np.float32, shape if start == 0 else None)
    array[start : start + len(vectors)] = vectors
    array.flush()


def _add_as_json(
    path: Path, _: int, __: int, chunk: Sequence[_Row], vectors: NDArray[np.float32]
) -> None:
    with path.open("a", encoding="utf-8") as file:
        for row, vector in zip(chunk, vectors, strict=True):
            line = json.dumps({**row.item, "vector": vector.tolist()}, ensure_ascii=False)
            file.write(f"{line}\n")


@contextmanager
def _shown(run: Session, total: int) -> Iterator[Callable[[int], None]]:
    """Show the number of texts that are done: on a terminal as it grows, else for each chunk."""
    interactive = run.err.is_terminal and not run.as_json
    label = f"embedding {total} texts …"
    status: AbstractContextManager[Any] = run.err.status(label) if interactive else nullcontext()
    with status as spinner:
        if not interactive:
            run.note(label)

        def show(done: int) -> None:
            text = f"{done} of {total} texts"
            if spinner is None:
                run.note(text)
            else:
                spinner.update(f"embedding … {text}")

        yield show
