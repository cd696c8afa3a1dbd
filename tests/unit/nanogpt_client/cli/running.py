"""Run the command in this process, with a key that must never show."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from nanogpt_client.cli import cli

KEY = "sk-nano-0badc0de-1111-4222-8333-444455556666"


def run(*arguments: str, stdin: str | bytes | None = None, **environment: str | None) -> Result:
    """Run ``nanogpt`` with these arguments; unexpected exceptions are raised here."""
    result = CliRunner().invoke(
        cli,
        arguments,
        input=stdin,
        env={"NANOGPT_API_KEY": KEY, **environment},
        catch_exceptions=False,
    )
    assert KEY not in result.output
    return result


def offline(*arguments: str, stdin: str | bytes | None = None) -> Result:
    """Run it on the emulator."""
    return run("--sandbox", *arguments, stdin=stdin)


def as_json(*arguments: str, stdin: str | bytes | None = None) -> dict[str, Any]:
    """Run it on the emulator with ``--json``; return the one object on stdout."""
    result = offline("--json", *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    value: dict[str, Any] = json.loads(result.stdout)
    return value
