"""What LlamaIndex's agents warn of themselves: no test of ours is about it."""

from __future__ import annotations

import pytest

# Its workflows look at every attribute of an agent, also at those that pydantic deprecates, and its
# memories leave their database to the garbage collector.
agents_own_warnings = pytest.mark.filterwarnings(
    "ignore::pydantic.PydanticDeprecatedSince20",
    "ignore::pydantic.PydanticDeprecatedSince211",
    "ignore:is_running called from within a step:DeprecationWarning",
    "ignore:<aiosqlite:ResourceWarning",
)
