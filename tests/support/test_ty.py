"""What `ty` reports, and which of it was expected."""

from __future__ import annotations

from tests.support.paths import TESTS
from tests.support.ty import MARK, is_marked


def test_only_errors_on_marked_lines_are_expected():
    lines = (TESTS / "typing/api.py").read_text("utf-8").splitlines()
    marked = next(number for number, line in enumerate(lines, 1) if MARK in line)
    report = "tests/typing/api.py:{}:5: error[missing-argument] No argument"
    assert is_marked(report.format(marked))
    assert not is_marked(report.format(1))
    assert not is_marked("error: ty crashed")
