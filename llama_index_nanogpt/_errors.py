"""Errors on their way out.

LlamaIndex has none of its own for models, so the core's leave as they are. What is added is a note
(shown below the traceback) where LlamaIndex has a word that helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nanogpt_client import ContextLengthExceededError, NanoGPTError
from nanogpt_client.tools import describe_for_model

__all__ = ["map_errors", "tool_errors"]


@contextmanager
def map_errors() -> Iterator[None]:
    """Let the core's errors pass, with LlamaIndex's remedy for them noted."""
    try:
        yield
    except NanoGPTError as error:
        if note := _note(error):
            error.add_note(note)
        raise


@contextmanager
def tool_errors() -> Iterator[None]:
    """Let the core's errors pass, worded for the model that called the tool.

    Agents tell the model ``str(error)``; class and attributes are for whoever looks closer.
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
