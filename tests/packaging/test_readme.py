"""Every Python block of the README runs, in its order, as a reader would run it."""

from __future__ import annotations

import re

from nanogpt_client import bundled_models
from nanogpt_client.sandbox import DEFAULT_KEY
from tests.benchmarks import report
from tests.faults.matrix.matrix import CELLS
from tests.support import tables
from tests.support.markdown_blocks import blocks, examples, run_blocks
from tests.support.paths import README, ROOT


@examples
def test_the_examples_run(sandbox_environment, capsys):
    assert run_blocks(README) >= 4
    printed = capsys.readouterr().out
    assert printed.count("[^1]: ") == 2
    assert "USD spent" in printed


def test_the_examples_are_short():
    assert max(len(block.splitlines()) for block in blocks(README)) <= 12


def test_the_sandbox_takes_the_key_that_it_names():
    assert f"NANOGPT_API_KEY={DEFAULT_KEY}" in README.read_text("utf-8")


def test_it_links_to_what_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text("utf-8"))
    assert len(links) > 15
    assert [link for link in links if not (README.parent / link).exists()] == []


def test_the_figures_are_those_of_the_fault_matrix():
    # That no cell is a double send or a silent success is what `make fault-matrix` exits by.
    promises = ROOT / "cookbook" / "guides" / "promises.md"
    assert f"\n| {len(CELLS)} | 0 | 0 |\n" in promises.read_text("utf-8")
    home = ROOT / "cookbook" / "index.md"
    assert f"{len(CELLS):,} combinations of callers and faults: 0 " in home.read_text("utf-8")


def test_its_number_of_models_is_that_of_the_catalogue():
    assert len(bundled_models.models()) >= 600
    assert "600 models" in README.read_text("utf-8")


def test_its_lines_on_speed_are_rows_of_the_table():
    places = tables.pages_of("speed-summary")
    assert [page.name for page in places] == ["README.md", "index.md"]
    for page in places:
        assert tables.read("speed-summary", page) == report.summary(tables.rows("speed"))


def test_it_is_read_in_a_minute():
    assert len(README.read_text("utf-8").splitlines()) <= 160


def test_it_names_the_two_commands():
    text = README.read_text("utf-8")
    assert "    make demo\n    make test\n" in text
