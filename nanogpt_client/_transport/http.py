"""The only module that imports the HTTP library: sends a `Request`, returns a `Reply` or why not.

Both transports do the same, with and without ``await``; `_protocol.policy` decides what follows
from an outcome. An injected client may be of httpx or of httpx2, which has the same interface.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache, lru_cache, partial
from http.cookiejar import CookieJar
from typing import Any, TypeAlias
from weakref import finalize

import httpx

from nanogpt_client._protocol.call import Reply, Request
from nanogpt_client._protocol.steps import Addresses, Connected, Unreachable
from nanogpt_client._transport.connection_queue import ConnectionQueue
from nanogpt_client._transport.download import found, pinned, place_of
from nanogpt_client._transport.pool import (
    IDLE_SECONDS,
    AsyncClientPool,
    AsyncPooledClient,
    ClientPool,
    ExternalClient,
    Lease,
    PooledClient,
    close_with_loop,
    idle_policy_of,
    make_interruptible,
)
from nanogpt_client._transport.response_body import (
    ACCEPT_ENCODING,
    ResponseBody,
    adecoded,
    decoded,
    has_trailing_data,
)
from nanogpt_client._transport.send_progress import BlockingSendProgress, SendProgress, Timeouts
from nanogpt_client._transport.stall_timer import Deadline, stall_timer
from nanogpt_client._transport.stream import (
    AsyncConnection,
    Connection,
    Errors,
    is_clean,
    lacks_descriptor,
    unreachable,
)
from nanogpt_client._transport.upload import read_off_loop
from nanogpt_client._version import __version__
from nanogpt_client.config import Config, certificate_paths
from nanogpt_client.errors import ConfigurationError

__all__ = ["AsyncTransport", "Transport", "httpx"]

CONNECT_SECONDS = 15.0

Exchanged: TypeAlias = Connected | Reply | Unreachable

_NOT_ATTEMPTED = Unreachable(sent=False, reason="not attempted")


class _BaseTransport:
    """What both transports hold, apart from the HTTP clients that they make themselves."""

    _pooled: type[PooledClient[Any]]

    def __init__(
        self, config: Config, http_client: Any = None, queue: ConnectionQueue | None = None
    ) -> None:
        self._config = config
        self._queue = queue or ConnectionQueue(config.max_connections)
        self._injected_client = http_client
        self._injected = None if http_client is None else ExternalClient(http_client, self._pooled)
        self._library = _library_of(http_client)
        self._errors = Errors.of(self._library)
        self._idle_policy = idle_policy_of(config.origin)


class Transport(_BaseTransport):
    """Sends requests with blocking HTTP clients of its own, or with the caller's."""

    _pooled = PooledClient

    def __init__(
        self,
        config: Config,
        http_client: httpx.Client | None = None,
        queue: ConnectionQueue | None = None,
    ) -> None:
        super().__init__(config, http_client, queue)
        self._timeouts: dict[int, Timeouts] = {}
        self._own: dict[int, ClientPool[httpx.Client]] = {}
        # The frameworks' models are rarely closed. Unlike `__del__`, this runs before the sockets
        # are finalised when all are garbage collected together, as after a failed call.
        finalize(self, _close, self._own)

    def ready(self) -> None:
        """Do nothing: threads need no preparation."""

    def _clients(self) -> ClientPool[httpx.Client] | ExternalClient[httpx.Client]:
        if self._injected is not None:
            return self._injected
        process = os.getpid()  # a forked child must not share its parent's sockets
        return self._own.get(process) or self._own.setdefault(
            process, ClientPool(_new_client, self._idle_policy)
        )

    def send(self, request: Request) -> Exchanged:
        """Send and read the whole response."""
        seconds = request.timeout or self._config.timeout
        return self._exchange(request, seconds, streams=False)

    def open(self, request: Request, limit: float | None) -> Exchanged:
        """Send; return the open stream, or the whole response if it is not a stream."""
        return self._exchange(request, limit, streams=True)

    def _exchange(self, request: Request, seconds: float | None, *, streams: bool) -> Exchanged:
        lease = Lease(self._queue.of_process, self._clients())
        outcome: Exchanged = _NOT_ATTEMPTED
        try:
            lease.queue.acquire(lease.slot)
            for pause in _pauses(seconds):
                outcome = self._attempt(lease, request, seconds, streams=streams)
                if not lacks_descriptor(outcome):
                    break
                lease.clients.close_idle()
                time.sleep(pause)
        finally:
            if not isinstance(outcome, Connected):
                lease.release()
        return outcome

    def _attempt(
        self, lease: Lease[httpx.Client], request: Request, seconds: float | None, *, streams: bool
    ) -> Exchanged:
        try:
            pooled = lease.acquire()
        except _CANNOT_BE_MADE as error:
            return _not_made(error)
        own = pooled.client is not self._injected_client
        deadline, body = Deadline(), ResponseBody.of(request, seconds)
        timeouts = Timeouts(_to_connect(seconds), seconds, self._timeouts)
        begin = None if own or seconds is None else partial(stall_timer.watch, deadline, seconds)
        progress = BlockingSendProgress(pooled, deadline, timeouts, begin)
        extensions = {"trace": progress.note, "timeout": timeouts}
        response = connection = None
        try:
            with stall_timer.limiting(deadline, seconds if own else None):
                prepared = _build(pooled.client, self._library, request, self._config, extensions)
                response = pooled.client.send(prepared, stream=True, follow_redirects=False)
                if streams and _is_stream(response):
                    connection = Connection(response, self._errors, lease, timeouts)
                    return Connected(
                        _reply(response, b"", self._config), connection, body.seconds()
                    )
                _read(response, body, lease)
            if deadline.fired:  # then the deadline may have ended the body
                raise TimeoutError
            return _reply(response, body.whole(), self._config)
        except self._errors.all as error:
            lease.failed(pooled, response, body.seconds())
            return unreachable(
                error, self._errors, response, progress=progress, timed_out=deadline.fired
            )
        finally:
            if connection is None:
                timeouts.forget()

    def resolve(self, url: str) -> Addresses:
        """Look up a URL's host."""
        place = place_of(self._config, url)
        if isinstance(place, Addresses):
            return place
        try:
            entries = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)
        except OSError:
            entries = []
        return found(entries, self._injected_client)

    def close(self) -> None:
        """Close what was opened here; an injected client stays open."""
        _close(self._own)


