"""A limit on what clients may spend."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.hooks import warn
from nanogpt_client.types._amounts import (
    AtLeast,
    Unpriced,
    assumed_for,
    calls_used_up,
    checked_usd,
    not_allowed,
    reserved_for,
)
from nanogpt_client.types._atomic import Step
from nanogpt_client.types.plain import counted, exact, usd

__all__ = ["AtLeast", "Budget", "Reservation", "Unpriced"]

_ZERO = Decimal(0)


class _Account(Protocol):
    """What a budget may be a part of: a `nanogpt_client.account.Account`."""

    @property
    def spent(self) -> Decimal: ...
    def flush(self) -> None: ...


class Reservation:
    """The amount reserved for one call; settled once, however often that is requested.

    Args:
        estimate: USD; ``None`` if the price is unknown.
    """

    __slots__ = ("active", "estimate", "settled")

    def __init__(self, estimate: Decimal | None) -> None:
        self.estimate = estimate
        self.active = False
        self.settled = False


class _Sums(Step):
    """All sums of a budget after one change, and the reservation that it made or settled."""

    __slots__ = ("assumed", "calls", "made", "reserved", "settled", "spent", "unknown_calls")

    def __init__(self, spent: Decimal, assumed: Decimal, calls: int, unknown_calls: int) -> None:
        super().__init__()
        self.spent, self.assumed, self.reserved = spent, assumed, _ZERO
        self.calls, self.unknown_calls = calls, unknown_calls
        self.made: Reservation | None = None
        self.settled: Reservation | None = None

    @property
    def committed(self) -> Decimal:
        return self.spent + self.assumed + self.reserved

    def after(self, *, made: Reservation, usd: Decimal) -> _Sums:
        """Return the sums with one more reservation."""
        sums = _Sums(self.spent, self.assumed, self.calls + 1, self.unknown_calls)
        sums.reserved, sums.made = self.reserved + usd, made
        return sums

    def without(
        self, usd: Decimal, settled: Reservation, *, cost: Decimal | None, assumed: Decimal
    ) -> _Sums:
        """Return the sums with a reservation replaced by its call's cost, or by an assumed cost."""
        unknown = cost is None
        spent = self.spent + (cost or _ZERO)
        assumed = self.assumed + (assumed if unknown else _ZERO)
        sums = _Sums(spent, assumed, self.calls, self.unknown_calls + unknown)
        sums.reserved, sums.settled = self.reserved - usd, settled
        return sums

    def corrected(self, difference: Decimal, usd: Decimal | None, by: Reservation) -> _Sums:
        """Return the sums with a call's cost corrected; ``usd`` was assumed for it before."""
        unknown = usd is not None
        assumed = max(self.assumed - (usd or _ZERO), _ZERO)
        unknown_calls = max(self.unknown_calls - unknown, 0)
        sums = _Sums(self.spent + difference, assumed, self.calls, unknown_calls)
        sums.reserved, sums.settled = self.reserved, by
        return sums

    def mark(self) -> None:
        """Mark the reservation as made or settled; may be repeated."""
        if self.made is not None:
            self.made.active = True
        if self.settled is not None:
            self.settled.settled = True


