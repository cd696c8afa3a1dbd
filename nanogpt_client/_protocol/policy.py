"""Policy as pure generators: they decide what to do, the clients do it.

A generator here yields steps (`Send`, `Open`, `Read`, `Sleep`, `Yield`) and receives the outcome of
each. It owns no socket and no clock, so every rule is tested with plain values, and is written once
for the sync and the async client.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from nanogpt_client import bundled_models
from nanogpt_client._protocol.accounting import CallAccounting, CallContext, UnreadReply, settled
from nanogpt_client._protocol.call import Call, Decoder, Reply, StreamCall
from nanogpt_client._protocol.job_costs import JobStatus, Settled, Submitted
from nanogpt_client._protocol.payments import pay_per_call
from nanogpt_client._protocol.rate_limit import CallPacer
from nanogpt_client._protocol.retry import retry_after
from nanogpt_client._protocol.shared_account import reporting
from nanogpt_client._protocol.steps import (
    Connected,
    Flow,
    GetModelCache,
    Open,
    Outcome,
    Read,
    Send,
    Sleep,
    Step,
    Steps,
    Unreachable,
    Yield,
)
from nanogpt_client.errors import (
    APIConnectionError,
    APITimeoutError,
    InvalidResponseError,
    NanoGPTError,
    NotFoundError,
    OutcomeUnknownError,
    StreamInterruptedError,
    StreamStalledError,
    error_from_reply,
)
from nanogpt_client.hooks import CallEvent
from nanogpt_client.types.plain import moment

T = TypeVar("T")
Item = TypeVar("Item")

# After the finish reason only usage and [DONE] may follow; they are not waited for any longer.
AFTER_FINISH_SECONDS = 5.0
# After [DONE] only the end of the response follows; the connection is reused once it is read.
AFTER_DONE_SECONDS = 0.25


def send_with_retries(call: Call[T], context: CallContext) -> Steps[T]:
    """Perform one call: send it, again where that is safe, and parse the response."""
    steps = _send_with_retries(call, context)
    return steps if context.account is None else reporting(context.account, steps)


def _send_with_retries(call: Call[T], context: CallContext) -> Steps[T]:
    with CallAccounting(call, context) as accounting:
        if accounting.is_paid_per_call:
            reply = yield from pay_per_call(call, _exchange, accounting, context)
        else:
            reply = yield from _exchange(call, Send(call.request), accounting, context)
        try:
            result = call.parse(reply)
        except NanoGPTError as error:
            if call.billable:  # a file that is too large to download must not be read as JSON
                accounting.result = partial(UnreadReply.read, reply)
            _add_details(error, reply, call)
            raise
        accounting.result = lambda: result
        if call.run_id is not None:
            status = cast("JobStatus", result)
            accounting.correct(context.jobs.correction(call.kind, call.run_id, status))
        elif call.payment_id is not None:
            accounting.settle_payment(result)
        return result


def run_flow(flow: Flow[T], context: CallContext) -> Steps[T]:
    """Run a flow: perform each call that it yields, and throw errors into it."""
    try:
        step = next(flow)
        while True:
            if isinstance(step, GetModelCache):
                step = flow.send(context.model_cache)
                continue
            if isinstance(step, Submitted):
                context.jobs.submitted(step)
                step = next(flow)
                continue
            if isinstance(step, Settled):
                yield from settled(step, context)
                step = next(flow)
                continue
            if not isinstance(step, Call):
                step = flow.send((yield step))
                continue
            try:
                response = yield from send_with_retries(step, context)
            except NanoGPTError as error:
                step = flow.throw(error)
            else:
                step = flow.send(response)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def stream_events(
    call: StreamCall[Item], context: CallContext
) -> Generator[Step | Yield[Item], Outcome, None]:
    """Perform a streamed call: yield its items until it is finished; else raise a typed error."""
    steps = _stream_events(call, context)
    return steps if context.account is None else reporting(context.account, steps)


def _stream_events(
    call: StreamCall[Item], context: CallContext
) -> Generator[Step | Yield[Item], Outcome, None]:
    with CallAccounting(call, context) as accounting:
        if call.request.timeout is not None:
            context = replace(context, first_event_timeout=call.request.timeout)
        opened: Connected | Reply
        if accounting.is_paid_per_call:
            opened = yield from pay_per_call(call, _exchange, accounting, context)
        else:
            opening = Open(call.request, context.first_event_timeout)
            opened = yield from _exchange(call, opening, accounting, context)
        reply = opened.reply if isinstance(opened, Connected) else opened
        decoder = call.decoder(reply.headers)
        accounting.result = decoder.partial
        unread = False
        try:
            if isinstance(opened, Connected):
                unread = yield from _events(opened, decoder, context)
            else:
                yield Yield(decoder.whole(opened))
            if decoder.failure is not None:
                raise decoder.failure
            yield Yield(decoder.end())
        except NanoGPTError as error:
            error.partial = decoder.partial()
            if isinstance(opened, Reply):
                accounting.result = partial(UnreadReply.read, opened)
            _add_details(error, reply, call)
            raise
    if unread and isinstance(opened, Connected):
        yield Read(opened.connection, AFTER_DONE_SECONDS)


def _exchange(
    call: Call[Any] | StreamCall[Any],
    step: Send | Open,
    accounting: CallAccounting,
    context: CallContext,
) -> Steps[Any]:
    """Send until NanoGPT accepts the request, as often as the retry rules allow."""
    pacer = CallPacer(context, call, accounting)
    retries = 0
    while True:
        yield from pacer.wait()
        accounting.sends += 1
        event = partial(_event, call, accounting.sends)
        context.hooks.request(event())
        started = context.retry.now()
        outcome = yield from _send(step)
        seconds = context.retry.now() - started
        context.hooks.response(event(seconds=seconds, **_about(outcome)))
        if isinstance(outcome, Connected) or (isinstance(outcome, Reply) and outcome.is_success):
            pacer.accepted()
            context.retry.quota.refill(retries)
            return outcome
        failure = _failure(outcome, call, started)
        yield from pacer.report(failure)
        pause: float | None = None
        if pacer.is_rate_limited(failure):
            seconds = failure.retry_after or 0.0
        else:
            retries += 1
            pause = context.retry.delay(failure, call.resend, retries)
            if pause is None:
                raise failure
            seconds = pause
        again = event(seconds=seconds, error=str(failure))
        context.hooks.retry(again, reason=type(failure).__name__)
        if pause is not None:
            yield Sleep(pause)


def _send(step: Send | Open) -> Steps[Any]:
    """Send; if the host has several addresses, try one after the other until one is reached."""
    outcome: Any = None
    for address in step.request.addresses or (None,):
        if address is not None:
            step = step._replace(request=replace(step.request, addresses=(address,)))
        outcome = yield step
        if not isinstance(outcome, Unreachable) or outcome.sent:
            break
    return outcome


def _event(call: Call[Any] | StreamCall[Any], sends: int, **more: Any) -> CallEvent:
    return CallEvent(call.request.method, _path(call), call.kind, call.model, sends, **more)


def _path(call: Call[Any] | StreamCall[Any]) -> str:
    """Return the path without the query, which may hold a download's signature."""
    return call.request.path.partition("?")[0]


