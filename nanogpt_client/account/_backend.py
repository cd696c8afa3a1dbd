"""What an `Account` asks of the store that it is in, whichever that is.

Amounts are integers of 1e-12 USD, times are seconds of the store's own clock. Every operation is
one transaction, and may be repeated: a token identifies a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

__all__ = [
    "Admission",
    "Backend",
    "FinishedCall",
    "Limits",
    "NewCall",
    "OTHER_DATA",
    "PauseReason",
    "Sums",
]

# Why all workers pause: what NanoGPT refused a call for. During a daily limit, calls are refused.
PauseReason = Literal["rate", "daily", "balance"]


class Limits(NamedTuple):
    """What may be spent and sent; ``None`` for no limit."""

    usd: int | None = None
    max_calls: int | None = None
    per_second: float | None = None


class NewCall(NamedTuple):
    """A call that is about to be sent, for the first time or again.

    Attributes:
        usd: reserved for it.
        if_unknown: counted if its cost stays unknown.
        lease: seconds after which its worker counts as lost.
        entry: the ledger entry of a lost call, as JSON.
    """

    token: str
    usd: int
    if_unknown: int
    lease: float
    entry: str


class Sums(NamedTuple):
    """All sums of an account, and its limits as a worker last set them."""

    spent: int = 0
    assumed: int = 0
    reserved: int = 0
    calls: int = 0
    unknown: int = 0
    queued: float = 0.0
    """Seconds until the next request may be sent."""
    paused: str = ""
    """A `PauseReason` during a pause."""
    limits: Limits = Limits()

    @property
    def committed(self) -> int:
        return self.spent + self.assumed + self.reserved


class Admission(NamedTuple):
    """Whether and when a request may be sent.

    Attributes:
        seconds: to wait; then `Backend.confirm` the slot, as a pause may have begun.
        slot: its place in the queue.
        paused: a `PauseReason` during a pause.
        refused: the sums, if the budget refuses the call.
    """

    seconds: float
    slot: float = 0.0
    paused: str = ""
    refused: Sums | None = None


class FinishedCall(NamedTuple):
    """The outcome of a call.

    Attributes:
        cost: ``None`` if unknown; then ``if_unknown`` is counted.
        corrects: what was counted for an earlier call whose cost this is; ``None`` for none, and
            not used if the store knows it by the token.
        entry: its ledger entry, as JSON.
        job: the token of the call that will have the cost, in whichever process.
    """

    token: str
    cost: int | None
    if_unknown: int
    corrects: int | None
    entry: str
    job: str = ""


OTHER_DATA = (
    "the account's data is not that which this process has seen before, so what was spent is lost: "
    "the file or key was removed, or the server restarted without persistence. To begin anew, "
    "restart the processes that use the account"
)


class Backend(Protocol):
    """The store of one account. Its methods may block, and raise `AccountUnavailableError`.

    They do so, too, when the data is another than before: limits would begin anew.
    """

    def admit(self, limits: Limits, call: NewCall | None) -> Admission:
        """Reserve a call's amount (once) and a slot in the queue; without a call, only a slot."""

    def confirm(self, slot: float) -> Admission:
        """Return how long a slot that was reserved has to wait, now."""

    def pause(self, seconds: float, reason: PauseReason) -> None:
        """Stop the queue for all workers."""

    def finish(self, calls: Sequence[FinishedCall]) -> None:
        """Replace reservations by costs, and add the ledger entries; each once."""

    def sums(self) -> Sums:
        """Return the sums, after counting lost calls as unknown."""

    def entries(self) -> list[str]:
        """Return the ledger entries as JSON, in the order in which their calls ended."""

    def close(self) -> None:
        """Close connections; they open again when they are needed."""
