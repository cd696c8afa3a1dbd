"""Batches: rows are submitted once, polled until they are done, and read from JSONL.

A batch costs half of the tokens' price, charged once at its end. It is never submitted twice. If
the outcome of a submission is unknown, a batch with a file is looked up by the file's id, which no
other batch has.

Files and batches go to NanoGPT's direct host. Follows
https://docs.nano-gpt.com/api-reference/endpoint/batches and batches-list
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import IO, Unpack
from urllib.parse import quote

from nanogpt_client._protocol.call import Call, FilePart, Reply, Request, RetrySafety, Root
from nanogpt_client._protocol.job_costs import Settled, Submitted
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, Sleep, ask, off_loop
from nanogpt_client.endpoints import _checks, _jobs
from nanogpt_client.endpoints._batch_output import BatchResults, Output, new_file, row_ids
from nanogpt_client.endpoints._batch_rows import Prepared, Rows, prepare
from nanogpt_client.endpoints._requests import get, post, read_object
from nanogpt_client.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    JobFailedError,
    NanoGPTError,
    NotFoundError,
    OutcomeUnknownError,
    ServerError,
)
from nanogpt_client.types._coerce import as_dict, as_list, as_text, dicts
from nanogpt_client.types.batches import (
    Batch,
    BatchListOptions,
    BatchPage,
    BatchSubmitOptions,
    BatchWaitOptions,
)
from nanogpt_client.types.billing import Billing

POLL_SECONDS = 30.0
JOB_TIMEOUT = 90_000.0
"""NanoGPT gives a batch 24 hours; one more for what surrounds them."""
FILE_SECONDS = 3_600.0
"""For one upload or download."""
LOOK_UP_PAUSES = (1.0, 4.0)
KIND = "batch"


def submit(rows: Rows, **options: Unpack[BatchSubmitOptions]) -> Flow[Batch]:
    """Check the rows, send them, and return the batch; see `Batches.submit`."""
    given = _checks.checked(options, BatchSubmitOptions)
    prepared: Prepared = yield from off_loop(
        prepare, rows, model=given.get("model"), endpoint=given.get("endpoint")
    )
    try:
        wanted = False if given.get("metadata") else given.get("inline")
        if prepared.is_inline(wanted):
            body = yield from off_loop(prepared.inline_body)
            return (yield from _created(post("/batches", body, root="beta"), prepared, None))
        file_id = yield from ask(_upload(prepared.file, given.get("timeout")))
        body = {
            "input_file_id": file_id,
            "endpoint": prepared.endpoint,
            "completion_window": "24h",
        }
        if given.get("metadata"):
            body["metadata"] = dict(given["metadata"])
        return (yield from _created(post("/batches", body, root="direct"), prepared, file_id))
    finally:
        prepared.file.close()


def _upload(file: IO[bytes], timeout: float | None) -> Call[str]:
    """Upload the rows; free, so it may be repeated: a file without a batch does nothing."""
    request = Request(
        "POST",
        "/files",
        "direct",
        form={"purpose": "batch"},
        files=[("file", FilePart("batch.jsonl", b"", "application/jsonl", file))],
        timeout=timeout or FILE_SECONDS,
    )
    return Call(request, _file_id, "file")


def _file_id(reply: Reply) -> str:
    name = as_text(read_object(reply).get("id"))
    if not name:
        raise InvalidResponseError("NanoGPT accepted the file but returned no id")
    return name


def _created(request: Request, prepared: Prepared, file_id: str | None) -> Flow[Batch]:
    """Create the batch, once; after an unknown outcome look for it."""
    call = Call(
        request,
        _batch,
        KIND,
        prepared.model,
        RetrySafety.IF_NOT_SENT,
        billable=True,
        estimate=lambda: prepared.estimate,
        charged_later=True,
    )
    try:
        batch = yield from ask(call)
    except (OutcomeUnknownError, ServerError, InvalidResponseError) as error:
        batch = yield from _looked_up(error, prepared, file_id)
    yield Submitted(KIND, batch.id, Billing(), prepared.estimate)
    return batch


def _looked_up(error: NanoGPTError, prepared: Prepared, file_id: str | None) -> Flow[Batch]:
    """Return the batch of a submission without a response; raise its error if it is not found."""
    found: list[Batch] = []
    for pause in LOOK_UP_PAUSES:
        yield Sleep(pause)
        try:
            page = yield from ask(listed(inline=file_id is None))
        except NanoGPTError:
            continue
        found = [batch for batch in page.batches if _may_be(batch, prepared, file_id)]
        if found and file_id is not None:
            return found[0]
    if file_id is not None:
        hint = f"one with input_file_id {file_id!r} is it"
        error.partial = {"input_file_id": file_id}
    else:
        names = ", ".join(batch.id for batch in found) or "none yet"
        hint = f"inline ones with {prepared.rows} rows of {prepared.model}: {names}"
    error.message += f"; before you submit again, look into batches.list(): {hint}"
    error.args = (error.message,)
    raise error


def _may_be(batch: Batch, prepared: Prepared, file_id: str | None) -> bool:
    if file_id is not None:
        return batch.input_file_id == file_id
    model = (batch.model or "").rpartition("/")[2]  # openai/gpt-4.1 is listed as gpt-4.1
    return batch.total == prepared.rows and prepared.model.endswith(model)


def _batch(reply: Reply) -> Batch:
    """Read a batch; the error of one that failed is part of it."""
    try:
        body = as_dict(reply.json())
    except ValueError:
        body = {}
    if not body.get("id") or not body.get("status"):
        body = read_object(reply)
    batch = Batch.read(body, reply.headers)
    if not batch.id:
        raise InvalidResponseError("NanoGPT returned a batch without an id")
    return batch


def status(batch: Batch | str) -> Flow[Batch]:
    """Return the current state of a batch; one given by its id may be of either form."""
    if isinstance(batch, Batch):
        return (yield from ask(_status(batch.id, inline=batch.is_inline)))
    try:
        return (yield from ask(_status(batch, inline=False)))
    except NotFoundError as error:
        try:
            return (yield from ask(_status(batch, inline=True)))
        except NotFoundError:
            raise error from None


def _status(batch_id: str, *, inline: bool) -> Call[Batch]:
    return Call(get(_path(batch_id), root=_root(inline)), _batch, KIND)


def _path(batch_id: str) -> str:
    return f"/batches/{quote(_checks.check_text('batch', batch_id), safe='')}"


def _root(inline: bool) -> Root:
    return "beta" if inline else "direct"


def cancel(batch: Batch | str) -> Flow[Batch]:
    """Cancel a batch that still runs; what it has answered is kept, and billed."""
    current = batch if isinstance(batch, Batch) else (yield from status(batch))
    request = post(f"{_path(current.id)}/cancel", {}, root=_root(current.is_inline))
    # Cancelling twice does no more than once; a batch that has ended refuses it.
    return (yield from ask(Call(request, _batch, KIND)))


def listed(**options: Unpack[BatchListOptions]) -> Call[BatchPage]:
    """List the account's batches, newest first."""
    given = _checks.checked(options, BatchListOptions)
    if "after" in given and "before" in given:
        raise InvalidArgumentError("after and before cannot be combined", param="after")
    limit = given.get("limit", 1)
    if not 1 <= limit <= 100:
        raise InvalidArgumentError(f"limit must be 1 to 100, not {limit}", param="limit")
    inline = given.pop("inline", False)
    if not isinstance(given.get("status", ""), str):
        given["status"] = ",".join(given["status"])
    return Call(get("/batches", given, root=_root(inline)), _page, KIND)


