"""The examples' client: the sandbox says what it is told to, and a key leads to NanoGPT."""

from __future__ import annotations

import pytest

from cookbook.connect import connect
from nanogpt_client.sandbox import Sandbox, Script

MODEL = "openai/gpt-5.2"


def test_without_a_key_the_sandbox_answers():
    with connect(model=Script("From the script.")) as client:
        assert client.chat("Hello!", model=MODEL).text == "From the script."


def test_with_a_key_nanogpt_answers(monkeypatch: pytest.MonkeyPatch):
    with Sandbox(model=Script("From NanoGPT.")) as nanogpt:
        monkeypatch.setenv("NANOGPT_API_KEY", nanogpt.api_key)
        monkeypatch.setenv("NANOGPT_BASE_URL", nanogpt.base_url)
        with connect(model=Script("From the script.")) as client:
            assert client.chat("Hello!", model=MODEL).text == "From NanoGPT."
    assert [request.status for request in nanogpt.requests] == [200]
