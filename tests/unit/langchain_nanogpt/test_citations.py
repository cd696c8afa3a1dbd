"""An answer's citations as Markdown footnotes."""

from __future__ import annotations

import subprocess
import sys

import pytest
from langchain_core.messages import AIMessage

from langchain_nanogpt import with_footnotes
from tests.unit.langchain_nanogpt.replies import Wire

NOTE = {"url": "https://example.org/a", "title": "A", "start_index": 0, "end_index": 5}
CITING = Wire(
    {"content": "Water is wet."},
    {"annotations": [{"type": "url_citation", "url_citation": NOTE}]},
)


@pytest.mark.parametrize("version", ["v0", "v1"])
async def test_an_answer_has_them_however_it_came(version):
    model = CITING.model(output_version=version)
    first, *rest = model.stream("hi")
    for answer in (model.invoke("hi"), await model.ainvoke("hi"), sum(rest, first)):
        assert with_footnotes(answer) == ("Water[^1] is wet.\n\n[^1]: [A](https://example.org/a)")


def test_offsets_count_from_the_block_that_they_are_in():
    def block(text, url):
        note = {"type": "citation", "url": url, "start_index": 0, "end_index": 3}
        return {"type": "text", "text": text, "annotations": [note]}

    message = AIMessage(
        content=[block("One. ", "https://a.org"), block("Two.", "https://b.org")],
        response_metadata={"output_version": "v1"},
    )
    assert with_footnotes(message).startswith("One[^1]. Two[^2].\n")


def test_notes_that_name_no_source_are_left_out():
    note = {"type": "non_standard_annotation", "value": {"page": 3}}
    message = AIMessage(
        content=[{"type": "text", "text": "So it is.", "annotations": [note]}],
        response_metadata={"output_version": "v1"},
    )
    assert with_footnotes(message) == "So it is."


def test_a_message_that_was_kept_has_them_in_a_process_that_made_none():
    code = (
        "from langchain_core.messages import AIMessage\n"
        "from langchain_nanogpt import with_footnotes\n"
        "note = {'type': 'citation', 'url': 'https://a.org', 'title': 'A', 'end_index': 2}\n"
        "print(with_footnotes(AIMessage('So it is.', additional_kwargs={'annotations': [note]},"
        " response_metadata={'model_provider': 'nanogpt'})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "So[^1] it is.\n\n[^1]: [A](https://a.org)\n"
