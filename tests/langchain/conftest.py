"""Models that talk to the sandbox, and the sample files of LangChain's own suites."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from langchain_tests.integration_tests import chat_models as suite

from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from tests.langchain.samples import pdf, picture, sound

MODEL = "openai/gpt-5.2"
EMBEDDING_MODEL = "text-embedding-3-small"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Replay LangChain's suites only for `make conformance`, which records them as well."""
    replays = collection_path.name == "test_standard_cassettes.py"
    return True if replays and not config.getoption("--cassette-dir") else None


@pytest.fixture
def sandbox_environment(clean_environment, sandbox, monkeypatch):
    """Let models find the sandbox as users' models find NanoGPT: by their environment."""
    monkeypatch.setenv("NANOGPT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("NANOGPT_BASE_URL", sandbox.base_url)


@pytest.fixture
def recorded_environment(clean_environment, recorded, monkeypatch):
    """Let models find where cassettes are recorded; while replaying, nobody listens there."""
    monkeypatch.setenv("NANOGPT_API_KEY", recorded.api_key)
    monkeypatch.setenv("NANOGPT_BASE_URL", recorded.base_url)


@pytest.fixture
def llm(sandbox_environment) -> ChatNanoGPT:
    return ChatNanoGPT(model=MODEL)


@pytest.fixture
def embeddings(sandbox_environment) -> NanoGPTEmbeddings:
    return NanoGPTEmbeddings(model=EMBEDDING_MODEL)


@pytest.fixture
def sample_files(monkeypatch):
    """Serve what the suite would download from files made here."""
    monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "nanogpt-integrations")
    files = {".jpg": picture("JPEG"), ".png": picture("PNG"), ".pdf": pdf(), ".wav": sound()}

    def get(url, **_):
        suffix = next(end for end in files if url.lower().endswith(end))
        return SimpleNamespace(content=files[suffix])

    monkeypatch.setattr(suite, "httpx", SimpleNamespace(get=get))
