"""Make the picture of the demo's output in the README: ``python -m cookbook.demo_picture``.

The demo runs in the sandbox, whatever keys there are, and prints into the picture.
"""

from __future__ import annotations

import html
import os
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from cookbook import demo
from cookbook.execute import lasting

PICTURE = Path(__file__).with_name("demo.svg")
TITLE = "make demo, without a key: the sandbox answers"
WIDTH = 100
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def take() -> tuple[int, Console]:
    """Run the demo; return its exit status and what it printed."""
    for name in [name for name in os.environ if name.startswith("NANOGPT_")]:
        del os.environ[name]
    demo.console = Console(record=True, width=WIDTH, force_terminal=True)
    return demo.main(), demo.console


def drawn(console: Console) -> str:
    """Return the picture as SVG, in the reader's own monospaced font: nothing is fetched."""
    svg = console.export_svg(title=TITLE, theme=MONOKAI, unique_id="demo", clear=False)
    return _FONT.sub("", svg).replace("Fira Code", "ui-monospace")


def words_of(svg: str) -> str:
    """Return the picture's text, so that two can be compared."""
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    words: str = lasting(html.unescape("".join(texts)).replace("\xa0", " "))
    return words


if __name__ == "__main__":
    status, printed = take()
    PICTURE.write_text(drawn(printed), "utf-8")
    sys.exit(status)
