"""Where LangChain's own suites find NanoGPT, and the sample files that they would download."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from langchain_tests.integration_tests import chat_models as suite

from tests.unit.langchain_nanogpt.samples import pdf, picture, sound


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Replay LangChain's suites only for `make conformance`, which records them as well."""
    replays = collection_path.name == "test_standard_cassettes.py"
    return True if replays and not config.getoption("--cassette-dir") else None


@pytest.fixture
def recorded_environment(clean_environment, recorded, monkeypatch):
    """Let models find where cassettes are recorded; while replaying, nobody listens there."""
    monkeypatch.setenv("NANOGPT_API_KEY", recorded.api_key)
    monkeypatch.setenv("NANOGPT_BASE_URL", recorded.base_url)


@pytest.fixture
def sample_files(monkeypatch):
    """Serve what the suite would download from files made here."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "nanogpt-integrations")
    files = {".jpg": picture("JPEG"), ".png": picture("PNG"), ".pdf": pdf(), ".wav": sound()}

    def get(url, **_):
        suffix = next(end for end in files if url.lower().endswith(end))
        return SimpleNamespace(content=files[suffix])

    monkeypatch.setattr(suite, "httpx", SimpleNamespace(get=get))
