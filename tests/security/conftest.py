"""Fixtures of the tests that hold what a model may reach, read, write and spend."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from nanogpt_client import NanoGPTClient
from tests.security.ways import WAYS, Way

Lookup = Callable[[int], Sequence[str]]


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
def way(request) -> Way:
    """One of the four ways to a tool."""
    found: Way = request.param
    return found


@pytest.fixture
def client(sandbox) -> NanoGPTClient:
    return NanoGPTClient(sandbox.api_key, base_url=sandbox.base_url)


@pytest.fixture
def names(monkeypatch) -> dict[str, Lookup]:
    """Names that the test makes up: what each look-up of them (first, second, …) finds."""
    lookups: dict[str, Lookup] = {}
    counts: dict[str, int] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in lookups:
            return real(host, port, *args, **named)
        counts[name] = counts.get(name, 0) + 1
        found = lookups[name](counts[name])
        if not found:
            raise socket.gaierror(socket.EAI_AGAIN, "temporary failure in name resolution")
        return [entry for one in found for entry in real(one, port, *args, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return lookups
