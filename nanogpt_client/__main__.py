"""``python -m nanogpt_client``: the command ``nanogpt``."""

from __future__ import annotations

import sys

from nanogpt_client.extras import install_command


def main() -> None:
    """Run the command, or print what to install if its libraries are missing."""
    try:
        from nanogpt_client.cli import cli  # noqa: PLC0415 - its libraries are optional
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"click", "rich"}:
            raise
        sys.exit(f"The command needs {error.name}: {install_command('cli')}")
    cli(prog_name="nanogpt")


if __name__ == "__main__":
    main()
