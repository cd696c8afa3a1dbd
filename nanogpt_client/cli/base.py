"""What all commands share: their classes, the common options, and one run with its client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec

import click
from rich.console import Console

from nanogpt_client import bundled_models
from nanogpt_client._transport.http import httpx
from nanogpt_client.cli import exits, output
from nanogpt_client.client import NanoGPTClient
from nanogpt_client.errors import ConfigurationError, NanoGPTError
from nanogpt_client.ledger import Budget, Ledger
from nanogpt_client.types.plain import exact

__all__ = [
    "Command",
    "Group",
    "SANDBOX_NOTE",
    "SANDBOX_URL",
    "Session",
    "model_option",
    "session",
    "text_or_stdin",
]

P = ParamSpec("P")

SANDBOX_URL = "http://sandbox.invalid/api/v1"  # answered in this process, never looked up
SANDBOX_NOTE = "sandbox: an offline emulator answers; no model runs and no money is spent"


@dataclass
class Session:
    """One run: the values of the common options, the ledger, and the two output streams."""

    as_json: bool = False
    sandbox: bool = False
    timeout: float | None = None
    budget: str | None = None
    run_id: str | None = None  # of the job that the command waits for
    options: dict[str, str] = field(default_factory=dict)  # parameters of the running command
    ledger: Ledger = field(default_factory=lambda: Ledger(keep=None))
    out: Console = field(default_factory=Console)
    err: Console = field(default_factory=lambda: Console(stderr=True))

    def settings(self) -> dict[str, Any]:
        """Return the client's settings that the common options give."""
        settings: dict[str, Any] = {"ledger": self.ledger}
        if self.timeout is not None:
            names = ("timeout", "first_event_timeout", "stream_idle_timeout")
            settings |= dict.fromkeys(names, self.timeout)
        if self.budget is not None:
            settings["budget"] = _budget(self.budget)
        return settings

    @contextmanager
    def client(self) -> Iterator[NanoGPTClient]:
        """Yield a client of NanoGPT or of the emulator; its calls go into this run's ledger."""
        settings = self.settings()
        with ExitStack() as stack:
            if self.sandbox:
                settings |= stack.enter_context(self._emulator())
            yield stack.enter_context(NanoGPTClient(**settings))

    @contextmanager
    def _emulator(self) -> Iterator[dict[str, Any]]:
        from nanogpt_client.sandbox import SandboxApp, SandboxTransport  # noqa: PLC0415 - large

        self.note(SANDBOX_NOTE)
        app = SandboxApp()
        with httpx.Client(transport=SandboxTransport(app)) as http_client:
            yield {"api_key": app.api_key, "base_url": SANDBOX_URL, "http_client": http_client}

    def note(self, text: str) -> None:
        """Write a note to stderr; with ``--json`` there are none."""
        if not self.as_json:
            output.write(self.err, text, style="dim")

    def spinner(self, label: str) -> AbstractContextManager[object]:
        """Show a spinner on a terminal while a call runs."""
        interactive = self.err.is_terminal and not self.as_json
        return self.err.status(label) if interactive else nullcontext()

    def result(self, value: Mapping[str, Any], render: Callable[[], None]) -> None:
        """Write a result: with ``--json`` as an object, else as the command renders it."""
        if self.as_json:
            output.write_json(self.out, {**value, "sandbox": self.sandbox})
        else:
            render()

    def paid_result(self, value: Mapping[str, Any], render: Callable[[], None]) -> None:
        """Write a result with its cost."""
        self.result({**value, "cost_usd": exact(output.cost(self.ledger))}, render)

    def note_cost(self) -> None:
        """Write what the run cost, also if it failed."""
        if (line := output.cost_line(self.ledger)) is not None:
            self.note(f"{line} (simulated)" if self.sandbox else line)

    def fail(self, error: BaseException) -> None:
        """Write an error to stderr."""
        if self.as_json:
            output.write_json(self.err, output.error_json(error, self.run_id))
            return
        for line in output.error_lines(error, self.run_id, self.options):
            output.write(self.err, line)


