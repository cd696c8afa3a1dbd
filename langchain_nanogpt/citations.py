"""A message's citations as Markdown footnotes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import AIMessage

import langchain_nanogpt._content_blocks  # noqa: F401 - registers the translator, which stored messages need
import nanogpt_client as core

__all__ = ["with_footnotes"]


def with_footnotes(message: AIMessage) -> str:
    """Return a message's text in Markdown, its citations as footnotes.

    Accepts messages of any provider whose citations are LangChain's ``Citation`` annotations.

    >>> print(with_footnotes(llm.invoke("What is Nano?", web_search=True)))
    """
    text = ""
    citations: list[core.Citation] = []
    for block in message.content_blocks:
        if block["type"] == "text":
            notes: Any = block.get("annotations") or ()
            citations += [_citation(note, len(text)) for note in notes if note.get("url")]
            text += block["text"]
    return core.with_footnotes(text, citations)


def _citation(annotation: Mapping[str, Any], start: int) -> core.Citation:
    """Return the core's citation; ``start`` is where the annotated block begins in the text."""
    end = annotation.get("end_index")
    return core.Citation(
        url=annotation["url"],
        title=annotation.get("title") or "",
        end_index=None if end is None else start + end,
    )
