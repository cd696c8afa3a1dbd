"""Every Python block of the README runs, in its order, as a reader would run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.fault_matrix.matrix import CELLS

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


# LangGraph's and LlamaIndex's own objects are dropped unclosed when the blocks' names go.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_examples_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(README.read_text("utf-8"))
    assert len(blocks) >= 4
    try:
        for block in blocks:
            exec(compile(block, str(README), "exec"), names)
    finally:
        for client in ("careful", "client"):
            names[client].close()
        names["box"].stop()
    printed = capsys.readouterr().out
    assert "84" in printed
    assert "Good morning" in printed
    assert "budget of 1 calls is used up" in printed
    assert list(tmp_path.glob("out/parrot.*"))


def test_its_figures_are_those_of_the_fault_matrix():
    # That none of the cells is a double send or a silent success, each cell's own test shows.
    assert f"\n| {len(CELLS)} | 0 | 0 |\n" in README.read_text("utf-8")


def test_it_names_the_two_commands():
    text = README.read_text("utf-8")
    assert "    make demo\n    make test\n" in text
