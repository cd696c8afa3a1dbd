"""Questions whose right answers are known, and how well a pipeline did on them.

`load_questions` reads the ten that the demo asks, or the forty of ``"held_out"``. A right answer is
named by the docstrings that hold it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ENOUGH = 0.5  # of an answer's words stand in a right docstring: it says what that says


class Question(NamedTuple):
    """A question and the qualified names of the docstrings that answer it."""

    text: str
    answers: frozenset[str]


class Quality(NamedTuple):
    """How well questions were answered; all but the first from 0 to 1."""

    questions: int
    found: float
    """Share of them with a right docstring among the sources."""
    rank: float
    """Mean reciprocal rank: one over the place of the first right source, 0 if there is none."""
    answered: float
    """Share of answers made of a right docstring's words."""


def load_questions(name: str = "questions") -> list[Question]:
    """Return a set of questions, from the file of that name in this folder."""
    items = json.loads(Path(__file__).with_name(f"{name}.json").read_text("utf-8"))
    return [Question(item["question"], frozenset(item["answers"])) for item in items]


def hits(found: Sequence[Sequence[str]], questions: Sequence[Question]) -> int:
    """Count the questions that have a right docstring among their sources."""
    return sum(not q.answers.isdisjoint(names) for names, q in zip(found, questions, strict=True))


def quality(
    questions: Sequence[Question],
    found: Sequence[Sequence[str]],
    answers: Sequence[str],
    texts: Mapping[str, str],
) -> Quality:
    """Measure a pipeline.

    Args:
        questions: what was asked.
        found: for each question the names of its sources, the nearest first.
        answers: for each question the answer's text.
        texts: the docstrings by name.
    """
    ranks, supported = 0.0, 0
    for question, names, answer in zip(questions, found, answers, strict=True):
        places = [place for place, name in enumerate(names, 1) if name in question.answers]
        ranks += 1 / places[0] if places else 0
        supported += max(support(answer, texts[name]) for name in question.answers) >= ENOUGH
    count = len(questions)
    return Quality(count, hits(found, questions) / count, ranks / count, supported / count)


def support(answer: str, text: str) -> float:
    """Return the share of an answer's words that stand in a text, from 0 to 1."""
    words = _words(answer)
    return len(words & _words(text)) / max(len(words), 1)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
