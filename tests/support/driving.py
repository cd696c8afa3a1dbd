"""Drives flows by hand, outcomes in and steps out, and builds the replies to feed them with."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings

from nanogpt_client._protocol import policy
from nanogpt_client._protocol.accounting import CallContext
from nanogpt_client._protocol.call import Call, Reply, Request, RetrySafety
from nanogpt_client._protocol.model_cache import ModelCache
from nanogpt_client._protocol.pacing import Pace
from nanogpt_client._protocol.retry import RetryPolicy
from nanogpt_client._protocol.steps import (
    Addresses,
    Block,
    CallUser,
    Chunk,
    Connected,
    Gather,
    GetModelCache,
    Read,
    Resolve,
    Sleep,
    Yield,
)
from nanogpt_client._transport.concurrency import block, in_threads, invoke
from nanogpt_client.errors import NanoGPTError
from nanogpt_client.ledger import Budget, Ledger, LedgerEntry

# Machines that test may be slow; a slow example is no failure. Each run has other examples.
settings.register_profile(
    "patient", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")

NOW = 1_700_000_000.0
# Where hosts are, unless a test says otherwise: in the open internet.
SOMEWHERE = Addresses(trusted=False, addresses=["93.184.215.14"])

# What JSON can hold, for fields that should hold something else.
ODD_VALUES: list[Any] = [
    None, True, False, 0, 1, -7, 10**40, 0.5, float("nan"), float("inf"), 1e308, "", "x", "7",
    "nan", "\ud800", [], [None], [1, "x"], [[]], [{}], {}, {"x": 1}, {"error": "x"}, {"url": []},
]  # fmt: skip


class AskedForMoreError(AssertionError):
    """A flow made a request that no outcome was given for."""


@dataclass
class Driven:
    """What a flow did: its steps in order, the items it handed on, and how it ended."""

    steps: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    result: Any = None
    error: NanoGPTError | None = None

    @property
    def sleeps(self) -> list[float]:
        return [step.seconds for step in self.steps if isinstance(step, Sleep)]

    @property
    def text(self) -> str:
        return "".join(item.text for item in self.items)

    def failure(self, cls: type[NanoGPTError]) -> Any:
        """Return the error that ended the flow, which must be of exactly this class."""
        assert type(self.error) is cls, repr(self.error)
        return self.error


def drive(steps: Generator[Any, Any, Any], *outcomes: Any, spare: bool = False) -> Driven:
    """Answer each request of a flow with the next outcome; all must be asked for, unless ``spare``.

    What is read behind a stream's [DONE] is its end, unless an outcome is left for it. An exception
    among the outcomes is raised where the request was made.
    """
    driven, left, clock = Driven(), list(outcomes), CLOCKS[-1]
    answer: Any = None
    try:
        while True:
            step = steps.throw(answer) if isinstance(answer, BaseException) else steps.send(answer)
            driven.steps.append(step)
            answer = None
            if isinstance(step, Yield):
                driven.items += step.items
            elif isinstance(step, Resolve) and not (left and isinstance(left[0], Addresses)):
                answer = SOMEWHERE
            elif isinstance(step, CallUser | Block | Gather):
                answer = aside(step)
            elif step == Read("connection", policy.AFTER_DONE_SECONDS) and not left:
                answer = END
            elif isinstance(step, Sleep):
                clock.now += step.seconds
            else:
                if not left:
                    raise AskedForMoreError(step)
                answer = left.pop(0)
    except StopIteration as stop:
        driven.result = stop.value
    except NanoGPTError as error:
        driven.error = error
    assert spare or not left, f"never asked for: {left}"
    return driven


def aside(step: CallUser | Block | Gather) -> Any:
    """Do what a client does for a step that is no request."""
    match step:
        case CallUser():
            return invoke(step)
        case Block():
            return block(step)
        case Gather(flows, max_concurrency):
            return in_threads(run_flow, flows, max_concurrency)


def run_flow(flow: Generator[Any, Any, Any]) -> Any:
    """Perform a flow that needs no replies; raise its error."""
    driven = drive(flow)
    if driven.error is not None:
        raise driven.error
    return driven.result


@dataclass
class Clock:
    """A clock that moves when a flow sleeps."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


CLOCKS = [Clock()]  # `drive` moves the last one


def context(
    *, max_retries: int = 2, jitter: float = 1.0, budget: Budget | None = None, **limits: Any
) -> CallContext:
    """Return rules with a fixed clock and fixed jitter."""
    CLOCKS.append(Clock())
    retry = RetryPolicy(max_retries=max_retries, jitter=lambda: jitter, now=lambda: NOW)
    pace = Pace(limits.pop("requests_per_second", None), now=CLOCKS[-1], jitter=lambda: 0.0)
    return CallContext(retry, pace=pace, ledger=Ledger(), budget=budget, **limits)


def only_entry(rules: CallContext) -> LedgerEntry:
    (entry,) = rules.ledger
    return entry


def reply(body: Any, status: int = 200, **headers: Any) -> Reply:
    """Return an answer: bytes as they are, anything else as JSON."""
    kind = {} if isinstance(body, bytes) else {"content-type": "application/json"}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, kind | named, data)


def answer(flow: Generator[Any, Any, Any], *outcomes: Any, rules: CallContext | None = None) -> Any:
    """Perform an endpoint's flow with these replies; return its result or raise its error."""
    driven = drive(policy.run_flow(flow, rules or context()), *outcomes)
    if driven.error is not None:
        raise driven.error
    return driven.result


def first_call(flow: Generator[Any, Any, Any], known: ModelCache | None = None) -> Any:
    """Return the first call that a flow yields, nothing being known of models unless given."""
    step = next(flow)
    while isinstance(step, GetModelCache | Resolve | Block):
        if isinstance(step, GetModelCache):
            step = flow.send(known or ModelCache())
        else:
            step = flow.send(SOMEWHERE if isinstance(step, Resolve) else block(step))
    return step


def requests_of(driven: Driven) -> list[Request]:
    return [step.request for step in driven.steps if hasattr(step, "request")]


def text_call(
    resend: RetrySafety = RetrySafety.IF_REJECTED, *, billable: bool = True, parse: Any = None
) -> Call[Any]:
    """Return a call that answers with the text of its reply."""
    request = Request("POST", "/any")
    return Call(request, parse or (lambda r: r.text), "chat", "m", resend, billable)


def frame(text: str = "", *, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return one chunk of a chat stream."""
    delta = fields.pop("delta", {"content": text} if text else {})
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "model": "m", "choices": [choice], **fields}


def sse(*frames: dict[str, Any] | str) -> bytes:
    """Return frames as the bytes of an event stream."""
    lines = [f if isinstance(f, str) else f"data: {json.dumps(f)}\n\n" for f in frames]
    return "".join(lines).encode()


DONE = "data: [DONE]\n\n"


def connected(seconds: float = 0.0, **headers: str) -> Connected:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Connected(Reply(200, named), "connection", seconds)


def piece(*frames: dict[str, Any] | str, seconds: float = 0.0) -> Chunk:
    return Chunk(sse(*frames), seconds)


END = Chunk(b"")
