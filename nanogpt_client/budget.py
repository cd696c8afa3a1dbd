"""The limit on what clients may spend."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanogpt_client.errors import BudgetExceededError, ConfigurationError
from nanogpt_client.hooks import warn
from nanogpt_client.types._atomic import Step
from nanogpt_client.types._coerce import as_number

__all__ = ["AtLeast", "Budget", "Reservation"]

_ZERO = Decimal(0)


class AtLeast(Decimal):
    """An estimate in USD that holds not all: nobody knows beforehand how long an answer gets."""


class Reservation:
    """What is set aside for one call. It is settled once, however often that is asked for.

    Args:
        estimate: USD; ``None`` if the price is unknown.
    """

    __slots__ = ("active", "estimate", "settled")

    def __init__(self, estimate: Decimal | None) -> None:
        self.estimate = estimate
        self.active = False
        self.settled = False


class _Sums(Step):
    """All sums of a budget after one change, and which reservation it made or settled."""

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
        """Return the sums with a reservation replaced by its call's cost, or what is assumed."""
        unknown = cost is None
        spent = self.spent + (cost or _ZERO)
        assumed = self.assumed + (assumed if unknown else _ZERO)
        sums = _Sums(spent, assumed, self.calls, self.unknown_calls + unknown)
        sums.reserved, sums.settled = self.reserved - usd, settled
        return sums

    def corrected(self, difference: Decimal, usd: Decimal | None, by: Reservation) -> _Sums:
        """Return the sums with a call's cost corrected; ``usd`` was assumed for it till now."""
        unknown = usd is not None
        assumed = max(self.assumed - (usd or _ZERO), _ZERO)
        unknown_calls = max(self.unknown_calls - unknown, 0)
        sums = _Sums(self.spent + difference, assumed, self.calls, unknown_calls)
        sums.reserved, sums.settled = self.reserved, by
        return sums

    def mark(self) -> None:
        """Write on the reservation what this change did to it; may be done again."""
        if self.made is not None:
            self.made.active = True
        if self.settled is not None:
            self.settled.settled = True


