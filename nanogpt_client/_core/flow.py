"""Policy as pure generators: they decide, the clients act.

A generator here yields steps (`Send`, `Open`, `Read`, `Sleep`, `Emit`) and receives what became of
each. It owns no socket and no clock, so every rule is tested with values alone, and the sync and
the async client need not repeat any of it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar, cast

from nanogpt_client._core.booking import Booking, CallContext
from nanogpt_client._core.call import Call, Decoder, Reply, Request, StreamCall
from nanogpt_client._core.job_costs import JobStatus, Submitted
from nanogpt_client._core.pacing import LONGEST_NAP, Pace
from nanogpt_client._core.retry import retry_after
from nanogpt_client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DailyLimitError,
    NanoGPTError,
    OutcomeUnknownError,
    RateLimitError,
    ResponseFormatError,
    StreamInterruptedError,
    StreamStalledError,
    error_from_reply,
)
from nanogpt_client.observe import CallEvent

T = TypeVar("T")
Item = TypeVar("Item")

# After the finish reason only usage and [DONE] may follow; whoever holds them back keeps nobody.
AFTER_FINISH_SECONDS = 5.0
# After [DONE] only the end of the response follows, and a connection is used again from there on.
AFTER_DONE_SECONDS = 0.25


class Send(NamedTuple):
    """Send a request and read the whole answer: a `Reply` or `Unreachable` comes back."""

    request: Request


class Open(NamedTuple):
    """Send a request whose answer is a stream: `Connected`, `Reply` (no stream), `Unreachable`."""

    request: Request
    limit: float | None


class Read(NamedTuple):
    """Read the next bytes of a stream, waiting ``limit`` seconds: a `Piece` or `Unreachable`."""

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


class Locate(NamedTuple):
    """Find out the absolute address of a media URL, and who fetches it: `Located` comes back."""

    url: str


class Located(NamedTuple):
    """``fetch`` takes a URL and returns its bytes, or an awaitable of them."""

    url: str
    fetch: Callable[[str], Any] | None = None


class Invoke(NamedTuple):
    """Call a function of the caller's, awaiting what it returns if need be: `Returned`."""

    function: Callable[[Any], Any]
    value: Any


class Block(NamedTuple):
    """Call a function that blocks, such as one that reads a file, off the event loop: `Returned`.

    What it raises of `OSError`, `ValueError` and `NanoGPTError` comes back in it.
    """

    function: Callable[[], Any]


class Returned(NamedTuple):
    """What a function of the caller's returned, or the exception that it raised."""

    value: Any = None
    error: Exception | None = None


class Gather(NamedTuple):
    """Perform flows, ``max_concurrency`` at a time: a sequence comes back, one item for each.

    An item is `Returned`, with the result or with what the flow raised; or ``None`` for a flow that
    was not begun, because another had failed by then.
    """

    flows: Sequence[Generator[Any, Any, Any]]
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class Known:
    """Ask what the client remembers of NanoGPT's model lists: `KnownModels` comes back."""


class Emit(NamedTuple, Generic[Item]):
    """Hand these items to the caller."""

    items: Sequence[Item]


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
class Piece:
    """Bytes of a stream (none: it has ended) and the seconds they took to come."""

    data: bytes = field(repr=False)
    seconds: float = 0.0


Outcome: TypeAlias = (
    Reply
    | Connected
    | Piece
    | Unreachable
    | Addresses
    | Located
    | Returned
    | Sequence[Returned | None]
    | None
)
Aside: TypeAlias = Sleep | Resolve | Locate | Invoke | Block | Gather
Step: TypeAlias = Send | Open | Read | Aside
Steps: TypeAlias = Generator[Step, Outcome, T]
Flow: TypeAlias = Generator[Call[Any] | Aside | Known | Submitted, Any, T]
"""What endpoints with several requests return: yields calls, receives their parsed answers."""


def ask(call: Call[T]) -> Generator[Call[T], Any, T]:
    """Ask one thing inside a `Flow` and return its answer."""
    answer: T = yield call
    return answer


def consult(function: Callable[[Any], Any], value: Any) -> Generator[Invoke, Any, Any]:
    """Ask a function of the caller's inside a `Flow`; what it raises ends the flow."""
    returned: Returned = yield Invoke(function, value)
    if returned.error is not None:
        raise returned.error
    return returned.value


def off_loop(function: Callable[..., T], *args: Any, **named: Any) -> Generator[Block, Any, T]:
    """Do work on files inside a `Flow`, in async code in a thread; what it raises ends the flow."""
    returned: Returned = yield Block(partial(function, *args, **named))
    if returned.error is not None:
        raise returned.error
    result: T = returned.value
    return result


def attempt(call: Call[T], context: CallContext) -> Steps[T]:
    """Perform one call: send it, again where that is safe, and read the answer."""
    with Booking(call, context) as booking:
        reply = yield from _exchange(call, Send(call.request), booking, context)
        try:
            result = call.parse(reply)
        except NanoGPTError as error:
            _complete(error, reply, call)
            raise
        booking.result = lambda: result
        if call.run_id is not None:
            booking.correction = context.jobs.correction(
                call.kind, call.run_id, cast("JobStatus", result), context.budget
            )
        return result


