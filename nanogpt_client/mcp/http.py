"""The transport over streamable HTTP, for several clients; by default on loopback alone."""

from __future__ import annotations

import hmac
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import uvicorn
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from nanogpt_client.errors import ConfigurationError

__all__ = ["PATH", "application", "serve_http"]

PATH = "/mcp"
_GRACE = 2  # seconds that open streams have when the server stops


async def serve_http(
    server: Any,
    *,
    host: str = "127.0.0.1",
    port: int = 8788,
    allowed_hosts: Sequence[str] = (),
    token: str | None = None,
    on_start: Callable[[str], object] = str,
) -> None:
    """Serve clients until Ctrl-C; ``on_start`` is called with the address once it listens.

    Requests must name ``host`` or one of ``allowed_hosts`` in their Host header, and come from a
    page of none other, so that no web page that a user opens can reach the tools by a name of its
    own (DNS rebinding). With a ``token`` they must carry it, as ``Authorization: Bearer``.

    Raises:
        ConfigurationError: others than this machine could spend without a token.
        OSError: the port is in use, or the address not this machine's.
    """
    if token is None and not _is_loopback(host):
        raise ConfigurationError(
            f"on {host} everybody who can reach this machine could spend your balance: set a token "
            "(NANOGPT_MCP_TOKEN), or listen on 127.0.0.1",
            param="host",
        )
    with _listener(host, port) as listener:
        port = listener.getsockname()[1]
        async with application(server, [host, *allowed_hosts], token) as app:
            config = uvicorn.Config(
                app, lifespan="off", ws="none", log_config=None, access_log=False,
                server_header=False, timeout_graceful_shutdown=_GRACE,
            )  # fmt: skip
            on_start(f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}")
            await uvicorn.Server(config).serve(sockets=[listener])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _security(hosts: Sequence[str]) -> TransportSecuritySettings:
    names = {*hosts, "127.0.0.1", "localhost", "::1"}
    written = sorted(f"[{name}]" if ":" in name else name for name in names)
    allowed = [form for name in written for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=allowed,
        allowed_origins=[f"{scheme}://{form}" for scheme in ("http", "https") for form in allowed],
    )


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


@asynccontextmanager
async def application(
    server: Any, hosts: Sequence[str], token: str | None
) -> AsyncIterator[ASGIApp]:
    """Yield the ASGI application that serves clients which name these hosts and carry the token."""
    manager = StreamableHTTPSessionManager(app=server, security_settings=_security(hosts))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].rstrip("/") != PATH:
            await PlainTextResponse(f"The server is at {PATH}.", 404)(scope, receive, send)
        elif token is not None and not _carries(scope, token):
            headers = {"WWW-Authenticate": "Bearer"}
            await PlainTextResponse("A token is needed.", 401, headers)(scope, receive, send)
        else:
            await manager.handle_request(scope, receive, send)

    async with manager.run():
        yield serve


def _carries(scope: Scope, token: str) -> bool:
    scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())
