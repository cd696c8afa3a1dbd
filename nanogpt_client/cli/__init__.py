"""The command ``nanogpt``, also ``python -m nanogpt_client``. Needs the extra ``cli``.

It shows what the client returns and decides nothing itself: `exits` maps errors to exit codes,
`base` has what all commands share, `output` and `files` write, and the other modules have the
commands.
"""

from __future__ import annotations

import click

from nanogpt_client._version import __version__
from nanogpt_client.cli.account import balance, usage
from nanogpt_client.cli.ask import ask, chat
from nanogpt_client.cli.base import Group
from nanogpt_client.cli.batch import batch
from nanogpt_client.cli.completion import completion
from nanogpt_client.cli.embed import embed
from nanogpt_client.cli.estimate import estimate
from nanogpt_client.cli.mcp import mcp
from nanogpt_client.cli.media import draw, speak, transcribe, video
from nanogpt_client.cli.models import models
from nanogpt_client.cli.sandbox import sandbox
from nanogpt_client.cli.search import search
from nanogpt_client.cli.shared_account import account

__all__ = ["cli"]

_HELP = """Use NanoGPT from a shell: chat, images, audio, video, embeddings and costs.

The API key is read from the environment variable NANOGPT_API_KEY. Without a key, try the commands
with --sandbox.

Results go to stdout, notes and costs to stderr. In a pipe, tables have tab-separated columns and no
header. With --json, each command writes one object, always with the same keys and with amounts in
USD as text. Existing files are only overwritten with --force.
"""


cli = Group(
    "nanogpt",
    help=_HELP,
    commands=[
        *(ask, chat, search, draw, speak, transcribe, video, embed, batch),
        *(models, estimate, balance, usage, account, mcp, sandbox, completion),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, "--version")(cli)
