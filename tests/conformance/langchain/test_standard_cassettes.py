"""LangChain's own integration suites again: from cassettes, with the network off.

``make conformance`` records them into a folder of its own, and replays them.
"""

from __future__ import annotations

import pytest

from tests.conformance.langchain.standard import *  # noqa: F403 - pytest runs what it finds here

pytestmark = [
    pytest.mark.vcr,
    pytest.mark.disable_socket,
    pytest.mark.usefixtures("recorded_environment", "sample_files"),
]
