"""Every Python block of the README runs, in its order, as a reader would run it."""

from __future__ import annotations

import re

from nanogpt_client.sandbox import DEFAULT_KEY
from tests.faults.matrix.matrix import CELLS
from tests.support.markdown_blocks import blocks, examples, run_blocks
from tests.support.paths import README


@examples
def test_the_examples_run(sandbox_environment, tmp_path, capsys):
    assert run_blocks(README) >= 4
    printed = capsys.readouterr().out
    assert "84" in printed
    assert "no fees" in printed or "without fees" in printed
    assert "budget of 1 calls is used up" in printed
    assert (tmp_path / "parrot.png").exists()


def test_the_examples_are_short():
    assert max(len(block.splitlines()) for block in blocks(README)) <= 12


def test_the_sandbox_takes_the_key_that_it_names():
    assert f"NANOGPT_API_KEY={DEFAULT_KEY}" in README.read_text("utf-8")


def test_it_links_to_what_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text("utf-8"))
    assert len(links) > 15
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_its_figures_are_those_of_the_fault_matrix():
    # That no cell is a double send or a silent success is what `make fault-matrix` exits by.
    assert f"\n| {len(CELLS)} | 0 | 0 |\n" in README.read_text("utf-8")


def test_it_names_the_two_commands():
    text = README.read_text("utf-8")
    assert "    make demo\n    make test\n" in text
