"""Fixtures for the tests of jobs: real stores."""

from __future__ import annotations

from tests.support.stores import store_url, valkey

__all__ = ["store_url", "valkey"]