class Budget:
    """A limit on what clients may spend: the call that could pass it is refused, unsent.

    Before a billable call its price is estimated (catalogue price times tokens, with ``max_tokens``
    for the answer if given; for media by the model list, where the client knows it) and reserved;
    ``assumed_usd`` is reserved where no price is known. Afterwards the reported cost takes its
    place, which may be more than was estimated. A call whose cost stays unknown keeps its
    reservation, so that unknown is never taken for free: whatever NanoGPT does not tell, the limit
    is reached at some time. A chat without ``max_tokens`` reserves its input alone; if its cost
    stays unknown, it counts for ``assumed_usd`` at least.

    Safe to share between threads, tasks and clients. A pickle carries limits and sums, but not the
    reservations of calls in flight, which are another process's.

    Args:
        usd: dollars that may be spent.
        max_calls: how many billable calls may be made.
        assumed_usd: dollars that a call counts for while neither its cost nor its price is known,
            and at least that a chat without ``max_tokens`` does whose cost stays unknown;
            by default one cent, the order of magnitude of a web search or a picture. A smaller
            ``usd`` than this allows no such call.

    Attributes:
        spent: USD reported for finished calls.
        assumed: USD reserved for calls whose cost stayed unknown; ``unknown_calls`` counts them.

    Raises:
        ConfigurationError: a limit makes no sense, or there is none.
    """

    def __init__(
        self,
        usd: Decimal | float | str | None = None,
        *,
        max_calls: int | None = None,
        assumed_usd: Decimal | float | str = "0.01",
    ) -> None:
        self.usd = None if usd is None else _amount("usd", usd)
        self.max_calls = max_calls
        self.assumed_usd = _amount("assumed_usd", assumed_usd)
        if max_calls is not None and max_calls < 0:
            raise ConfigurationError(f"a Budget's max_calls is from 0 on, not {max_calls!r}")
        if usd is None and max_calls is None:
            raise ConfigurationError("a Budget needs usd=…, max_calls=… or both")
        self._latest = _Sums(_ZERO, _ZERO, 0, 0)
        self._warned = False

    @property
    def spent(self) -> Decimal:
        """USD reported for finished calls."""
        return self._sums().spent

    @property
    def assumed(self) -> Decimal:
        """USD that calls count for whose cost stayed unknown."""
        return self._sums().assumed

    @property
    def calls(self) -> int:
        """How many billable calls were let through."""
        return self._sums().calls

    @property
    def unknown_calls(self) -> int:
        """How many of them ended without a known cost."""
        return self._sums().unknown_calls

    @property
    def remaining_usd(self) -> Decimal | None:
        """Dollars left, less what is reserved for calls in flight; ``None`` without a limit."""
        return None if self.usd is None else max(self.usd - self._sums().committed, _ZERO)

    @property
    def _reserved(self) -> Decimal:
        return self._sums().reserved

    def reserve(self, estimate: Decimal | None = _ZERO) -> None:
        """Set the estimated dollars of one call aside; ``assumed_usd`` for ``None`` (unknown).

        Raises:
            BudgetExceededError: nothing is left for it.
        """
        self.make(Reservation(estimate))

    def settle(self, estimate: Decimal | None, cost: Decimal | None) -> None:
        """Replace a reservation by what the call cost (``None``: unknown)."""
        reservation = Reservation(estimate)
        reservation.active = True
        self.close(reservation, cost)

    def make(self, reservation: Reservation) -> None:
        """Set aside what a reservation asks for; see `reserve`."""
        usd = self._usd(reservation)
        while not reservation.active:
            sums = self._sums()
            self._check(sums, usd)
            sums.follow_with(sums.after(made=reservation, usd=usd))
            self._sums()

    def close(self, reservation: Reservation, cost: Decimal | None) -> None:
        """Replace a reservation by what its call cost; nothing if that has been done before."""
        usd = self._usd(reservation)
        self._sums()
        while reservation.active and not reservation.settled:
            sums = self._sums()
            assumed = self._assumed(reservation)
            sums.follow_with(sums.without(usd, reservation, cost=cost, assumed=assumed))
            self._sums()
        if cost is None and reservation.estimate is None and not self._warned:
            self._warned = True
            warn(
                "neither the price nor the cost of a call is known: the budget counts "
                f"{self.assumed_usd} USD for each such call; Budget(assumed_usd=…) changes that"
            )

    def correct(
        self, difference: Decimal, *, unknown: bool, estimate: Decimal | None = None
    ) -> None:
        """Add what a finished call cost more (or less, below 0) than it was settled with.

        ``unknown``: it was settled without a cost, so that its ``estimate`` was assumed till now.
        """
        correction = Reservation(estimate)
        usd = self._usd(correction) if unknown else None
        while not correction.settled:
            sums = self._sums()
            sums.follow_with(sums.corrected(difference, usd, correction))
            self._sums()

    def _sums(self) -> _Sums:
        """Return the latest sums, after marking what was changed since the last look."""
        sums = self._latest
        while (following := sums.following) is not None:
            following.mark()
            sums = following
        self._latest = sums
        return sums

    def _usd(self, reservation: Reservation) -> Decimal:
        return self.assumed_usd if reservation.estimate is None else reservation.estimate

    def _assumed(self, reservation: Reservation) -> Decimal:
        """Return what a call counts for whose cost stays unknown."""
        usd = self._usd(reservation)
        return max(usd, self.assumed_usd) if isinstance(reservation.estimate, AtLeast) else usd

    def _check(self, sums: _Sums, usd: Decimal) -> None:
        if self.max_calls is not None and sums.calls >= self.max_calls:
            raise BudgetExceededError(
                f"the budget of {self.max_calls} calls is used up; nothing was sent"
            )
        committed = sums.committed
        if self.usd is not None and (committed >= self.usd or committed + usd > self.usd):
            raise BudgetExceededError(
                f"the budget of {self.usd} USD does not allow this call: {sums.spent} spent, "
                f"{sums.assumed} assumed, {sums.reserved} reserved for calls in flight, "
                f"{usd} estimated for it; nothing was sent"
            )

    def __repr__(self) -> str:
        return f"<Budget: {self.spent} of {self.usd} USD, {self.calls} of {self.max_calls} calls>"

    def __getstate__(self) -> dict[str, Any]:
        sums = self._sums()
        limits = {"usd": self.usd, "max_calls": self.max_calls, "assumed_usd": self.assumed_usd}
        return limits | {"sums": (sums.spent, sums.assumed, sums.calls, sums.unknown_calls)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        sums = state.pop("sums")
        self.__dict__.update(state, _latest=_Sums(*sums), _warned=False)


def _amount(name: str, value: Decimal | float | str) -> Decimal:
    usd = as_number(value)
    if usd is None or usd < 0:
        raise ConfigurationError(f"a Budget's {name} is a number from 0 on, not {value!r}")
    return usd