class Budget:
    """A limit on what clients may spend: a call that could exceed it is refused, unsent.

    Before a billable call its estimated price is reserved: catalogue price times tokens, including
    ``max_tokens`` of output if given; for media, the price in the cached model list; without a
    price, ``assumed_usd``. Afterwards the reported cost replaces the reservation; it may be higher.
    A call whose cost stays unknown keeps its reservation, so unknown never counts as free. A chat
    without ``max_tokens`` reserves its input only; if its cost stays unknown, it counts at least
    ``assumed_usd``.

    Threads, tasks and clients may share it. A pickle has the limits and sums, but not the
    reservations of calls in flight, which belong to another process.

    Args:
        usd: USD that may be spent.
        max_calls: number of billable calls that may be made.
        assumed_usd: USD counted for a call whose cost or price is unknown, and the minimum for a
            chat without ``max_tokens`` whose cost stays unknown; default: one cent, about the price
            of a web search or an image. With a smaller ``usd``, no such call is allowed.
        within: an `Account` that each call must fit into, too, e.g. for one run of many:
            ``Budget("0.05", within=account)``. Its queue and its ledger are then used as well.

    Attributes:
        spent: USD reported for finished calls.
        assumed: USD reserved for calls whose cost stayed unknown; ``unknown_calls`` counts them.

    Raises:
        ConfigurationError: a limit is invalid, or there is none.
    """

    def __init__(
        self,
        usd: Decimal | float | str | None = None,
        *,
        max_calls: int | None = None,
        assumed_usd: Decimal | float | str = "0.01",
        within: _Account | None = None,
    ) -> None:
        self.usd = None if usd is None else checked_usd("a Budget", "usd", usd)
        self.max_calls = max_calls
        self.assumed_usd = checked_usd("a Budget", "assumed_usd", assumed_usd)
        if max_calls is not None and max_calls < 0:
            raise ConfigurationError(f"a Budget's max_calls must be 0 or more, not {max_calls!r}")
        if usd is None and max_calls is None:
            raise ConfigurationError("a Budget needs usd=…, max_calls=… or both")
        self.within = within
        self._latest = _Sums(_ZERO, _ZERO, 0, 0)
        self._warned = False

    @property
    def spent(self) -> Decimal:
        """USD reported for finished calls."""
        return self._sums().spent

    @property
    def assumed(self) -> Decimal:
        """USD counted for calls whose cost stayed unknown."""
        return self._sums().assumed

    @property
    def calls(self) -> int:
        """Number of billable calls that were allowed."""
        return self._sums().calls

    @property
    def unknown_calls(self) -> int:
        """Number of calls whose cost stayed unknown."""
        return self._sums().unknown_calls

    @property
    def remaining_usd(self) -> Decimal | None:
        """USD left, without what is reserved for calls in flight; ``None`` without a limit."""
        return None if self.usd is None else max(self.usd - self._sums().committed, _ZERO)

    @property
    def _reserved(self) -> Decimal:
        return self._sums().reserved

    def reserve(self, estimate: Decimal | None = _ZERO) -> None:
        """Reserve the estimated USD of one call; ``assumed_usd`` for ``None`` (unknown).

        Raises:
            BudgetExceededError: too little is left.
        """
        self.make(Reservation(estimate))

    def settle(self, estimate: Decimal | None, cost: Decimal | None) -> None:
        """Replace a reservation by the call's cost in USD (``None``: unknown)."""
        reservation = Reservation(estimate)
        reservation.active = True
        self.close(reservation, cost)

    def make(self, reservation: Reservation) -> None:
        """Make a reservation; see `reserve`."""
        needed = self._usd(reservation)
        while not reservation.active:
            sums = self._sums()
            self._check(sums, needed)
            sums.follow_with(sums.after(made=reservation, usd=needed))
            self._sums()

    def close(self, reservation: Reservation, cost: Decimal | None) -> None:
        """Replace a reservation by its call's cost; a second time does nothing."""
        reserved = self._usd(reservation)
        self._sums()
        while reservation.active and not reservation.settled:
            sums = self._sums()
            assumed = self._assumed(reservation)
            sums.follow_with(sums.without(reserved, reservation, cost=cost, assumed=assumed))
            self._sums()
        if cost is None and reservation.estimate is None and not self._warned:
            self._warned = True
            warn(
                "neither the price nor the cost of a call is available: the budget counts "
                f"{usd(self.assumed_usd)} for each such call; set Budget(assumed_usd=…)"
            )

    def correct(
        self, difference: Decimal, *, unknown: bool, estimate: Decimal | None = None
    ) -> None:
        """Add the difference in USD, below 0 too, between a call's final and its settled cost.

        ``unknown``: it was settled without a cost, so its ``estimate`` was assumed.
        """
        correction = Reservation(estimate)
        usd = self._usd(correction) if unknown else None
        while not correction.settled:
            sums = self._sums()
            sums.follow_with(sums.corrected(difference, usd, correction))
            self._sums()

    def _sums(self) -> _Sums:
        """Return the latest sums, after marking the reservations of changes since the last call."""
        sums = self._latest
        while (following := sums.following) is not None:
            following.mark()
            sums = following
        self._latest = sums
        return sums

    def _usd(self, reservation: Reservation) -> Decimal:
        return reserved_for(reservation.estimate, self.assumed_usd)

    def _assumed(self, reservation: Reservation) -> Decimal:
        """Return the USD counted for a call whose cost stays unknown."""
        return assumed_for(reservation.estimate, self.assumed_usd)

    def _check(self, sums: _Sums, needed: Decimal) -> None:
        if self.max_calls is not None and sums.calls >= self.max_calls:
            raise calls_used_up("the budget", self.max_calls)
        committed = sums.committed
        if self.usd is not None and (committed >= self.usd or committed + needed > self.usd):
            raise not_allowed(
                "the budget",
                self.usd,
                needed,
                spent=sums.spent,
                assumed=sums.assumed,
                reserved=sums.reserved,
            )

    def __repr__(self) -> str:
        spent = exact(self.spent)
        dollars = f"{spent} USD" if self.usd is None else f"{spent} of {usd(self.usd)}"
        calls = counted(self.calls, "call")
        if self.max_calls is not None:
            calls = f"{self.calls:,} of {counted(self.max_calls, 'call')}"
        return f"<Budget: {dollars}, {calls}>"

    def __getstate__(self) -> dict[str, Any]:
        sums = self._sums()
        names = ("usd", "max_calls", "assumed_usd", "within")
        limits = {name: getattr(self, name) for name in names}
        return limits | {"sums": (sums.spent, sums.assumed, sums.calls, sums.unknown_calls)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        sums = state.pop("sums")
        self.__dict__.update(state, _latest=_Sums(*sums), _warned=False)
