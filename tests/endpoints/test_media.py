"""Downloads: from NanoGPT and the open internet, never from inside the caller's network."""

from __future__ import annotations

from decimal import Decimal

import pytest

from nanogpt_client._core.call import Reply
from nanogpt_client._core.flow import Addresses, Resolve, Unreachable, perform
from nanogpt_client.endpoints.media import MAX_REDIRECTS, download
from nanogpt_client.errors import (
    APIStatusError,
    ConfigurationError,
    NotFoundError,
    ResponseFormatError,
)
from tests.driving import answer, context, drive, reply, requests_of


def moved(to: str, status: int = 302) -> Reply:
    return reply(b"", status, location=to)


def test_a_download_is_a_free_get():
    rules = context()
    driven = drive(perform(download("https://cdn/x.png", max_bytes=9), rules), reply(b"data"))
    assert driven.result == b"data"
    assert driven.steps[0] == Resolve("https://cdn/x.png")
    (request,) = requests_of(driven)
    assert (request.method, request.path, request.download_limit) == ("GET", "https://cdn/x.png", 9)
    (entry,) = rules.ledger
    assert (entry.kind, entry.cost) == ("download", Decimal(0))


@pytest.mark.parametrize(
    "url", ["https://cdn/x", "http://cdn:8080/x?y#z", "/media/x.png", "http://[::1]/x"]
)
def test_addresses(url):
    assert answer(download(url), reply(b"data")) == b"data"


@pytest.mark.parametrize(
    "url",
    ["", "x.png", "ftp://cdn/x", "file:///etc/passwd", "data:x", "//cdn/x", "http://", "https:///x",
     "http://[::1", "http://cdn:port/", "http://cdn:99999/", "javascript:alert(1)", "http:cdn"],
)  # fmt: skip
def test_what_is_no_address(url):
    with pytest.raises(ConfigurationError, match=r"no http\(s\) URL"):
        answer(download(url))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "fe80::1%eth0",
    ],
)
def test_private_networks_are_refused(address):
    found = Addresses(trusted=False, addresses=["93.184.215.14", address])
    driven = drive(perform(download("https://cdn/x"), context()), found)
    assert requests_of(driven) == []
    assert "inside a private network" in str(driven.failure(ConfigurationError))


@pytest.mark.parametrize(
    "found",
    [
        Addresses(trusted=True, addresses=["127.0.0.1"]),
        Addresses(trusted=True),
        Addresses(trusted=False),
    ],
)
def test_trusted_and_unknown_hosts_are_asked(found):
    assert answer(download("https://cdn/x"), found, reply(b"data")) == b"data"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed(status):
    driven = drive(
        perform(download("/media/x"), context()),
        moved("y", status), moved("https://cdn/a/b", status), moved("../c", status), reply(b"data"),
    )  # fmt: skip
    assert driven.result == b"data"
    assert [r.path for r in requests_of(driven)] == [
        "/media/x",
        "/media/y",
        "https://cdn/a/b",
        "https://cdn/c",
    ]


def test_a_redirect_into_a_private_network_is_refused():
    inside = Addresses(trusted=False, addresses=["169.254.169.254"])
    outside = Addresses(trusted=False, addresses=["93.184.215.14"])
    driven = drive(
        perform(download("https://cdn/x"), context()), outside, moved("http://meta/"), inside
    )
    assert len(requests_of(driven)) == 1
    assert "169.254.169.254" in str(driven.failure(ConfigurationError))


@pytest.mark.parametrize("to", ["file:///etc/passwd", "http://[", "http://cdn:port/"])
def test_a_redirect_to_nowhere_is_refused(to):
    with pytest.raises((ConfigurationError, APIStatusError)):
        answer(download("https://cdn/x"), moved(to))


def test_redirects_come_to_an_end():
    replies = [moved(f"https://cdn/{n}") for n in range(MAX_REDIRECTS + 1)]
    with pytest.raises(ResponseFormatError, match="redirected more than 5 times"):
        answer(download("https://cdn/x"), *replies)


@pytest.mark.parametrize(
    ("given", "cls"),
    [
        (reply(b"", 404), NotFoundError),
        (reply(b"", 302), APIStatusError),
        (reply(b""), ResponseFormatError),
        (reply(b"1234"), ResponseFormatError),
    ],
)
def test_what_is_no_download(given, cls):
    with pytest.raises(cls):
        answer(download("https://cdn/x", max_bytes=3), given)


def test_a_lost_download_is_free_to_repeat():
    lost = Unreachable(sent=True, reason="reset")
    assert answer(download("https://cdn/x"), lost, reply(b"", 503), reply(b"data")) == b"data"
