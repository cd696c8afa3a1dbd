"""The commands `batch submit`, `status`, `results`, `cancel` and `list`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.table import Column

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, Session, session
from nanogpt_client.cli.output import number_column, write, write_table
from nanogpt_client.endpoints._batch_output import BatchResults
from nanogpt_client.types.batches import Batch
from nanogpt_client.types.plain import exact

__all__ = ["batch"]

_STDIN = Path("-")
_POLL = click.option(
    "--poll-interval", type=click.FloatRange(min=0, min_open=True), default=30.0,
    show_default=True, metavar="SECONDS", help="Seconds between status checks.",
)  # fmt: skip
_OUTPUT = click.option(
    "--output", "-o", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the results to this file instead of stdout.",
)  # fmt: skip
_FORCE = click.option("--force", "-f", is_flag=True, help="Overwrite an existing file.")


class _Group(Command, click.Group):
    """A group with the common options, like its commands."""

    command_class = Command


@click.group(cls=_Group, examples=["nanogpt batch submit rows.jsonl"])
def batch() -> None:
    """Run many chats in one job, at half the token price, within 24 hours.

    Rows are JSONL: {"custom_id": "a", "body": {"model": "…", "messages": […], "max_tokens": 100}}.
    """


@batch.command(
    examples=[
        "nanogpt batch submit rows.jsonl",
        "nanogpt batch submit - --model openai/gpt-5.2 --wait -o results.jsonl < rows.jsonl",
    ]
)
@click.argument("rows", type=click.Path(path_type=Path))
@click.option("--model", "-m", metavar="ID", help="The model of rows that name none.")
@click.option(
    "--inline/--file",
    default=None,
    help="Send the rows in the request, or as a file; the default depends on their size.",
)
@click.option("--wait", is_flag=True, help="Wait for the batch and write its results.")
@_OUTPUT
@_FORCE
@_POLL
@session
def submit(
    run: Session,
    /,
    rows: Path,
    *,
    wait: bool,
    output: Path | None,
    force: bool,
    poll_interval: float,
    **options: Any,
) -> None:
    """Submit the rows of a JSONL file (- for stdin) and write the batch's id.

    They are checked before anything is sent. Any process can fetch the results by the id.
    """
    if output is not None:
        if not wait:
            raise click.UsageError("--output is for the results: add --wait.")
        _check_output(run, output, force=force)
    with run.client() as client, _readable(rows) as path:
        submitted = client.batches.submit(path, **options)
        run.run_id = submitted.id
        if not wait:
            run.result(_about(submitted), lambda: write(run.out, submitted.id))
            return
        run.note(f"batch {submitted.id}")
        with run.spinner(f"batch {submitted.id} …"):
            found = client.batches.results(submitted, poll_interval=poll_interval)
        _write_results(run, found, output, force=force)


@batch.command(examples=["nanogpt batch status batch_abc123"])
@click.argument("batch_id", metavar="ID")
@session
def status(run: Session, /, batch_id: str) -> None:
    """Show the progress of a batch."""
    with run.client() as client:
        _show(run, client.batches.status(batch_id))


@batch.command(
    examples=[
        "nanogpt batch results batch_abc123 -o results.jsonl",
        "nanogpt batch results batch_abc123 | jq -r .response.body.choices[0].message.content",
    ]
)
@click.argument("batch_id", metavar="ID")
@_OUTPUT
@_FORCE
@_POLL
@session
def results(
    run: Session, /, batch_id: str, *, output: Path | None, force: bool, poll_interval: float
) -> None:
    """Wait for a batch and write its results as JSONL, in the order of the rows.

    A row without an answer has an error. With --json, one object has all results.
    """
    if output is not None:
        _check_output(run, output, force=force)
    run.run_id = batch_id
    with run.client() as client, run.spinner(f"batch {batch_id} …"):
        found = client.batches.results(batch_id, poll_interval=poll_interval)
    _write_results(run, found, output, force=force)


@batch.command(examples=["nanogpt batch cancel batch_abc123"])
@click.argument("batch_id", metavar="ID")
@session
def cancel(run: Session, /, batch_id: str) -> None:
    """Cancel a batch; rows that are done by then are kept, and billed."""
    with run.client() as client:
        _show(run, client.batches.cancel(batch_id))


@batch.command(name="list", examples=["nanogpt batch list --status in_progress,validating"])
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    metavar="N",
    help="How many, at most.",
)
@click.option("--after", metavar="ID", help="Only batches older than this one.")
@click.option("--status", metavar="STATUS", help="Only these, separated by commas.")
@session
def list_(run: Session, /, **options: Any) -> None:
    """List the account's batches, newest first."""
    with run.client() as client:
        page = client.batches.list(**options)
    columns = [Column("id"), Column("status"), number_column("done"), number_column("rows")]
    rows = [(each.id, each.status, *each.progress) for each in page.batches]
    value = {"batches": [_about(each) for each in page.batches], "has_more": page.has_more}
    run.result(value, lambda: write_table(run.out, columns, rows))


@contextmanager
def _readable(rows: Path) -> Iterator[Path]:
    """Yield the path of the rows; those of stdin are copied to a file, as they are read twice."""
    if rows != _STDIN:
        yield rows
        return
    with tempfile.TemporaryDirectory(prefix="nanogpt-") as folder:
        path = Path(folder) / "rows.jsonl"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path


def _check_output(run: Session, output: Path, *, force: bool) -> None:
    files.Target(output, "", force=force).check(as_json=run.as_json)


def _about(found: Batch) -> dict[str, Any]:
    return {
        "id": found.id,
        "status": found.status,
        "rows": found.total,
        "completed": found.completed,
        "failed": found.failed,
        "error": found.error,
    }


def _show(run: Session, found: Batch) -> None:
    done, total = found.progress
    line = f"{found.status}: {done} of {total} rows done, {found.failed} failed"
    line += f"; {found.error}" if found.error else ""
    run.result(_about(found), lambda: write(run.out, line))


def _write_results(run: Session, found: BatchResults, output: Path | None, *, force: bool) -> None:
    about = _about(found.batch) | {"cost_usd": exact(found.cost)}
    if output is not None and output != files.STDOUT:
        path = _saved(found, output, force=force)
        run.result(about | {"files": [str(path)]}, lambda: write(run.out, str(path)))
    elif run.as_json:
        run.result(about | {"results": [result.raw for result in found]}, lambda: None)
    else:
        for line in found.lines():
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
    failed = sum(result.error is not None for result in found)
    if failed:
        run.note(f"{failed} of {len(found)} rows have no answer")


def _saved(found: BatchResults, output: Path, *, force: bool) -> Path:
    """Write the results to a file that appears complete; return its path.

    Raises:
        FileExistsError: another program made it meanwhile; the message names the file instead.
    """
    handle, name = tempfile.mkstemp(dir=output.absolute().parent, prefix=".batch-")
    os.close(handle)
    try:
        found.write(name)
        if output.exists() and not force:
            free = output.with_name(f"{output.stem}-{found.batch.id}{output.suffix}")
            Path(name).replace(free)
            raise FileExistsError(f"{output} exists by now; the results are in {free}")
        Path(name).replace(output)
    finally:
        Path(name).unlink(missing_ok=True)
    return output
