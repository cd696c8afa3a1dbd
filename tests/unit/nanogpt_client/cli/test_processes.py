"""The command as a process of its own: pipes, signals, what is missing, what is installed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client.__main__ import main
from nanogpt_client.extras import install_command
from tests.support.rawserver import EVENT_STREAM, End, RawServer, chunked
from tests.unit.nanogpt_client.cli.running import KEY

COMMAND = (sys.executable, "-W", "error", "-m", "nanogpt_client")


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NANOGPT_API_KEY": KEY, **environment},
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    with process:
        out, err = process.communicate(timeout=50)
    assert KEY not in out + err
    assert "Traceback" not in err
    return process.returncode, out, err


def test_it_runs_and_shows_no_colours_in_a_pipe():
    code, out, err = finished(start("--sandbox", "ask", "What is 12 times 7?", "--effort", "high"))
    assert code == 0
    assert out == "You said: What is 12 times 7?\n"
    assert "\x1b" not in out + err


def test_ctrl_c_closes_the_connection_and_is_130():
    event = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
    with RawServer([EVENT_STREAM, chunked(event), End.HOLD]) as server:
        process = start("ask", "hi", NANOGPT_BASE_URL=server.base_url)
        assert process.stdout
        assert process.stdout.read(5) == "Hello"
        process.send_signal(signal.SIGINT)
        code, out, err = finished(process)
        assert server.posts == 1
    assert code == 130
    assert out == "\n"
    assert err.startswith("interrupted\nunknown cost")


def test_a_closed_pipe_is_not_reported():
    process = start("models", "--offline")
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    with process:
        err = process.stderr.read()
        assert process.wait(50) == 141
    assert err == ""


def test_the_sandbox_can_be_used_from_another_command_with_every_option():
    options = ("--host", "127.0.0.1", "--port", "0", "--api-key", "made-up", "--balance", "3.5")
    more = ("--rate", "0", "--scenario", "rate-limited", "--strict-models", "--json")
    with start("sandbox", *options, *more) as box:
        assert box.stdout
        server = json.loads(box.stdout.readline())
        there = {"NANOGPT_API_KEY": "made-up", "NANOGPT_BASE_URL": server["base_url"]}
        balance, unknown = (
            finished(start(*command, "--json", **there))
            for command in (("balance",), ("ask", "hi", "-m", "openai/unheard-of"))
        )
        box.send_signal(signal.SIGINT)
        rest, err = box.communicate(timeout=50)
    assert server["api_key"] == "made-up"
    assert (balance[0], json.loads(balance[1])["usd"]) == (0, "3.5")
    assert (unknown[0], "openai/unheard-of" in unknown[2]) == (5, True)
    assert (rest, err, box.returncode) == ("", "", 0)


WITHOUT = """
import runpy, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name + " is blocked", name=name)

sys.meta_path.insert(0, Blocker())
sys.argv = ["nanogpt", {arguments}]
runpy.run_module("nanogpt_client", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("blocked", "arguments", "advice"),
    [
        ({"click", "rich"}, ["balance"], install_command("cli")),
        ({"rich"}, ["balance"], install_command("cli")),
        ({"PIL"}, ["--sandbox", "draw", "hi"], install_command("sandbox")),
        ({"uvicorn"}, ["sandbox"], install_command("sandbox")),
    ],
)
def test_a_missing_extra_is_named_in_one_line(blocked, arguments, advice, tmp_path):
    code = WITHOUT.format(blocked=blocked, arguments=", ".join(map(repr, arguments)))
    done = run_python("-c", code, cwd=tmp_path)
    assert done.returncode == 1
    assert sum(advice in line for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_closed_streams_are_like_devnull():
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COMMAND, "--sandbox", "ask", "hi"]
    assert subprocess.run(command, check=False, timeout=50).returncode == 0


def test_a_taken_port_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run_python("-m", "nanogpt_client.sandbox", "--port", port)
        _, _, err = finished(start("sandbox", "--port", port))
    for text in (done.stderr, err):
        assert len(text.splitlines()) == 1
        assert f"127.0.0.1:{port}" in text
        assert "port 0 chooses a free one" in text


def run_python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109 - also from elsewhere
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env=environment,
        **options,
    )


def test_the_command_is_declared_as_nanogpt():
    declared = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert EntryPoint("nanogpt", declared["nanogpt"], "console_scripts").load() is main
