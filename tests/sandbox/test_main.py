"""`python -m nanogpt_client.sandbox`: what it prints, what it serves, how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading

import httpx
import pytest

from nanogpt_client.sandbox.__main__ import main


@pytest.fixture
def stop() -> threading.Event:
    """Return an event that ends the command at once."""
    event = threading.Event()
    event.set()
    return event


def test_it_says_what_it_is_and_how_to_reach_it(capsys, stop):
    options = ["--port", "0", "--balance", "1.5", "--api-key", "mine", "--rate", "0"]
    assert main(options, stop=stop) == 0
    said = capsys.readouterr().out
    for text in ("offline emulator", "pretend", "mine", "$1.5 "):
        assert text in said
    assert re.search(r"http://127\.0\.0\.1:\d+/api/v1", said)


def test_it_ends_on_an_interrupt():
    command = [sys.executable, "-W", "error", "-m", "nanogpt_client.sandbox", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        lines = [process.stdout.readline() for _ in range(5)]
        address = lines[1].split()[-1]
        assert httpx.get(f"{address}/models").status_code == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    assert "1 requests answered" in rest


def test_a_scenario_by_name(stop):
    assert main(["--port", "0", "--scenario", "outage"], stop=stop) == 0
    with pytest.raises(ValueError, match="unknown fault"):
        main(["--port", "0", "--scenario", "sunshine"], stop=stop)
