"""Questions with their right answers, and how well a pipeline answered them.

`load_questions` reads the ten that the demo asks, or the forty of ``"held_out"``. The right answer
to a question is given as the docstrings that contain it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ENOUGH = 0.5  # of an answer's words are in a right docstring: both say the same


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
    """Mean reciprocal rank: one over the rank of the first right source, 0 if there is none."""
    answered: float
    """Share of answers that consist of a right docstring's words."""


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
        questions: The questions.
        found: For each question the names of its sources, the nearest first.
        answers: For each question the text of the answer.
        texts: The docstrings by name.
    """
    ranks, supported = 0.0, 0
    for question, names, answer in zip(questions, found, answers, strict=True):
        right = [rank for rank, name in enumerate(names, 1) if name in question.answers]
        ranks += 1 / right[0] if right else 0
        supported += max(support(answer, texts[name]) for name in question.answers) >= ENOUGH
    count = len(questions)
    return Quality(count, hits(found, questions) / count, ranks / count, supported / count)


def support(answer: str, text: str) -> float:
    """Return the share of an answer's words that are in a text, from 0 to 1."""
    words = _words(answer)
    return len(words & _words(text)) / max(len(words), 1)


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
