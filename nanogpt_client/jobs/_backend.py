"""What a `PaidStore` needs of a database, and what it gets back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = ["Backend", "Claim", "States", "UnknownRequest"]


@dataclass(frozen=True, slots=True)
class UnknownRequest:
    """A request that was about to be sent, or was sent, and whose answer never came to the store.

    It may have been billed: look for it in NanoGPT's usage, at that time and for that model.

    Attributes:
        id: the request's id in the store.
        model: the model that was asked.
        items: number of items in it, e.g. of texts to embed.
        started_at: when it was about to be sent, in seconds since 1970 (UTC).
        worker: host and process id of the worker.
    """

    id: str
    model: str
    items: int
    started_at: float
    worker: str


class States(NamedTuple):
    """What a database says of the keys of a request.

    Attributes:
        mine: they are this request's to ask for, and its intent is written.
        busy: another worker is asking for them.
        lapsed: a worker was asking for them, and is gone.
        answers: the answers that are stored, by key.
    """

    mine: list[str]
    busy: list[str]
    lapsed: list[str]
    answers: dict[str, bytes]


@dataclass(eq=False, slots=True, weakref_slot=True)
class Claim:
    """The intent of one request, whose lease is renewed while this object is in use."""

    request: UnknownRequest
    states: States = field(default_factory=lambda: States([], [], [], {}))


class Backend(Protocol):
    """A database. Any of its own exceptions is one of ``errors``."""

    errors: tuple[type[Exception], ...]

    def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the stored answers, by key."""

    def claim(
        self, request: UnknownRequest, keys: Sequence[str], lease: float, *, take_over: bool
    ) -> States:
        """Write the intent to ask for the keys that nobody asks for; with ``take_over``, also for
        those whose worker is gone. Atomic.
        """  # noqa: D205 - one sentence

    def put(self, request: str, answers: Mapping[str, bytes]) -> None:
        """Store the answers of a request and remove its intent. Atomic."""

    def release(self, request: str, keys: Sequence[str], *, unknown: bool) -> None:
        """End the lease of a request; unless its outcome is unknown, remove its intent."""

    def renew(self, requests: Collection[str], lease: float) -> None:
        """Extend the leases of requests for ``lease`` seconds from now."""

    def unknown(self) -> list[UnknownRequest]:
        """Return the requests whose intents have no answer and no living worker, oldest first."""

    def close(self) -> None:
        """Close the connections."""
