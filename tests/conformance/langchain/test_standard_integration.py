"""LangChain's own integration suites for chat models and embeddings, against the sandbox."""

from __future__ import annotations

import pytest

from tests.conformance.langchain.standard import *  # noqa: F403 - pytest runs what it finds here

pytestmark = pytest.mark.usefixtures("sandbox_environment", "sample_files")


@pytest.fixture
def default_cassette_name() -> str:
    """The suites replay one test, `test_stream_time`, which sends the same in each of them."""
    return "test_stream_time"
