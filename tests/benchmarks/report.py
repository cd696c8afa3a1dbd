"""What was measured, as rows of a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.cases import Case
from tests.benchmarks.runner import Figure

HEAD = ("case", "ours", "compared with", "theirs", "ratio", "asked for")
Measured = Mapping[str, Figure]


class Row(NamedTuple):
    """Ours beside one other: numbers as text, and whether it is as fast as asked for."""

    case: str
    ours: str
    other: str
    theirs: str
    ratio: str
    asked: str
    held: bool | None


def case_rows(case: Case, figures: Measured) -> list[Row]:
    """Return ours beside each other subject, and beside the floor."""
    unit = "ms" if case.method == "first" else "µs"
    scale = 1000 if unit == "ms" else 1
    ours = figures[case.subjects[0]].median
    rows = []

    def row(other: str, theirs: float, ratio: float, asked: str, held: bool | None) -> None:
        rows.append(
            Row(
                case.name,
                f"{ours / scale:.1f} {unit}",
                other,
                f"{theirs / scale:.1f} {unit}",
                f"{ratio:.1f} x",
                asked,
                held,
            )
        )

    for subject in case.subjects[1:]:
        if "floor" in subject or (case.floors and subject in case.floors[0]):
            continue
        theirs, wanted = figures[subject].median, case.faster.get(subject)
        ratio = theirs / ours
        asked = "" if wanted is None else f">= {wanted:g} x"
        row(subject, theirs, ratio, asked, None if wanted is None else ratio >= wanted)
    if case.floors:
        parts, most = case.floors
        floor = sum(figures[part].median for part in parts)
        row(" + ".join(parts), floor, ours / floor, f"<= {most:g} x", ours / floor <= most)
    return rows


def import_rows(imports: Mapping[str, Mapping[str, Figure]]) -> list[Row]:
    """Return imports beside those of their frameworks, and of other integrations."""
    bases = {
        "langchain": "langchain_core's chat model",
        "llama_index": "llama_index.core.llms",
        "openai": "nanogpt_client.NanoGPTClient",
    }
    rows = []
    for name, figures in imports.items():
        base = next((b for start, b in bases.items() if name.startswith(start)), None)
        if base not in imports or name == base:
            base = None
        seconds, megabytes = figures["seconds"].median, figures["megabytes"].median
        ratio = asked = theirs = ""
        held: bool | None = None
        if base is not None:
            other = imports[base]["seconds"].median
            theirs, ratio = f"{other:.2f} s", f"{seconds / other:.2f} x"
            if "nanogpt" in name:
                asked, held = "<= 1.08 x", seconds / other <= 1.08
        if name == "nanogpt_client":
            asked, held = "<= 0.45 s", seconds <= 0.45
        size = f"{seconds:.2f} s, {megabytes:.0f} MB"
        rows.append(Row(f"import {name}", size, base or "", theirs, ratio, asked, held))
    return rows


def memory_rows(held: Mapping[str, float], text: float) -> list[Row]:
    """Return what is held while a stream is read, above the text itself."""
    return [
        Row(
            f"{subject}: held beside a {text:.0f} MB stream's text",
            f"{megabytes - text:.1f} MB",
            "",
            "",
            "",
            "<= 4 MB" if subject == "nanogpt_client" else "",
            megabytes - text <= 4 if subject == "nanogpt_client" else None,
        )
        for subject, megabytes in held.items()
    ]


def cells(row: Row) -> list[str]:
    """Return a row's columns; what is slower than asked for is marked."""
    return [*row[:5], row.asked + ("" if row.held is not False else " (missed)")]


def draw(path: Path, measured: Sequence[tuple[Case, Measured]]) -> None:
    """Draw what each subject takes, a panel per case."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    shown = [(case, figures) for case, figures in measured if case.faster]
    columns = 2
    rows = -(-len(shown) // columns)
    figure, panels = plt.subplots(rows, columns, figsize=(12, 1.7 * rows), squeeze=False)
    for panel, (case, figures) in zip(panels.flat, shown, strict=False):
        names = list(case.subjects)
        values = [figures[name].median for name in names]
        colours = [_colour(name, case) for name in names]
        bars = panel.barh(names, values, color=colours)
        panel.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3, fontsize=8)
        panel.invert_yaxis()
        panel.set_title(f"{case.name}, µs", fontsize=9, loc="left")
        panel.margins(x=0.15)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels.flat[len(shown) :]:
        panel.set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _colour(name: str, case: Case) -> str:
    if name == case.subjects[0]:
        return "#1f77b4"
    return "#bbbbbb" if "floor" in name or name == "httpx + json" else "#d9804a"
