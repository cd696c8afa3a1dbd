"""The command `sandbox`: the emulator as a server, for other programs."""

from __future__ import annotations

import click

from nanogpt_client.cli.base import session
from nanogpt_client.cli.session import Session


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@session
def sandbox(run: Session, /, options: tuple[str, ...]) -> None:
    """Serve the offline emulator of NanoGPT.

    Its options are those of ``python -m nanogpt_client.sandbox``.
    """
    from nanogpt_client.sandbox.__main__ import main  # noqa: PLC0415 - large

    main([*options, *(["--json"] if run.as_json else [])], prog="nanogpt sandbox")
