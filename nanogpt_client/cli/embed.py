"""The command `embed`: texts to vectors."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.table import Column

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, session, text_or_stdin
from nanogpt_client.cli.session import Session
from nanogpt_client.cli.show import number, write_table

EMBEDDING_MODEL = "text-embedding-3-small"


@click.command(cls=Command)
@click.argument("texts", nargs=-1)
@click.option("--model", "-m", default=EMBEDDING_MODEL, show_default=True, help="Which to ask.")
@click.option(
    "--dimensions",
    type=click.IntRange(min=1),
    metavar="N",
    help="Length of the vectors, where a model has several.",
)
@click.option(
    "--max-concurrency",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    metavar="N",
    help="Requests at a time, each with up to 2048 texts.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the vectors there, for numpy.load: float32 of shape (texts, dimensions).",
)
@click.option("--force", "-f", is_flag=True, help="Write over a file that is there.")
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

    Each argument is a text; without any, each line that comes through a pipe is.
    """
    lines = list(texts) or [line for line in text_or_stdin(()).splitlines() if line.strip()]
    if output is not None:
        files.check_targets([output], force=force, as_json=run.as_json)
    with run.client() as client, run.busy("embedding …"):
        vectors = client.embed_all(lines, model=model, **options)
    about = {"model": model, "dimensions": int(vectors.shape[1])}
    if output is not None:
        buffer = io.BytesIO()
        np.save(buffer, vectors)
        files.finish(run, [files.save(buffer.getvalue(), output, force=force)], **about)
        return
    rows = [
        (text, len(vector), " ".join(f"{x:.4f}" for x in vector[:3]) + " …")
        for text, vector in zip(lines, vectors, strict=True)
    ]
    columns = [Column("text"), number("dimensions"), Column("begins")]
    run.paid({**about, "vectors": vectors.tolist()}, lambda: write_table(run.out, columns, rows))
