"""The server over streamable HTTP: who may connect, and how it ends."""

from __future__ import annotations

import signal
import sys

import httpx
import pytest

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.mcp import ToolServer, create_server, serve_http
from nanogpt_client.mcp.http import _is_loopback, _security, application
from nanogpt_client.tools import Toolbox
from tests.unit.nanogpt_client.mcp.processes import address, listening

ACCEPT = {"Accept": "application/json, text/event-stream"}
TOKEN = "a-long-and-secret-token"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


async def post(path: str = "/mcp", **headers: str) -> int:
    """Greet a server whose other name is tools.test; return the status."""
    tools = ToolServer(Toolbox(api_key="unused"))
    given = {**ACCEPT, "Host": "127.0.0.1:80", "Authorization": f"Bearer {TOKEN}", **headers}
    async with application(create_server(tools), ["tools.test"], TOKEN) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://tools.test") as client:
            return (await client.post(path, json=INITIALIZE, headers=given)).status_code


@pytest.mark.parametrize(
    "name", ["127.0.0.1:80", "localhost:80", "[::1]:80", "tools.test", "localhost"]
)
async def test_its_own_names_reach_it(name):
    assert await post(Host=name) == 200


@pytest.mark.parametrize("name", ["evil.test", "127.0.0.1.evil.test:80", "evil.test:8788", ""])
async def test_other_names_do_not(name):
    assert await post(Host=name) == 421


async def test_a_foreign_page_does_not():
    assert await post(Origin="http://evil.test") == 403
    assert await post(Origin="http://localhost:3000") == 200


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
async def test_the_token_is_needed(given):
    assert await post(Authorization=given) == 401


async def test_other_paths_are_not_there():
    assert await post("/") == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "tools.test"])
async def test_others_may_not_spend_without_a_token(host):
    with pytest.raises(ConfigurationError, match="NANOGPT_MCP_TOKEN"):
        await serve_http(None, host=host, port=0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for one process")
def test_ctrl_c_ends_it_although_a_stream_is_open():
    with listening() as process:
        url = address(process)
        with httpx.Client(trust_env=False, timeout=20) as client:
            reply = client.post(url, json=INITIALIZE, headers=ACCEPT)
            session = {"Mcp-Session-Id": reply.headers["Mcp-Session-Id"]}
            with client.stream("GET", url, headers=ACCEPT | session) as events:
                assert events.status_code == 200
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("tools.test", False)],
)  # fmt: skip
def test_what_counts_as_this_machine(host, loopback):
    assert _is_loopback(host) is loopback


def test_addresses_of_version_6_are_written_in_brackets():
    settings = _security(["fd00::1"])
    assert "[fd00::1]:*" in settings.allowed_hosts
    assert "http://[fd00::1]:*" in settings.allowed_origins
    assert settings.enable_dns_rebinding_protection
