"""The command `completion`: Tab completes commands, options and model ids."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from nanogpt_client.cli.base import Command, Session, session
from nanogpt_client.cli.output import write

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Command,
    sends_calls=False,
    examples=[
        'eval "$(nanogpt completion bash)"                 # in ~/.bashrc',
        'eval "$(nanogpt completion zsh)"                  # in ~/.zshrc',
        "nanogpt completion fish > ~/.config/fish/completions/nanogpt.fish",
    ],
)
@click.argument("shell", type=click.Choice(_SHELLS))
@session
def completion(run: Session, /, shell: str) -> None:
    """Write the shell script for tab completion.

    It completes commands, options and model ids.
    """
    kind = get_completion_class(shell)
    assert kind is not None, "a shell that click knows"  # noqa: S101
    group = click.get_current_context().find_root().command
    script = kind(group, {}, "nanogpt", "_NANOGPT_COMPLETE").source()
    run.result({"shell": shell, "script": script}, lambda: write(run.out, script))
