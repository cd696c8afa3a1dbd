"""No secret reaches a cassette, and a recorded exchange is found again."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from vcr import VCR
from vcr.errors import CannotOverwriteExistingCassetteException
from vcr.request import Request

from tests.conftest import pytest_collection_modifyitems
from tests.support.paths import CASSETTES, TESTS
from tests.support.rawserver import RawServer, http_reply
from tests.support.vcr_hooks import SANDBOX_ORIGIN, SCRUBBED, Scrubber, same_body

KEY = "my-secret-key"
UNKNOWN_KEY = "sk-nano-01234567-89ab-cdef-0123-456789abcdef"
REPLY = json.dumps(
    {
        "content": f"you sent {KEY}, and {UNKNOWN_KEY}",
        "remainingBalance": 12.5,
        "usd_balance": "129.46",
        "nanoDepositAddress": "nano_1abc",
        "cost": 0.25,
    }
).encode()


def cassettes(tmp_path: Path, mode: str) -> VCR:
    scrubber = Scrubber(KEY, None)
    vcr = VCR(
        cassette_library_dir=str(tmp_path),
        record_mode=mode,
        match_on=["method", "scheme", "host", "path", "query", "same_body"],
        decode_compressed_response=True,
        before_record_request=scrubber.request,
        before_record_response=scrubber.response,
    )
    vcr.register_matcher("same_body", same_body)
    return vcr


def post(base_url: str) -> httpx.Response:
    return httpx.post(
        f"{base_url}/chat?key={KEY}",
        headers={"x-api-key": KEY, "authorization": f"Bearer {KEY}", "x-provider": KEY},
        json={"model": "m", "note": KEY},
    )


def upload(base_url: str) -> httpx.Response:
    return httpx.post(f"{base_url}/upload", files={"file": ("a.bin", b"\x00\xff")})


@pytest.fixture
def recorded_text(tmp_path: Path) -> str:
    """The cassette of a JSON call and an upload; the server has gone."""
    headers = {"set-cookie": "session=1", "x-request-id": "abc", "retry-after": "2"}
    with RawServer([http_reply(REPLY, headers=headers)]) as server:
        with cassettes(tmp_path, "once").use_cassette("case.yaml"):
            assert KEY in post(server.base_url).text  # the caller sees the true reply
            upload(server.base_url)
    return (tmp_path / "case.yaml").read_text()


def test_a_cassette_holds_no_key_in_any_place(recorded_text):
    assert KEY not in recorded_text
    assert UNKNOWN_KEY not in recorded_text
    assert SCRUBBED in recorded_text


def test_a_cassette_keeps_only_listed_headers(recorded_text):
    for name in ("x-api-key", "authorization", "user-agent", "set-cookie", "127.0.0.1"):
        assert name not in recorded_text.lower()
    for kept in ("retry-after", "x-provider", f"{SANDBOX_ORIGIN}/api/v1/chat"):
        assert kept in recorded_text


def test_a_recorded_exchange_is_replayed_once_from_another_address(tmp_path, recorded_text):
    elsewhere = "http://localhost:9/api/v1"
    with cassettes(tmp_path, "none").use_cassette("case.yaml") as cassette:
        reply = post(elsewhere)
        upload(elsewhere)  # with another random boundary
        assert cassette.all_played
        with pytest.raises(CannotOverwriteExistingCassetteException):
            post(elsewhere)  # a second send would be a second bill
    body = reply.json()
    assert (body["remainingBalance"], body["usd_balance"], body["cost"]) == (1, "1", 0.25)
    assert body["nanoDepositAddress"] == SCRUBBED
    assert reply.headers["x-request-id"] == SCRUBBED
    assert reply.headers["retry-after"] == "2"


def request(body: bytes | None, content_type: str = "application/json") -> Request:
    return Request("POST", f"{SANDBOX_ORIGIN}/x", body, {"Content-Type": content_type})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (request(b'{"a": 1, "b": 2}'), request(b'{"b":2,"a":1}')),
        (request(b"abc", "text/plain"), request(b"abc", "text/plain")),
        (request(None), request(b"")),
    ],
    ids=["key-order", "text", "no-body"],
)
def test_same_body(left, right):
    same_body(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (request(b'{"a": 1}'), request(b'{"a": 2}')),
        (request(b'{"a": 1}', "text/plain"), request(b'{"a":1}', "text/plain")),
    ],
    ids=["json", "text"],
)
def test_other_body(left, right):
    with pytest.raises(AssertionError, match="bodies differ"):
        same_body(left, right)


def test_private_fields_of_streamed_frames_are_hidden():
    frame = b'data: {"pricing":{"amount":0.1,"remainingBalance":3,"billedTeamName":"x"}}\n\n'
    assert Scrubber().body(frame) == (
        b'data: {"pricing":{"amount":0.1,"remainingBalance":1,"billedTeamName":"scrubbed"}}\n\n'
    )


def test_binary_bodies_lose_only_secrets():
    body = b"\xff\xfe" + KEY.encode() + b'"balance": 3'
    assert Scrubber(KEY).body(body) == b"\xff\xfescrubbed" + b'"balance": 3'


def test_no_committed_cassette_holds_a_key_or_an_address_of_a_machine():
    for path in CASSETTES.rglob("*.yaml"):
        text = path.read_text("utf-8")
        assert Scrubber().text(text) == text, path
        assert not re.search("authorization|x-api-key|set-cookie", text, re.IGNORECASE), path


def test_uuids_that_callers_make_up_match_each_other():
    def body(first, second):
        text = json.dumps({"ids": [first, second, first]}).encode()
        return Scrubber().request(Request("POST", "http://a.invalid/x", text, {})).body

    one = body(str(uuid.uuid4()), str(uuid.uuid4()))
    assert one == body(str(uuid.uuid4()), str(uuid.uuid4()))
    same = str(uuid.uuid4())
    assert one != body(same, same)


def test_what_nobody_has_shown_is_recorded_first():
    names = ["core/test_flow.py", "conformance/live/test_unwitnessed.py", "test_cassettes.py"]
    items: Any = [SimpleNamespace(path=TESTS / name) for name in names]
    pytest_collection_modifyitems(items)
    assert [item.path.name for item in items] == [
        "test_unwitnessed.py", "test_flow.py", "test_cassettes.py",
    ]  # fmt: skip
