"""Turns that were recorded once, and are replayed for the same requests.

    Sandbox(model=Recorded("turns.jsonl", model=Upstream("http://localhost:11434/v1")))

The file has one line for each request: its hash, the request without what leaves the answer as it
is, and the turn. Images and other long data URLs stand in it as hashes, API keys as `sk-***`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import threading
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal

from nanogpt_client.sandbox.answers.turn import (
    ChatRequest,
    Citation,
    Model,
    ToolCall,
    Turn,
    turn_of,
)
from nanogpt_client.sandbox.http import Refusal, sandbox_error

# What does not change what a model says: how it is delivered, billed and accounted for.
_IGNORED = frozenset(
    {
        "stream", "stream_options", "user", "metadata", "store", "service_tier", "caching",
        "cache_control", "prompt_cache_key", "promptCaching", "prompt_caching", "billing_mode",
        "billingMode", "reasoning_delta_field", "reasoning_content_compat",
    }
)  # fmt: skip
_KEY = re.compile(r"\bsk-[\w-]{16,}")
_LONG = 200
_SHOWN_LINES = 20

Record = Literal["missing", "none", "all"]
Row = dict[str, Any]


class Recorded:
    """Replay recorded turns, and record those that are missing through another model.

    Requests are the same if all is the same that can change the answer: model, messages, tools,
    response format, options. Ids of tool calls count by their order alone. Each request has one
    turn: asked again, it is answered alike.
    """

    def __init__(
        self, path: str | Path, *, model: Model | None = None, record: Record = "missing"
    ) -> None:
        """Read the file, if it is there.

        Args:
            path: The file of JSON lines; written anew, as a whole, with each recorded turn.
            model: Who answers what is not recorded: an `Upstream`, or any callable. To record
                NanoGPT itself: `Upstream("https://nano-gpt.com/api/v1", api_key=...)`.
            record: `missing` asks the model for what is not recorded; `none` never asks it;
                `all` asks it once for each request, and replaces what was recorded.

        Raises:
            ValueError: for another `record`, for `all` without a model, for a broken file.
        """
        if record not in ("missing", "none", "all"):
            raise ValueError(f"record must be 'missing', 'none' or 'all', not {record!r}")
        if record == "all" and model is None:
            raise ValueError("record='all' needs a model to record")
        self._path = Path(path)
        self._model = None if record == "none" else model
        self._lock = threading.Lock()
        self._rows = _read(self._path)
        self._fresh = set() if record == "all" else set(self._rows)

    def __call__(self, request: ChatRequest) -> Turn:
        """Return the recorded turn. Raises `Refusal` (424) if there is none and none can be."""
        wanted = _canonical(request)
        key = hashlib.sha256(_line(wanted).encode()).hexdigest()[:16]
        with self._lock:
            found = self._rows.get(key) if key in self._fresh else None
        if found is not None:
            return _turn(found["turn"])
        if self._model is None:
            raise self._missing(wanted)
        turn = turn_of(self._model(request))
        said = {name: each for name, each in asdict(turn).items() if each not in ("", (), None)}
        self._keep({"key": key, "request": wanted, "turn": _clean(said)})
        return turn

    def _keep(self, row: Row) -> None:
        """Add a row to those of this and other processes, and put the file in place at once."""
        with self._lock:
            self._rows = self._rows | _read(self._path) | {row["key"]: row}
            self._fresh.add(row["key"])
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.draft")
            try:
                lines = (_line(each) + "\n" for each in self._rows.values())
                draft.write_text("".join(lines), "utf-8")
                draft.replace(self._path)
            finally:
                draft.unlink(missing_ok=True)

    def _missing(self, wanted: Row) -> Refusal:
        lines = _line(wanted, indent=1).splitlines()
        recorded = [_line(row["request"], indent=1).splitlines() for row in self._rows.values()]
        message = f"{self._path.name} has no turn for this request"
        if recorded:
            alike = partial(difflib.SequenceMatcher, None, b=lines, autojunk=False)
            nearest = max(recorded, key=lambda each: alike(each).quick_ratio())
            diff = list(difflib.unified_diff(nearest, lines, "recorded", "sent", n=0, lineterm=""))
            message += "; the nearest recorded one differs:\n" + "\n".join(diff[:_SHOWN_LINES])
        return sandbox_error(message, "sandbox_recording_missing")


def _canonical(request: ChatRequest) -> Row:
    """Return what of a request can change its answer, with nothing secret or bulky in it."""
    given = request.body.items()
    body = {key: value for key, value in given if value is not None and key not in _IGNORED}
    ids: dict[str, str] = {}
    body["messages"] = [_renumbered(message, ids) for message in request.messages]
    if request.index:
        body["index"] = request.index
    found: Row = _clean(body)
    return found


def _renumbered(message: Row, ids: dict[str, str]) -> Row:
    def number(name: str) -> str:
        return ids.setdefault(name, f"call_{len(ids) + 1}")

    found = dict(message)
    if calls := message.get("tool_calls"):
        found["tool_calls"] = [{**call, "id": number(call["id"])} for call in calls]
    if "tool_call_id" in message:
        found["tool_call_id"] = number(message["tool_call_id"])
    return found


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("data:") and len(value) > _LONG:
        digest = hashlib.sha256(value.encode()).hexdigest()[:16]
        return f"{value.partition(',')[0]},sha256:{digest}"
    return _KEY.sub("sk-***", value.encode("utf-8", "replace").decode())


def _turn(row: Row) -> Turn:
    calls = tuple(ToolCall(**each) for each in row.get("tool_calls", ()))
    citations = tuple(Citation(**each) for each in row.get("citations", ()))
    return Turn(**{**row, "tool_calls": calls, "citations": citations})


def _read(path: Path) -> dict[str, Row]:
    text = path.read_text("utf-8") if path.exists() else ""
    rows = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        try:
            row = json.loads(line)
            row["request"], row["turn"] = dict(row["request"]), dict(row["turn"])
            rows[row["key"]] = row
        except (ValueError, LookupError, TypeError) as error:
            raise ValueError(f"{path}:{number} is no recorded turn") from error
    return rows


def _line(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent)
