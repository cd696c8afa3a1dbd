"""What a forked child did is seen, and a child that hangs is killed."""

from __future__ import annotations

import signal
import time

from tests.support.forks import in_a_fork


def fail() -> None:
    raise ValueError


def test_the_exit_code_says_whether_it_failed():
    assert in_a_fork(int) == 0
    assert in_a_fork(fail) == 1


def test_a_child_that_hangs_is_killed():
    assert in_a_fork(lambda: time.sleep(50), seconds=1) == -signal.SIGALRM