def _page(reply: Reply) -> BatchPage:
    body = read_object(reply)
    return BatchPage(
        [Batch.read(item) for item in dicts(body.get("data"))],
        as_text(body.get("first_id")) or None,
        as_text(body.get("last_id")) or None,
        bool(body.get("has_more")),
        body,
    )


def wait(batch: Batch | str, **options: Unpack[BatchWaitOptions]) -> Flow[Batch]:
    """Poll until the batch has ended, in whatever way, and return its last state."""
    poll_interval = options.get("poll_interval", POLL_SECONDS)
    poll_timeout = options.get("poll_timeout", JOB_TIMEOUT)
    _jobs.check_waiting(poll_interval, poll_timeout)
    current = batch
    if not isinstance(current, Batch):
        current = yield from status(current)
    if current.is_finished:
        return current
    job = _jobs.Job(KIND, current.id, Billing())
    check = _status(current.id, inline=current.is_inline)
    with ProgressReporter(options) as reporter:
        return (
            yield from _jobs.last_state(
                check, job, reporter, poll_interval=poll_interval, poll_timeout=poll_timeout
            )
        )


def results(
    batch: Batch | str,
    *,
    order: Sequence[str] | None = None,
    **options: Unpack[BatchWaitOptions],
) -> Flow[BatchResults]:
    """Wait for the batch, fetch its output, record its cost; see `Batches.results`."""
    final = yield from wait(batch, **options)
    output = Output()
    try:
        for file_id in (final.output_file_id, final.error_file_id):
            if file_id is not None:
                yield from off_loop(output.add_file, (yield from _content(file_id)))
        if not output.files:
            final = yield from _inline_results(final, output)
        if order is None:
            order = yield from _order(final, output)
    except BaseException:
        output.close()
        raise
    found = BatchResults(final, output, order)
    if final.status == "failed" and not found:
        raise _failed(final)
    yield Settled(KIND, final.id, final.model, found.cost, final.usage)
    return found


def _content(file_id: str) -> Flow[IO[bytes]]:
    """Download a file to a temporary one."""
    file = new_file()
    request = get(f"/files/{quote(file_id, safe='')}/content", root="direct")
    request = replace(request, sink=file, timeout=FILE_SECONDS)
    try:
        yield from ask(Call(request, _nothing, "file"))
    except BaseException:
        file.close()
        raise
    return file


def _nothing(reply: Reply) -> None:
    """Read no body: it is in the file."""


def _inline_results(final: Batch, output: Output) -> Flow[Batch]:
    """Add the results in the body of an inline batch; ask for them if it was found in the list."""
    if "results" not in final.raw and final.completed + final.failed:
        try:
            final = yield from ask(_status(final.id, inline=True))
        except NotFoundError:
            return final
    yield from off_loop(output.add_rows, as_list(final.raw.get("results")))
    return final


def _order(final: Batch, output: Output) -> Flow[list[str] | None]:
    """Return the ids in the order of the uploaded file; ``None`` for our own numbers.

    The file may be gone; then the order stays that of the output.
    """
    if final.input_file_id is None or (final.total and output.is_numbered(final)):
        return None
    try:
        file = yield from _content(final.input_file_id)
    except NanoGPTError:
        return None
    try:
        return (yield from off_loop(row_ids, file)) or None
    finally:
        file.close()


def _failed(final: Batch) -> JobFailedError:
    return JobFailedError(
        f"batch {final.id} failed: {final.error or 'NanoGPT gave no reason'}",
        run_id=final.id,
        code=final.code,
        cost=Decimal(0) if final.is_refunded else final.billing.cost,
        raw=final.raw,
    )
