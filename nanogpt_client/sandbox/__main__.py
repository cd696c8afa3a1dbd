"""`python -m nanogpt_client.sandbox`: run the emulator until interrupted."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import threading
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
    options = _parser(prog).parse_args(arguments)
    with Sandbox(
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        balance=options.balance,
        rate=options.rate or None,
        scenario=options.scenario,
    ) as box:
        introduce(box, as_json=options.json)
        with contextlib.suppress(KeyboardInterrupt):
            (stop or threading.Event()).wait()
        if not options.json:
            left = box.app.balance
            say(f"\n{box.app.requests.total} requests answered, ${left} of pretend money left.")
    return 0


def introduce(box: Sandbox, *, as_json: bool) -> None:
    """Write what runs and how to reach it."""
    if as_json:
        fields = {"base_url": box.base_url, "api_key": box.api_key, "balance_usd": box.balance}
        say(json.dumps(fields, default=str))
        return
    say(
        "NanoGPT sandbox: an offline emulator. No model runs here and no money is spent.\n"
        f"  base URL  {box.base_url}\n"
        f"  API key   {box.api_key}\n"
        f"  balance   ${box.balance} (pretend)\n"
        "Ctrl-C stops it."
    )


def _parser(prog: str) -> argparse.ArgumentParser:
    description = "Run an offline emulator of the NanoGPT API."
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=8787, help="port; 0 chooses a free one")
    parser.add_argument("--api-key", default=DEFAULT_KEY, help="the key to accept")
    parser.add_argument("--balance", type=_dollars, default="5.00", help="pretend dollars")
    parser.add_argument(
        "--rate", type=_rate, default=25, help="requests per second; 0 for no limit"
    )
    parser.add_argument(
        "--scenario", type=_scenario, help="a fault, or one of: " + ", ".join(sorted(SCENARIOS))
    )
    parser.add_argument("--json", action="store_true", help="say how to reach it as one JSON line")
    return parser


def _dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount in USD")
    return amount


def _port(text: str) -> int:
    return _number(text, "a port: 0 to 65535", 65_535)


def _rate(text: str) -> int:
    return _number(text, "a number of requests: 0 or more", sys.maxsize)


def _number(text: str, what: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return int(text)


def _scenario(text: str) -> Scenario:
    try:
        return Scenario.of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    raise SystemExit(main())
