"""The one file that imports the HTTP library: requests out, `Reply` or `Unreachable` back.

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
from collections.abc import AsyncGenerator
from functools import cache, lru_cache, partial
from http.cookiejar import CookieJar
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, finalize

import httpx

from nanogpt_client._body import Body
from nanogpt_client._clients import Clients, Injected
from nanogpt_client._connection import AsyncConnection, Connection, Errors, unreachable
from nanogpt_client._core.call import Reply, Request
from nanogpt_client._core.flow import Addresses, Connected, Piece, Unreachable
from nanogpt_client._decoding import ACCEPT_ENCODING, UnreadableError, adecoded, decoded
from nanogpt_client._download import found, pinned, place_of
from nanogpt_client._version import __version__
from nanogpt_client.config import Config, certificate_paths

__all__ = ["AsyncTransport", "Transport", "httpx"]

CONNECT_SECONDS = 15.0

Exchanged: TypeAlias = Connected | Reply | Unreachable


class Transport:
    """Performs requests with blocking clients of its own, or with the caller's."""

    def __init__(self, config: Config, http_client: httpx.Client | None = None) -> None:
        self._config = config
        self._client_given = http_client
        self._injected = None if http_client is None else Injected(http_client)
        self._library = _library_of(http_client)
        self._errors = _errors_of(self._library)
        self._own: dict[int, Clients[httpx.Client]] = {}
        # Models of the frameworks are rarely closed by anyone. Unlike `__del__`, this comes before
        # the end of the sockets where all are collected at once, as after a call that failed.
        finalize(self, _close, self._own)

    def _clients(self) -> Clients[httpx.Client] | Injected[httpx.Client]:
        if self._injected is not None:
            return self._injected
        process = os.getpid()  # a forked child must not share its parent's sockets
        clients = self._own.get(process) or self._own.setdefault(
            process, Clients(lambda: httpx.Client(**_settings()))
        )
        for client in clients.expired():
            client.close()
        return clients

    def send(self, request: Request) -> Exchanged:
        """Send and read the whole answer."""
        seconds = request.timeout or self._config.timeout
        return self._exchange(request, seconds, streams=False)

    def open(self, request: Request, limit: float | None) -> Exchanged:
        """Send; return the open stream, or the whole answer if it is none."""
        return self._exchange(request, limit, streams=True)

    def _exchange(self, request: Request, seconds: float | None, *, streams: bool) -> Exchanged:
        body = Body(seconds, request.download_limit)
        clients = self._clients()
        client = clients.take()
        connection = None
        try:
            prepared = _build(client, self._library, request, self._config, seconds)
            response = client.send(prepared, stream=True, follow_redirects=False)
            if not streams or not _is_stream(response):
                return self._whole(response, body)
            connection = Connection(response, self._errors, partial(clients.give, client))
            return Connected(_reply(response, b"", self._config), connection, body.seconds())
        except self._errors as error:
            return unreachable(error)
        finally:
            if connection is None:
                clients.give(client)

    def _whole(self, response: httpx.Response, body: Body) -> Reply | Unreachable:
        try:
            for piece in decoded(response):
                if body.add(piece):
                    break
        except self._errors as error:
            return unreachable(error, response)
        finally:
            response.close()
        return _reply(response, body.whole(), self._config)

    def resolve(self, url: str) -> Addresses:
        """Look a URL's host up."""
        place = place_of(self._config, url)
        if isinstance(place, Addresses):
            return place
        try:
            entries = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)
        except OSError:
            entries = []
        return found(entries, self._client_given)

    def read(self, connection: Connection, limit: float | None) -> Piece | Unreachable:
        """Read the next bytes, at most ``limit`` seconds long."""
        return connection.read(limit)

    def close(self) -> None:
        """Close what was opened here; an injected client stays open."""
        _close(self._own)


