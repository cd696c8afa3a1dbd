"""Talk to the emulator in-process: httpx transports without sockets or threads.

    app = SandboxApp()
    client = httpx.Client(transport=SandboxTransport(app), base_url="http://sandbox.invalid")

Replies stream piece by piece. A stall really waits (up to the request's read timeout, then it is
`httpx.ReadTimeout`); a cut is `httpx.RemoteProtocolError`, as over a real connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import NoReturn

from nanogpt_client._transport.http import httpx
from nanogpt_client.sandbox.app import SandboxApp
from nanogpt_client.sandbox.messages import Cut, Piece, Reply, Request, Stall


class SandboxTransport(httpx.BaseTransport):
    """A sync httpx transport that asks a `SandboxApp`."""

    def __init__(self, app: SandboxApp) -> None:
        """Keep the app; several transports may share one."""
        self.app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        reply = self.app.handle(_incoming(request))
        pieces = list(reply.body)
        while pieces and isinstance(pieces[0], Stall):
            _wait(pieces.pop(0), request)
        return _response(reply, pieces, request)


class AsyncSandboxTransport(httpx.AsyncBaseTransport):
    """An async httpx transport that asks a `SandboxApp`; drawing and the like run in a thread."""

    def __init__(self, app: SandboxApp) -> None:
        """Keep the app; several transports may share one."""
        self.app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await request.aread()
        reply = await asyncio.to_thread(self.app.handle, _incoming(request))
        pieces = list(reply.body)
        while pieces and isinstance(pieces[0], Stall):
            await _wait_async(pieces.pop(0), request)
        return _response(reply, pieces, request)


class _Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a reply, for either kind of client."""

    def __init__(self, pieces: list[Piece], request: httpx.Request) -> None:
        self._pieces = pieces
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Stall):
                _wait(piece, self._request)
            elif isinstance(piece, Cut):
                _break_off(self._request)
            else:
                yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Stall):
                await _wait_async(piece, self._request)
            elif isinstance(piece, Cut):
                _break_off(self._request)
            else:
                yield piece
                await asyncio.sleep(0)


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


def _response(reply: Reply, pieces: list[Piece], request: httpx.Request) -> httpx.Response:
    if pieces and isinstance(pieces[0], Cut):
        raise httpx.RemoteProtocolError(
            "Server disconnected without sending a response.", request=request
        )
    headers = dict(reply.headers)
    if not reply.streams:
        headers["content-length"] = str(len(reply.content))
    stream = _Pieces(pieces, request)
    return httpx.Response(reply.status, headers=headers, stream=stream, request=request)


def _wait(stall: Piece, request: httpx.Request) -> None:
    seconds, late = _patience(stall, request)
    time.sleep(seconds)
    if late:
        _time_out(request)


async def _wait_async(stall: Piece, request: httpx.Request) -> None:
    seconds, late = _patience(stall, request)
    await asyncio.sleep(seconds)
    if late:
        _time_out(request)


def _patience(stall: Piece, request: httpx.Request) -> tuple[float, bool]:
    """Return how long to wait, and whether the read timeout ends the wait."""
    wanted = stall.seconds if isinstance(stall, Stall) else 0.0
    limit = request.extensions.get("timeout", {}).get("read")
    if limit is None or limit >= wanted:
        return wanted, False
    return limit, True


def _time_out(request: httpx.Request) -> NoReturn:
    raise httpx.ReadTimeout("The read operation timed out", request=request)


def _break_off(request: httpx.Request) -> NoReturn:
    raise httpx.RemoteProtocolError(
        "peer closed connection without sending complete message body", request=request
    )
