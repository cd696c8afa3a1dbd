"""Fixtures for tests that make many clients."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory):
    """Spare each client loading a hundred root certificates: nothing here speaks TLS."""
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path_factory.getbasetemp()))
