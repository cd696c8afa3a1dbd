"""Whether an error's text says that the conversation does not fit into the model's context."""

from __future__ import annotations

import re

__all__ = ["describes_overflow"]

# How providers behind NanoGPT describe a conversation that is too long; few send the code.
_OVERFLOW = re.compile(
    r"(?:prompt|input) (?:is )?too long|prompt exceeds (?:the )?max(?:imum)? length"
    r"|(?:maximum|max) (?:context|prompt) (?:length|window|size)"
    r"|exceeds?(?:ed)? (?:the |its |this )?(?:model'?s? )?(?:maximum |available )?"
    r"(?:context|token limit|model token limit)"
    r"|(?:greater|longer|larger) than the (?:model'?s? )?(?:maximum )?(?:context|model length)"
    r"|context (?:length|window|size|limit)[^.]{0,40} exceed|context[ _]length[ _]exceeded"
    r"|(?:prompt|input) (?:token count|length|tokens)[^.]{0,60} exceeds? "
    r"|range of input length should be|too many tokens: |context[ _]window[ _]exceeded"
    r"|`?inputs`? (?:tokens \+ `?max_new_tokens`? must be|must have less than \d+ tokens)"
    r"|reduce the length of (?:the|your) (?:messages|prompt|input)"
    r"|(?:prompt|input) contains (?:too many|\d+) tokens|too many input tokens"
    r"|tokens in request (?:is )?more than max(?:imum)? tokens"
    r"|total length of (?:all )?(?:the )?messages is too long"
    r"|exceeds? the max input token limit|total tokens exceeds? the model'?s max",
    re.IGNORECASE,
)


def describes_overflow(message: str) -> bool:
    """Return whether a provider's message means that the context is too long."""
    return _OVERFLOW.search(message) is not None
