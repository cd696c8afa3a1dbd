"""One call's part in an `Account`: its reservation, its slots in the queue, its outcome."""

from __future__ import annotations

import json
import os
import secrets
import socket
from decimal import Decimal

from nanogpt_client.account._backend import Admission, FinishedCall, NewCall
from nanogpt_client.account.account import Account
from nanogpt_client.errors import NanoGPTError
from nanogpt_client.types._amounts import assumed_for, reserved_for, to_pico
from nanogpt_client.types.ledger_entry import LedgerEntry

__all__ = ["AccountCall"]


class AccountCall:
    """A call that clients of an account make. Only `admit` and `confirm` block.

    Args:
        lost: the ledger entry that remains if this process dies.
        estimate: USD to reserve; ``None`` if the price is unknown.
        billable: whether anything is reserved.
        token: identifies the call; by default a new one.

    Attributes:
        is_refused: the call was not admitted, so there is nothing to record.
    """

    def __init__(
        self,
        account: Account,
        lost: LedgerEntry,
        estimate: Decimal | None,
        *,
        billable: bool,
        token: str | None = None,
    ) -> None:
        self.account = account
        self.is_refused = False
        self._is_admitted = False
        self._slot = 0.0
        self._estimate = estimate
        self._token = token or secrets.token_hex(12)
        usd = to_pico(reserved_for(estimate, account.assumed_usd), up=True) if billable else 0
        self._if_unknown = self._assumed(estimate) if billable else 0
        self._new = None
        if billable:
            entry = _as_json(lost)
            self._new = NewCall(self._token, usd, self._if_unknown, account.lease, entry)

    def _assumed(self, estimate: Decimal | None) -> int:
        return to_pico(assumed_for(estimate, self.account.assumed_usd), up=True)

    def admit(self) -> Admission:
        """Reserve the call's amount, the first time, and a slot for one request.

        Raises:
            NanoGPTError: as `Account.admit`.
        """
        try:
            admission = self.account.admit(self._new)
        except NanoGPTError:
            self.is_refused = not self._is_admitted
            raise
        self._is_admitted = True
        self._slot = admission.slot
        return admission

    def confirm(self) -> Admission:
        """Return how long the slot has to wait now."""
        return self.account.confirm(self._slot)

    def finish(
        self,
        entry: LedgerEntry,
        *,
        job: str = "",
        corrects_unknown: bool = False,
        of: Decimal | None = None,
    ) -> None:
        """Note the outcome, at most once in the end; `Account.flush` sends it.

        ``job``: identifies the call that will have the cost of what this one submitted.
        ``corrects_unknown``: it reports the cost of an earlier call, for which ``of`` was assumed.
        """
        cost = None if entry.cost is None or job else to_pico(entry.cost)
        corrects = self._assumed(of) if corrects_unknown else None
        call = FinishedCall(self._token, cost, self._if_unknown, corrects, _as_json(entry), job)
        self.account.finish(call)
        if cost is None and self._estimate is None:
            self.account.note_assumed()


def _as_json(entry: LedgerEntry) -> str:
    worker = json.dumps(f"{socket.gethostname()}:{os.getpid()}")
    return f'{entry.to_json()[:-1]}, "worker": {worker}}}'
