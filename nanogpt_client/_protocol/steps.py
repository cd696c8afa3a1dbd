"""The steps that flows yield, and the outcomes that they receive.

A flow owns no socket and no clock. It yields a step; a client performs it and sends the outcome in.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from nanogpt_client._protocol.call import Call, Reply, Request
from nanogpt_client._protocol.job_costs import Settled, Submitted

T = TypeVar("T")
Item = TypeVar("Item")


class Send(NamedTuple):
    """Send a request and read the whole response. Outcome: `Reply` or `Unreachable`."""

    request: Request


class Open(NamedTuple):
    """Send a request for a stream. Outcome: `Connected`, `Reply` (no stream) or `Unreachable`."""

    request: Request
    limit: float | None


class Read(NamedTuple):
    """Read the next bytes of a stream within ``limit`` seconds. Outcome: `Chunk`, `Unreachable`."""

    connection: Any
    limit: float | None


class Sleep(NamedTuple):
    """Wait for this many seconds."""

    seconds: float


class Resolve(NamedTuple):
    """Look up the host of a URL. Outcome: `Addresses`."""

    url: str


class Addresses(NamedTuple):
    """The IP addresses of a URL's host; none if the name cannot be resolved.

    Attributes:
        trusted: the host is NanoGPT's, or the user allows any host.
        own: the host is NanoGPT's.
        elsewhere: a proxy, or the caller's HTTP client, may resolve the name again.
    """

    trusted: bool
    addresses: Sequence[str] = ()
    own: bool = False
    elsewhere: bool = False


class CallUser(NamedTuple):
    """Call a function of the user's, and await its result if needed. Outcome: `UserResult`.

    ``off_loop``: a function that is not asynchronous may block, so it is called in a thread.
    """

    function: Callable[[Any], Any]
    value: Any
    off_loop: bool = False


class Block(NamedTuple):
    """Call a blocking function, e.g. one that reads a file, off the event loop.

    Outcome: `UserResult`, also for an `OSError`, `ValueError` or `NanoGPTError` that it raises.
    """

    function: Callable[[], Any]


class UserResult(NamedTuple):
    """The result of a function, or the exception that it raised."""

    value: Any = None
    error: Exception | None = None


class Gather(NamedTuple):
    """Run flows, at most ``max_concurrency`` at a time. Outcome: a sequence with an item for each.

    An item is the `UserResult` of a flow, or ``None`` for a flow that was not begun because another
    had failed.
    """

    flows: Sequence[Generator[Any, Any, Any]]
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class GetModelCache:
    """Get the client's cache of model lists. Outcome: `ModelCache`."""


class Yield(NamedTuple, Generic[Item]):
    """Yield these items to the caller, all of them before the next step."""

    items: Iterable[Item]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No complete response came; ``sent`` is ``False`` only if NanoGPT provably was not reached."""

    sent: bool
    reason: str
    timed_out: bool = False
    request_id: str | None = None
    cause: Exception | None = field(default=None, repr=False, compare=False)
    unreadable: bool = False
    """A response came, but it cannot be decompressed, or is far too large."""


class Connected(NamedTuple):
    """A stream has begun; its headers took ``seconds``."""

    reply: Reply
    connection: Any
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of a stream, empty at its end, and the seconds that they took to arrive."""

    data: bytes = field(repr=False)
    seconds: float = 0.0


Outcome: TypeAlias = (
    Reply
    | Connected
    | Chunk
    | Unreachable
    | Addresses
    | UserResult
    | Sequence[UserResult | None]
    | None
)
OtherStep: TypeAlias = Sleep | Resolve | CallUser | Block | Gather
Step: TypeAlias = Send | Open | Read | OtherStep
Steps: TypeAlias = Generator[Step, Outcome, T]
Flow: TypeAlias = Generator[Call[Any] | OtherStep | GetModelCache | Submitted | Settled, Any, T]
"""What endpoints with several requests return: yields calls, receives their parsed responses."""


def ask(call: Call[T]) -> Generator[Call[T], Any, T]:
    """Perform one call inside a `Flow` and return its parsed response."""
    response: T = yield call
    return response


def ask_user(
    function: Callable[[Any], Any], value: Any, *, off_loop: bool = False
) -> Generator[CallUser, Any, Any]:
    """Call a function of the user's inside a `Flow`; its exception ends the flow."""
    returned: UserResult = yield CallUser(function, value, off_loop)
    if returned.error is not None:
        raise returned.error
    return returned.value


def off_loop(function: Callable[..., T], *args: Any, **kwargs: Any) -> Generator[Block, Any, T]:
    """Call a blocking function inside a `Flow`, off the event loop; its exception ends the flow."""
    returned: UserResult = yield Block(partial(function, *args, **kwargs))
    if returned.error is not None:
        raise returned.error
    result: T = returned.value
    return result
