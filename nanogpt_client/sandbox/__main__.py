"""`python -m nanogpt_client.sandbox`: run the emulator until interrupted."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from nanogpt_client.sandbox.app import DEFAULT_KEY
from nanogpt_client.sandbox.faults import SCENARIOS, Scenario
from nanogpt_client.sandbox.server import Sandbox


def say(line: str = "") -> None:
    """Write one line for the person who started the server."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(
    arguments: list[str] | None = None,
    *,
    prog: str = "python -m nanogpt_client.sandbox",
    stop: threading.Event | None = None,
) -> int:
    """Serve until Ctrl-C (or until `stop` is set); return the exit status."""
    options = vars(_parser(prog).parse_args(arguments))
    as_json, rate = options.pop("json"), options.pop("rate")
    with Sandbox(rate=rate or None, **options) as box:
        introduce(box, as_json=as_json)
        with contextlib.suppress(KeyboardInterrupt):
            (stop or threading.Event()).wait()
        if not as_json:
            left = f"${box.balance} of pretend money left"
            say(f"\n{box.requests.total} requests answered, {left}.")
    return 0


def introduce(box: Sandbox, *, as_json: bool) -> None:
    """Write what runs and how to reach it."""
    if as_json:
        fields = {"base_url": box.base_url, "api_key": box.api_key, "balance_usd": box.balance}
        return say(json.dumps(fields, default=str))
    return say(
        "NanoGPT sandbox: an offline emulator. No model runs here and no money is spent.\n"
        f"  base URL  {box.base_url}\n  API key   {box.api_key}\n"
        f"  balance   ${box.balance} (pretend)\nCtrl-C stops it."
    )


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog, description="Run an offline emulator of the NanoGPT API."
    )
    add = parser.add_argument
    port = _number("a port: 0 to 65535", 65_535)
    rate = _number("a number of requests: 0 or more", sys.maxsize)
    names = "a fault, or one of: " + ", ".join(sorted(SCENARIOS))
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=port, default=8787, help="port; 0 chooses a free one")
    add("--api-key", default=DEFAULT_KEY, help="the key to accept")
    add("--balance", type=_dollars, default="5.00", help="pretend dollars")
    add("--rate", type=rate, default=25, help="requests per second; 0 for no limit")
    add("--scenario", type=_scenario, help=names)
    add("--strict-models", action="store_true", help="refuse unlisted chat models")
    add("--json", action="store_true", help="say how to reach it as one JSON line")
    return parser


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount in USD")
    return amount


def _number(what: str, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) > most:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return int(text)

    return read


def _scenario(text: str) -> Scenario:
    try:
        return Scenario.of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ImportError, OSError) as error:  # the extra is missing, or the port is in use
        sys.exit(f"error: {error}")
