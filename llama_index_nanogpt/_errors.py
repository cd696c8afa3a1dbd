"""The client's errors in LlamaIndex.

LlamaIndex has no error classes for models, so the client's are raised unchanged. Where a setting
of LlamaIndex helps, a note names it; Python shows notes below the traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nanogpt_client import ContextLengthExceededError, NanoGPTError
from nanogpt_client.tools import describe_for_model

__all__ = ["map_errors", "tool_errors"]


@contextmanager
def map_errors() -> Iterator[None]:
    """Raise the client's errors, with a note if a setting of LlamaIndex helps."""
    try:
        yield
    except NanoGPTError as error:
        if note := _note(error):
            error.add_note(note)
        raise


@contextmanager
def tool_errors() -> Iterator[None]:
    """Raise the client's errors with a message for the model that called the tool.

    Agents return ``str(error)`` to the model; class and attributes stay.
    """
    try:
        yield
    except NanoGPTError as error:
        error.message = describe_for_model(error)
        raise


def _note(error: NanoGPTError) -> str | None:
    if isinstance(error, ContextLengthExceededError):
        return (
            "LlamaIndex trims prompts and memories to metadata.context_window: pass a smaller "
            "context_window=… to NanoGPT, or a smaller token_limit to the memory."
        )
    if error.code == "tool_choice_unsupported":
        return (
            "Pass is_function_calling_model=False to NanoGPT for a model without tools: agents "
            "and structured prediction then work through text."
        )
    return None
