"""A job that fails is refunded: the account, the ledger and the budget end at the same sum."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client import AsyncNanoGPTClient, Budget, JobFailedError, NanoGPTClient
from nanogpt_client.sandbox import Sandbox

MODEL = "sandbox/fault/job-failed"


def in_threads(box: Any, budget: Budget) -> tuple[JobFailedError, Decimal]:
    with NanoGPTClient(box.api_key, base_url=box.base_url, budget=budget) as client:
        with pytest.raises(JobFailedError) as caught:
            client.generate_video("a fox", model=MODEL, poll_interval=0.01)
        return caught.value, client.ledger.spent


def in_a_loop(box: Any, budget: Budget) -> tuple[JobFailedError, Decimal]:
    async def run() -> tuple[JobFailedError, Decimal]:
        client = AsyncNanoGPTClient(box.api_key, base_url=box.base_url, budget=budget)
        async with client:
            with pytest.raises(JobFailedError) as caught:
                await client.generate_video("a fox", model=MODEL, poll_interval=0.01)
            return caught.value, client.ledger.spent

    return asyncio.run(run())


@pytest.mark.parametrize("run", [in_threads, in_a_loop])
def test_what_failed_costs_nothing_anywhere(run):
    budget = Budget(usd=Decimal(1))
    with Sandbox() as box:
        before = box.balance
        error, spent = run(box, budget)
        assert box.balance == before
    assert (error.cost, error.maybe_billed) == (0, False)
    assert error.code == "content_policy_violation"
    assert spent == budget.spent == 0
