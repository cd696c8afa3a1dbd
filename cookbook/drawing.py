"""Draw the architecture page's image: ``python -m cookbook.drawing``.

Boxes are parts of the tree, numbers are the steps of one request, as on the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

IMAGE_FILE = Path(__file__).with_name("guides") / "architecture.svg"
WIDTH, HEIGHT = 860, 470
BLUE, PALE, LINE, INK = "#2a6f97", "#e8f1f5", "#89a3b0", "#1d2b33"


class Box(NamedTuple):
    """A part of the tree: where it is drawn, its name, and what it does."""

    x: int
    y: int
    width: int
    name: str
    does: str


BOXES = [
    Box(30, 80, 190, "langchain_nanogpt", "LangChain's types"),
    Box(240, 80, 190, "llama_index_nanogpt", "LlamaIndex's types"),
    Box(30, 210, 190, "_transport/runner.py", "performs steps; async twin"),
    Box(335, 210, 190, "_protocol/policy.py", "decides: send, wait, give up"),
    Box(640, 210, 190, "endpoints/", "how to ask, how to read"),
    Box(30, 310, 190, "_transport/http.py", "bytes; the one httpx"),
    Box(335, 310, 190, "_protocol/accounting.py", "budget before, ledger after"),
    Box(640, 310, 190, "types/  errors.py", "types, exceptions"),
    Box(30, 405, 190, "NanoGPT", "or the sandbox"),
]

# Arrows from point to point, with the number of the step beside them.
ARROWS = [
    ((125, 48), (125, 80), ""),
    ((335, 48), (335, 80), ""),
    ((125, 130), (125, 210), "1"),
    ((335, 130), (190, 210), "1"),
    ((220, 249), (335, 249), "3"),
    ((335, 222), (220, 222), "4"),
    ((640, 235), (525, 235), "2"),
    ((430, 310), (430, 260), "5"),
    ((125, 260), (125, 310), "4"),
    ((125, 360), (125, 405), ""),
    ((735, 310), (735, 260), "6"),
]


def draw() -> str:
    """Return the image as SVG."""
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'font-family="system-ui, sans-serif" font-size="13">'
        ),
        "<title>The packages, and the path of one request through them</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="white"/>',
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto">'
            f'<path d="M0 0 8 4 0 8z" fill="{LINE}"/></marker></defs>'
        ),
        (
            '<rect x="10" y="160" width="840" height="220" rx="8" fill="none" '
            f'stroke="{BLUE}" stroke-dasharray="5 4"/>'
        ),
        _text(840, 180, "nanogpt_client", colour=BLUE, anchor="end", bold=True),
        _text(230, 36, "your chain, agent, index", anchor="middle", bold=True),
        _text(640, 105, "Arrows: a request's path. Numbers: the steps below.", anchor="middle"),
        *(_arrow(start, end, step) for start, end, step in ARROWS),
        *(_box(box) for box in BOXES),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _box(box: Box) -> str:
    middle = box.x + box.width // 2
    frame = (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="50" rx="6" '
        f'fill="{PALE}" stroke="{LINE}"/>'
    )
    name = _text(middle, box.y + 21, box.name, anchor="middle", bold=True)
    return frame + name + _text(middle, box.y + 40, box.does, anchor="middle")


def _arrow(start: tuple[int, int], end: tuple[int, int], step: str) -> str:
    line = (
        f'<line x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}" '
        f'stroke="{LINE}" stroke-width="1.6" marker-end="url(#tip)"/>'
    )
    if not step:
        return line
    x, y = (start[0] + end[0]) // 2, (start[1] + end[1]) // 2
    disc = f'<circle cx="{x}" cy="{y}" r="10" fill="{BLUE}"/>'
    return line + disc + _text(x, y + 5, step, anchor="middle", colour="white", bold=True)


def _text(
    x: int, y: int, words: str, *, anchor: str = "start", colour: str = INK, bold: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"{weight}>{words}</text>'


if __name__ == "__main__":
    IMAGE_FILE.write_text(draw(), "utf-8")
