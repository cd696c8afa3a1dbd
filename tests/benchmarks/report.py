"""What was measured, as rows of a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.cases import Case
from tests.benchmarks.runner import Figure

HEAD = ("case", "ours", "compared with", "theirs", "ratio", "target")
Measured = Mapping[str, Figure]
_STREAM = "{} stream, text, 200 chunks"


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


def summary(rows: Sequence[Sequence[str]]) -> str:
    """Return the lines of README.md and of the home page, from the cells of the table."""
    cells = {(row[0], row[2]): row for row in rows}

    def line(what: str, case: str, *others: str) -> str:
        found = [cells[case, other] for other in others]
        besides = ", ".join(f"{row[3]} with `{row[2]}`" for row in found)
        return f"- {what}: {found[0][1]} of CPU time; {besides}."

    langchain, llama_index = "langchain_openai", "OpenAILike"
    return "\n".join(
        [
            line("A streamed chunk in LangChain", _STREAM.format("LangChain"), langchain),
            line("A streamed chunk in LlamaIndex", _STREAM.format("LlamaIndex"), llama_index),
            line("A whole call in LangChain", "LangChain call", langchain),
        ]
    )


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
                asked, held = "<= 1.2 x", seconds / other <= 1.2
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
    """Draw how many times as long as ours other libraries take, a panel per package of ours."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    panels: dict[str, list[tuple[str, str, float]]] = {}
    for case, figures in measured:
        if not case.faster:
            continue
        ours, *others = case.subjects
        for other in filter(_COLOURS.__contains__, others):
            ratio = figures[other].median / figures[ours].median
            panels.setdefault(ours, []).append((case.name.partition(" ")[2], other, ratio))
    heights = [len(bars) + 1.5 for bars in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(9, 1 + 0.24 * sum(heights)), height_ratios=heights, sharex=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for axis, (ours, bars) in zip(axes.flat, panels.items(), strict=True):
        _panel(axis, ours, bars)
    axes.flat[-1].set_xlabel("CPU time as multiples of ours (logarithmic)")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _panel(axis: Any, ours: str, bars: Sequence[tuple[str, str, float]]) -> None:
    """Draw a package's cases from top to bottom: a bar per other library."""
    told: set[str] = set()
    for at, (_, other, ratio) in enumerate(bars):
        label = None if other in told else other
        told.add(other)
        drawn = axis.barh(at, ratio - 1, left=1, color=_COLOURS[other], label=label)
        axis.bar_label(drawn, [f"{ratio:.1f}"], padding=3, fontsize=8)
    axis.set_xscale("log")
    ratios = [ratio for _, _, ratio in bars]
    axis.set_xlim(min(1, *ratios), max(100, *ratios))
    axis.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    axis.minorticks_off()
    axis.set_yticks(range(len(bars)), [name for name, _, _ in bars], fontsize=8)
    axis.invert_yaxis()
    axis.set_title(f"Beside {ours}, which takes 1", fontsize=10, loc="left")
    axis.legend(fontsize=8, loc="upper right", frameon=False, bbox_to_anchor=(1, 1.0))
    axis.spines[["top", "right"]].set_visible(False)


_COLOURS = {
    "langchain_openai": "#d9804a",
    "OpenAILike": "#d9804a",
    "openai": "#d9804a",
    "langchain_openrouter": "#b5495b",
}
