"""What was measured, as rows of a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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


def memory_row(held: float, text: float) -> Row:
    """Return what the client holds (MB) while it reads a stream, above the text itself."""
    above = held - text
    case = f"nanogpt_client: held beside a {text:.0f} MB stream's text"
    return Row(case, f"{above:.1f} MB", "", "", "", "<= 4 MB", above <= 4)


def cells(row: Row) -> list[str]:
    """Return a row's columns; what is slower than asked for is marked."""
    return [*row[:5], row.asked + ("" if row.held is not False else " (missed)")]


def draw(path: Path, measured: Sequence[tuple[Case, Measured]]) -> None:
    """Draw how many times as long as ours the others take, a panel per package of ours."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    panels: dict[str, list[tuple[Case, Measured]]] = {}
    for case, figures in measured:
        if case.faster:
            panels.setdefault(case.subjects[0], []).append((case, figures))
    heights = [sum(len(case.subjects) for case, _ in rows) for rows in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(9, 1.5 + 0.2 * sum(heights)), height_ratios=heights,
        sharex=True, squeeze=False, layout="constrained",
    )  # fmt: skip
    for panel, (ours, rows) in zip(axes.flat, panels.items(), strict=True):
        _panel(panel, ours, rows)
    axes.flat[-1].set_xlabel("CPU time, as multiples of ours (logarithmic)")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _panel(panel: Any, ours: str, rows: Sequence[tuple[Case, Measured]]) -> None:
    """Draw the cases of one package from top to bottom, each with a bar per other subject."""
    place, ticks, labelled = 0.0, [], set()
    for case, figures in rows:
        others = case.subjects[1:]
        for at, name in enumerate(others):
            ratio = figures[name].median / figures[ours].median
            label = None if name in labelled else name
            labelled.add(name)
            bar = panel.barh(place + at, ratio, color=_COLOURS[name], label=label)
            panel.bar_label(bar, [f"{ratio:.1f}"], padding=3, fontsize=7)
        ticks.append((place + (len(others) - 1) / 2, case.name.partition(" ")[2]))
        place += len(others) + 0.7
    panel.axvline(1, color="black", linewidth=1)
    panel.set_xscale("log")
    panel.margins(x=0.1, y=0.02)
    panel.set_yticks(*zip(*ticks, strict=True), fontsize=8)
    panel.invert_yaxis()
    panel.set_title(f"{ours} (the line at 1) and others", fontsize=10, loc="left")
    panel.legend(fontsize=8, loc="lower right", frameon=False)
    panel.spines[["top", "right"]].set_visible(False)


_COLOURS = {
    "langchain_openai": "#d9804a",
    "OpenAILike": "#d9804a",
    "openai": "#d9804a",
    "langchain_openrouter": "#b5495b",
    "langchain floor": "#999999",
    "llama_index floor": "#999999",
    "httpx + json": "#cccccc",
}