def session(command: Callable[Concatenate[Session, P], None]) -> Callable[P, None]:
    """Pass the `Session` to a command as its first argument."""
    return click.make_pass_decorator(Session, ensure=True)(command)


class Command(click.Command):
    """A command with the common options after its own, and examples in its help."""

    def __init__(
        self, *args: Any, examples: Sequence[str] = (), sends_calls: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        self.params += _common_options() if sends_calls else [_json_option()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors can then name its options."""
        own = [option for option in self.params if isinstance(option, click.Option)]
        ctx.ensure_object(Session).options = {
            str(option.name): max(option.opts, key=len) for option in own
        }
        return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the options."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"  {example}\n")
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """The command ``nanogpt``: has the common options, too, and turns errors into exit codes."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit with the code that `exits` gives."""
        output.prepare_streams()
        run = ctx.ensure_object(Session)
        try:
            super().invoke(ctx)
            run.note_cost()
            sys.stdout.flush()
        except BrokenPipeError as error:
            _discard_output()
            ctx.exit(exits.exit_code(error))
        except (NanoGPTError, KeyboardInterrupt, OSError, ImportError) as error:
            run.fail(error)
            run.note_cost()
            ctx.exit(exits.exit_code(error))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of exit codes below the commands."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning, _ in exits.EXITS])
        super().format_epilog(ctx, formatter)


def text_or_stdin(arguments: tuple[str, ...], *, both: bool = False) -> str:
    """Return the text of the arguments, or else of stdin; with ``both``, one after the other.

    Raises:
        click.UsageError: both are empty, or stdin is not UTF-8.
    """
    parts = [" ".join(arguments)]
    if (both or not arguments) and not sys.stdin.isatty():
        try:
            # Not sys.stdin's own encoding: in some locales it lets other bytes through.
            parts.append(sys.stdin.buffer.read().decode("utf-8-sig").replace("\r\n", "\n"))
        except UnicodeDecodeError as error:
            raise click.UsageError("The piped input is not UTF-8 text.") from error
    text = "\n\n".join(part for part in map(str.strip, parts) if part)
    if not text:
        raise click.UsageError("There is no text: pass it as an argument, or pipe it in.")
    return text


def model_option(default: str, variable: str, what: str) -> Callable[[Any], Any]:
    """Return the option ``--model``; its default can be set by an environment variable."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        return [model for model in bundled_models.models() if model.startswith(incomplete)]

    return click.option(
        "--model",
        "-m",
        metavar="ID",
        default=default,
        envvar=variable,
        show_default=True,
        show_envvar=True,
        help=f"{what}; `nanogpt models` lists them.",
        shell_complete=complete,
    )


def _budget(amount: str) -> Budget:
    try:
        return Budget(usd=amount)
    except ConfigurationError as error:
        raise click.BadParameter(
            f"{amount!r} is not an amount in USD", param_hint="--budget"
        ) from error


def _common_options() -> list[click.Parameter]:
    return [
        _json_option(),
        _common("--sandbox", is_flag=True, help="Use the offline emulator: no key, no cost."),
        _common("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
                help="Longest wait for a response, or for the next chunk of a stream."),
        _common("--budget", metavar="USD", help="Refuse calls that may cost more than this."),
    ]  # fmt: skip


def _json_option() -> click.Option:
    text = "Write the result, or the error (to stderr), as JSON."
    return _common("--json", "as_json", is_flag=True, help=text)


def _common(*names: str, **settings: Any) -> click.Option:
    return click.Option([*names], expose_value=False, callback=_store, **settings)


def _store(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Store a common option in the session; it may be given before or after the command."""
    if value and parameter.name:
        setattr(ctx.ensure_object(Session), parameter.name, value)


def _discard_output() -> None:
    """Send buffered output nowhere, or Python would complain about the closed pipe at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