def _about(outcome: Outcome) -> dict[str, Any]:
    """Return what an event says of an outcome."""
    reply = outcome.reply if isinstance(outcome, Connected) else outcome
    if isinstance(reply, Reply):
        return {"status_code": reply.status_code, "request_id": reply.request_id}
    return {"error": getattr(reply, "reason", None)}


def _events(
    opened: Connected, decoder: Decoder[Item], context: CallContext
) -> Generator[Read | Yield[Item], Any, bool]:
    """Read until the stream is done; only parsed events restart the idle timeout.

    Return whether the end of the response is still to be read.
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
            yield Yield(decoder.eof())
            if decoder.finished or decoder.failure is not None:
                return False
            raise StreamInterruptedError("the stream ended before the response was finished")
        before = decoder.events
        yield Yield(decoder.feed(outcome.data))
        silent = 0.0 if decoder.events > before else silent + outcome.seconds
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
        if isinstance(error, NotFoundError) and error.code == "model_not_found":
            error.suggest(bundled_models.similar(call.model or ""))
        error.retry_after = retry_after(outcome.headers, sent_at)
        if isinstance(error, OutcomeUnknownError):
            error.maybe_billed = call.billable
        return error
    if not isinstance(outcome, Unreachable):
        msg = f"a transport returned {outcome!r} for a request"
        raise TypeError(msg)
    request = f"{call.request.method} {_path(call)}"
    if outcome.unreadable:
        msg = f"the response to {request} cannot be read: {outcome.reason}"
        error = InvalidResponseError(msg, maybe_billed=call.billable, request_id=outcome.request_id)
    elif not outcome.sent:
        error = APIConnectionError(f"{request} could not be sent: {outcome.reason}")
    else:
        cls = APITimeoutError if outcome.timed_out else OutcomeUnknownError
        billed = "; it may have been billed, so it was not sent again" if call.billable else ""
        error = cls(
            f"{request} (model {call.model}) was sent at {moment(sent_at)}, "
            f"request id {outcome.request_id}, but no complete response came: "
            f"{outcome.reason}{billed}",
            maybe_billed=call.billable,
            request_id=outcome.request_id,
        )
    error.__cause__ = outcome.cause
    return error


def _add_details(error: NanoGPTError, reply: Reply, call: Call[Any] | StreamCall[Any]) -> None:
    """Add the details of a failure that came after NanoGPT had accepted the request."""
    error.maybe_billed = call.billable
    error.request_id = error.request_id or reply.request_id
    error.status_code = error.status_code or reply.status_code
    if error.response is None:
        error.response = reply
