"""How often the right docstring is among the four retrieved.

`test_demo.py` asks the ten questions of the demo in both frameworks, and so do the notebooks. They
name things that a question about them can hardly leave out (HTML, MRR, LangSmith …), which is easy
to find by words. `paraphrases` ask the same in other words, written without a look at the
docstrings or the embedding. `held_out`, which the notebooks ask too, are other questions of all
kinds: the honest estimate of what hashed n-grams find in general.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cookbook.docstrings import load_docstrings
from cookbook.questions import Question, hits, load_questions
from cookbook.rag import SOURCES
from nanogpt_client.sandbox.media.embeddings import embed

MODEL = "text-embedding-3-small"
ASKED = {
    "paraphrases": [
        Question(item["question"], frozenset(item["answers"]))
        for item in json.loads(Path(__file__).with_name("paraphrases.json").read_text("utf-8"))
    ],
    "held_out": load_questions("held_out"),
}
LEAST = {"paraphrases": 0.94, "held_out": 0.5}


@pytest.fixture(scope="module")
def docstrings():
    return load_docstrings("langchain_core") + load_docstrings("llama_index.core")


def right(found, questions, who, capsys):
    """Print and return how many of the questions found a right docstring."""
    count = hits(found, questions)
    with capsys.disabled():
        print(f"\n{who}: {count} of {len(questions)}", end="")  # noqa: T201 - the figure
    return count


@pytest.mark.parametrize("name", LEAST)
def test_other_words_find_it_too(name, docstrings, capsys):
    """Both frameworks rank by cosine, so one multiplication asks all questions of either."""
    questions = ASKED[name]
    likeness = embed([q.text for q in questions]) @ embed([d.text for d in docstrings]).T
    best = np.argsort(-likeness, axis=1)[:, :SOURCES]
    found = [[docstrings[at].name for at in row] for row in best]
    assert right(found, questions, name, capsys) >= LEAST[name] * len(questions)


def test_every_answer_is_a_docstring_that_is_there(docstrings):
    names = {docstring.name for docstring in docstrings}
    assert {
        a for items in (load_questions(), *ASKED.values()) for item in items for a in item.answers
    } <= names
