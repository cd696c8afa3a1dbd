"""Downloads: whom they trust, where they stop. Driven by hand, nothing is sent."""

from __future__ import annotations

import pytest

from nanogpt_client._core.booking import CallContext
from nanogpt_client._core.call import Reply
from nanogpt_client._core.flow import Addresses, Resolve, Send, perform
from nanogpt_client.endpoints.media import MAX_REDIRECTS, download
from nanogpt_client.errors import ConfigurationError, NotFoundError, ResponseFormatError

PUBLIC = Addresses(trusted=False, addresses=["93.184.216.34"])


def play(url, *outcomes):
    """Answer a download's steps in turn; return its result and the steps."""
    steps = perform(download(url), CallContext())
    seen = [next(steps)]
    try:
        for outcome in outcomes:
            seen.append(steps.send(outcome))
    except StopIteration as stop:
        return stop.value, seen
    raise AssertionError(f"still asking: {seen[-1]}")


def test_a_public_file_is_fetched():
    data, steps = play("https://cdn.example/a.png", PUBLIC, Reply(200, {}, b"picture"))
    assert data == b"picture"
    assert steps[0] == Resolve("https://cdn.example/a.png")
    assert isinstance(steps[1], Send)
    assert steps[1].request.download_limit


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_an_address_inside_a_private_network_is_refused_unsent(address):
    inside = Addresses(trusted=False, addresses=["93.184.216.34", address])
    with pytest.raises(ConfigurationError, match="private network"):
        play("http://innocent.example/a.png", inside)


def test_a_trusted_address_may_be_private():
    own = Addresses(trusted=True, addresses=["127.0.0.1"])
    assert play("/media/a.png", own, Reply(200, {}, b"x"))[0] == b"x"


def test_a_name_unknown_here_is_left_to_the_proxy():
    assert play("https://cdn.example/a", Addresses(trusted=False), Reply(200, {}, b"x"))[0] == b"x"


def test_a_redirect_is_followed_and_checked_again():
    moved = Reply(302, {"location": "http://localhost/secret"})
    with pytest.raises(ConfigurationError, match="private network"):
        play("https://cdn.example/a", PUBLIC, moved, Addresses(trusted=False, addresses=["::1"]))
    data, steps = play(
        "https://cdn.example/a/b", PUBLIC, Reply(307, {"location": "../c"}), PUBLIC,
        Reply(200, {}, b"y"),
    )  # fmt: skip
    assert data == b"y"
    assert steps[2] == Resolve("https://cdn.example/c")


def test_redirects_end():
    moved = (PUBLIC, Reply(301, {"location": "/again"}))
    with pytest.raises(ResponseFormatError, match="redirected"):
        play("https://cdn.example/a", *moved * (MAX_REDIRECTS + 1))


def test_other_failures_are_what_they_are():
    with pytest.raises(NotFoundError):
        play("https://cdn.example/a", PUBLIC, Reply(404, {}, b"gone"))
    with pytest.raises(ResponseFormatError, match="empty"):
        play("https://cdn.example/a", PUBLIC, Reply(200))


@pytest.mark.parametrize("url", ["ftp://a.example/b", "file:///etc/passwd", "//evil.example/a", ""])
def test_only_http_is_fetched(url):
    with pytest.raises(ConfigurationError, match="no http"):
        play(url)