def perform(flow: Flow[T], context: CallContext) -> Steps[T]:
    """Turn each call that a flow yields into its attempts; throw their errors into it."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, Known):
                step = flow.send(context.known)
                continue
            if isinstance(step, Submitted):
                context.jobs.submitted(step)
                step = next(flow)
                continue
            if not isinstance(step, Call):
                step = flow.send((yield step))
                continue
            try:
                answer = yield from attempt(step, context)
            except NanoGPTError as error:
                step = flow.throw(error)
            else:
                step = flow.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def stream(
    call: StreamCall[Item], context: CallContext
) -> Generator[Step | Emit[Item], Outcome, None]:
    """Perform a streaming call: every event in time, a finish at the end, or a typed error."""
    with Booking(call, context) as booking:
        if call.request.timeout is not None:
            context = replace(context, first_event_timeout=call.request.timeout)
        opening = Open(call.request, context.first_event_timeout)
        opened = yield from _exchange(call, opening, booking, context)
        reply = opened.reply if isinstance(opened, Connected) else opened
        decoder = call.decoder(reply.headers)
        booking.result = decoder.partial
        unread = False
        try:
            if isinstance(opened, Connected):
                unread = yield from _events(opened, decoder, context)
            else:
                yield Emit(decoder.whole(opened))
            if decoder.failure is not None:
                raise decoder.failure
            yield Emit(decoder.end())
        except NanoGPTError as error:
            error.partial = decoder.partial()
            _complete(error, reply, call)
            raise
    if unread:
        yield Read(opened.connection, AFTER_DONE_SECONDS)


def _exchange(
    call: Call[Any] | StreamCall[Any], step: Send | Open, booking: Booking, context: CallContext
) -> Steps[Any]:
    """Send until NanoGPT accepts, as often as the retry rules allow."""
    line = Line(context, call.request)
    retries = 0
    while True:
        yield from line.wait()
        booking.sends += 1
        event = _event(call, booking.sends)
        context.hooks.request(event)
        started = context.retry.now()
        outcome = yield from _reached(step)
        context.hooks.response(_answered(event, outcome, context.retry.now() - started))
        if isinstance(outcome, Connected) or (isinstance(outcome, Reply) and outcome.is_success):
            line.accepted()
            context.retry.quota.refill(retries)
            return outcome
        failure = _failure(outcome, call, started)
        pause: float | None = None
        if line.is_sent_to_its_end(failure):
            seconds = failure.retry_after or 0.0
        else:
            retries += 1
            pause = context.retry.delay(failure, call.resend, retries)
            if pause is None:
                raise failure
            seconds = pause
        context.hooks.retry(replace(event, seconds=seconds, error=str(failure)))
        if pause is not None:
            yield Sleep(pause)


class Line:
    """One call's waits for its turn: see `pacing`.

    To be told to wait is no failed attempt: it takes time, not retries. A call waits for as long as
    the setting ``rate_limit_wait`` says; without one, for as long as its timeout after NanoGPT last
    accepted any call of the client, so that none of very many calls is lost.
    """

    def __init__(self, context: CallContext, request: Request) -> None:
        # Files come from other servers, which neither count nor limit NanoGPT's requests.
        self._pace = context.pace if request.download_limit is None else Pace()
        self._set = context.rate_limit_wait
        self._allowed = context.timeout if self._set is None else self._set
        if self._set is None and request.timeout is not None:
            self._allowed = request.timeout
        self._turn = self._pace.turn()
        self._since: float | None = None
        self._refusal: NanoGPTError = RateLimitError(
            "NanoGPT asks to wait, for longer than rate_limit_wait; this request was not sent"
        )

    def wait(self) -> Steps[None]:
        """Wait until the line has come to this call.

        Raises:
            RateLimitError: that would take too long; it is the last refusal, if there was one.
        """
        while (seconds := self._pace.wait(self._turn)) > 0:
            if self._pace.is_asked_to_wait and not self._may_wait(seconds):
                raise self._refusal
            yield Sleep(min(seconds, LONGEST_NAP))

    def _may_wait(self, seconds: float) -> bool:
        now = self._pace.now()
        if self._since is None:
            self._since = now
        since = self._since if self._set is not None else max(self._since, self._pace.accepted_at)
        return self._allowed is None or now + seconds <= since + self._allowed

    def accepted(self) -> None:
        """Note that NanoGPT let the request in."""
        self._pace.accepted(self._turn)

    def is_sent_to_its_end(self, failure: NanoGPTError) -> bool:
        """Whether NanoGPT asks to wait, and the call may: then it has another turn.

        Raises:
            RateLimitError: NanoGPT asks to wait for longer than the call may.
        """
        if not isinstance(failure, RateLimitError) or isinstance(failure, DailyLimitError):
            if isinstance(failure, APIStatusError):
                self.accepted()
            return False
        asked = failure.retry_after
        seconds = self._pace.back_off() if asked is None else asked
        if not self._may_wait(seconds):
            raise failure
        self._pace.refused(self._turn, seconds)
        self._refusal, self._turn = failure, self._pace.turn()
        return True


def _reached(step: Send | Open) -> Steps[Any]:
    """Send; where a host has several addresses, to one after the other until one is reached."""
    outcome: Any = None
    for address in step.request.addresses or (None,):
        if address is not None:
            step = step._replace(request=replace(step.request, addresses=(address,)))
        outcome = yield step
        if not isinstance(outcome, Unreachable) or outcome.sent:
            break
    return outcome


def _event(call: Call[Any] | StreamCall[Any], sends: int) -> CallEvent:
    return CallEvent(call.request.method, _path(call), call.kind, call.model, sends)


def _path(call: Call[Any] | StreamCall[Any]) -> str:
    """Return what may be shown of an address: a download's query may hold its signature."""
    return call.request.path.partition("?")[0]


