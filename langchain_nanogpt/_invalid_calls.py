"""Calls that must not be carried out, and how LangChain is kept from mending them.

LangChain adds a stream's calls up itself and closes what is open, so half an object would become a
call. It has no word to forbid that but the arguments: they get an ending that cannot be mended,
which is taken off again wherever the arguments are shown or sent.
"""

from __future__ import annotations

import re

from langchain_core.utils.json import parse_partial_json

__all__ = ["spoiler", "unspoiled"]

# Either closing bracket: after a value, within a text, and within a text after a backslash.
_ENDINGS = ("]", "}", '"]', '"}', '\\"]', '\\"}')
_MARK = " <- unreadable, not run"
_SPOILER = re.compile(rf'(?:\\?")?[\]}}]{re.escape(_MARK)}\Z')


def unspoiled(arguments: str | None) -> str:
    """Return the arguments of an invalid call as the model wrote them."""
    return _SPOILER.sub("", arguments or "")


def spoiler(arguments: str) -> str:
    """Return what to add to arguments that are unreadable, so that nobody acts on half of them.

    LangChain mends what it adds up from chunks: it would close ``{"path": "/`` and call the tool.
    A bracket that matches nothing makes it an invalid call instead.
    """
    found = next((end for end in _ENDINGS if _hopeless(arguments + end)), "]")
    return found + _MARK


def _hopeless(arguments: str) -> bool:
    try:
        return not isinstance(parse_partial_json(arguments), dict)
    except (ValueError, RecursionError):
        return True
