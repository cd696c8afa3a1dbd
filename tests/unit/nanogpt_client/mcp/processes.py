"""The command ``nanogpt mcp`` as a process of its own, on the emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COMMAND = (sys.executable, "-W", "error", "-m", "nanogpt_client", "mcp", "--sandbox")


@contextmanager
def started(*options: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start it, with pipes; it is ended at the latest when the block is."""
    process = subprocess.Popen(
        [*COMMAND, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def send(process: subprocess.Popen[bytes], method: str, **message: Any) -> None:
    """Write one message of the protocol to stdin."""
    assert process.stdin
    line = json.dumps({"jsonrpc": "2.0", "method": method, **message})
    process.stdin.write(line.encode() + b"\n")
    process.stdin.flush()


def receive(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Read one message of the protocol from stdout."""
    assert process.stdout
    line = process.stdout.readline()
    assert line, process.stderr and process.stderr.read().decode()
    message: dict[str, Any] = json.loads(line)
    assert message["jsonrpc"] == "2.0"
    return message


def initialize(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Greet the server; return what it says of itself."""
    client = {"name": "test", "version": "1"}
    parameters = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
    send(process, "initialize", id=0, params=parameters)
    answer: dict[str, Any] = receive(process)["result"]
    send(process, "notifications/initialized")
    return answer


def call(process: subprocess.Popen[bytes], name: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; return its result."""
    send(process, "tools/call", id=1, params={"name": name, "arguments": arguments})
    result: dict[str, Any] = receive(process)["result"]
    return result


def listening(*options: str) -> Any:
    """Start it over HTTP on a free port."""
    return started("--http", "--port", "0", *options)


def address(process: subprocess.Popen[bytes]) -> str:
    """Return the address that it says it listens on."""
    assert process.stderr
    for line in process.stderr:
        if b"listening on " in line:
            return line.split()[-1].decode()
    raise AssertionError("it does not listen")
