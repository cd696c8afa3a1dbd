"""Talk to the emulator in-process: httpx transports without sockets or threads.

    app = SandboxApp()
    client = httpx.Client(transport=SandboxTransport(app), base_url="http://sandbox.invalid")

Replies stream part by part. A stall really waits (up to the request's read timeout, then it is
`httpx.ReadTimeout`); a cut is `httpx.RemoteProtocolError`, as over a real connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import chain

from nanogpt_client._transport.http import httpx
from nanogpt_client.sandbox.app import SandboxApp
from nanogpt_client.sandbox.http import Cut, Reply, Request


@dataclass(eq=False)
class SandboxTransport(httpx.BaseTransport):
    """A sync httpx transport that asks a `SandboxApp`; several may share one."""

    app: SandboxApp

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        reply = self.app.handle(_incoming(request))
        steps = _steps(reply, request)
        while not isinstance(first := next(steps, b""), bytes):
            time.sleep(first)
        return _response(reply, chain([first], steps), request)


@dataclass(eq=False)
class AsyncSandboxTransport(httpx.AsyncBaseTransport):
    """An async httpx transport that asks a `SandboxApp`; the work itself runs in a thread."""

    app: SandboxApp

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await request.aread()
        reply = await asyncio.to_thread(self.app.handle, _incoming(request))
        steps = _steps(reply, request)
        while not isinstance(first := next(steps, b""), bytes):  # noqa: ASYNC110 - a stall
            await asyncio.sleep(first)
        return _response(reply, chain([first], steps), request)


@dataclass(eq=False)
class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a reply, for either kind of client."""

    steps: Iterator[bytes | float]

    def __iter__(self) -> Iterator[bytes]:
        for step in self.steps:
            if isinstance(step, bytes):
                yield step
            else:
                time.sleep(step)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self.steps:
            if isinstance(step, bytes):
                yield step
            await asyncio.sleep(0 if isinstance(step, bytes) else step)


def _incoming(request: httpx.Request) -> Request:
    port = f":{request.url.port}" if request.url.port else ""
    return Request(
        method=request.method,
        path=request.url.path,
        query=dict(request.url.params),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.content,
        origin=f"{request.url.scheme}://{request.url.host}{port}",
    )


def _response(
    reply: Reply, steps: Iterator[bytes | float], request: httpx.Request
) -> httpx.Response:
    headers, body = reply.sent_headers, _Body(steps)
    return httpx.Response(reply.status, headers=headers, stream=body, request=request)


def _steps(reply: Reply, request: httpx.Request) -> Iterator[bytes | float]:
    """Yield the bytes of a body and the seconds to wait between them; raise what a cut leads to."""
    lost = "Server disconnected without sending a response."
    limit = request.extensions.get("timeout", {}).get("read")
    for part in reply.body:
        if isinstance(part, Cut):
            raise httpx.RemoteProtocolError(lost, request=request)
        if isinstance(part, bytes):
            lost = "peer closed connection without sending complete message body"
            yield part
        elif limit is None or limit >= part.seconds:
            yield part.seconds
        else:
            yield limit
            raise httpx.ReadTimeout("The read operation timed out", request=request)
