"""The one file that knows the HTTP library: requests out, `Reply` or `Unreachable` back.

Both transports do the same with and without ``await``; what to do about an outcome is decided in
`_core.flow`. The library's successor has the same interface, so moving to it is one line here, and
an injected client may be of either: its own module names its exceptions.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import replace
from functools import cache, lru_cache
from http.cookiejar import CookieJar
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import httpx

from nanogpt_client._body import Body
from nanogpt_client._core.call import Reply, Request
from nanogpt_client._core.flow import Addresses, Connected, Piece, Unreachable
from nanogpt_client._version import __version__
from nanogpt_client._watchdog import Guard, watchdog
from nanogpt_client.config import Config

__all__ = ["AsyncTransport", "Transport", "httpx"]

CONNECT_SECONDS = 15.0
# In these the connection failed before the request could be written to it.
_UNSENT = (
    "ConnectError", "ConnectTimeout", "InvalidURL", "PoolTimeout", "ProxyError",
    "UnsupportedProtocol",
)  # fmt: skip

# More calls at once than httpx allows by default, and their connections kept for the next ones.
_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=200)

Errors: TypeAlias = tuple[type[Exception], ...]


class Transport:
    """Performs requests with a blocking client of its own, or with the caller's."""

    def __init__(self, config: Config, http_client: httpx.Client | None = None) -> None:
        self._config = config
        self._injected = http_client
        self._errors = _errors_of(http_client)
        self._own: dict[int, httpx.Client] = {}
        self._lock = threading.Lock()

    @property
    def _client(self) -> httpx.Client:
        if self._injected is not None:
            return self._injected
        process = os.getpid()  # a forked child must not share its parent's sockets
        with self._lock:
            if process not in self._own:
                self._own[process] = httpx.Client(**_settings())
            return self._own[process]

    def send(self, request: Request) -> Reply | Unreachable:
        """Send and read the whole answer."""
        client = self._client
        seconds = request.timeout or self._config.timeout
        body = Body(seconds, request.download_limit)
        try:
            prepared = _build(client, request, self._config, seconds)
            response = client.send(prepared, stream=True, follow_redirects=False)
        except self._errors as error:
            return _unreachable(error)
        return self._whole(response, body)

    def open(self, request: Request, limit: float | None) -> Connected | Reply | Unreachable:
        """Send; return the open stream, or the whole answer if it is none."""
        client = self._client
        body = Body(limit)
        try:
            prepared = _build(client, request, self._config, limit)
            response = client.send(prepared, stream=True, follow_redirects=False)
        except self._errors as error:
            return _unreachable(error)
        if not _is_stream(response):
            return self._whole(response, body)
        connection = _Connection(response, self._errors)
        return Connected(_reply(response, b"", self._config), connection, body.seconds())

    def _whole(self, response: httpx.Response, body: Body) -> Reply | Unreachable:
        try:
            for piece in response.iter_bytes():
                if body.add(piece):
                    break
        except self._errors as error:
            return _unreachable(error, response)
        finally:
            response.close()
        return _reply(response, body.whole(), self._config)

    def resolve(self, url: str) -> Addresses:
        """Look a URL's host up."""
        host, port = self._config.host_to_check(url)
        if host is None:
            return Addresses(trusted=True)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:  # behind a proxy names may be unknown here; connecting will tell
            return Addresses(trusted=False)
        return Addresses(trusted=False, addresses=[str(entry[4][0]) for entry in found])

    def read(self, connection: _Connection, limit: float | None) -> Piece | Unreachable:
        """Read the next bytes, at most ``limit`` seconds long."""
        return connection.read(limit)

    def __del__(self) -> None:
        self.close()  # models of the frameworks are rarely closed by anyone

    def close(self) -> None:
        """Close what was opened here; an injected client stays open."""
        client = self._own.pop(os.getpid(), None)
        if client is not None:
            client.close()


