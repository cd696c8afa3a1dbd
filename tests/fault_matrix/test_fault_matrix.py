"""Every fault meets every caller: the right error, one bill, one entry."""

from __future__ import annotations

import pytest

from tests.fault_matrix.matrix import CELLS, run_cell


@pytest.mark.parametrize(
    ("fault", "caller"), CELLS, ids=[f"{fault.name}-{caller.name}" for fault, caller in CELLS]
)
def test_cell(fault, caller):
    seen = run_cell(fault, caller)
    assert not seen.differences(fault.expected, fault, caller)
