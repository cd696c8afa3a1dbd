"""Connections as those of a server that has been called for a while."""

from __future__ import annotations

import pytest

from nanogpt_client._transport import pool


@pytest.fixture(autouse=True)
def trusted_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let idle connections be used again at once: no server has been seen to close them."""
    monkeypatch.setattr(pool, "OBSERVED_TIMES", 0)
