"""What all commands share: their common options, and how a failure ends them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

import click

from nanogpt_client.cli import exits
from nanogpt_client.cli.session import Session
from nanogpt_client.errors import NanoGPTError

__all__ = ["Command", "Group", "session", "text_or_stdin"]

P = ParamSpec("P")


def session(command: Callable[Concatenate[Session, P], None]) -> Callable[P, None]:
    """Hand a command the run that it is part of."""
    return click.make_pass_decorator(Session, ensure=True)(command)


class Command(click.Command):
    """A command with the common options behind its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()


class Group(click.Group):
    """The command itself: takes the common options, too, and turns exceptions into statuses."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += _common_options()

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exit as `exits` says."""
        run = ctx.ensure_object(Session)
        try:
            super().invoke(ctx)
            run.settle()
            sys.stdout.flush()
        except BrokenPipeError as error:
            _let_go()
            ctx.exit(exits.exit_code(error))
        except (NanoGPTError, KeyboardInterrupt, OSError, ImportError) as error:
            run.fail(error)
            run.settle()
            ctx.exit(exits.exit_code(error))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of exit statuses under the commands."""
        with formatter.section("Exit status"):
            formatter.write_dl([(str(code), meaning) for code, meaning, _ in exits.EXITS])
        super().format_epilog(ctx, formatter)


def text_or_stdin(words: tuple[str, ...], *, both: bool = False) -> str:
    """Return the words given, or else what comes through a pipe; or the one after the other.

    Raises:
        click.UsageError: there is neither.
    """
    parts = [" ".join(words)]
    stdin = sys.stdin
    if (both or not words) and not stdin.isatty():
        try:
            parts.append(stdin.read())
        except UnicodeDecodeError as error:
            raise click.UsageError("What comes through the pipe is no UTF-8 text.") from error
    text = "\n\n".join(part for part in map(str.strip, parts) if part)
    if not text:
        raise click.UsageError("There is no text: write it behind the command, or pipe it in.")
    return text


def _common_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            help="Write the result, or the failure (on stderr), as one JSON object.",
            **_KEPT,
        ),
        click.Option(
            ["--sandbox"],
            is_flag=True,
            help="Ask the offline emulator instead of NanoGPT: no key, no cost.",
            **_KEPT,
        ),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="Wait no longer for an answer, or for a stream's next piece.",
            **_KEPT,
        ),
        click.Option(
            ["--budget"],
            metavar="USD",
            help="Refuse what may cost more than this.",
            **_KEPT,
        ),
    ]


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep an option that was given; the same one before the command's name counts as well."""
    run = ctx.ensure_object(Session)
    if value and parameter.name:
        setattr(run, parameter.name, value)


_KEPT: dict[str, Any] = {"expose_value": False, "callback": _keep}


def _let_go() -> None:
    """Let what is still buffered go nowhere, or Python complains about the pipe at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
