"""Files and batches: JSONL or inline rows, answered at half price, charged once at the end.

A batch goes through its states with time and with each poll, as jobs do. Its rows are answered when
it ends: all of them, or the first half if it is cancelled in progress or expires (24 hours).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from nanogpt_client.sandbox import catalog, money
from nanogpt_client.sandbox.answers.script import Failure
from nanogpt_client.sandbox.bodies import INFINITE, is_form, read_form, string
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.faults.replies import REPLIES
from nanogpt_client.sandbox.http import (
    Refusal,
    Reply,
    Request,
    dump,
    invalid,
    json_reply,
    missing,
    require,
    sandbox_error,
)
from nanogpt_client.sandbox.routes.chat import answer_row

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
WINDOW = 24 * 3600.0
INLINE_ROWS, INLINE_BYTES, INLINE_TOKENS, INLINE_CAP = 10_000, 20 << 20, 250_000, 4096
_STAGES = ("validating", "in_progress", "finalizing", "completed")
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})
_STATUSES = frozenset({*_STAGES, *_OVER, "cancelling"})
_MOST_LISTED = 100
# The families and ids of the page batches; others are `unsupported_model`.
_DIRECT = re.compile(
    r"openai/.+|(chat)?gpt-.+|o[134](-.+)?|(anthropic/)?claude-.+|(google/)?gemini-.+|sandbox/.+"
)
_OTHERS = frozenset(
    "deepseek/deepseek-v4-pro z-ai/glm-5.2 zai-org/glm-5.1 zai-org/glm-5.2 thinkingmachines/inkling"
    " moonshotai/kimi-k2.6 moonshotai/kimi-k2.7-code moonshotai/kimi-k3 minimax/minimax-m2.7"
    " minimax/minimax-m3 meta/muse-glimmer-30b nvidia/nemotron-3.5-lightning"
    " nvidia/nemotron-3-ultra-550b-a55b qwen-3.6-plus qwen3.7-plus".split()
)


@dataclass(slots=True)
class Batch:
    """One batch: its rows, and what became of them."""

    id: str
    model: str
    rows: list[dict[str, Any]]
    created: float
    input_file: str | None  # None: inline
    outcome: str
    metadata: Any = None
    status: str = "validating"
    polls: int = 0
    ended: float | None = None
    output: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    usage: dict[str, int] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, now: float, pace: float) -> str:
        """Return the state that time and polls have led to; `pace` is seconds a stage."""
        stage = max(self.polls, int((now - self.created) / pace) if pace > 0 else len(_STAGES))
        if self.outcome == "failed" and stage:
            return "failed"
        if self.outcome == "stuck":
            stage = min(stage, 1)
        state = _STAGES[min(stage, len(_STAGES) - 1)]
        return "expired" if now - self.created >= WINDOW and state != "completed" else state

    def shown(self, *, inline: bool) -> dict[str, Any]:
        """Return the batch in the shape of its route."""
        failure = {"code": "batch_failed", "message": "The batch could not be processed."}
        ended = None if self.ended is None else int(self.ended)
        found: dict[str, Any] = {
            "id": self.id,
            "object": "batch",
            "endpoint": CHAT,
            "completion_window": "24h",
            "status": self.status,
            "created_at": int(self.created),
            "request_counts": {"total": len(self.rows), "completed": len(self.output)}
            | {"failed": len(self.errors)},
            "usage": self.usage,
        }
        failed = self.status == "failed"
        if inline:
            error = {"error": failure if failed else None}
            return found | {"model": self.model, "finalized_at": ended} | error
        found |= {"input_file_id": self.input_file, "metadata": self.metadata}
        found |= {"output_file_id": None, "error_file_id": None} | self.files
        found["errors"] = {"object": "list", "data": [failure]} if failed else None
        return found | ({} if ended is None else {f"{self.status}_at": ended})


@Route("POST", "v1/files")
def upload(exchange: Exchange) -> Reply:
    """Store a file of rows. Raises `Refusal`."""
    require(is_form(exchange.request), "The upload must be multipart/form-data.", "file")
    form = read_form(exchange.request)
    require(form.fields.get("purpose") == "batch", "purpose must be 'batch'.", "purpose")
    files = form.files.get("file") or []
    if len(files) != 1:
        raise missing("file")
    more = {"filename": files[0].name, "status": "processed"}
    return json_reply(_stored(exchange, files[0].content, exchange.job_outcome, "batch", **more))


def _stored(
    exchange: Exchange, content: bytes, outcome: str, purpose: str, **more: str
) -> dict[str, Any]:
    name, created = exchange.world.new_id("file_"), int(exchange.world.clock())
    about: dict[str, Any] = {"id": name, "object": "file", "bytes": len(content)}
    about |= {"created_at": created, "purpose": purpose, **more}
    exchange.world.uploads[name] = {"about": about, "content": content, "outcome": outcome}
    return about


@Route("GET", "v1/files/{id}")
def file_about(exchange: Exchange) -> Reply:
    """Describe a file. Raises `Refusal` (404)."""
    return json_reply(_file(exchange, exchange.params["id"])["about"])


@Route("GET", "v1/files/{id}/content")
def file_content(exchange: Exchange) -> Reply:
    """Return a file. Raises `Refusal` (404)."""
    content = _file(exchange, exchange.params["id"])["content"]
    return Reply(200, {"content-type": "application/jsonl"}, (content,))


@Route("POST", "v1/batches")
def create(exchange: Exchange) -> Reply:
    """Create a batch from a file. Raises `Refusal`."""
    body = exchange.json()
    _check_endpoint(body.get("endpoint"))
    window = body.get("completion_window")
    require(window == "24h", "completion_window must be '24h'.", "completion_window")
    name = string(body, "input_file_id")
    file = _file(exchange, name)
    rows = [_line(line, at) for at, line in enumerate(file["content"].splitlines(), 1) if line]
    for row in rows:
        require(row.get("method") == "POST", "method must be 'POST'.", "method")
        require(row.get("url") == body["endpoint"], "url must be the batch's endpoint.", "url")
        require(_cap(row), "max_tokens or max_completion_tokens is required.", "max_tokens")
    outcome = max(exchange.job_outcome, file["outcome"], key=lambda name: name != "completed")
    batch = _created(exchange, rows, name, outcome=outcome, metadata=body.get("metadata"))
    return json_reply(batch.shown(inline=False))


@Route("POST", "beta/batches")
def create_inline(exchange: Exchange) -> Reply:
    """Create a batch from the rows in the body; one without a limit gets 4096 tokens."""
    body = exchange.json()
    _check_endpoint(body.get("endpoint"))
    model, rows = string(body, "model"), body.get("requests")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise invalid("requests must be a list of objects.", "requests")
    for row in rows:
        require(isinstance(row.get("body"), dict), "body must be an object.", "body")
        row["body"] = {"model": model, "max_tokens": INLINE_CAP} | row["body"]
    for number, limit, what in (
        (len(rows), INLINE_ROWS, "requests"),
        (len(dump(rows)), INLINE_BYTES, "bytes"),
        (sum(map(_cap, rows)), INLINE_TOKENS, "output tokens"),
    ):
        require(number <= limit, f"Inline batches accept up to {limit} {what}.", "requests")
    batch = _created(exchange, rows, None, outcome=exchange.job_outcome)
    return json_reply(batch.shown(inline=True) | {"results": None}, 202)


@Route("GET", "v1/batches/{id}", polled=True)
@Route("GET", "beta/batches/{id}", polled=True)
def status(exchange: Exchange) -> Reply:
    """Return a batch, an inline one with its results once it has ended."""
    batch, inline = _batch(exchange)
    _advance(exchange, batch)
    results = [*batch.output, *batch.errors] if batch.status in _OVER else None
    return json_reply(batch.shown(inline=inline) | ({"results": results} if inline else {}))


@Route("POST", "v1/batches/{id}/cancel")
@Route("POST", "beta/batches/{id}/cancel")
def cancel(exchange: Exchange) -> Reply:
    """Cancel a batch that has not ended. Raises `Refusal`."""
    batch, inline = _batch(exchange)
    with batch.lock:
        if batch.status in _OVER:
            message = f"The batch is {batch.status} and cannot be cancelled."
            raise Refusal(400, message, code="invalid_batch_status")
        batch.status = "cancelling"
    return json_reply(batch.shown(inline=inline))


@Route("GET", "v1/batches")
@Route("GET", "beta/batches")
def listed(exchange: Exchange) -> Reply:
    """List batches, newest first. Raises `Refusal` (400)."""
    inline = exchange.request.path.startswith("/api/beta/")
    query, batches = exchange.request.query, list(reversed(exchange.world.batches.values()))
    if inline:
        batches = [batch for batch in batches if batch.input_file is None]
    limit = query.get("limit", "20")
    fits = limit.isdecimal() and 1 <= int(limit) <= _MOST_LISTED
    require(fits, f"limit must be 1 to {_MOST_LISTED}.", "limit")
    found = [batch for batch in _side(batches, query) if _matches(batch, query)]
    page = found[-int(limit) :] if "before" in query else found[: int(limit)]
    data = [batch.shown(inline=inline) | ({"results": None} if inline else {}) for batch in page]
    first, last = (page[0].id, page[-1].id) if page else (None, None)
    listing = {"object": "list", "data": data, "first_id": first, "last_id": last}
    return json_reply(listing | {"has_more": len(found) > len(page)})


def _side(batches: list[Batch], query: Mapping[str, str]) -> list[Batch]:
    """Return the batches on the side of the cursor, whatever the filters."""
    require(not {"after", "before"} <= query.keys(), "Use after or before, not both.", "after")
    ids = [batch.id for batch in batches]
    for name in {"after", "before"} & query.keys():
        require(query[name] in ids, f"{name} is not a batch.", name)
        at = ids.index(query[name])
        return batches[at + 1 :] if name == "after" else batches[:at]
    return batches


def _matches(batch: Batch, query: Mapping[str, str]) -> bool:
    statuses = set(filter(None, query.get("status", "").split(",")))
    require(statuses <= _STATUSES, "status has an unsupported value.", "status")
    later, earlier = _moment(query, "created_after", 0), _moment(query, "created_before", INFINITE)
    require(later < earlier, "The range is reversed.", "created_after")
    return (not statuses or batch.status in statuses) and later < int(batch.created) < earlier


def _moment(query: Mapping[str, str], name: str, default: float) -> float:
    text = query.get(name, "")
    if text.isdecimal() or name not in query:
        return int(text or 0) or default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} is not a timestamp.", name) from None
    require(moment.tzinfo, f"{name} needs a time zone.", name)
    return moment.timestamp()


def _check_endpoint(endpoint: object) -> None:
    require(endpoint in {CHAT, RESPONSES}, f"endpoint must be {CHAT} or {RESPONSES}.", "endpoint")
    if endpoint == RESPONSES:
        raise sandbox_error(f"The sandbox answers {CHAT} rows only.", "sandbox_no_responses")


def _line(line: bytes, at: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise invalid(f"Line {at} is not JSON.", "file") from None
    has_body = isinstance(row, dict) and isinstance(row.get("body"), dict)
    require(has_body, f"Line {at}: body.", "file")
    return dict(row)


def _cap(row: Mapping[str, Any]) -> int:
    cap = row["body"].get("max_completion_tokens") or row["body"].get("max_tokens")
    return cap if isinstance(cap, int) and cap > 0 else 0


def _created(
    exchange: Exchange,
    rows: list[dict[str, Any]],
    file: str | None,
    *,
    outcome: str,
    metadata: Any = None,
) -> Batch:
    """Check what both forms share, and that the balance covers the most that it may cost."""
    require(rows, "A batch needs at least one request.", "requests")
    ids = [row.get("custom_id") for row in rows]
    require(all(isinstance(name, str) and name for name in ids), "custom_id.", "custom_id")
    require(len(set(ids)) == len(ids), "custom_id must be unique.", "custom_id")
    bodies = [row["body"] for row in rows]
    require(not any(body.get("stream") for body in bodies), "stream is not supported.", "stream")
    require(all(body.get("messages") for body in bodies), "messages are required.", "messages")
    name = string(bodies[0], "model")
    same = all(body.get("model") == name for body in bodies)
    require(same, "All rows must use the same model.", "model")
    if not _DIRECT.fullmatch(name) and name.partition(":")[0] not in _OTHERS:
        message = f"The model '{name}' does not support batches."
        raise Refusal(400, message, code="unsupported_model", param="model")
    world = exchange.world
    model = catalog.find("text", name.partition(":")[0], strict=world.settings.strict_models)
    world.account.demand(_most(model, rows))
    batch = Batch(world.new_id("batch_"), name, rows, world.clock(), file, outcome, metadata)
    world.batches[batch.id] = batch
    return batch


def _most(model: catalog.Model, rows: list[dict[str, Any]]) -> Decimal:
    """Return the most USD that rows may cost: three characters a token, and the whole limit."""
    prompt = sum(len(dump(row["body"]["messages"])) // 3 for row in rows)
    tokens = money.Tokens(prompt, sum(map(_cap, rows)))
    return money.BATCH_SHARE * money.chat_price(money.chat_rates(model), tokens)


def _file(exchange: Exchange, name: str) -> dict[str, Any]:
    found = exchange.world.uploads.get(name)
    if found is None:
        raise Refusal(404, f"No file '{name}'.", code="not_found", param="file_id")
    return found


def _batch(exchange: Exchange) -> tuple[Batch, bool]:
    """Return the batch that the path names, and whether it is an inline one."""
    inline = exchange.request.path.startswith("/api/beta/")
    found = exchange.world.batches.get(exchange.params["id"])
    if found is None or inline != (found.input_file is None):
        message = f"No batch '{exchange.params['id']}'."
        raise Refusal(404, message, code="not_found", param="batch_id")
    return found, inline


def _advance(exchange: Exchange, batch: Batch) -> None:
    """Bring a batch to the state it has by now; answer its rows when it ends."""
    with batch.lock:
        if batch.status in _OVER:
            return
        now, half = exchange.world.clock(), len(batch.rows) // 2
        reached = batch.reached(now, exchange.world.settings.job_pace)
        batch.polls += 1
        if batch.status == "cancelling":
            reached = "cancelled"
            _end(exchange, batch, half if batch.polls > 1 else 0)
        elif reached == "completed":
            _end(exchange, batch, len(batch.rows))
        elif reached == "expired":
            _end(exchange, batch, half)
        batch.status = reached
        if reached in _OVER:
            batch.ended = now


def _end(exchange: Exchange, batch: Batch, count: int) -> None:
    """Answer the first rows, charge for them once, and store both files."""
    charges: list[money.Charge] = []

    def charge(made: money.Charge) -> Decimal:
        charges.append(made)
        return exchange.world.account.balance

    for row in batch.rows[:count]:
        line = _answered(exchange, row, charge)
        (batch.output if line["response"]["status_code"] == 200 else batch.errors).append(line)
    read, written = (sum(map(attrgetter(f"{n}_tokens"), charges)) for n in ("input", "output"))
    batch.usage = {"prompt_tokens": read, "completion_tokens": written}
    batch.usage["total_tokens"] = read + written
    if charges:
        cost = money.exact(sum((made.cost for made in charges), Decimal(0)))
        made = money.Charge(charges[0].model, cost, read, written)
        exchange.world.account.charge(made, due=True)
    for key, lines in (("output_file_id", batch.output), ("error_file_id", batch.errors)):
        if lines and batch.input_file is not None:
            content = "".join(f"{dump(line)}\n" for line in lines).encode()
            batch.files[key] = _stored(exchange, content, "completed", "batch_output")["id"]


def _answered(exchange: Exchange, row: Mapping[str, Any], charge: Any) -> dict[str, Any]:
    """Return the line of one row: what the chat route would have answered."""
    headers = {"content-type": "application/json"}
    request = Request("POST", "/api" + CHAT, headers=headers, body=dump(row["body"]).encode())
    name = exchange.world.new_id("req_")
    single = replace(exchange, request=request, id=name, params={}, job_outcome="completed")
    try:
        reply = json_reply(answer_row(single, charge))
    except Refusal as refusal:
        reply = refusal.reply()
    except Failure as failure:
        reply = REPLIES[failure.fault](single)
    response = {"status_code": reply.status, "request_id": name, "body": reply.json()}
    return {"custom_id": row["custom_id"], "response": response, "error": None}
