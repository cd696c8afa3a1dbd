"""A sample of the matrix, a fault and a caller in each cell: the right error, one bill, one entry.

``make fault-matrix`` runs all cells.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.matrix.callers import CALLERS
from tests.faults.matrix.faults import FAULTS
from tests.faults.matrix.matrix import CELLS, MONEY, run_cell, sample

SAMPLE = sample()
NAMES = [(fault.name, caller.name) for fault, caller in SAMPLE]


@pytest.mark.parametrize(("fault", "caller"), SAMPLE, ids=["-".join(names) for names in NAMES])
def test_cell(fault, caller):
    seen = run_cell(fault, caller)
    assert not seen.differences(fault, caller)


def test_the_sample_covers_every_fault_and_every_caller():
    assert len(set(NAMES)) == len(NAMES) < 400
    faults = Counter(fault for fault, _ in NAMES)
    callers = Counter(caller for _, caller in NAMES)
    assert {fault.name for fault in FAULTS if faults[fault.name] < 2} == set()
    assert {caller.name for caller in CALLERS if callers[caller.name] < 3} == set()


def test_the_sample_holds_every_cell_that_decides_about_money():
    assert {fault.name for fault in FAULTS} >= MONEY
    wanted = {(fault.name, caller.name) for fault, caller in CELLS if fault.name in MONEY}
    assert wanted <= set(NAMES)
