"""A process that measures one subject, told by lines of JSON: ``python -m … SUBJECT``.

A line in: ``[method, base, tasks, seconds]``. A line out: CPU seconds (user and system, of this
process alone) and seconds on the clock, of one repetition each. It repeats for as many seconds, and
does it once more before that, untimed: after a pause the processor has forgotten everything.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from functools import cache, partial
from typing import Any, cast

from tests.benchmarks.subjects import SUBJECTS, Action, together


def main(name: str) -> None:
    subject = SUBJECTS[name]()
    loop = asyncio.new_event_loop()

    @cache
    def prepared(method: str, base: str, tasks: int) -> Action:
        """Return what is to be timed."""
        action: Any = getattr(subject, method)(base)
        if method.startswith("a"):
            asynchronous = partial(together, action, tasks)
            action = lambda: loop.run_until_complete(asynchronous())
        return cast("Action", action)

    say("ready")
    for line in sys.stdin:
        method, base, tasks, seconds = json.loads(line)
        say(timed(prepared(method, base, tasks), seconds))


def say(value: object) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201 - how the processes speak


def timed(action: Action, seconds: float) -> tuple[float, float]:
    action()
    gc.collect()
    done = 0
    started, started_cpu = time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - started) < seconds or not done:
        action()
        done += 1
    return (time.process_time() - started_cpu) / done, passed / done


if __name__ == "__main__":
    main(sys.argv[1])
