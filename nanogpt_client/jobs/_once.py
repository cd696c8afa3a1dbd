"""Asking for what is not in the store, and for each item once: flows, as `endpoints` has them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from nanogpt_client._protocol.accounting import cost_of_failure
from nanogpt_client._protocol.steps import Flow, Sleep, off_loop
from nanogpt_client.errors import ConfigurationError, NanoGPTError, OutcomeUnknownError
from nanogpt_client.hooks import logger
from nanogpt_client.jobs._backend import Claim
from nanogpt_client.jobs.store import PaidStore

__all__ = ["OnUnknown", "Rules", "ask_once", "key_of", "rules", "stored"]

OnUnknown = Literal["resend", "raise", "skip"]
"""What to do with the items of a request that may have been billed, but whose answer is lost."""

Ask = Callable[[Sequence[str]], Flow[dict[str, bytes]]]
"""Requests the answers of keys, and returns them by key."""

_PAUSES = 0.05, 1.0  # seconds between two looks for another worker's answer: the first, the longest


class Rules(NamedTuple):
    """Where answers are stored, and what is done about requests of unknown outcome."""

    store: PaidStore | None
    on_unknown: OnUnknown
    model: str

    @property
    def paid(self) -> PaidStore:
        """The store.

        Raises:
            ConfigurationError: there is none.
        """
        if self.store is None:
            raise ConfigurationError("this needs store=…, where paid answers are", param="store")
        return self.store


def rules(store: PaidStore | str | None, on_unknown: OnUnknown, model: str) -> Rules:
    """Return checked rules.

    Raises:
        ConfigurationError: a setting is invalid.
    """
    if on_unknown not in {"resend", "raise", "skip"}:
        msg = f"on_unknown must be 'resend', 'raise' or 'skip', not {on_unknown!r}"
        raise ConfigurationError(msg, param="on_unknown")
    return Rules(PaidStore.of(store), on_unknown, model)


def key_of(request: Mapping[str, Any]) -> str:
    """Return the address of an item's answer: the hash of its canonical request."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def stored(store: PaidStore | None, keys: Sequence[str]) -> Flow[dict[str, bytes]]:
    """Return the answers that are stored."""
    return {} if store is None else (yield from off_loop(store.get, keys))


def ask_once(keys: Iterable[str], ask: Ask, rules: Rules) -> Flow[dict[str, bytes]]:
    """Return the answers of one request's keys, asking only for what nobody has asked for.

    What another worker asks for is waited for, after our own request: so no two workers wait for
    each other. Skipped keys are missing in the result.
    """
    store, left, answers, pause = rules.store, list(keys), dict[str, bytes](), _PAUSES[0]
    if store is None:
        return (yield from ask(left))
    take_over = rules.on_unknown == "resend"
    while left:
        claim = yield from off_loop(store.claim, left, model=rules.model, take_over=take_over)
        try:
            if claim.states.lapsed and rules.on_unknown == "raise":
                yield from off_loop(store.release, claim, unknown=False)
                raise _unknown(len(claim.states.lapsed))
            answers |= claim.states.answers | (yield from _ask(store, claim, ask))
        finally:
            store.drop(claim)
        skipped = set(claim.states.lapsed)
        left = [key for key in left if key not in answers and key not in skipped]
        if left:
            logger.info("waiting for %d items that another worker asks for", len(left))
            yield Sleep(pause)
            pause = min(2 * pause, _PAUSES[1])
    return answers


def _ask(store: PaidStore, claim: Claim, ask: Ask) -> Flow[dict[str, bytes]]:
    """Perform the request of a claim, if there is something to ask for; store its answers."""
    if not claim.states.mine:
        return {}
    try:
        answers = yield from ask(claim.states.mine)
    except NanoGPTError as error:
        is_free = error.sends == 0 or cost_of_failure(error) is not None
        yield from off_loop(store.release, claim, unknown=not is_free)
        raise
    yield from off_loop(store.put, claim, answers)
    return answers


def _unknown(items: int) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{items} items were asked for by a worker that is gone, and may have been billed; see "
        "unknown() of the store, then use on_unknown='resend' or 'skip'",
        maybe_billed=True,
    )
