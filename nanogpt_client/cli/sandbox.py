"""The command `sandbox`: the offline emulator for other programs."""

from __future__ import annotations

import click

from nanogpt_client.cli.base import Command, Session, session


def _checked_scenario(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Refuse a scenario that does not exist in the words of the other commands."""
    if name is None:
        return None
    from nanogpt_client.sandbox.faults import Scenario  # noqa: PLC0415 - large

    try:
        Scenario.of(name)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return name


@click.command(
    cls=Command,
    sends_calls=False,
    examples=[
        "nanogpt sandbox",
        "nanogpt sandbox --port 0 --json",
        "nanogpt sandbox --scenario outage",
    ],
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen on.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True,
              metavar="N", help="Port; 0 chooses a free one.")  # fmt: skip
@click.option("--api-key", metavar="KEY", help="The key to accept.")
@click.option("--balance", type=click.FloatRange(min=0), default=5.0, show_default=True,
              metavar="USD", help="Starting balance, in pretend dollars.")  # fmt: skip
@click.option("--rate", type=click.IntRange(min=0), default=25, show_default=True, metavar="N",
              help="Requests per second; 0 for no limit.")  # fmt: skip
@click.option("--scenario", metavar="NAME", callback=_checked_scenario,
              help="A fault or a scenario; an unknown name lists them.")  # fmt: skip
@click.option("--strict-models", is_flag=True,
              help="Refuse chat models that are not listed.")  # fmt: skip
@session
def sandbox(run: Session, /, **options: object) -> None:
    """Serve the offline emulator to other programs.

    It stops at Ctrl-C. The same as ``python -m nanogpt_client.sandbox``.
    """
    from nanogpt_client.sandbox.__main__ import main  # noqa: PLC0415 - large

    arguments = []
    for name, value in {**options, "json": run.as_json}.items():
        option = f"--{name.replace('_', '-')}"
        if value is not None and value is not False:
            arguments.append(option if value is True else f"{option}={value}")
    main(arguments, prog="nanogpt sandbox")
