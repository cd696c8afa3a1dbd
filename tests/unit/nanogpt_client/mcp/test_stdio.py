"""The server over stdin and stdout, message by message."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys

import pytest

from nanogpt_client.cli import cli
from nanogpt_client.tools import Toolbox
from tests.support.paths import ROOT
from tests.unit.nanogpt_client.cli.running import offline, run
from tests.unit.nanogpt_client.mcp.processes import call, initialize, send, started


def test_stdout_carries_the_protocol_alone_and_it_ends_with_stdin(tmp_path):
    with started("--budget", "0.02", "--output-dir", str(tmp_path)) as process:
        about = initialize(process)
        assert about["serverInfo"]["name"] == "nanogpt"
        assert "tools" in about["capabilities"]
        made = call(process, "generate_image", prompt="a cat")
        assert made["isError"] is False
        assert made["_meta"]["nanogpt-integrations/cost_usd"] == "0.014"
        (saved,) = tmp_path.iterdir()
        assert made["structuredContent"]["path"] == str(saved)
        stopped = call(process, "generate_image", prompt="a dog")
        assert stopped["isError"] is True
        assert "budget" in stopped["content"][0]["text"]
        assert len(list(tmp_path.iterdir())) == 1
        rest, notes = process.communicate(timeout=20)  # closes stdin
    assert process.returncode == 0
    assert rest == b""
    assert notes.decode().splitlines()[-1].startswith("$0.014")


STRAY = """
import asyncio, os, sys
from nanogpt_client.mcp import stdio

class Server:
    def create_initialization_options(self): ...
    async def run(self, reading, writing, _):
        print("stray")
        os.write(1, b"stray, too\\n")
        async with writing:
            async for message in reading:
                await writing.send(message)
asyncio.run(stdio.serve_stdio(Server()))
print("afterwards")
"""


def test_what_else_is_printed_goes_to_stderr():
    message = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STRAY],
        input=message,
        capture_output=True,
        timeout=30,
        check=True,
    )
    echo, afterwards = done.stdout.splitlines()
    assert json.loads(echo) == json.loads(message)
    assert afterwards == b"afterwards"
    assert {b"stray", b"stray, too"} <= set(done.stderr.splitlines())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for one process")
def test_ctrl_c_ends_it_while_it_waits():
    with started() as process:
        initialize(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()


def test_a_client_that_is_gone_ends_it():
    with started() as process:
        initialize(process)
        assert process.stdout
        assert process.stdin
        process.stdout.close()
        send(process, "ping", id=1)
        assert process.wait(20) == 0
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()


def test_without_a_key_it_does_not_start():
    done = run("mcp", NANOGPT_API_KEY=None)
    assert done.exit_code == 3
    assert "NANOGPT_API_KEY" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "lots"], "'lots'"),
        (["--tool", "sing"], "'sing'"),
        (["--confirm-above", "-1"], "-1"),
        (["--http", "--host", "0.0.0.0"], "NANOGPT_MCP_TOKEN"),
        (["--audio-format", "wav"], "--audio-format"),
    ],
)
def test_a_wrong_option_is_an_error_at_once(options, message):
    done = offline("mcp", *options)
    assert done.exit_code == 2
    assert message in done.stderr


def test_the_configuration_in_the_guide_is_valid():
    guide = (ROOT / "cookbook/guides/mcp.md").read_text("utf-8")
    (block,) = re.findall(r"^```json\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    server = json.loads(block)["mcpServers"]["nanogpt"]
    assert server["command"] == "nanogpt"
    name, *options = server["args"]
    command = cli.commands[name]
    with command.make_context(name, options) as context:
        assert context.params["confirm_above_usd"] == 0.1


def test_every_option_is_a_setting_of_the_tools_or_of_the_server():
    common = {"as_json", "sandbox", "timeout", "budget"}
    names = {parameter.name for parameter in cli.commands["mcp"].params} - common
    of_the_server = {"http", "host", "port", "allowed_hosts", "token", "inline", "inline_limit"}
    assert names - Toolbox.model_fields.keys() == of_the_server | {"no_urls"}
