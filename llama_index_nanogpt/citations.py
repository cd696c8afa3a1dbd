"""An answer's citations as Markdown footnotes."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, CitationBlock

import nanogpt_client as core

__all__ = ["with_footnotes"]


def with_footnotes(message: ChatMessage) -> str:
    """Return a message's text in Markdown, its citations as footnotes.

    Takes messages of any provider that has its citations in ``additional_kwargs["annotations"]``,
    or else as ``CitationBlock``.

    >>> print(with_footnotes(llm.chat(messages, web_search=True).message))
    """
    notes = message.additional_kwargs.get("annotations") or ()
    citations = [found for note in notes if (found := core.Citation.read(note))]
    blocks = (block for block in message.blocks if isinstance(block, CitationBlock))
    return core.with_footnotes(message.content or "", citations or map(_citation, blocks))


def _citation(block: CitationBlock) -> core.Citation:
    end = block.additional_location_info.get("end_index")
    return core.Citation(url=block.source, title=block.title, end_index=end)
