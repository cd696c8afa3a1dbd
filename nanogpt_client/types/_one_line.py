"""Texts of responses as one readable line, for the messages of errors."""

from __future__ import annotations

import re

_MAX_MESSAGE = 500
_MAX_PAGE = 10_000  # characters; stripping many unclosed tags takes quadratic time
_KEY = re.compile(r"sk-[A-Za-z0-9_-]{6,}")


def one_line(message: str) -> str:
    """Return a message as one line of limited length, without a key."""
    line = _KEY.sub("sk-…", " ".join(message.split()))
    return line if len(line) <= _MAX_MESSAGE else line[: _MAX_MESSAGE - 1] + "…"


def plain(body: str) -> str:
    """Return a readable line for a body that is not a JSON error: HTML, text or empty."""
    text = body[:_MAX_PAGE]
    line = " ".join(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL).split())
    return line or "an empty body"