class AsyncTransport(_BaseTransport):
    """Sends requests with HTTP clients of the running event loop, or with the caller's."""

    _pooled = AsyncPooledClient

    def __init__(
        self,
        config: Config,
        http_client: httpx.AsyncClient | None = None,
        queue: ConnectionQueue | None = None,
    ) -> None:
        super().__init__(config, http_client, queue)
        self._own: dict[asyncio.AbstractEventLoop, AsyncClientPool[httpx.AsyncClient]] = {}
        finalize(self, _close_soon, self._own)

    def ready(self) -> None:
        """Refuse event loops other than asyncio's, before the call is counted.

        Raises:
            ConfigurationError: no asyncio loop is running.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            msg = (
                "AsyncNanoGPTClient needs asyncio; with trio, use NanoGPTClient in threads "
                "(trio.to_thread.run_sync)"
            )
            raise ConfigurationError(msg) from None

    async def _clients(self) -> ClientPool[httpx.AsyncClient] | ExternalClient[httpx.AsyncClient]:
        if self._injected is not None:
            return self._injected
        loop = asyncio.get_running_loop()
        if certificate_paths() not in _read_from:
            with suppress(*_CANNOT_BE_MADE):  # making the client raises it again
                await asyncio.to_thread(_certificates)  # reads files
        clients = self._own.get(loop)
        if clients is None:
            for ended in [other for other in self._own if other.is_closed()]:
                del self._own[ended]  # so are its clients
            clients = AsyncClientPool(
                lambda: httpx.AsyncClient(**_settings()), loop, self._idle_policy
            )
            self._own[loop] = clients
            await close_with_loop(clients)
        return clients

    async def send(self, request: Request) -> Exchanged:
        """Send and read the whole response."""
        seconds = request.timeout or self._config.timeout
        return await self._exchange(request, seconds, streams=False)

    async def open(self, request: Request, limit: float | None) -> Exchanged:
        """Send; return the open stream, or the whole response if it is not a stream."""
        return await self._exchange(request, limit, streams=True)

    async def _exchange(
        self, request: Request, seconds: float | None, *, streams: bool
    ) -> Exchanged:
        lease = Lease(self._queue.of_process, await self._clients())
        outcome: Exchanged = _NOT_ATTEMPTED
        try:
            await lease.queue.acquire_async(lease.slot)
            for pause in _pauses(seconds):
                outcome = await self._attempt(lease, request, seconds, streams=streams)
                if not lacks_descriptor(outcome):
                    break
                lease.clients.close_idle()
                await asyncio.sleep(pause)
        finally:
            if not isinstance(outcome, Connected):
                lease.release()
        return outcome

    async def _attempt(
        self,
        lease: Lease[httpx.AsyncClient],
        request: Request,
        seconds: float | None,
        *,
        streams: bool,
    ) -> Exchanged:
        try:
            pooled = lease.acquire()
        except _CANNOT_BE_MADE as error:
            return _not_made(error)
        own = pooled.client is not self._injected_client
        body, response = ResponseBody.of(request, seconds), None
        limit = asyncio.timeout(seconds if own else None)
        begin = None if own or seconds is None else partial(_reschedule, limit, seconds)
        progress = SendProgress(pooled, begin)
        timeouts = {"connect": _to_connect(seconds), "read": None, "write": None, "pool": None}
        extensions = {"trace": progress.note_async, "timeout": timeouts}
        try:
            async with limit:
                prepared = _build(pooled.client, self._library, request, self._config, extensions)
                read_off_loop(prepared, request, self._library)
                response = await pooled.client.send(prepared, stream=True, follow_redirects=False)
                if streams and _is_stream(response):
                    connection = AsyncConnection(response, self._errors, lease)
                    return Connected(
                        _reply(response, b"", self._config), connection, body.seconds()
                    )
                await _read_async(response, body, lease)
            return _reply(response, body.whole(), self._config)
        except self._errors.all as error:
            lease.failed(pooled, response, body.seconds())
            return unreachable(error, self._errors, response, progress=progress)

    async def resolve(self, url: str) -> Addresses:
        """Look up a URL's host."""
        place = place_of(self._config, url)
        if isinstance(place, Addresses):
            return place
        loop = asyncio.get_running_loop()
        try:
            entries = await loop.getaddrinfo(*place, type=socket.SOCK_STREAM)
        except OSError:
            entries = []
        return found(entries, self._injected_client)

    async def aclose(self) -> None:
        """Close what was opened here on the running loop; an injected client stays open."""
        # Without any clients there may be no loop of asyncio's either.
        clients = self._own.pop(asyncio.get_running_loop(), None) if self._own else None
        if clients is not None:
            clients.forget()
            await asyncio.sleep(0)  # in which the loop closes the sockets


