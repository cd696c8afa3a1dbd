"""Serve the emulator on a loopback port, in a thread of this process.

    with Sandbox() as box:
        client = NanoGPTClient(base_url=box.base_url, api_key=box.api_key)

Also as `async with`. Needs the extra `sandbox`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Self

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.app import SandboxApp
from nanogpt_client.sandbox.bodies import MAX_BODY
from nanogpt_client.sandbox.http import Cut, Reply, Request, Stall
from nanogpt_client.sandbox.transport import AsyncSandboxTransport, SandboxTransport

_PATIENCE = 10.0


@dataclass(kw_only=True, eq=False, repr=False)
class Sandbox(SandboxApp):
    """A running emulator: `base_url`, `api_key`, `requests`, `balance`.

    `host` is the address to listen on, and `port` 0 picks a free one; the other arguments are those
    of `SandboxApp`. An error that the sandbox's model raised while it served is raised again at the
    end of `with`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    _server: Any = field(default=None, init=False)  # a uvicorn.Server
    _thread: threading.Thread | None = field(default=None, init=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port; the port is set once the server runs."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI-style clients."""
        return f"{self.origin}/api/v1"

    def transport(self) -> SandboxTransport:
        """Return a sync httpx transport to the same app, without the server."""
        return SandboxTransport(self)

    def async_transport(self) -> AsyncSandboxTransport:
        """Return an async httpx transport to the same app, without the server."""
        return AsyncSandboxTransport(self)

    def start(self) -> None:
        """Listen and serve until `stop`. Raises `ImportError` without the extra, `OSError`."""
        server = _uvicorn_server(self)
        listener = _listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._server = server
        self._thread = threading.Thread(
            target=server.run, args=([listener],), name="nanogpt-sandbox", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _PATIENCE
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                listener.close()
                raise RuntimeError("the sandbox server did not start")
            time.sleep(0.002)

    def stop(self) -> None:
        """Stop serving; requests that still run are dropped."""
        if self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(_PATIENCE)
            self._server = self._thread = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop the server; raise what the model raised, over the exception that it led to."""
        self.stop()
        if self.model_error and (error is None or isinstance(error, Exception)):
            raise self.model_error

    async def __aenter__(self) -> Self:
        """Start the server."""
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Stop the server, as `__exit__` does."""
        await asyncio.to_thread(self.stop)
        self.__exit__(kind, error, trace)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's delay (40 ms a reply) only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        message = f"{error.strerror}; port 0 chooses a free one"
        raise OSError(error.errno, message, f"{host}:{port}") from None
    return listener


def _uvicorn_server(app: SandboxApp) -> Any:
    with needs("sandbox", "the sandbox's server"):
        import uvicorn  # noqa: PLC0415 - an extra
        from starlette.concurrency import run_in_threadpool  # noqa: PLC0415
        from starlette.requests import Request as Incoming  # noqa: PLC0415

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        request = await _read(Incoming(scope, receive))
        await _send(await run_in_threadpool(app.handle_served, request), send)

    quiet: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False}
    plain: dict[str, Any] = {"ws": "none", "lifespan": "off", "server_header": False}
    return uvicorn.Server(uvicorn.Config(serve, http="h11", loop="asyncio", **quiet, **plain))


async def _read(incoming: Any) -> Request:
    body = bytearray()
    async for part in incoming.stream():
        body += part
        if len(body) > MAX_BODY:
            break
    # The address that was connected to; the Host header may say anything.
    host, port = incoming.scope["server"]
    return Request(
        method=incoming.method,
        path=incoming.url.path,
        query=dict(incoming.query_params),
        headers=dict(incoming.headers),
        body=bytes(body),
        origin=f"{incoming.url.scheme}://{f'[{host}]' if ':' in host else host}:{port}",
    )


async def _send(reply: Reply, send: Any) -> None:
    """Send the parts one by one; the head goes with the first that is no stall."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in reply.sent_headers.items()]
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
            await send({"type": "http.response.start", "status": reply.status, "headers": raw})
            started = True
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0)  # in which the loop notices that the client has gone
    await send({"type": "http.response.body", "body": b""})
