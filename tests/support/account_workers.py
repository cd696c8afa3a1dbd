"""What worker processes do with an account; imports little, as each of them imports it anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from nanogpt_client import NanoGPTClient, NanoGPTError, batch_row
from nanogpt_client.account import Account

MODEL = "openai/gpt-5.2"
ROWS = [batch_row(f"row {number}", model=MODEL, max_tokens=9) for number in range(3)]


def ask(account: Account, base_url: str, calls: int, threads: int = 4) -> list[str]:
    """Make chat calls in threads; return "ok" or the name of the error of each."""
    with NanoGPTClient("any", base_url=base_url, account=account) as client:

        def one(_: int) -> str:
            try:
                return "ok" if client.chat("hi", model=MODEL).text else "empty"
            except NanoGPTError as error:
                return type(error).__name__

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, range(calls)))


def ready(base_url: str) -> None:
    """Load what a first call needs."""
    with NanoGPTClient("any", base_url=base_url) as client:
        client.chat("hi", model=MODEL)


def submit(settings: dict[str, Any], account: Account) -> str:
    """Submit a batch; return its id."""
    with NanoGPTClient(**settings, account=account) as client:
        return client.batches.submit(ROWS, inline=False).id


def collect(settings: dict[str, Any], account: Account, batch: str) -> int:
    """Collect a batch; return how many rows it has."""
    with NanoGPTClient(**settings, account=account) as client:
        return len(list(client.batches.results(batch, poll_interval=0.01)))