def _close(own: dict[int, ClientPool[httpx.Client]]) -> None:
    """Close the clients of this process."""
    clients = own.pop(os.getpid(), None)
    if clients is not None:
        clients.close()


def _close_soon(own: dict[asyncio.AbstractEventLoop, AsyncClientPool[httpx.AsyncClient]]) -> None:
    """Have each loop close its clients."""
    for clients in own.values():
        clients.close_soon()


def _read(response: httpx.Response, body: ResponseBody, lease: Lease[httpx.Client]) -> None:
    """Read a whole response; the connection is reused only if nothing follows it."""
    whole = False
    try:
        whole = not any(body.add(chunk, ok=response.is_success) for chunk in decoded(response))
    finally:
        response.close()
    lease.reusable = whole and not has_trailing_data(response)


async def _read_async(
    response: httpx.Response, body: ResponseBody, lease: Lease[httpx.AsyncClient]
) -> None:
    """Read a whole response; the connection is reused only if nothing follows it."""
    whole = False
    try:
        async for chunk in adecoded(response):
            if await body.add_async(chunk, ok=response.is_success):
                break
        else:
            whole = True
    finally:
        await response.aclose()
    lease.reusable = whole and await is_clean(response)


def _reschedule(limit: asyncio.Timeout, seconds: float) -> None:
    limit.reschedule(asyncio.get_running_loop().time() + seconds)


def _pauses(seconds: float | None) -> Iterator[float]:
    """Yield the seconds to wait for a free file descriptor before each further attempt."""
    ends = float("inf") if seconds is None else time.monotonic() + seconds
    pause = 0.05
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if time.monotonic() >= ends:
            return
        pause = min(2 * pause, 1.0)


