"""The accounting of a call: a budget reservation before it, one ledger entry after it.

`send_with_retries` and `stream_events` open a `CallAccounting` around every call. It reserves the
estimated price from the budget, which may refuse the call. On the way out, also by an exception or
when the caller stops reading a stream, it settles the reservation and records the entry. Only here
is decided what a failed call cost (`CallAccounting._cost`), and the key removed from exceptions.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from pydantic import SecretStr

from nanogpt_client._protocol.call import MIN_REDACTED_LENGTH, Call, Reply, StreamCall
from nanogpt_client._protocol.job_costs import Correction, JobCosts, Settled
from nanogpt_client._protocol.model_cache import ModelCache
from nanogpt_client._protocol.pacing import Pace
from nanogpt_client._protocol.payments import Payments, needs_payment
from nanogpt_client._protocol.retry import RetryPolicy
from nanogpt_client._protocol.steps import Block, UserResult
from nanogpt_client.account import Account
from nanogpt_client.account.call import AccountCall
from nanogpt_client.budget import Budget, Reservation
from nanogpt_client.config import NO_KEY
from nanogpt_client.errors import (
    APIConnectionError,
    APIStatusError,
    BudgetExceededError,
    ConfigurationError,
    NanoGPTError,
)
from nanogpt_client.hooks import Hooks
from nanogpt_client.ledger import Ledger, LedgerEntry, current_scope, posting
from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.chat import Usage
from nanogpt_client.types.payments import PaymentChallenge, PaymentOption


@dataclass(frozen=True, slots=True)
class CallContext:
    """What all calls of a client share: retry rules, limits, budget, ledger, hooks and caches."""

    retry: RetryPolicy = field(default_factory=RetryPolicy)
    pace: Pace = field(default_factory=Pace)
    rate_limit_wait: float | None = None
    timeout: float | None = None
    ledger: Ledger = field(default_factory=Ledger)
    budget: Budget | None = None
    account: Account | None = None
    hooks: Hooks = field(default_factory=Hooks)
    first_event_timeout: float | None = None
    stream_idle_timeout: float | None = None
    key: SecretStr | None = None
    model_cache: ModelCache = field(default_factory=ModelCache)
    jobs: JobCosts = field(default_factory=JobCosts)
    payments: Payments | None = None


def settled(step: Settled, context: CallContext) -> Generator[Block, Any, None]:
    """Record what a job cost that was charged at its end, once."""
    correction = context.jobs.settle(step)
    if correction is None:
        return
    cost, unknown, estimate = correction
    if context.budget is not None and (unknown or cost):
        context.budget.correct(cost or Decimal(0), unknown=unknown, estimate=estimate)
    # Reads the file, if there is one: another process may have collected the job.
    recorded: UserResult = yield Block(partial(context.ledger.has_charge, step.kind, step.run_id))
    if recorded.value:
        return
    entry = LedgerEntry(
        kind=step.kind,
        model=step.model,
        outcome="ok",
        cost=cost,
        prompt_tokens=getattr(step.usage, "prompt_tokens", None),
        completion_tokens=getattr(step.usage, "completion_tokens", None),
        request_id=step.run_id,
        sends=0,
        started_at=context.retry.now(),
    )
    posting(context.ledger, entry).finish()
    if context.account is not None:
        token = _job(step.kind, step.run_id)
        shared = AccountCall(context.account, entry, None, billable=False, token=token)
        shared.finish(entry, corrects_unknown=unknown, of=estimate)
        yield Block(context.account.flush)


class UnreadReply(NamedTuple):
    """What a response reports of its cost, though it contains no answer."""

    billing: Billing
    usage: Usage | None

    @classmethod
    def read(cls, reply: Reply) -> UnreadReply:
        """Read any response."""
        try:
            body = as_dict(reply.json())
        except ValueError:
            body = {}
        billing = Billing.read(body, reply.headers)
        return cls(billing, Usage.read(body.get("usage"), billing.pricing))


class CallAccounting:
    """A context manager around one call: reserves budget, counts sends, records one ledger entry.

    ``result`` is called at the end for what has arrived, complete or partial.

    A signal handler may raise an exception anywhere, also on the way in or out. So each step is
    done exactly once, on the way out or when this object is garbage collected. A forked child
    records nothing: the call is its parent's.
    """

    _began = _finished = False
    _reservation: Reservation | None = None
    _shared: AccountCall | None = None
    _entry: LedgerEntry | None = None
    _posting: Any = None
    _job = ""

    def __init__(self, call: Call[Any] | StreamCall[Any], context: CallContext) -> None:
        self.sends = 0
        self.result: Callable[[], Any] = lambda: None
        self._correction = Correction()
        self.is_paid_per_call = needs_payment(call, context.payments)
        self._payment: _Payment | None = None
        self._call = call
        self._context = context
        self._process = os.getpid()
        self._started = context.retry.now()

    def __enter__(self) -> Self:
        budget = self._context.budget
        try:
            self._check_key()
            is_paid = self.is_paid_per_call or self._call.payment_id is not None
            if self._call.billable and budget is not None and not is_paid:
                self._reservation = Reservation(self._estimate(budget.usd))
                budget.make(self._reservation)
            self._began = True
        except BaseException:
            self._release(Decimal(0))
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self._finish(kind, error)
        except BaseException:
            self._finish(kind, error)
            raise

    def __del__(self) -> None:
        if self._began and not self._finished:
            self._finish(GeneratorExit, None)
        elif not self._began:
            self._release(Decimal(0))

    def reserve_quote(self, challenge: PaymentChallenge) -> None:
        """Reserve what a call without an account is quoted at; the budget may refuse it."""
        budget = self._context.budget
        if budget is not None:
            usd = Decimal(0) if budget.usd is None else challenge.highest_usd
            self._reservation = Reservation(usd)
            try:
                budget.make(self._reservation)
            except BudgetExceededError as error:
                error.message = error.message.replace("nothing was sent", "nothing was paid")
                error.args = (error.message,)
                raise

    def paying(self, challenge: PaymentChallenge) -> None:
        """Record that a payment is about to be made, so that a killed process leaves its id."""
        begun = LedgerEntry(
            "payment", self._call.model, "begun", Decimal(0), sends=0,
            started_at=self._context.retry.now(), payment_id=challenge.payment_id,
        )  # fmt: skip
        self._context.ledger.record(begun)
        self._payment = _Payment(challenge)

    def paid(self, option: PaymentOption, *secrets: str) -> None:
        """Store which option was paid, and what must not be in an error."""
        if self._payment is not None:
            self._payment.option, self._payment.secrets = option, secrets

    def answered(self) -> None:
        """Note that the answer of a paid call has come."""
        if self._payment is not None:
            self._payment.answered = True

    def settle_payment(self, result: Any) -> None:
        """Record what a payment of an earlier call cost, which is completed now."""
        billing = getattr(result, "billing", None)
        payments, payment_id = self._context.payments, self._call.payment_id
        if payments is None or payment_id is None:
            usd = None if billing is None else billing.cost
        else:
            usd = payments.settled(payment_id, billing, self._context.budget)
        self._correction = Correction(usd)

    @property
    def _charged_later(self) -> bool:
        return isinstance(self._call, Call) and self._call.charged_later

    def _check_key(self) -> None:
        """Refuse the empty key of a client that was unpickled in an environment without a key."""
        key = self._context.key
        if key is not None and not key.get_secret_value():
            raise ConfigurationError(NO_KEY, param="api_key")

    def _estimate(self, limit: Decimal | None) -> Decimal | None:
        """Return the estimated cost in USD; ``None`` if the price is unknown, 0 without limit."""
        if limit is None:
            return Decimal(0)
        return None if self._call.estimate is None else self._call.estimate()

    @property
    def shared(self) -> AccountCall | None:
        """The call's part in the account that its client shares with others, if any."""
        account = self._context.account
        if self._shared is None and account is not None:
            estimate = self._estimate(account.usd) if self._call.billable else None
            entry = self._new_entry("lost", None, None, None)
            self._shared = AccountCall(account, entry, estimate, billable=self._call.billable)
        return self._shared

    def correct(self, correction: Correction) -> None:
        """Correct what is recorded of a job by its final cost."""
        self._correction = correction
        usd, unknown, estimate = correction
        if self._context.budget is not None and (unknown or usd):
            self._context.budget.correct(usd or Decimal(0), unknown=unknown, estimate=estimate)

    def _release(self, cost: Decimal | None) -> None:
        if self._reservation is not None and self._context.budget is not None:
            self._context.budget.close(self._reservation, cost)

    def _finish(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        if self._process != os.getpid():
            self._release(Decimal(0))
        else:
            result = self.result()
            if isinstance(error, NanoGPTError):
                error.sends = self.sends
                error.payment_id = error.payment_id or self._payment_id
                for secret in (self._context.key, *self._secrets):
                    _redact(secret, error)
                    if isinstance(error.__cause__, NanoGPTError):
                        _redact(secret, error.__cause__)
            cost = self._cost(result, error)
            self._release(cost)
            if self._payment is not None and cost is None and self._context.payments is not None:
                self._context.payments.open[self._payment.id] = self._payment.usd
            if self._shared is None or not self._shared.is_refused:
                if self._entry is None:
                    if kind is None and cost is None and self._charged_later:
                        self._job, cost = _job(self._call.kind, result.id), Decimal(0)
                    self._entry = self._new_entry(_outcome(kind), error, result, cost)
                self._record(self._entry)
        self._finished = True

    def _record(self, entry: LedgerEntry) -> None:
        """Record the outcome in the ledger and on the account, each exactly once."""
        if self._posting is None:
            self._posting = posting(self._context.ledger, entry)
        self._posting.finish()
        if self.shared is not None:
            _, unknown, estimate = self._correction
            self.shared.finish(entry, job=self._job, corrects_unknown=unknown, of=estimate)

    def _new_entry(
        self,
        outcome: str,
        error: BaseException | None,
        result: Any,
        cost: Decimal | None,
    ) -> LedgerEntry:
        billing = getattr(result, "billing", None)
        # The status of a batch has the tokens of its rows, which are recorded once.
        usage = getattr(result, "usage", None) if self._call.billable else None
        return LedgerEntry(
            kind=self._call.kind,
            model=self._call.model,
            outcome=outcome,
            cost=cost,
            prompt_tokens=getattr(usage, "prompt_tokens", None),
            completion_tokens=getattr(usage, "completion_tokens", None),
            request_id=getattr(billing, "request_id", None) or getattr(error, "request_id", None),
            sends=self.sends,
            started_at=self._started,
            seconds=self._context.retry.now() - self._started,
            scope=current_scope(),
            payment_id=self._payment_id,
            paid=None if self._payment is None else self._payment.amount,
        )

    @property
    def _payment_id(self) -> str | None:
        return self._call.payment_id if self._payment is None else self._payment.id

    @property
    def _secrets(self) -> list[SecretStr]:
        return [] if self._payment is None else list(map(SecretStr, self._payment.secrets))

    def _cost(self, result: Any, error: BaseException | None) -> Decimal | None:
        """Return the cost in USD: as reported, or 0 where nothing can have been billed.

        A call that is paid by itself costs nothing until the payment is made.

        Nothing is billed for a request that was never sent, or that NanoGPT refused (4xx except
        408). After a 5xx, or with an unknown outcome, the cost is unknown: ``None``.
        """
        billing = getattr(result, "billing", None)
        if self._payment is not None:
            return self._payment.cost(billing)
        if not self._call.billable or self.sends == 0 or self._call.payment_id is not None:
            return self._correction.usd  # polling a job reports its cost again, or corrects it
        if billing is not None and billing.cost is not None:
            return billing.cost  # type: ignore[no-any-return]
        return cost_of_failure(error)


def cost_of_failure(error: BaseException | None) -> Decimal | None:
    """Return what a call that was sent and failed cost in USD; ``None`` for unknown.

    Nothing is billed for a request that never reached NanoGPT, or that it refused (4xx except
    408), but for what a check of its input cost.
    """
    if isinstance(error, APIConnectionError):
        return Decimal(0)
    if isinstance(error, APIStatusError) and not error.maybe_billed:
        refused = error.status_code is not None and 400 <= error.status_code < 500
        return error.charged if refused and error.status_code != 408 else None
    return Decimal(0) if isinstance(error, NanoGPTError) and not error.maybe_billed else None


@dataclass(slots=True)
class _Payment:
    """The payment of one call, from just before it is made."""

    challenge: PaymentChallenge
    option: PaymentOption | None = None
    secrets: tuple[str, ...] = ()
    answered: bool = False

    @property
    def id(self) -> str:
        """The quote's, which is that of its options in every documented quote."""
        return self.challenge.payment_id

    @property
    def usd(self) -> Decimal | None:
        """The USD that were quoted for what was paid; never an amount in another currency."""
        usd = None if self.option is None else self.option.usd
        return self.challenge.highest_usd if usd is None else usd

    @property
    def amount(self) -> str | None:
        """What was paid, in its currency, as NanoGPT writes it."""
        return None if self.option is None else self.option.amount_formatted

    def cost(self, billing: Any) -> Decimal | None:
        """Return the cost in USD: as reported, else as quoted; unknown without the answer."""
        if not self.answered:
            return None
        return self.usd if billing is None or billing.cost is None else billing.cost


def _job(kind: str, run_id: str) -> str:
    """Return the token of the call that has a job's cost, in whichever process it is made."""
    return f"{kind}/{run_id}"


def _redact(key: SecretStr | None, error: NanoGPTError) -> None:
    """Redact the key in an exception whose response quotes it."""
    secret = key.get_secret_value() if key is not None else ""
    if len(secret) < MIN_REDACTED_LENGTH:
        return
    for name, value in vars(error).items():
        if isinstance(value, str):
            setattr(error, name, value.replace(secret, "***"))
    error.args = (error.message,)
    if isinstance(error.response, Reply):
        quoting, error.response = error.response, error.response.without(secret)
        if error.response.body != quoting.body:
            error.__traceback__ = None  # its local variables include the parsed response


def _outcome(kind: type[BaseException] | None) -> str:
    if kind is None:
        return "ok"
    # A flow that is closed from outside ends with GeneratorExit: the caller stopped reading.
    return "abandoned" if issubclass(kind, GeneratorExit) else kind.__name__
