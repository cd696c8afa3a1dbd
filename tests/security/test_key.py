"""The key goes to NanoGPT's API and nowhere else, whatever address a reply or a model names."""

from __future__ import annotations

import os
import random
from urllib.parse import unquote

import httpx
import pytest

from nanogpt_client._protocol.call import Request
from nanogpt_client._transport import http
from nanogpt_client.config import Config
from tests.security.ways import KEY
from tests.support.rawserver import RawServer, http_reply
from tests.unit.nanogpt_client.clients.shell import BOTH

# `URLS=60000 pytest tests/security/test_key.py` takes half a minute.
COUNT = int(os.environ.get("URLS", "5000"))

OWN = "gw.example:8443"
PARTS = [
    "gw.example", "GW.example", "gw.example:8443", "gw.example:443", "evil.example", "127.0.0.1",
    "api", "v1", "media", "x.png", "..", ".", "%2e%2e", "%2E.", "%2f", "%5c", "\\", "/", "//", ":",
    "@", "?", "#", "user", "user:pw", "[::1]", "8443", "http:", "https:", "ftp:", "a=b", "\t", "。",
    "％", "①", ";", "%00", "%", " ", "é", "api/v1", "api/", "/api/v1/files/", "apiary", "API",
]  # fmt: skip
STARTS = [
    f"https://{OWN}/api/v1/", f"https://{OWN}/api/", f"https://{OWN}/", f"https://{OWN}",
    "/api/v1/", "/api/", "/", "//", "https://", "http://", f"https://{OWN}@", f"https://{OWN}.", "",
    f"http://{OWN}/api/v1/", "https://user@gw.example:8443/api/", f"https://{OWN}\\@",
]  # fmt: skip


def config() -> Config:
    return Config.resolve(KEY, f"https://{OWN}/api/v1", default_headers={"x-secret": "s"})


def test_of_many_addresses_none_leads_the_key_elsewhere():
    chance, own, sent, made = random.Random(7), config(), 0, 0
    client = httpx.Client()
    for _ in range(COUNT):
        url = chance.choice(STARTS) + "".join(chance.choices(PARTS, k=chance.randint(0, 6)))
        try:
            request = Request("GET", url, download_limit=9)
            built = http._build(client, httpx, request, own, {})
        except (ValueError, httpx.InvalidURL):  # what neither parser takes
            continue
        made += 1
        secret = {"authorization", "x-api-key", "x-secret"} & built.headers.keys()
        if not secret:
            continue
        sent += 1
        where = built.url
        assert (where.scheme, where.host, where.port) == ("https", "gw.example", 8443), url
        path = unquote(where.raw_path.decode()).partition("?")[0]
        assert path.startswith("/api/"), url
        assert not {"..", "."} & set(path.replace("\\", "/").split("/")), url
    assert made > COUNT / 2
    assert sent > COUNT / 200


@pytest.mark.parametrize(
    ("url", "keyed"),
    [
        ("/api/v1/files/f-1/content", True),
        ("https://gw.example:8443/api/v1/x?y=z", True),
        ("/media/x.png", False),
        ("https://gw.example:8443/other-service/admin/delete?id=7", False),
        ("https://gw.example:8443/apiary/x", False),
        ("https://gw.example:8443/api/../admin", False),
        ("https://gw.example:8443/api/%2e%2e/admin", False),
        ("https://gw.example:8443/api/..%2fadmin", False),
        ("http://gw.example:8443/api/v1/x", False),
        ("https://gw.example/api/v1/x", False),
        ("https://gw.example:8443.evil.example/api/v1/x", False),
    ],
)
def test_paths(url, keyed):
    own = config()
    assert own.gets_key(own.absolute(url)) is keyed


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_media_of_nanogpts_own_host_need_no_key(shell):
    with RawServer([http_reply(b"data", headers={"content-type": "image/png"})]) as server:
        settings = {"base_url": server.base_url, "default_headers": {"x-secret": "s"}}
        data, _ = shell.use(settings, "download", "/media/x.png")
    assert data == b"data"
    (request,) = server.requests
    assert not {"authorization", "x-api-key", "x-secret"} & request.headers.keys()
