"""Requests and replies as values."""

from __future__ import annotations

import gzip
import pickle

import pytest

from nanogpt_client._protocol.call import FilePart, Reply, Request

KEY = "0123abcd-4567-89ab-cdef-0123456789ab"


def test_a_reply():
    reply = Reply(
        200, {"content-type": "Application/JSON; charset=utf-8", "x-request-id": "r"}, b'{"a": 1}'
    )
    assert (reply.is_success, reply.content_type, reply.request_id) == (
        True,
        "application/json",
        "r",
    )
    assert (reply.text, reply.json()) == ('{"a": 1}', {"a": 1})
    assert pickle.loads(pickle.dumps(reply)) == reply


def test_an_empty_reply():
    reply = Reply(404)
    assert (reply.is_success, reply.content_type, reply.request_id, reply.text) == (
        False,
        "",
        None,
        "",
    )
    with pytest.raises(ValueError, match="Expecting value"):
        reply.json()


def test_a_body_of_no_encoding_can_be_shown():
    assert Reply(500, {}, b"caf\xe9").text == "caf\ufffd"


def test_a_key_is_blotted_out_of_a_reply():
    reply = Reply(401, {"x-key": f"<{KEY}>"}, f"bad {KEY}".encode()).without(KEY)
    assert (reply.headers, reply.body) == ({"x-key": "<***>"}, b"bad ***")


def test_an_ordinary_word_is_no_key():
    reply = Reply(429, {}, b"many requests")
    assert reply.without("any") is reply


def test_a_request_shows_no_content():
    part = FilePart("a.wav", b"secret sound")
    request = Request(
        "POST",
        "/x",
        content=b'{"a": "secret"}',
        form={"a": "secret"},
        files=[("f", part)],
        headers={"a": "secret"},
    )
    assert "secret" not in repr(request)
    assert request.json == {"a": "secret"}
    assert Request("GET", "/x").json is None


@pytest.mark.parametrize(
    ("root", "above", "packed"),
    [("chat", 9, True), ("chat", 10, False), ("chat", None, False), ("v1", 0, False)],
)
def test_only_large_chats_are_compressed_and_only_if_asked(root, above, packed):
    body, headers = Request("POST", "/x", root, content=b"0123456789").encoded(above)
    assert headers.get("Content-Encoding") == ("gzip" if packed else None)
    assert headers["Content-Type"] == "application/json"
    assert (gzip.decompress(body) if packed else body) == b"0123456789"
