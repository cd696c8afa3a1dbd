"""The main job, `make demo`: it holds, and the README's picture shows what it prints."""

from __future__ import annotations

import pytest

from cookbook import demo
from cookbook.demo_picture import PICTURE, drawn, take, words_of
from tests.support.markdown_blocks import examples


@examples
@pytest.mark.timeout(180)  # on a machine that may be busy
def test_the_demo_prints_what_its_picture_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "console", demo.console)
    status, printed = take()
    assert status == 0
    assert words_of(drawn(printed)) == words_of(PICTURE.read_text("utf-8"))
