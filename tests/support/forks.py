"""Forked children that cannot outlive a test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def in_a_fork(work: Callable[[], object], seconds: int = 20) -> int:
    """Do the work in a forked child; return its exit code, 0 unless the work raised.

    When the time is over the child is killed, and the code is ``-SIGALRM``.
    """
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest-timeout has set a handler
            signal.alarm(seconds)
            work()
            code = 0
        finally:  # never back into the test run
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
