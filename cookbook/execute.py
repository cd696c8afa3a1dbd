"""Run notebooks and store their outputs: ``python -m cookbook.execute`` runs all of them again.

The committed outputs always come from the sandbox: keys are hidden from the notebooks. What differs
from run to run or from machine to machine is removed.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "cookbook" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SECONDS = 120  # for one cell, on a machine that may be busy

# Values of this run alone: durations, ports, addresses in memory, random identifiers.
_PASSING = [
    (re.compile(r"\b\d+(?:\.\d+)?\s+s\b"), "… s"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:…"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "…"),
]


def run(path: Path, *, twice: bool = False) -> Any:
    """Run a notebook from top to bottom in an empty folder and return it with its outputs.

    Args:
        path: the notebook.
        twice: if it wrote files, run it once more among them, in a kernel of its own.

    Raises:
        CellExecutionError: of nbclient; a cell failed.
        RuntimeError: it wrote files outside of the folder ``out``.
    """
    with tempfile.TemporaryDirectory() as folder:
        notebook = _run_in(folder, path)
        if twice and any(Path(folder).iterdir()):
            _run_in(folder, path)
        if left := {found.name for found in Path(folder).iterdir()} - {"out"}:
            raise RuntimeError(f"{path.name} writes {', '.join(sorted(left))} outside of out/")
    return tidy(notebook)


def _run_in(folder: str, path: Path) -> Any:
    notebook: Any = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call] # its own
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NANOGPT_")}
    environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as sockets:
        client = NotebookClient(
            notebook,
            timeout=SECONDS,
            # Sockets in a folder, not ports: nobody else on the machine can join in.
            km=AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{sockets}/kernel"),
            extra_arguments=["--log-level=40"],
            coalesce_streams=True,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=environment)
    return notebook


def tidy(notebook: Any) -> Any:
    """Remove the metadata of the machine and the session that ran the notebook."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            if len(output.get("data", {})) > 1:  # the plain text is for terminals
                output.data.pop("text/plain", None)
    return notebook


def outputs_of(notebook: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield the outputs of each code cell, by MIME type, without passing values."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield [_content(output) for output in cell.outputs]


def _content(output: Any) -> dict[str, Any]:
    found = output.get("data") or {output.get("name", output.output_type): output.get("text", "")}
    return {kind: without_passing_values(value) for kind, value in found.items()}


def without_passing_values(value: Any) -> Any:
    """Return a text without the values that differ from run to run."""
    if isinstance(value, str):
        for pattern, stand_in in _PASSING:
            value = pattern.sub(stand_in, value)
    return value


def main(arguments: list[str] | None = None) -> None:
    """Run notebooks, several at once, and write them back or to another folder."""
    parser = argparse.ArgumentParser("python -m cookbook.execute", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="parts of their files' names; by default all")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder to write them to")
    parser.add_argument("--twice", action="store_true", help="run those that write files again")
    options = parser.parse_args(arguments)
    wanted = options.names or [""]
    chosen = [path for path in NOTEBOOKS if any(name in path.name for name in wanted)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, notebook in zip(
            chosen, pool.map(partial(run, twice=options.twice), chosen), strict=True
        ):
            target = options.to / path.name
            nbformat.write(notebook, target)  # type: ignore[no-untyped-call] # its own
            print(f"{path.name}: {target.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
