"""The main classes are documented after the frameworks' template, and each example runs."""

from __future__ import annotations

import inspect
from doctest import DocTestParser
from typing import Any

import pytest

import langchain_nanogpt as langchain
import llama_index_nanogpt as llama_index
from tests.support.markdown_blocks import examples
from tests.unit.langchain_nanogpt.samples import picture

ALL = ["Setup", "Key arguments", "Instantiate", "Cost"]
CHAT = ["Invoke", "Stream", "Tools", "Structured output", "Images", "Usage"]
SECTIONS: dict[type, list[str]] = {
    langchain.ChatNanoGPT: [*ALL, *CHAT],
    llama_index.NanoGPT: [*ALL, *CHAT],
    langchain.NanoGPTEmbeddings: [*ALL, "Embed", "Usage"],
    llama_index.NanoGPTEmbedding: [*ALL, "Embed", "Usage"],
    langchain.NanoGPTToolkit: [*ALL, "Invoke", "Tools"],
    llama_index.NanoGPTToolSpec: [*ALL, "Invoke", "Tools"],
}


def docstring(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "")


@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_it_has_the_sections_of_the_template(cls):
    headings = {line.removesuffix(":") for line in docstring(cls).splitlines() if line[-1:] == ":"}
    assert set(SECTIONS[cls]) <= headings


@examples
@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_its_examples_run(cls, sandbox_environment, tmp_path):
    (tmp_path / "fox.png").write_bytes(picture("PNG"))
    names: dict[str, Any] = {}
    found = DocTestParser().get_examples(docstring(cls))
    assert len(found) >= 5
    for example in found:
        exec(compile(example.source, f"{cls.__name__}, line {example.lineno}", "exec"), names)
