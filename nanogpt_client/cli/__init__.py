"""The command ``nanogpt``, also ``python -m nanogpt_client``. Needs the extra ``cli``.

It shows what the client returns and decides nothing itself: `exits` says what ends how, `session`
holds a run's settings, `show` writes, and each command stands in the module of its subject.
"""

from __future__ import annotations

import click

from nanogpt_client._version import __version__
from nanogpt_client.cli.account import balance, usage
from nanogpt_client.cli.ask import ask
from nanogpt_client.cli.base import Group
from nanogpt_client.cli.embed import embed
from nanogpt_client.cli.media import draw, speak, transcribe, video
from nanogpt_client.cli.models import models
from nanogpt_client.cli.sandbox import sandbox

__all__ = ["cli"]

_HELP = """Ask NanoGPT from a shell: chat, pictures, sound, video, and what it all costs.

The key is read from the variable NANOGPT_API_KEY alone; without one, --sandbox shows how it all
works. Results go to stdout, remarks and costs to stderr. In a pipe, tables are lines with tabs and
no heading; --json writes one object with the same keys every time, its dollars as text. Files are
never written over without --force.
"""

cli = Group(
    "nanogpt",
    help=_HELP,
    commands=[models, balance, usage, ask, draw, speak, transcribe, video, embed, sandbox],
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, "--version")(cli)