class AsyncTransport:
    """Performs requests with async clients of the running event loop, or with the caller's."""

    def __init__(self, config: Config, http_client: httpx.AsyncClient | None = None) -> None:
        self._config = config
        self._client_given = http_client
        self._injected = None if http_client is None else Injected(http_client)
        self._library = _library_of(http_client)
        self._errors = _errors_of(self._library)
        self._own: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[Clients[httpx.AsyncClient], AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    async def _clients(self) -> Clients[httpx.AsyncClient] | Injected[httpx.AsyncClient]:
        if self._injected is not None:
            return self._injected
        loop = asyncio.get_running_loop()
        if certificate_paths() not in _read:
            await asyncio.to_thread(_certificates)  # they are files
        if loop not in self._own:
            for ended in [known for known in self._own if known.is_closed()]:
                del self._own[ended]  # their clients are closed, too
            clients = Clients(lambda: httpx.AsyncClient(**_settings()))
            keeper = _close_with_loop(clients)
            self._own[loop] = clients, keeper
            await anext(keeper)
        clients, _ = self._own[loop]
        for client in clients.expired():
            await client.aclose()
        return clients

    async def send(self, request: Request) -> Exchanged:
        """Send and read the whole answer."""
        seconds = request.timeout or self._config.timeout
        return await self._exchange(request, seconds, streams=False)

    async def open(self, request: Request, limit: float | None) -> Exchanged:
        """Send; return the open stream, or the whole answer if it is none."""
        return await self._exchange(request, limit, streams=True)

    async def _exchange(
        self, request: Request, seconds: float | None, *, streams: bool
    ) -> Exchanged:
        body = Body(seconds, request.download_limit)
        clients = await self._clients()
        client = clients.take()
        connection = None
        try:
            prepared = _build(client, self._library, request, self._config, seconds)
            response = await client.send(prepared, stream=True, follow_redirects=False)
            if not streams or not _is_stream(response):
                return await self._whole(response, body)
            connection = AsyncConnection(response, self._errors, partial(clients.give, client))
            return Connected(_reply(response, b"", self._config), connection, body.seconds())
        except self._errors as error:
            return unreachable(error)
        finally:
            if connection is None:
                clients.give(client)

    async def _whole(self, response: httpx.Response, body: Body) -> Reply | Unreachable:
        try:
            async for piece in adecoded(response):
                if body.add(piece):
                    break
        except self._errors as error:
            return unreachable(error, response)
        finally:
            await response.aclose()
        return _reply(response, body.whole(), self._config)

    async def resolve(self, url: str) -> Addresses:
        """Look a URL's host up."""
        place = place_of(self._config, url)
        if isinstance(place, Addresses):
            return place
        loop = asyncio.get_running_loop()
        try:
            entries = await loop.getaddrinfo(*place, type=socket.SOCK_STREAM)
        except OSError:
            entries = []
        return found(entries, self._client_given)

    async def read(self, connection: AsyncConnection, limit: float | None) -> Piece | Unreachable:
        """Read the next bytes, at most ``limit`` seconds long."""
        return await connection.read(limit)

    async def aclose(self) -> None:
        """Close what was opened here on the running loop; an injected client stays open."""
        _, keeper = self._own.pop(asyncio.get_running_loop(), (None, None))
        if keeper is not None:
            await keeper.aclose()


def _close(own: dict[int, Clients[httpx.Client]]) -> None:
    """Close the clients of this process."""
    clients = own.pop(os.getpid(), None)
    for client in clients.all() if clients else ():
        client.close()


async def _close_with_loop(clients: Clients[httpx.AsyncClient]) -> AsyncGenerator[None, None]:
    """Close the clients when their loop ends: then loops finalise their async generators."""
    try:
        yield
    finally:
        if not sys.is_finalizing():  # then its loop is gone, and the sockets go with the process
            for client in clients.all():
                await client.aclose()


class _NoCookies(CookieJar):
    """Keeps none: calls have nothing to do with each other, and looking for cookies takes time."""

    def extract_cookies(self, response: object, request: object) -> None: ...


def _settings() -> dict[str, Any]:
    """Return how our own clients are set up."""
    return {"verify": _certificates(), "cookies": _NoCookies()}


def _certificates() -> ssl.SSLContext:
    """Return what connections are checked against; reading it takes long, so once per process."""
    return _read_certificates(*certificate_paths())


@cache
def _read_certificates(*_: str | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    _read.add(certificate_paths())
    return context


_read: set[tuple[str | None, str | None]] = set()


def _library_of(client: Any) -> Any:
    """Return the module that a client is of."""
    roots = [cls.__module__.partition(".")[0] for cls in type(client).__mro__]
    return next((sys.modules[name] for name in roots if name.startswith("httpx")), httpx)


def _errors_of(library: Any) -> Errors:
    """Return what its clients raise where they get no answer."""
    return library.HTTPError, library.InvalidURL, TimeoutError, UnreadableError


def _build(
    client: Any, library: Any, request: Request, config: Config, timeout: float | None
) -> Any:
    url = (
        config.url(request.root, request.path)
        if request.download_limit is None
        else config.absolute(request.path)
    )
    headers: dict[str, str] = {"User-Agent": f"nanogpt-integrations/{__version__}"}
    # Media are packed already: what unpacks to more than it weighs is no picture.
    headers["Accept-Encoding"] = ACCEPT_ENCODING if request.download_limit is None else "identity"
    if request.download_limit is None or config.gets_key(url):
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
    target, way = pinned(_parsed(library, url), request)
    return client.build_request(
        request.method,
        target,
        params=request.query or None,
        headers=headers | way.pop("headers", {}),
        timeout=_timeout(library, timeout),
        **content,
        **way,
    )


@lru_cache(maxsize=32)
def _parsed(library: Any, url: str) -> Any:
    """Return a URL in the client's own library, parsed once."""
    return library.URL(url)


@lru_cache(maxsize=32)
def _timeout(library: Any, seconds: float | None) -> Any:
    """Return timeouts in the client's own library: seconds to read or write, less to connect."""
    connect = CONNECT_SECONDS if seconds is None else min(seconds, CONNECT_SECONDS)
    return library.Timeout(seconds, connect=connect)


def _is_stream(response: Any) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return response.is_success and not any(word in kind for word in ("json", "html"))


def _reply(response: Any, body: bytes, config: Config) -> Reply:
    reply = Reply(response.status_code, dict(response.headers), body)
    # Headers and errors may quote the key that was sent; nothing that we keep or log of them does.
    return reply.without(config.api_key.get_secret_value(), in_body=not reply.is_success)
