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
from nanogpt_client.cli.jobs import Job, embed_file
from nanogpt_client.cli.output import number_column, write_table

EMBEDDING_MODEL = "text-embedding-3-small"


@click.command(
    cls=Command,
    examples=[
        'nanogpt embed "first text" "second text" --json',
        "nanogpt embed -o vectors.npy < texts.txt",
        "nanogpt embed --jobs texts.jsonl -o vectors.npy",
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
@click.option(
    "--jobs",
    "jobs",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Embed the texts of a file: the lines of a text, the objects of .jsonl, the rows of "
    ".parquet. If it is interrupted, run it again: what was paid is not asked for again. --output "
    "is FILE.npy by default; .jsonl is written, too.",
)
@click.option(
    "--store",
    metavar="URL",
    help="Where --jobs stores what was paid: sqlite:///FILE or redis://HOST; by default the file "
    "FILE.paid.db.",
)
@click.option(
    "--column", default="text", show_default=True, metavar="NAME", help="Column of the texts."
)
@click.option(
    "--on-unknown",
    type=click.Choice(["resend", "raise"]),
    default="resend",
    show_default=True,
    help="What --jobs does about texts that may have been billed, but whose vectors are lost.",
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
    jobs: Path | None,
    **options: Any,
) -> None:
    """Turn texts into vectors.

    Each of TEXTS is one text. Without any, each line of stdin is one, or the texts are those of a
    file (--jobs).
    """
    about_jobs = {name: options.pop(name) for name in ("store", "column", "on_unknown")}
    if jobs is not None:
        if texts:
            raise click.UsageError("--jobs embeds the texts of a file, and takes no TEXTS.")
        embed_file(run, Job(jobs, output=output, **about_jobs), model, options, force=force)
        return
    if about_jobs["store"] is not None:
        raise click.UsageError("--store is for --jobs.")
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
