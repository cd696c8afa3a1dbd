"""The steps that flows yield and the outcomes they get back: the language of clients and policy.

A flow owns no socket and no clock. It yields what is to be done; a client does it, and sends in
what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from nanogpt_client._protocol.call import Call, Reply, Request
from nanogpt_client._protocol.job_costs import Submitted

T = TypeVar("T")
Item = TypeVar("Item")


class Send(NamedTuple):
    """Send a request and read the whole answer: a `Reply` or `Unreachable` comes back."""

    request: Request


class Open(NamedTuple):
    """Send a request whose answer is a stream: `Connected`, `Reply` (no stream), `Unreachable`."""

    request: Request
    limit: float | None


class Read(NamedTuple):
    """Read the next bytes of a stream, waiting ``limit`` seconds: a `Chunk` or `Unreachable`."""

    connection: Any
    limit: float | None


class Sleep(NamedTuple):
    """Wait that many seconds."""

    seconds: float


class Resolve(NamedTuple):
    """Find out where a URL leads: `Addresses` come back."""

    url: str


class Addresses(NamedTuple):
    """The IP addresses of a URL's host; none if its name is unknown here.

    ``trusted`` is ``True`` for NanoGPT's own address and where the user allows any, ``own`` for
    the former alone. ``elsewhere`` is ``True`` where a proxy or the
    caller's own HTTP client may look the name up again, so that the answer binds nobody.
    """

    trusted: bool
    addresses: Sequence[str] = ()
    own: bool = False
    elsewhere: bool = False


class CallUser(NamedTuple):
    """Call a function of the caller's, awaiting what it returns if need be: `UserResult`."""

    function: Callable[[Any], Any]
    value: Any


class Block(NamedTuple):
    """Call a function that blocks, such as one that reads a file, off the event loop: `UserResult`.

    What it raises of `OSError`, `ValueError` and `NanoGPTError` comes back in it.
    """

    function: Callable[[], Any]


class UserResult(NamedTuple):
    """What a function of the caller's returned, or the exception that it raised."""

    value: Any = None
    error: Exception | None = None


class Gather(NamedTuple):
    """Perform flows, ``max_concurrency`` at a time: a sequence comes back, one item for each.

    An item is a `UserResult` of what the flow returned or raised; or ``None`` for a flow that
    was not begun, because another had failed by then.
    """

    flows: Sequence[Generator[Any, Any, Any]]
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class GetModelCache:
    """Ask what the client remembers of NanoGPT's model lists: `ModelCache` comes back."""


class Yield(NamedTuple, Generic[Item]):
    """Hand these items to the caller; only then may a step be asked for again."""

    items: Iterable[Item]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No (whole) answer came. ``sent`` is ``False`` only if it provably never reached NanoGPT."""

    sent: bool
    reason: str
    timed_out: bool = False
    request_id: str | None = None
    cause: Exception | None = field(default=None, repr=False, compare=False)
    unreadable: bool = False
    """An answer came, but it is packed in a way that nobody reads, or far too large."""


class Connected(NamedTuple):
    """A stream has begun; ``seconds`` is how long its headers took."""

    reply: Reply
    connection: Any
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of a stream (none: it has ended) and the seconds they took to come."""

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
Flow: TypeAlias = Generator[Call[Any] | OtherStep | GetModelCache | Submitted, Any, T]
"""What endpoints with several requests return: yields calls, receives their parsed answers."""


def ask(call: Call[T]) -> Generator[Call[T], Any, T]:
    """Ask one thing inside a `Flow` and return its answer."""
    answer: T = yield call
    return answer


def ask_user(function: Callable[[Any], Any], value: Any) -> Generator[CallUser, Any, Any]:
    """Ask a function of the caller's inside a `Flow`; what it raises ends the flow."""
    returned: UserResult = yield CallUser(function, value)
    if returned.error is not None:
        raise returned.error
    return returned.value


def off_loop(function: Callable[..., T], *args: Any, **named: Any) -> Generator[Block, Any, T]:
    """Do work on files inside a `Flow`, in async code in a thread; what it raises ends the flow."""
    returned: UserResult = yield Block(partial(function, *args, **named))
    if returned.error is not None:
        raise returned.error
    result: T = returned.value
    return result