def _answered(event: CallEvent, outcome: Outcome, seconds: float) -> CallEvent:
    reply = outcome.reply if isinstance(outcome, Connected) else outcome
    if isinstance(reply, Reply):
        return replace(
            event,
            seconds=seconds,
            status_code=reply.status_code,
            request_id=reply.request_id,
        )
    return replace(event, seconds=seconds, error=getattr(reply, "reason", None))


def _events(
    opened: Connected, decoder: Decoder[Item], context: CallContext
) -> Generator[Read | Emit[Item], Any, bool]:
    """Read until the stream is done; only parsed events count as a sign of life.

    Returns whether the response goes on behind that.
    """
    silent = opened.seconds
    while not decoder.done and decoder.failure is None:
        limit = _limit(decoder, context)
        outcome = yield Read(opened.connection, None if limit is None else max(limit - silent, 0))
        if isinstance(outcome, Unreachable):
            if decoder.finished:
                return False
            raise _broken(outcome, decoder, limit)
        if not outcome.data:
            yield Emit(decoder.eof())
            if decoder.finished or decoder.failure is not None:
                return False
            raise StreamInterruptedError("the stream ended before the answer was finished")
        before = decoder.events
        items = decoder.feed(outcome.data)
        silent = 0.0 if decoder.events > before else silent + outcome.seconds
        if items:
            yield Emit(items)
    return True


def _limit(decoder: Decoder[Any], context: CallContext) -> float | None:
    if decoder.finished:
        return min(AFTER_FINISH_SECONDS, context.stream_idle_timeout or AFTER_FINISH_SECONDS)
    return context.stream_idle_timeout if decoder.events else context.first_event_timeout


def _broken(outcome: Unreachable, decoder: Decoder[Any], limit: float | None) -> NanoGPTError:
    if outcome.timed_out:
        what = "event" if decoder.events else "first event"
        return StreamStalledError(f"the stream sent no {what} for {limit:g} seconds")
    return StreamInterruptedError(f"the connection broke while streaming: {outcome.reason}")


def _failure(outcome: Outcome, call: Call[Any] | StreamCall[Any], sent_at: float) -> NanoGPTError:
    if isinstance(outcome, Reply):
        error: NanoGPTError = (call.refusal or error_from_reply)(outcome)
        error.retry_after = retry_after(outcome.headers, sent_at)
        if isinstance(error, OutcomeUnknownError):
            error.maybe_billed = call.billable
        return error
    if not isinstance(outcome, Unreachable):
        msg = f"a request was answered with {outcome!r}"
        raise TypeError(msg)
    request = f"{call.request.method} {_path(call)}"
    if outcome.unreadable:
        msg = f"the answer to {request} cannot be read: {outcome.reason}"
        error = ResponseFormatError(msg, maybe_billed=call.billable, request_id=outcome.request_id)
    elif not outcome.sent:
        error = APIConnectionError(f"{request} could not be sent: {outcome.reason}")
    else:
        cls = APITimeoutError if outcome.timed_out else OutcomeUnknownError
        billed = "; it may have been billed, so it was not sent again" if call.billable else ""
        when = datetime.fromtimestamp(sent_at, UTC).isoformat(" ", "seconds")
        error = cls(
            f"{request} (model {call.model}) was sent at {when}, request id {outcome.request_id}, "
            f"but no whole answer came: {outcome.reason}{billed}",
            maybe_billed=call.billable,
            request_id=outcome.request_id,
        )
    error.__cause__ = outcome.cause
    return error


def _complete(error: NanoGPTError, reply: Reply, call: Call[Any] | StreamCall[Any]) -> None:
    """Add what is known of a failure that came after NanoGPT had accepted the request."""
    error.maybe_billed = call.billable
    error.request_id = error.request_id or reply.request_id
    error.status_code = error.status_code or reply.status_code
    if error.response is None:
        error.response = reply
