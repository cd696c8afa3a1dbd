"""Every shape of `shapes.SHAPES`, over a raw socket, through the blocking and the async client."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client._protocol.steps import Sleep
from nanogpt_client.endpoints import _jobs
from tests.promises.media.shapes import HERE, SHAPES, Shape
from tests.support.rawserver import RawRequest, RawServer, http_reply
from tests.unit.nanogpt_client.clients.shell import BOTH, Shell

# Which routes bill: each of these may be asked once per call, whatever comes back.
BILLED = (
    "/images/generations", "/images/edits", "/audio/speech", "/audio/transcriptions",
    "/generate-video", "/api/web", "/embeddings", "/transaction/create",
)  # fmt: skip


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Ask jobs without pause, and load no certificates: nothing here speaks TLS."""
    monkeypatch.setattr(_jobs, "Sleep", lambda _: Sleep(0.0))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path_factory.getbasetemp()))


def play(shape: Shape, shell: Shell) -> tuple[Any, Exception | None, RawServer]:
    """Ask one client; return its result or error, and the server with what arrived there."""
    scripts: list[list[bytes]] = [[] for _ in shape.replies]
    with RawServer(*scripts) as server:
        origin = server.base_url.removesuffix("/api/v1")
        for script, reply in zip(scripts, shape.replies, strict=True):
            content = reply.content(origin)
            script.append(http_reply(content, status=reply.status, headers=reply.headers))
        options = {name: _here(value, origin) for name, value in shape.options.items()}
        settings = {"base_url": server.base_url, "max_retries": 0}
        try:
            result, _ = shell.use(settings, shape.ask, *shape.args, **options)
        except Exception as error:  # noqa: BLE001 - which one, the test says
            return None, error, server
    return result, None, server


def _here(value: Any, origin: str) -> Any:
    return value.replace(HERE, origin) if isinstance(value, str) else value


def fact(result: Any, path: str) -> Any:
    """Follow a path of attributes, keys and positions; decimals come as text."""
    for part in filter(None, path.split(".")):
        if isinstance(result, dict):
            result = result[part]
        else:
            result = result[int(part)] if part.isdigit() else getattr(result, part)
    result = result() if callable(result) else result
    return str(result) if isinstance(result, Decimal) else result


def billed(requests: Iterable[RawRequest]) -> list[str]:
    paths = [r.target.partition("?")[0] for r in requests if r.method == "POST"]
    return [path for path in paths if any(part in path for part in BILLED)]


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_shape(shape: Shape, shell: Shell):
    result, error, server = play(shape, shell)
    assert [f"{r.method} {r.target}" for r in server.requests] == list(shape.asks)
    assert len(billed(server.requests)) <= 1
    if shape.error is None:
        assert error is None, repr(error)
        origin = server.base_url.removesuffix("/api/v1")
        expected = {path: _here(value, origin) for path, value in shape.facts.items()}
        assert {path: fact(result, path) for path in shape.facts} == expected
    else:
        assert type(error) is shape.error, repr(error)
        assert shape.says in str(error)
    if shape.sent:
        body = json.loads(server.requests[-1].body)
        assert {name: body.get(name) for name in shape.sent} == dict(shape.sent)


def test_no_shape_is_there_twice():
    names = [str(shape) for shape in SHAPES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("route", "fewest"),
    [("images", 12), ("speech", 14), ("transcription", 10), ("video", 40), ("search", 5),
     ("account", 18), ("models", 8), ("embeddings", 2)],
)  # fmt: skip
def test_every_route_of_the_api_has_its_shapes(route: str, fewest: int):
    assert sum(shape.route == route for shape in SHAPES) >= fewest
