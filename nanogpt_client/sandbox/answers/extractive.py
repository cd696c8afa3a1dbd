"""`Extractive`: a model that answers with the best sentences of the context it is given.

Frameworks put question, context and earlier answer into one message. A context is found by its
form, in this order: what stands between two rules (`-----`), below a label (`Context:`,
`## Documents`, `<context>`, a line that announces `the following text:`), or in the paragraphs
before or after a question. Its sentences are ranked by the words that they share with the question
(`text.rank`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from nanogpt_client.sandbox.answers.text import blocks, rank, sentences, shorten, terms
from nanogpt_client.sandbox.answers.turn import ChatRequest, Citation, SearchResult, Turn, text_of

_ENOUGH = 0.3  # least share of the question's words that an answer must have
_CLOSE = 0.75  # further sentences must score at least this share of the best
_MOST_SENTENCES = 3
_MOST_READ = 1500
_SNIPPET = 300  # characters of a source that a citation shows
_WANTS_OPENING = re.compile(
    r"\b(?:summar\w+|tl;?dr|main (?:points?|ideas?)|key (?:points?|takeaways?|details)|overview"
    r"|what (?:is|does) (?:this|the|it) ?(?:text|document|article|passage|context|page|file)?"
    r" ?(?:about|say))\b",
    re.IGNORECASE,
)
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


class RagPrompt(NamedTuple):
    """A prompt's parts; `follow_up` is to be made a question of its own, below a history."""

    question: str
    passages: tuple[str, ...] = ()
    existing: str = ""
    follow_up: str = ""


class Extract(NamedTuple):
    """Sentences of passages, in reading order, and the number of the passage of each."""

    sentences: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    score: float = 0.0


class Extractive:
    """Answer from search results, documents and the context of a RAG prompt, verbatim."""

    def __call__(self, request: ChatRequest) -> Turn:
        """Return the best sentences, or say that there is no answer in the context."""
        answer = answer_from_context(request)
        return answer or Turn("I was given no context to answer from.")


def answer_from_context(request: ChatRequest) -> Turn | None:
    """Answer a request from what it brings along; None where it brings nothing."""
    prompt = _prompt_of(request)
    if prompt.follow_up:
        return Turn(prompt.follow_up)
    if request.search_results:
        return cited_answer(prompt.question, request.search_results)
    passages = (*prompt.passages, *request.attachments, *request.tool_results)
    if not passages:
        return None
    found = extract(prompt.question, passages)
    unknown = prompt.existing or "The given context does not answer that."
    return Turn(" ".join(found.sentences) or unknown)


def _prompt_of(request: ChatRequest) -> RagPrompt:
    """Read the last user message, and the context of a system message where it has none."""
    prompt = read_rag_prompt(request.text)
    if prompt.passages or prompt.follow_up:
        return prompt
    for message in request.messages:
        if message["role"] in ("system", "developer"):
            given = read_rag_prompt(text_of(message))
            if given.passages:
                return RagPrompt(request.text, given.passages, given.existing)
    return RagPrompt(request.text)


def cited_answer(question: str, results: Sequence[SearchResult], before: str = "") -> Turn:
    """Answer from search results, each sentence followed by its source's number, after `before`."""
    text, citations = f"{before}\n\n" if before else "", []
    for sentence, number in _support(question, results):
        result, start = results[number], len(text)
        end = start + len(sentence)
        text += f"{sentence} [{number + 1}] "
        shown = shorten(result.content, _SNIPPET)
        citations.append(Citation(result.url, result.title, start, end, shown))
    return Turn(text.rstrip(), citations=tuple(citations))


def _support(question: str, results: Sequence[SearchResult]) -> list[tuple[str, int]]:
    """Choose up to three sentences, of two results where two answer, each with its number."""
    scores = rank(question, [f"{result.title}\n\n{result.content}" for result in results])
    best = scores.index(max(scores))
    contents = [result.content for result in results]
    found = extract(question, [contents[best]], most=2)
    pairs = [(sentence, best) for sentence in found.sentences or sentences(contents[best])[:1]]
    for number in (each for each in range(len(results)) if each != best):
        other = extract(question, [contents[number]], most=1)
        if other.score >= _CLOSE:
            return [*pairs, (other.sentences[0], number)]
    return pairs


def extract(question: str, passages: Sequence[str], most: int = _MOST_SENTENCES) -> Extract:
    """Return the sentences that answer a question best; none where the passages do not answer it.

    A question for a summary, or without a word that says something, gets the opening sentences:
    the first of each passage, or the first ones of the only passage.
    """
    split = [(place, each) for place, text in enumerate(passages) for each in sentences(text)]
    split = split[:_MOST_READ]
    texts, places = [each for _, each in split], [place for place, _ in split]
    if _WANTS_OPENING.search(question) or not terms(question):
        several = len(set(places)) > 1
        firsts = [i for i, place in enumerate(places) if not several or places.index(place) == i]
        return _extract(split, firsts[:most], 1.0)
    scores = rank(question, texts)
    ranked = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    if not ranked or scores[ranked[0]] < _ENOUGH:
        return Extract()
    best, chosen = scores[ranked[0]], ranked[:1]
    for i in ranked[1:most]:
        if scores[i] >= _CLOSE * best and texts[i] not in {texts[j] for j in chosen}:
            chosen.append(i)
    return _extract(split, sorted(chosen), min(1.0, best))


def _extract(split: Sequence[tuple[int, str]], chosen: Sequence[int], score: float) -> Extract:
    parts = [split[i] for i in chosen]
    return Extract(tuple(text for _, text in parts), tuple(place for place, _ in parts), score)


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
    labels = list(_QUESTION.finditer(text))
    found = blocks(_CLOSING_TAG.sub("\n\n", text[labels[-1].end() :])) if labels else []
    return found[0] if found else ""


def _before_question(text: str) -> str:
    """Return the paragraphs above a labelled question; the first of several instructs."""
    found = blocks(text[: list(_QUESTION.finditer(text))[-1].start()])
    return "\n\n".join(found[1:] or found)


def _last_question(text: str) -> str:
    asked = [each for each in sentences(text) if each.endswith(("?", "？"))]
    return asked[-1] if asked else text.strip()


def _unlabelled(text: str) -> RagPrompt:
    """Split off a first paragraph that asks or announces what is below it."""
    found = blocks(text)
    if len(found) > 1 and (found[0].endswith(("?", "？")) or _POINTS_DOWN.search(found[0])):
        return RagPrompt(found[0], tuple(found[1:]))
    return RagPrompt(text)
