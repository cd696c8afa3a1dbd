"""An answer's citations as Markdown footnotes."""

from __future__ import annotations

from llama_index.core.base.llms.types import ChatMessage, CitationBlock, TextBlock

from llama_index_nanogpt import with_footnotes
from tests.conformance.llama_index.base import CHAT_WAYS, ask
from tests.conformance.llama_index.wire import stream, whole
from tests.unit.llama_index_nanogpt.scripted import Scripted

SOURCE = {"url": "https://example.org/a", "title": "A", "start_index": 0, "end_index": 5}
SAID = {
    "content": "Water is wet.",
    "annotations": [{"type": "url_citation", "url_citation": SOURCE}],
}
MARKED = "Water[^1] is wet.\n\n[^1]: [A](https://example.org/a)"


async def test_an_answer_has_them_however_it_came():
    for way in CHAT_WAYS:
        reply = stream(SAID) if "stream" in way else whole(SAID)
        for blocks in (False, True):
            answer = (await ask(Scripted(reply).llm(citation_blocks=blocks), way))[-1]
            assert with_footnotes(answer.message) == MARKED


def test_blocks_of_other_providers_are_citations_too():
    block = CitationBlock(
        cited_content=TextBlock(text="wet"),
        source="https://example.org/a",
        title="A",
        additional_location_info={"end_index": 5},
    )
    message = ChatMessage(role="assistant", blocks=[TextBlock(text="Water is wet."), block])
    assert with_footnotes(message) == MARKED


def test_without_citations_it_is_the_text():
    assert with_footnotes(ChatMessage("So it is.", role="assistant")) == "So it is."
    odd = {"annotations": [{"type": "file_citation"}, "x"]}
    assert with_footnotes(ChatMessage("So.", role="assistant", additional_kwargs=odd)) == "So."
