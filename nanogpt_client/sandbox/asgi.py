"""The emulator as an ASGI application for uvicorn; needs the extra `sandbox`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.app import SandboxApp
from nanogpt_client.sandbox.bodies import MAX_BODY
from nanogpt_client.sandbox.http import Cut, Reply, Request, Stall

with needs("sandbox", "the sandbox's server"):
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request as Incoming
    from starlette.types import Receive, Scope, Send


@dataclass(eq=False)
class SandboxASGI:
    """Hands requests to a `SandboxApp` and acts on the parts of its replies."""

    app: SandboxApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        incoming = Incoming(scope, receive)
        await _send(await run_in_threadpool(self.app.handle_served, await _read(incoming)), send)


async def _read(incoming: Incoming) -> Request:
    # The address that was connected to; the Host header may say anything.
    host, port = incoming.scope["server"]
    return Request(
        method=incoming.method,
        path=incoming.url.path,
        query=dict(incoming.query_params),
        headers=dict(incoming.headers),
        body=await _body(incoming),
        origin=f"{incoming.url.scheme}://{f'[{host}]' if ':' in host else host}:{port}",
    )


async def _body(incoming: Incoming) -> bytes:
    body = bytearray()
    async for part in incoming.stream():
        body += part
        if len(body) > MAX_BODY:
            break
    return bytes(body)


def _start(reply: Reply) -> dict[str, object]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in reply.sent_headers.items()]
    return {"type": "http.response.start", "status": reply.status, "headers": raw}


async def _send(reply: Reply, send: Any) -> None:
    """Send the parts one by one; the head goes with the first that is no stall."""
    started = False
    for part in reply.body:
        if isinstance(part, Stall):
            await asyncio.sleep(part.seconds)
            continue
        if isinstance(part, Cut):  # drop the connection, and wait until uvicorn has noticed
            cycle: Any = send.__self__  # uvicorn's state of this request
            cycle.transport.close()
            while not cycle.disconnected:  # noqa: ASYNC110 - a few steps
                await asyncio.sleep(0)
            return
        if not started:
            await send(_start(reply))
            started = True
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0)  # in which the loop notices that the client has gone
    await send({"type": "http.response.body", "body": b""})
