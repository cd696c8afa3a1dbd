"""How large an answer a JSON schema may ask the emulator for; more is refused, not computed.

The numbers are the emulator's own: NanoGPT documents none. Its models end at ``max_tokens``.
"""

from __future__ import annotations

import re
from typing import Any

LONGEST = 100_000
"""Characters of a string."""
MOST = 2_000
"""Items of an array, or members of an object."""
DIFFERENT = 100
"""Items of an array that must all differ: each is compared with all before."""

_LIMITS = {"minLength": LONGEST, "minItems": MOST, "minContains": MOST, "minProperties": MOST}
_REPEATS = re.compile(r"\{(\d+)")


def too_much(schema: Any) -> str | None:
    """Return what of a schema asks for too much, as a sentence; ``None`` if nothing does."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if (found := _asks_too_much(part)) is not None:
                return found
            waiting += part.values()
    return None


def _asks_too_much(part: dict[str, Any]) -> str | None:
    for name, limit in _LIMITS.items():
        value = part.get(name)
        if isinstance(value, int | float) and value > limit:
            return f"{name} is above {limit}, the most that the sandbox makes"
    least = part.get("minItems")
    if part.get("uniqueItems") and isinstance(least, int | float) and least > DIFFERENT:
        return f"minItems of different items is above {DIFFERENT}, the most that the sandbox makes"
    pattern = part.get("pattern")
    repeats = _REPEATS.findall(pattern) if isinstance(pattern, str) else []
    if any(len(each) > len(str(LONGEST)) or int(each) > LONGEST for each in repeats):
        return f"a pattern repeats above {LONGEST} times, the most that the sandbox makes"
    return None
