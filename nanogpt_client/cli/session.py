"""One run of the command: its settings, its client, and where it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from nanogpt_client._transport.http import httpx
from nanogpt_client.cli import show
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.ledger import Budget, Ledger

_SANDBOX_URL = "http://sandbox.invalid/api/v1"  # answered in this process, never looked up
_SANDBOX_SAYS = "sandbox: an emulator answers, offline; no model runs and no money is spent"


@dataclass
class Session:
    """What the options of all commands say; they may stand before or behind the command's name."""

    as_json: bool = False
    sandbox: bool = False
    timeout: float | None = None
    budget: str | None = None
    run_id: str | None = None  # of the job that is waited for
    ledger: Ledger = field(default_factory=lambda: Ledger(keep=None))
    out: Console = field(default_factory=Console)
    err: Console = field(default_factory=lambda: Console(stderr=True))

    @contextmanager
    def client(self) -> Iterator[NanoGPTClient]:
        """Yield a client of NanoGPT or of the emulator, and at the end say what was spent."""
        settings: dict[str, Any] = {"ledger": self.ledger}
        if self.timeout is not None:
            names = ("timeout", "first_event_timeout", "stream_idle_timeout")
            settings |= dict.fromkeys(names, self.timeout)
        if self.budget is not None:
            settings["budget"] = Budget(usd=self.budget)
        with ExitStack() as stack:
            if self.sandbox:
                settings |= stack.enter_context(self._emulator())
            yield stack.enter_context(NanoGPTClient(**settings))

    @contextmanager
    def _emulator(self) -> Iterator[dict[str, Any]]:
        from nanogpt_client.sandbox import SandboxApp, SandboxTransport  # noqa: PLC0415 - large

        self.say(_SANDBOX_SAYS)
        app = SandboxApp()
        with httpx.Client(transport=SandboxTransport(app)) as http_client:
            yield {"api_key": app.api_key, "base_url": _SANDBOX_URL, "http_client": http_client}

    def say(self, text: str) -> None:
        """Write a remark beside the result; scripts that ask for JSON get none."""
        if not self.as_json:
            show.write(self.err, text, style="dim")

    def busy(self, what: str) -> AbstractContextManager[object]:
        """Show that something is going on, if anybody watches."""
        watched = self.err.is_terminal and not self.as_json
        return self.err.status(what) if watched else nullcontext()

    def result(self, value: Mapping[str, Any], render: Callable[[], None]) -> None:
        """Show a result: as JSON if that was asked for, else as the command renders it."""
        if self.as_json:
            show.write_json(self.out, {**value, "sandbox": self.sandbox})
        else:
            render()

    def paid(self, value: Mapping[str, Any], render: Callable[[], None]) -> None:
        """Show a result that cost something."""
        self.result({**value, "cost_usd": show.dollars(show.cost(self.ledger))}, render)

    def settle(self) -> None:
        """Say what the run cost, also one that failed."""
        if (line := show.cost_line(self.ledger)) is not None:
            self.say(f"{line} (pretend)" if self.sandbox else line)

    def fail(self, error: BaseException) -> None:
        """Say what went wrong, on stderr."""
        if self.as_json:
            show.write_json(self.err, show.failure(error, self.run_id))
            return
        for line in show.failure_lines(error, self.run_id):
            show.write(self.err, line)
