"""The tables that compare integrations: our own column is what the pages show."""

from __future__ import annotations

import pytest

from tests.peers.__main__ import COMPARISONS
from tests.peers.compare import ours_in_the_table, what_others_lose
from tests.support import tables


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.TABLE)
def test_our_column_is_up_to_date(comparison):
    assert ours_in_the_table(comparison) == comparison.column(comparison.OURS)


def test_the_readme_shows_rows_of_both_tables():
    assert tables.read("lost") == what_others_lose()
