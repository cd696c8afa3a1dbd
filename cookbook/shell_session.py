"""Record the session of the guide "Command line": ``python -m cookbook.shell_session``.

Each line of a ``text`` block that begins with ``$`` is run by a shell; what it prints follows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parent / "guides" / "command-line.md"
SANDBOX_NOTE = "sandbox: an offline emulator answers; no model runs and no money is spent"
_BLOCK = re.compile(r"(```text\n)(.*?)(```)", re.DOTALL)


def recorded(page: str) -> str:
    """Return the page with each command followed by what it prints now."""
    with tempfile.TemporaryDirectory() as folder:
        return _BLOCK.sub(lambda block: f"{block[1]}{_run(block[2], folder)}{block[3]}", page)


def _run(block: str, folder: str) -> str:
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{_output(command, folder)}" for command in commands)


def _output(command: str, folder: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if "NANO" not in name},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[1]),
        "COLUMNS": "80",
    }
    done = subprocess.run(  # noqa: S602 - the page's own commands
        command, shell=True, cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout.replace(f"{SANDBOX_NOTE}\n", "")


if __name__ == "__main__":
    PAGE.write_text(recorded(PAGE.read_text("utf-8")), "utf-8")
