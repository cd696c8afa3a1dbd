"""The raw server plays what its scripts say, and counts what arrived."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.support.rawserver import (
    EVENT_STREAM,
    EVENT_STREAM_UNTIL_CLOSE,
    LAST_CHUNK,
    End,
    RawServer,
    chunked,
    http_reply,
)


def test_scripts_answer_in_order_and_the_last_repeats():
    busy = http_reply(status=503, headers={"retry-after": "1"})
    with RawServer([busy], [http_reply(b"{}")]) as server:
        with httpx.Client(base_url=server.base_url) as client:
            replies = [client.post("/x", content=b"body") for _ in range(3)]
            client.get("/y")
        assert [reply.status_code for reply in replies] == [503, 200, 200]
        assert replies[0].headers["retry-after"] == "1"
        assert (server.posts, len(server.requests), server.connections) == (3, 4, 1)
        first = server.requests[0]
        assert (first.method, first.target, first.body) == ("POST", "/api/v1/x", b"body")
        assert first.headers["content-length"] == "4"


def test_chunked_request_bodies_are_read_whole():
    with RawServer([http_reply()]) as server:
        httpx.post(server.base_url, content=iter([b"one ", b"two"]))
    assert server.requests[0].body == b"one two"


def test_pauses_are_kept():
    with RawServer([EVENT_STREAM, chunked(b"a"), 0.2, chunked(b"b"), LAST_CHUNK]) as server:
        started = time.monotonic()
        assert httpx.get(server.base_url).content == b"ab"
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([End.CLOSE], httpx.RemoteProtocolError),
        ([End.RESET], httpx.ReadError),
        ([EVENT_STREAM, chunked(b"a"), End.CLOSE], httpx.RemoteProtocolError),
        ([EVENT_STREAM, chunked(b"a"), 0.05, End.RESET], httpx.ReadError),
        ([End.HOLD], httpx.ReadTimeout),
    ],
    ids=["close", "reset", "stream-close", "stream-reset", "hold"],
)
def test_ends_reach_the_client(script, error):
    with RawServer(script) as server:
        with pytest.raises(error):
            httpx.post(server.base_url, timeout=0.3)
        assert server.posts == 1


def test_a_stream_until_close_ends_cleanly_wherever_it_is_cut():
    with RawServer([EVENT_STREAM_UNTIL_CLOSE, b"data: 1", End.CLOSE]) as server:
        assert httpx.get(server.base_url).content == b"data: 1"


def test_stopping_frees_held_and_idle_connections():
    started = time.monotonic()
    with httpx.Client(timeout=0.1) as client, RawServer([http_reply()], [End.HOLD]) as server:
        client.get(server.base_url)
        with pytest.raises(httpx.ReadTimeout):
            client.get(server.base_url)
    assert time.monotonic() - started < 2


def test_a_failure_of_the_server_fails_the_test():
    with pytest.raises(ExceptionGroup, match="raw server itself failed"), RawServer() as server:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(server.base_url)
