"""A response's citations as Markdown footnotes."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, CitationBlock

import nanogpt_client as core

__all__ = ["with_footnotes"]


def with_footnotes(message: ChatMessage) -> str:
    """Return a message's text in Markdown, its citations as footnotes.

    Accepts messages of any provider, with citations in ``additional_kwargs["annotations"]`` or as
    ``CitationBlock``.

    >>> print(with_footnotes(llm.chat(messages, web_search=True).message))
    """
    annotations = message.additional_kwargs.get("annotations") or ()
    citations = [found for each in annotations if (found := core.Citation.read(each))]
    blocks = (block for block in message.blocks if isinstance(block, CitationBlock))
    return core.with_footnotes(message.content or "", citations or map(_citation, blocks))


def _citation(block: CitationBlock) -> core.Citation:
    end = block.additional_location_info.get("end_index")
    return core.Citation(url=block.source, title=block.title, end_index=end)
