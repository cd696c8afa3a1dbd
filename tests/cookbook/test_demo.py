"""The main job, `make demo`: it passes, and the README's image shows what it prints."""

from __future__ import annotations

import pytest

from cookbook import demo
from cookbook.demo_svg import SVG, record, text_of, to_svg
from tests.support.markdown_blocks import examples


@examples
@pytest.mark.timeout(180)  # on a machine that may be busy
def test_the_demo_prints_what_its_image_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "console", demo.console)
    status, printed = record()
    assert status == 0
    assert text_of(to_svg(printed)) == text_of(SVG.read_text("utf-8"))
