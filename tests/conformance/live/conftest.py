"""Tests of NanoGPT itself: there is nothing here for the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Look at these with ``--cassettes=live`` alone."""
    return None if config.getoption("--cassettes") == "live" else True


@pytest.fixture(autouse=True)
def recorded_or_recording(
    record_mode: str, vcr_cassette_dir: str, default_cassette_name: str
) -> None:
    """Skip what can be neither replayed nor recorded."""
    cassette = Path(vcr_cassette_dir) / f"{default_cassette_name}.yaml"
    if record_mode == "none" and not cassette.exists():
        pytest.skip("nobody has recorded this from NanoGPT: `make record` with a key does")
