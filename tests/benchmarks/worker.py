"""A process that measures one subject, told by lines of JSON: ``python -m … SUBJECT``.

A line in: ``[method, base, repeat, tasks]``. A line out: CPU seconds (user and system, of this
process alone) and seconds on the clock, of one repetition each.
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
        """Return what is to be timed, after doing it once, which opens its connection."""
        action: Any = getattr(subject, method)(base)
        if method.startswith("a"):
            asynchronous = partial(together, action, tasks)
            action = lambda: loop.run_until_complete(asynchronous())
        action()
        return cast("Action", action)

    say("ready")
    for line in sys.stdin:
        method, base, repeat, tasks = json.loads(line)
        say(timed(prepared(method, base, tasks), repeat))


def say(value: object) -> None:
    print(json.dumps(value), flush=True)  # noqa: T201 - how the processes speak


def timed(action: Action, repeat: int) -> tuple[float, float]:
    gc.collect()
    started, started_cpu = time.perf_counter(), time.process_time()
    for _ in range(repeat):
        action()
    cpu = time.process_time() - started_cpu
    return cpu / repeat, (time.perf_counter() - started) / repeat


if __name__ == "__main__":
    main(sys.argv[1])
