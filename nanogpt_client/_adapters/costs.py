"""How the handlers of both frameworks show what their calls cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from nanogpt_client.ledger import Ledger

__all__ = ["ShowsLedger"]


class _HasLedger(Protocol):
    @property
    def ledger(self) -> Ledger: ...


class ShowsLedger:
    """An object that shows as its ledger does."""

    __slots__ = ()

    @property
    def total_usd(self: _HasLedger) -> Decimal:
        """USD spent; ``ledger.totals.unknown_costs`` counts the calls without a reported cost."""
        return self.ledger.spent

    def __repr__(self: _HasLedger) -> str:
        return f"<{type(self).__name__}: {self.ledger.totals}>"

    def __str__(self: _HasLedger) -> str:
        return str(self.ledger)

    def _repr_html_(self: _HasLedger) -> str:
        """Show the costs as a table, in notebooks."""
        return self.ledger._repr_html_()