class _Connection:
    """An open stream; as the library fixes read timeouts per request, a guard ends slow reads."""

    def __init__(self, response: httpx.Response, errors: Errors) -> None:
        self._response = response
        self._errors = errors
        self._pieces: Iterator[bytes] = response.iter_bytes()
        self._guard = Guard(_socket_of(response))
        if self._guard.socket is not None:
            _no_read_timeout(response)

    def read(self, limit: float | None) -> Piece | Unreachable:
        started = time.monotonic()
        try:
            with watchdog.guarding(self._guard, limit):
                data = next(self._pieces, b"")
        except self._errors as error:
            return _unreachable(error, timed_out=self._guard.fired)
        if self._guard.fired:
            return Unreachable(sent=True, reason="silence", timed_out=True)
        return Piece(data, time.monotonic() - started)

    def close(self) -> None:
        self._response.close()


class AsyncTransport:
    """Performs requests with an async client per running event loop, or with the caller's."""

    def __init__(self, config: Config, http_client: httpx.AsyncClient | None = None) -> None:
        self._config = config
        self._injected = http_client
        self._errors = _errors_of(http_client)
        self._own: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[httpx.AsyncClient, AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    async def _client(self) -> httpx.AsyncClient:
        if self._injected is not None:
            return self._injected
        loop = asyncio.get_running_loop()
        if loop not in self._own:
            for ended in [known for known in self._own if known.is_closed()]:
                del self._own[ended]  # their clients are closed, too
            client = httpx.AsyncClient(**_settings())
            keeper = _close_with_loop(client)
            self._own[loop] = client, keeper
            await anext(keeper)
        return self._own[loop][0]

    async def send(self, request: Request) -> Reply | Unreachable:
        """Send and read the whole answer."""
        client = await self._client()
        seconds = request.timeout or self._config.timeout
        body = Body(seconds, request.download_limit)
        try:
            prepared = _build(client, request, self._config, seconds)
            response = await client.send(prepared, stream=True, follow_redirects=False)
        except self._errors as error:
            return _unreachable(error)
        return await self._whole(response, body)

    async def open(self, request: Request, limit: float | None) -> Connected | Reply | Unreachable:
        """Send; return the open stream, or the whole answer if it is none."""
        client = await self._client()
        body = Body(limit)
        try:
            prepared = _build(client, request, self._config, limit)
            response = await client.send(prepared, stream=True, follow_redirects=False)
        except self._errors as error:
            return _unreachable(error)
        if not _is_stream(response):
            return await self._whole(response, body)
        connection = _AsyncConnection(response, self._errors)
        return Connected(_reply(response, b"", self._config), connection, body.seconds())

    async def _whole(self, response: httpx.Response, body: Body) -> Reply | Unreachable:
        try:
            async for piece in response.aiter_bytes():
                if body.add(piece):
                    break
        except self._errors as error:
            return _unreachable(error, response)
        finally:
            await response.aclose()
        return _reply(response, body.whole(), self._config)

    async def resolve(self, url: str) -> Addresses:
        """Look a URL's host up."""
        host, port = self._config.host_to_check(url)
        if host is None:
            return Addresses(trusted=True)
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:  # behind a proxy names may be unknown here; connecting will tell
            return Addresses(trusted=False)
        return Addresses(trusted=False, addresses=[str(entry[4][0]) for entry in found])

    async def read(self, connection: _AsyncConnection, limit: float | None) -> Piece | Unreachable:
        """Read the next bytes, at most ``limit`` seconds long."""
        return await connection.read(limit)

    async def aclose(self) -> None:
        """Close what was opened here on the running loop; an injected client stays open."""
        _, keeper = self._own.pop(asyncio.get_running_loop(), (None, None))
        if keeper is not None:
            await keeper.aclose()


class _AsyncConnection:
    """An open stream on an event loop."""

    def __init__(self, response: httpx.Response, errors: Errors) -> None:
        self._response = response
        self._errors = errors
        self._pieces: AsyncIterator[bytes] = response.aiter_bytes()
        _no_read_timeout(response)

    async def read(self, limit: float | None) -> Piece | Unreachable:
        started = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                data = await anext(self._pieces, b"")
        except TimeoutError:
            return Unreachable(sent=True, reason="silence", timed_out=True)
        except self._errors as error:
            return _unreachable(error)
        return Piece(data, time.monotonic() - started)

    async def aclose(self) -> None:
        await self._response.aclose()


async def _close_with_loop(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    """Close the client when its loop ends: that is when loops finalise their async generators."""
    try:
        yield
    finally:
        if not sys.is_finalizing():  # then its loop is gone, and the sockets go with the process
            await client.aclose()


class _NoCookies(CookieJar):
    """Keeps none: calls have nothing to do with each other, and looking for cookies takes time."""

    def extract_cookies(self, response: object, request: object) -> None: ...


def _settings() -> dict[str, Any]:
    """Return how our own clients are set up."""
    return {"verify": _certificates(), "limits": _LIMITS, "cookies": _NoCookies()}


def _certificates() -> ssl.SSLContext:
    """Return what connections are checked against; reading it takes long, so once per process."""
    return _read_certificates(ssl.get_default_verify_paths())  # which SSL_CERT_FILE changes


@cache
def _read_certificates(_: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _library_of(client: Any) -> Any:
    """Return the module whose exceptions a client raises."""
    roots = [cls.__module__.partition(".")[0] for cls in type(client).__mro__]
    return next((sys.modules[name] for name in roots if name.startswith("httpx")), httpx)


def _errors_of(client: Any) -> Errors:
    """Return what a client raises where it gets no answer."""
    library = _library_of(client)
    return library.HTTPError, library.InvalidURL, TimeoutError


def _build(client: Any, request: Request, config: Config, timeout: float | None) -> Any:
    url = (
        config.url(request.root, request.path)
        if request.download_limit is None
        else config.absolute(request.path)
    )
    headers: dict[str, str] = {"User-Agent": f"nanogpt-integrations/{__version__}"}
    if request.download_limit is None or config.is_own(url):
        key = config.api_key.get_secret_value()
        # Some routes were seen to accept only the second form.
        headers |= {"Authorization": f"Bearer {key}", "x-api-key": key}
        headers |= config.default_headers
    headers |= request.headers
    content: dict[str, Any] = {}
    if request.files:
        content["data"] = dict(request.form or {})
        content["files"] = [
            (field, (part.name, part.data, part.content_type)) for field, part in request.files
        ]
    elif request.content is not None:
        content["content"], kind = request.encoded(config.compress_above)
        headers |= kind
    return client.build_request(
        request.method,
        _parsed(_library_of(client), url),
        params=request.query or None,
        headers=headers,
        timeout=_timeout(client, timeout),
        **content,
    )


@lru_cache(maxsize=32)
def _parsed(library: Any, url: str) -> Any:
    """Return a URL in the client's own library, parsed once."""
    return library.URL(url)


def _timeout(client: Any, seconds: float | None) -> Any:
    """Return timeouts in the client's own library: seconds to read or write, less to connect."""
    connect = CONNECT_SECONDS if seconds is None else min(seconds, CONNECT_SECONDS)
    return _library_of(client).Timeout(seconds, connect=connect)


def _is_stream(response: Any) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return response.is_success and not any(word in kind for word in ("json", "html"))


def _reply(response: Any, body: bytes, config: Config) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    key = config.api_key.get_secret_value()
    # Headers and errors may quote the key that was sent; nothing that we keep or log of them does.
    reply = replace(Reply(response.status_code, headers).without(key), body=body)
    return reply if reply.is_success else reply.without(key)


def _unreachable(error: Exception, response: Any = None, *, timed_out: bool = False) -> Unreachable:
    names = {cls.__name__ for cls in type(error).__mro__}
    _forget_locals(error)
    return Unreachable(
        sent=names.isdisjoint(_UNSENT),
        reason=str(error) or type(error).__name__,
        timed_out=timed_out or bool(names & {"TimeoutException", "TimeoutError"}),
        request_id=None if response is None else response.headers.get("x-request-id"),
        cause=error,
    )


def _forget_locals(error: BaseException | None) -> None:
    """Drop the tracebacks of the HTTP library's errors.

    Their frames hold the headers, and so the key, which a report with local variables would print.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def _no_read_timeout(response: Any) -> None:
    """Lift the request's own read timeout: from here on each read has its own limit.

    It was for the headers; for the body it is looked up again when its first bytes are asked for.
    """
    response.request.extensions.get("timeout", {})["read"] = None


def _socket_of(response: Any) -> Any:
    """Return the socket under a stream, or ``None`` where there is none (in-process transports)."""
    network = response.extensions.get("network_stream")
    return network.get_extra_info("socket") if network is not None else None
