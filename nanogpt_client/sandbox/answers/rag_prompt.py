"""Take a RAG prompt apart into question, context and earlier answer.

Frameworks put all of them into one message. A context is found by its form, in this order: what
stands between two rules (`-----`), below a label (`Context:`, `## Documents`, `<context>`, a line
that announces `the following text:`), or in the paragraphs before or after a question.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nanogpt_client.sandbox.answers.text import blocks, sentences

_CONTEXT_NAMES = (
    r"(?:contexts?|documents?|passages?|sources?|texts?|articles?|excerpts?|information|content"
    r"|following|below)"
)
_OPENS = r"^[ \t]*(?:#+[ \t]+|\*\*|[<\[])?"
_CONTEXT = re.compile(
    rf"{_OPENS}(?:[a-z]+ )?{_CONTEXT_NAMES}(?:\*\*)?(?::(?:\*\*)?|[>\]]|[ \t]*$(?=\n))"
    rf"|^[^\n:]{{0,200}}\b{_CONTEXT_NAMES}\b[^\n:]{{0,60}}:[ \t]*$(?=\n)",
    re.IGNORECASE | re.MULTILINE,
)
_QUESTION = re.compile(
    rf"{_OPENS}(?:[a-z']+ ){{0,2}}(?:question|query)(?: is(?: as follows)?)?(?:\*\*)?"
    r"(?::(?:\*\*)?|[>\]]|[ \t]*$(?=\n))",
    re.IGNORECASE | re.MULTILINE,
)
_EXISTING = re.compile(
    r"^[^\n:]*\b(?:existing|original|previous) answer:[ \t]*(?P<text>.*?)(?=\n\s*\n|\n[A-Z]|\Z)",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
_FOLLOW_UP = re.compile(
    rf"{_OPENS}follow[- ]?up (?:input|message|question)(?:\*\*)?(?::|[>\]])\s*(?P<text>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER_LABEL = re.compile(r"\n\W*(?:[a-z]+ )?(?:answer|response|summary)\W*:\W*\Z", re.IGNORECASE)
_POINTS_DOWN = re.compile(r"\b(?:following|below)\b", re.IGNORECASE)
_CLOSING_TAG = re.compile(r"</[ \w]+>")
_RULE = re.compile(
    r"(?:^|(?<=[.:] ))[ \t]*(-{3,}|={3,}|\*{3,}|_{3,}|~{3,}|`{3,}|\"{3,})[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class RagPrompt:
    """A prompt's parts; no `passages` means that it brings no context.

    `follow_up` is a message that shall be made a question of its own, below a chat's history.
    """

    question: str
    passages: tuple[str, ...] = ()
    existing: str = ""
    follow_up: str = ""


def read_rag_prompt(text: str) -> RagPrompt:
    """Split one prompt into its parts."""
    if follow_ups := [*_FOLLOW_UP.finditer(text)]:
        return RagPrompt(text, follow_up=follow_ups[-1]["text"].strip())
    text = _ANSWER_LABEL.sub("", text.strip())
    context, rest = _between_rules(text)
    rest, last = _split_off_question(rest)
    if not context:
        context, rest = _below_label(rest, is_asked=bool(last))
    if existing := _EXISTING.search(rest):
        rest = rest.replace(existing[0], "")
    question = last or _labelled_question(rest)
    if not context and question:
        context = rest if last else _before_question(text)
    if not context:
        return _unlabelled(text)
    question = question or _last_question(rest)
    return RagPrompt(
        _clean(question), (_clean(context),), existing["text"].strip() if existing else ""
    )


def _clean(text: str) -> str:
    return _CLOSING_TAG.sub("", text).strip()


def _between_rules(text: str) -> tuple[str, str]:
    """Return what stands between the first and the last rule of one length, and the rest."""
    rules = list(_RULE.finditer(text))
    for first in rules:
        last = [rule for rule in rules if rule[1] == first[1]][-1]
        if inside := text[first.end() : last.start()].strip():
            return inside, f"{text[: first.start()]}\n{text[last.end() :]}"
    return "", text


def _split_off_question(text: str) -> tuple[str, str]:
    """Split off a question without a label that is the last paragraph."""
    before, _, last = text.rpartition("\n\n")
    alone = before.strip() and last.rstrip().endswith(("?", "？")) and not _QUESTION.search(last)
    return (before, last.strip()) if alone else (text, "")


def _below_label(text: str, *, is_asked: bool) -> tuple[str, str]:
    """Return what stands below the first label of a context, and the rest.

    It ends at the last label of a question, for a context may have such labels of its own; or
    with the text, where the question stands elsewhere.
    """
    label = _CONTEXT.search(text)
    if label is None:
        return "", text
    before, after = text[: label.start()], text[label.end() :]
    is_asked = is_asked or bool(_QUESTION.search(before))
    asked = [] if is_asked else list(_QUESTION.finditer(after))
    end = asked[-1].start() if asked else len(after)
    return after[:end], before + after[end:]


def _labelled_question(text: str) -> str:
    """Return the paragraph below the last label of a question."""
    labels = list(_QUESTION.finditer(text))
    found = blocks(_CLOSING_TAG.sub("\n\n", text[labels[-1].end() :])) if labels else []
    return found[0] if found else ""


def _before_question(text: str) -> str:
    """Return the paragraphs above a labelled question; the first of several instructs."""
    found = blocks(text[: list(_QUESTION.finditer(text))[-1].start()])
    return "\n\n".join(found[1:] or found)


def _last_question(text: str) -> str:
    """Return the last question of a text, else the text."""
    asked = [each for each in sentences(text) if each.endswith(("?", "？"))]
    return asked[-1] if asked else text.strip()


def _unlabelled(text: str) -> RagPrompt:
    """Split off a first paragraph that asks or announces what is below it."""
    found = blocks(text)
    if len(found) > 1 and (found[0].endswith(("?", "？")) or _POINTS_DOWN.search(found[0])):
        return RagPrompt(found[0], tuple(found[1:]))
    return RagPrompt(text)
