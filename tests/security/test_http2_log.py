"""Over HTTP/2, which an injected client may speak, the key is not in the library's DEBUG log."""

from __future__ import annotations

import logging

import httpx

from nanogpt_client import NanoGPTClient
from tests.security.ways import KEY
from tests.unit.nanogpt_client.clients.test_http2 import HTTP2Server


def test_the_key_is_in_no_debug_log(caplog):
    caplog.set_level(logging.DEBUG)
    with HTTP2Server() as server, httpx.Client(http1=False, http2=True) as http:
        client = NanoGPTClient(KEY, base_url=server.base_url, http_client=http)
        list(client.stream_chat("hi", model="m"))
    # The server, in this process as well, logs what it decodes.
    logged = [each for each in caplog.records if not str(each.msg).startswith("Decod")]
    text = "\n".join(each.getMessage() for each in logged)
    assert "Adding b'x-api-key'=b'SENSITIVE_REDACTED'" in text
    assert "Encoded header block to b'SENSITIVE_REDACTED'" in text
    assert KEY not in text
    assert text.count("Encoded header block") == text.count("block to b'SENSITIVE_REDACTED'")
