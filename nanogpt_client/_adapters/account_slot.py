"""Slots in an account's queue for requests that this package does not send itself."""

from __future__ import annotations

import asyncio
import time

from nanogpt_client._protocol.rate_limit import SHORTEST_SLEEP
from nanogpt_client._protocol.steps import Block, Sleep, Steps, off_loop
from nanogpt_client._transport.concurrency import block, block_async
from nanogpt_client.account import Account

__all__ = ["atake_slot", "take_slot"]


def take_slot(account: Account, *, blocking: bool = True) -> bool:
    """Wait for a slot and return ``True``; ``False`` if there is none now, without ``blocking``."""
    steps = _slot(account, blocking=blocking)
    try:
        step = next(steps)
        while True:
            if isinstance(step, Block):
                step = steps.send(block(step))
            elif isinstance(step, Sleep):
                time.sleep(step.seconds)
                step = next(steps)
    except StopIteration as stop:
        return bool(stop.value)


async def atake_slot(account: Account, *, blocking: bool = True) -> bool:
    """Do the same without blocking the event loop."""
    steps = _slot(account, blocking=blocking)
    try:
        step = next(steps)
        while True:
            if isinstance(step, Block):
                step = steps.send(await block_async(step))
            elif isinstance(step, Sleep):
                await asyncio.sleep(step.seconds)
                step = next(steps)
    except StopIteration as stop:
        return bool(stop.value)


def _slot(account: Account, *, blocking: bool) -> Steps[bool]:
    if not blocking:
        status = yield from off_loop(account.status)
        if status.queued_seconds >= SHORTEST_SLEEP:
            return False
    admission = yield from off_loop(account.admit)
    while admission.seconds >= SHORTEST_SLEEP:
        yield Sleep(admission.seconds)
        admission = yield from off_loop(account.confirm, admission.slot)
    return True
