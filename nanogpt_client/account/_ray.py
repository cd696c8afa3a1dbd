"""An account in an actor of a Ray cluster, which needs no server.

The actor has a name, outlives the program that made it, and keeps the account in a SQLite file of
its node. Ray restarts it there, where it finds the file again; if that node is lost, the account
cannot be reached, and calls are refused.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from nanogpt_client.account._backend import (
    Admission,
    FinishedCall,
    Limits,
    NewCall,
    PauseReason,
    Sums,
)
from nanogpt_client.account._sqlite import SqliteBackend
from nanogpt_client.errors import AccountUnavailableError, ConfigurationError
from nanogpt_client.extras import install_command

__all__ = ["RayBackend"]

_NAMESPACE = "nanogpt"
_TIMEOUT = 30.0  # seconds for one operation, also while Ray restarts the actor
_TRIES = 3  # of an operation during which the actor dies; each operation may be repeated


class RayBackend:
    """See `Backend`: calls the actor with the name in the URL, and makes it if there is none.

    ``?path=/data/spent.db`` names the file, on the node of the program that is first to use it.
    """

    def __init__(self, url: str) -> None:
        try:
            import ray  # noqa: PLC0415 - an extra, and large
        except ImportError as error:
            msg = f"an account in Ray needs Ray: {install_command('ray')}"
            raise ConfigurationError(msg, param="url") from error
        self._ray = ray
        self._name = urlsplit(url).netloc
        given = parse_qs(urlsplit(url).query).get("path")
        default = Path(tempfile.gettempdir()) / f"nanogpt-account-{self._name}.db"
        self._path = given[0] if given else str(default)
        self._actor: Any = None
        self._id = ""  # of the data that this process has seen

    def admit(self, limits: Limits, call: NewCall | None) -> Admission:
        """Reserve a call's amount (once) and a slot in the queue; without a call, only a slot."""
        admission: Admission = self._call("admit", limits, call)
        return admission

    def confirm(self, slot: float) -> Admission:
        """Return how long a slot that was reserved has to wait, now."""
        admission: Admission = self._call("confirm", slot)
        return admission

    def pause(self, seconds: float, reason: PauseReason) -> None:
        """Stop the queue for all workers."""
        self._call("pause", seconds, reason)

    def finish(self, calls: Sequence[FinishedCall]) -> None:
        """Replace reservations by costs, and add the ledger entries; each once."""
        self._call("finish", calls)

    def sums(self) -> Sums:
        """Return the sums, after counting lost calls as unknown."""
        sums: Sums = self._call("sums")
        return sums

    def entries(self) -> list[str]:
        """Return the ledger entries as JSON, in the order in which their calls ended."""
        entries: list[str] = self._call("entries")
        return entries

    def close(self) -> None:
        """Forget the actor, which continues without this process."""
        self._actor = None

    def forked(self) -> None:
        """Forget the actor; Ray cannot be used in a forked process."""
        self._actor = None

    def _call(self, method: str, *arguments: Any) -> Any:
        errors = self._ray.exceptions
        try:
            if self._actor is None:
                self._actor = self._found()
            result = self._actor.call.remote(self._id, method, arguments)
            self._id, value = self._ray.get(result, timeout=_TIMEOUT)
            return value
        except errors.RayTaskError as error:  # of the file
            raise AccountUnavailableError(f"the account's actor failed: {error.cause}") from error
        except (errors.RayError, errors.GetTimeoutError, OSError) as error:
            self._actor = None
            msg = f"the account's actor {self._name!r} cannot be reached: {error}"
            raise AccountUnavailableError(msg) from error

    def _found(self) -> Any:
        """Return the actor; make it on this node if there is none.

        Raises:
            ConnectionError: no Ray runs here.
        """
        if not self._ray.is_initialized():
            self._ray.init(address="auto", log_to_driver=False)  # connects, and starts nothing
        from ray.util.scheduling_strategies import (  # noqa: PLC0415 - an extra
            NodeAffinitySchedulingStrategy,
        )

        here = NodeAffinitySchedulingStrategy(
            self._ray.get_runtime_context().get_node_id(), soft=False
        )
        actor = self._ray.remote(_Actor).options(
            name=self._name, namespace=_NAMESPACE, get_if_exists=True, lifetime="detached",
            num_cpus=0, max_restarts=-1, max_task_retries=_TRIES, scheduling_strategy=here,
        )  # fmt: skip
        return actor.remote(self._path)


class _Actor:
    """The account's file, where the actor is."""

    def __init__(self, path: str) -> None:
        self._backend = SqliteBackend(path)

    def call(self, seen: str, method: str, arguments: Sequence[Any]) -> tuple[str, Any]:
        """Return the id of the data and an operation's result, if it is the data seen before."""
        self._backend.id = seen or self._backend.id
        value = getattr(self._backend, method)(*arguments)
        return self._backend.id, value
