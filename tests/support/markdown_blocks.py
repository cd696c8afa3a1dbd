"""Run the Python blocks of a Markdown page, in their order, as a reader would run them.

Blocks marked ``py`` are shown only: what another library wants, or what is part of something.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

# What the frameworks leave unclosed, deprecated or in beta, and we cannot help.
_FOREIGN = [
    "ignore::ResourceWarning",
    "ignore::pydantic.PydanticDeprecatedSince20",
    "ignore::pydantic.PydanticDeprecatedSince211",
    "ignore:The function `loads` is in beta",
    "ignore:is_running called from within a step:DeprecationWarning",
]


def examples(test: Any) -> Any:
    """Mark a test that runs blocks."""
    for warning in _FOREIGN:
        test = pytest.mark.filterwarnings(warning)(test)
    return test


_BLOCK = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """Return the code of a page's blocks, also of those inside tabs."""
    return [textwrap.dedent(code) for _, code in _BLOCK.findall(page.read_text("utf-8"))]


def run_blocks(page: Path) -> int:
    """Run them in one namespace; return how many there are."""
    names: dict[str, Any] = {"__name__": "__main__"}
    found = blocks(page)
    for number, code in enumerate(found, 1):
        exec(compile(code, f"{page.name}, block {number}", "exec"), names)
    return len(found)
