"""Make the README's image of the demo's output: ``python -m cookbook.demo_svg``.

The demo runs in the sandbox, even if there is a key.
"""

from __future__ import annotations

import html
import os
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme

from cookbook import demo
from cookbook.execute import without_passing_values

SVG = Path(__file__).with_name("demo.svg")
TITLE = "make demo, without a key: the sandbox answers"
WIDTH = 100
# Bright enough on black that dimmed text can be read as well.
_COLORS = [
    (72, 79, 88), (255, 123, 114), (126, 231, 135), (242, 204, 96),
    (121, 192, 255), (226, 188, 255), (118, 227, 234), (230, 237, 243),
]  # fmt: skip
THEME = TerminalTheme((13, 17, 23), (230, 237, 243), _COLORS, _COLORS)
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def record() -> tuple[int, Console]:
    """Run the demo; return its exit status and the console that it printed to."""
    for name in [name for name in os.environ if name.startswith("NANOGPT_")]:
        del os.environ[name]
    demo.console = Console(record=True, width=WIDTH, force_terminal=True)
    return demo.main(), demo.console


def to_svg(console: Console) -> str:
    """Return what was printed as SVG, in the reader's own monospaced font: nothing is fetched."""
    svg = console.export_svg(title=TITLE, theme=THEME, unique_id="demo", clear=False)
    return _FONT.sub("", svg).replace("Fira Code", "ui-monospace")


def text_of(svg: str) -> str:
    """Return the text of an SVG without passing values, so that two can be compared."""
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", svg)
    text: str = without_passing_values(html.unescape("".join(texts)).replace("\xa0", " "))
    return text


if __name__ == "__main__":
    status, printed = record()
    SVG.write_text(to_svg(printed), "utf-8")
    sys.exit(status)
