"""Every notebook runs from top to bottom in the sandbox, and shows what is committed.

It writes into its folder ``out`` alone; one that does runs again, among the files of the first run.

Texts and tables must be the same but for passing values (`cookbook.execute`); images nearly so,
because another machine may draw a line a shade lighter.
"""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from itertools import zip_longest

import nbformat
import numpy as np
import pytest
from PIL import Image

from cookbook.execute import NOTEBOOKS, ROOT, outputs_of, without_passing_values

SHADES = 8  # of 255, on average over all pixels
SMALL = 400_000  # bytes
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


@each
@pytest.mark.timeout(300)  # a second process, on a machine that may be busy
def test_it_shows_what_is_committed_and_runs_among_its_own_files(path, tmp_path):
    # A process of its own, because Jupyter's client leaves sockets unclosed.
    command = [
        sys.executable,
        "-m",
        "cookbook.execute",
        path.name,
        "--to",
        str(tmp_path),
        "--twice",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for now, committed in zip_longest(
        outputs_of(read(tmp_path / path.name)), outputs_of(read(path))
    ):
        assert len(now) == len(committed), now
        for one, other in zip(now, committed, strict=True):
            assert one.keys() == other.keys()
            for kind in one:
                assert same(kind, one[kind], other[kind]), f"\nnow: {one}\ncommitted: {other}"


def same(kind, one, other):
    if kind in {"image/png", "image/jpeg"}:
        a, b = pixels(one), pixels(other)
        return a.shape == b.shape and float(np.abs(a - b).mean()) <= SHADES
    return one == other


def pixels(encoded):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"), float)


@each
def test_it_begins_with_what_the_reader_will_have(path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith(f"# {int(path.name[:2])}. ")
    assert "\n\nAt the end you will have " in first.source


@each
def test_it_is_small_and_says_nothing_of_a_machine(path):
    text = path.read_text("utf-8")
    assert len(text) < SMALL
    assert '"stderr"' not in text
    assert not re.search(r"/(?:home|root|tmp|work|usr|Users)/|site-packages|127\.0\.0\.1", text)
    cells = read(path).cells
    assert {str(cell.metadata) for cell in cells} == {"{}"}
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))


def test_they_are_numbered_without_a_gap():
    numbers = [path.name[:2] for path in NOTEBOOKS]
    assert numbers == [f"{number:02}" for number in range(1, len(numbers) + 1)]
    assert len(numbers) >= 12


@pytest.mark.parametrize(
    ("text", "stable"),
    [
        ("took 1.25 s at http://127.0.0.1:4711/", "took … s at http://127.0.0.1:…/"),
        ("<object at 0x7f00aa11bb22>", "<object at 0x…>"),
        ("3 models, 0.25 USD", "3 models, 0.25 USD"),
    ],
)
def test_only_passing_values_are_removed(text, stable):
    assert without_passing_values(text) == stable