# What the environment may cause: a proxy that httpx cannot use, a missing certificate file.
_CANNOT_BE_MADE = (ImportError, ValueError, OSError, httpx.InvalidURL)


def _not_made(error: Exception) -> Unreachable:
    reason = (
        f"no HTTP client can be made with the settings of the environment (HTTPS_PROXY, ALL_PROXY, "
        f"SSL_CERT_FILE, …): {error}"
    )
    return Unreachable(sent=False, reason=reason, cause=error)


def _new_client() -> httpx.Client:
    client = httpx.Client(**_settings())
    make_interruptible(client)
    return client


class _NoCookies(CookieJar):
    """Stores no cookies: calls are independent, and extracting cookies takes time."""

    def extract_cookies(self, response: object, request: object) -> None: ...


def _settings() -> dict[str, Any]:
    """Return the settings of our own HTTP clients."""
    limits = httpx.Limits(max_connections=1, keepalive_expiry=IDLE_SECONDS)
    return {"verify": _certificates(), "cookies": _NoCookies(), "limits": limits}


def _certificates() -> ssl.SSLContext:
    """Return the TLS context; reading the certificates is slow, so it is done once per process."""
    return _read_certificates(*certificate_paths())


@cache
def _read_certificates(*_: str | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    _read_from.add(certificate_paths())
    return context


_read_from: set[tuple[str | None, str | None]] = set()


def _library_of(client: Any) -> Any:
    """Return the library that a client belongs to, httpx or httpx2."""
    roots = [cls.__module__.partition(".")[0] for cls in type(client).__mro__]
    return next((sys.modules[name] for name in roots if name in {"httpx", "httpx2"}), httpx)


def _build(
    client: Any, library: Any, request: Request, config: Config, extensions: dict[str, Any]
) -> Any:
    by_url = request.download_limit is not None
    url = config.absolute(request.path) if by_url else config.url(request.root, request.path)
    headers: dict[str, str] = {"User-Agent": f"nanogpt-integrations/{__version__}"}
    # Media are compressed already; a compressed response to a download is a decompression bomb.
    headers["Accept-Encoding"] = "identity" if by_url else ACCEPT_ENCODING
    if not by_url or config.gets_key(url):
        headers |= config.credentials | dict(config.default_headers)
    headers |= request.headers
    content: dict[str, Any] = {}
    if request.files:
        content["data"] = dict(request.form or {})
        content["files"] = [
            (field, (part.name, part.content, part.content_type)) for field, part in request.files
        ]
    elif request.content is not None:
        content["content"], kind = request.encoded(config.compress_above)
        headers |= kind
    target, pinning = pinned(_parsed(library, url), request)
    built = client.build_request(
        request.method,
        target,
        params=request.query or None,
        headers=headers | pinning.get("headers", {}),
        extensions=extensions | pinning.get("extensions", {}),
        **content,
    )
    built.headers = _redacting_headers(library)(built.headers)
    return built


@lru_cache(maxsize=32)
def _parsed(library: Any, url: str) -> Any:
    """Parse a URL with the client's own library, once."""
    return library.URL(url)


@cache
def _redacting_headers(library: Any) -> Any:
    """Return the library's ``Headers`` with a ``repr`` that hides the key, as it may be logged."""

    class Headers(library.Headers):  # type: ignore[misc]
        def __repr__(self) -> str:
            shown = [(k, "[secure]" if k in _SECRET else v) for k, v in self.multi_items()]
            return f"Headers({shown})"

    return Headers


_SECRET = frozenset({"authorization", "proxy-authorization", "x-api-key", "x-payment"})


def _to_connect(seconds: float | None) -> float:
    return CONNECT_SECONDS if seconds is None else min(seconds, CONNECT_SECONDS)


def _is_stream(response: Any) -> bool:
    kind = response.headers.get("content-type", "").lower()
    return response.is_success and not any(other in kind for other in ("json", "html"))


def _reply(response: Any, body: bytes, config: Config) -> Reply:
    reply = Reply(response.status_code, dict(response.headers), body, config.origin)
    # Headers and error bodies may quote the key.
    return reply.without(config.api_key.get_secret_value(), in_body=not reply.is_success)
