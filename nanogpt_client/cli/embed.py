"""The command `embed`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Column

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, Session, model_option, session, text_or_stdin
from nanogpt_client.cli.output import number_column, write_table

EMBEDDING_MODEL = "text-embedding-3-small"


@click.command(
    cls=Command,
    examples=[
        'nanogpt embed "first text" "second text" --json',
        "nanogpt embed -o vectors.npy < texts.txt",
    ],
)
@click.argument("texts", nargs=-1)
@model_option(EMBEDDING_MODEL, "NANOGPT_EMBEDDING_MODEL", "Embedding model")
@click.option(
    "--dimensions",
    type=click.IntRange(min=1),
    metavar="N",
    help="Length of the vectors, if the model supports several.",
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="Requests at the same time, each with up to 2048 texts.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the vectors for numpy.load: float32 of shape (texts, dimensions).",
)
@click.option("--force", "-f", is_flag=True, help="Overwrite an existing file.")
@session
def embed(
    run: Session,
    /,
    texts: tuple[str, ...],
    *,
    model: str,
    output: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Turn texts into vectors.

    Each of TEXTS is one text; without any, each line of stdin is.
    """
    lines = list(texts) or [line for line in text_or_stdin(()).splitlines() if line.strip()]
    target = None if output is None else files.Target(output, "", force=force)
    if target is not None:
        target.check(as_json=run.as_json)
    with run.client() as client, run.spinner("embedding …"):
        vectors = client.embed_all(lines, model=model, **options)
    about = {"model": model, "dimensions": int(vectors.shape[1])}
    if target is not None:
        buffer = io.BytesIO()
        np.save(buffer, vectors)
        files.write_result(run, [target.save(run, buffer.getvalue())], **about)
        return
    shown = 3 if run.out.is_terminal else len(vectors[0])  # a pipe gets all numbers
    rows = [
        (text, len(vector), " ".join(map(str, vector[:shown])) + " …" * (shown < len(vector)))
        for text, vector in zip(lines, vectors, strict=True)
    ]
    columns = [Column("text"), number_column("dimensions"), Column("vector")]
    value = {**about, "vectors": vectors.tolist()}
    run.paid_result(value, lambda: write_table(run.out, columns, rows))
