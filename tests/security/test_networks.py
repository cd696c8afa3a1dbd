"""A model names an address: what may be asked, and that nothing else is."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from nanogpt_client import NanoGPTClient
from nanogpt_client._protocol.call import Request
from nanogpt_client._transport.download import pinned, resolved_elsewhere
from nanogpt_client.endpoints import media
from tests.security.ways import KEY, PNG
from tests.support.rawserver import RawRequest, RawServer, Script, http_reply

PICTURE = http_reply(PNG, headers={"content-type": "image/png"})
DRAWN = {"data": [{"b64_json": base64.b64encode(PNG).decode()}], "cost": 0.01}


def nanogpt(request: RawRequest) -> Script:
    """Play NanoGPT: empty lists of models, and a picture for whatever is asked."""
    return [http_reply(json.dumps(DRAWN if request.method == "POST" else {"data": []}).encode())]


def edit(way: Any, image: str, *, server: RawServer, **words: Any) -> Any:
    client = NanoGPTClient(KEY, base_url=server.base_url, max_retries=0)
    return way.call(client, "edit_image", {"prompt": "x", "image": image}, **words)


def port_of(server: RawServer) -> int:
    return int(server.server_address[1])


@pytest.fixture
def elsewhere_is_public(monkeypatch):
    """Let 127.0.0.2, where nobody listens, stand for an address of the open internet."""
    monkeypatch.setattr(media, "is_public", lambda address: address != "127.0.0.1")


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_a_name_that_leads_elsewhere_the_second_time(way, names, elsewhere_is_public):
    names["rebind.example"] = lambda time: ["127.0.0.2" if time == 1 else "127.0.0.1"]
    with RawServer([PICTURE]) as inside, RawServer(nanogpt) as server:
        seen = edit(way, f"http://rebind.example:{port_of(inside)}/meta", server=server)
        assert inside.requests == []
        assert server.posts == 0
    assert seen.failed
    assert "rebind.example could not be reached" in seen.text


def test_a_name_that_cannot_be_looked_up_at_first(way, names):
    names["flaky.example"] = lambda time: [] if time == 1 else ["127.0.0.1"]
    with RawServer([PICTURE]) as inside, RawServer(nanogpt) as server:
        seen = edit(way, f"http://flaky.example:{port_of(inside)}/", server=server)
        assert (inside.requests, server.posts) == ([], 0)
    assert "flaky.example cannot be resolved; nothing was sent" in seen.text


def test_a_redirect_is_checked_likewise(way, names, monkeypatch):
    monkeypatch.setattr(media, "is_public", lambda address: address == "127.0.0.1")
    names["open.example"] = lambda _: ["127.0.0.1"]
    names["inner.example"] = lambda _: ["127.0.0.2"]
    moved = http_reply(status=302, headers={"location": "http://inner.example/secret"})
    with RawServer([moved]) as outside, RawServer(nanogpt) as server:
        seen = edit(way, f"http://open.example:{port_of(outside)}/", server=server)
        assert (len(outside.requests), server.posts) == (1, 0)
    assert "inside a private network" in seen.text


def test_the_address_that_was_checked_is_asked_by_name(way, names, monkeypatch):
    """One look-up; then the name stands in the header alone, and no key or cookie is sent."""
    monkeypatch.setattr(media, "is_public", lambda address: address == "127.0.0.1")
    names["cdn.example"] = lambda time: ["127.0.0.1"] if time == 1 else []
    with RawServer([PICTURE]) as outside, RawServer(nanogpt) as server:
        seen = edit(way, f"http://cdn.example:{port_of(outside)}/a.png?b=c", server=server)
        (request,) = outside.requests
        assert server.posts == 1
    assert not seen.failed
    assert request.target == "/a.png?b=c"
    assert request.headers["host"] == f"cdn.example:{port_of(outside)}"
    assert (request.headers["accept-encoding"], request.headers["connection"]) == (
        "identity",
        "close",
    )
    assert not {"authorization", "x-api-key", "cookie"} & request.headers.keys()


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_tls_is_of_the_name_though_the_connection_is_to_the_address(library):
    url = pytest.importorskip(library).URL("https://Cdn.Example./a?b")
    request = Request("GET", str(url), download_limit=1, addresses=("2606:4700::1111",))
    target, way = pinned(url, request)
    assert str(target) == "https://[2606:4700::1111]/a?b"
    assert way["headers"]["Host"] == "cdn.example."
    assert way["extensions"] == {"sni_hostname": "cdn.example"}


@pytest.mark.parametrize(
    ("client", "elsewhere"),
    [
        (None, False),
        (httpx.Client(), False),
        (httpx.AsyncClient(), False),
        (httpx.Client(proxy="http://127.0.0.1:9"), True),
        (httpx.AsyncClient(mounts={"http://": httpx.AsyncHTTPTransport()}), True),
        (httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))), True),
        (object(), True),
    ],
    ids=["own", "plain", "async", "proxy", "mounted", "other transport", "unknown"],
)
def test_who_looks_names_up(client, elsewhere):
    assert resolved_elsewhere(client) is elsewhere


def test_behind_a_proxy_the_proxy_looks_names_up(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert resolved_elsewhere(None)


def test_a_proxy_is_given_the_name(way, names, monkeypatch):
    names["cdn.example"] = lambda _: []
    with RawServer([PICTURE]) as proxy, RawServer(nanogpt) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port_of(proxy)}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        seen = edit(way, "http://cdn.example/a.png", server=server)
        assert [request.target for request in proxy.requests] == ["http://cdn.example/a.png"]
    assert not seen.failed


# What is only passed on to NanoGPT


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("transcribe", {"audio": "{}"}, {}),
        ("generate_video", {"prompt": "x", "image": "{}"}, {}),
        ("edit_image", {"prompt": "x", "image": "{}"}, {}),
    ],
)
@pytest.mark.parametrize(
    "url",
    ["http:///etc/passwd", "http://localhost/x", "http://169.254.169.254/latest", "http://127.1/",
     "http://[64:ff9b::7f00:1]/", "http://nas.local/x", "https://intern.example/x"],
)  # fmt: skip
def test_private_and_nonsense_addresses_are_passed_to_nobody(
    way, names, tool, arguments, words, url
):
    names["intern.example"] = lambda _: ["127.0.0.1"]
    names["nas.local"] = lambda _: []
    asked = {name: value.format(url) for name, value in arguments.items()}
    with RawServer(nanogpt) as server:
        client = NanoGPTClient(KEY, base_url=server.base_url)
        seen = way.call(client, tool, asked, **words)
        assert server.posts == 0
    assert seen.failed


def test_a_name_that_nobody_knows_here_is_passed_on(way, names):
    names["far.example"] = lambda _: []
    with RawServer(nanogpt) as server:
        client = NanoGPTClient(KEY, base_url=server.base_url)
        way.call(client, "transcribe", {"audio": "https://far.example/a.mp3"})
        bodies = [json.loads(r.body) for r in server.requests if r.method == "POST"]
    assert [body["file_url"] for body in bodies] == ["https://far.example/a.mp3"]


# Settings


@pytest.mark.parametrize(
    ("tool", "argument"), [("edit_image", "image"), ("transcribe", "audio"),
                           ("generate_video", "image")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"allow_urls": False}, "addresses may not be used here"),
        ({"allow_hosts": ["good.example"]}, "may not be used here; allowed hosts: good.example"),
        ({"allow_hosts": []}, "allowed hosts: none"),
    ],
)
def test_addresses_can_be_forbidden(way, tool, argument, words, says):
    with RawServer(nanogpt) as server:
        client = NanoGPTClient(KEY, base_url=server.base_url)
        asked = {argument: "http://evil.example/?q=SECRET"}
        if tool != "transcribe":
            asked["prompt"] = "x"
        seen = way.call(client, tool, asked, **words)
        assert server.posts == 0
    assert says in seen.text


def test_an_allowed_host_cannot_redirect_to_another(way, names, monkeypatch):
    monkeypatch.setattr(media, "is_public", lambda _: True)
    names["good.example"] = names["evil.example"] = lambda _: ["127.0.0.1"]
    with RawServer([PICTURE]) as evil:
        to = f"http://evil.example:{port_of(evil)}/?q=SECRET"
        moved = http_reply(status=302, headers={"location": to})
        with RawServer([moved]) as good, RawServer(nanogpt) as server:
            url = f"http://good.example:{port_of(good)}/"
            seen = edit(way, url, server=server, allow_hosts=["good.example"])
        assert evil.requests == []
    assert "addresses of 'evil.example' may not be used here" in seen.text
