"""`Extractive`: a model that answers with the best sentences of the context it is given.

Frameworks put question, context and earlier answer into one message. The context is what stands
between two rules (`-----`), below a label (`Context:`, `<context>`, a line that ends with `the
following text:`), or in the paragraphs before or after a question. Its sentences are ranked by the
words that they share with the question (`text.rank`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain, islice
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
_CONTEXT = re.compile(
    r"^[^\n:]{0,200}\b(?:contexts?|documents?|passages?|sources?|texts?|articles?|excerpts?)\b"
    r"(?::|>|[.*\] ]*\n)",
    re.IGNORECASE | re.MULTILINE,
)
_QUESTION = re.compile(
    r"^\W*(?:[a-z']+ ){0,2}(?:question|query)(?: is as follows)?[*\] ]*(?::|>|$)",
    re.IGNORECASE | re.MULTILINE,
)
_EXISTING = re.compile(
    r"\b(?:existing|original) answer: *(?P<text>.*?)(?=\n\s*\n|\n[A-Z]|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_FOLLOW_UP = re.compile(
    r"^\W*follow[- ]?up (?:input|message|question)[*\] ]*[:>]\s*(?P<text>[^\n]+)",
    re.IGNORECASE | re.MULTILINE,
)
_ANSWER_LABEL = re.compile(r"\n\W*(?:[a-z]+ )?(?:answer|response|summary)\W*:\W*\Z", re.IGNORECASE)
_CLOSING_TAG = re.compile(r"</[ \w]+>")
_RULE = re.compile(r"^[ \t]*(-{3,})[ \t]*$", re.MULTILINE)


class RagPrompt(NamedTuple):
    """A prompt's parts; `follow_up` is to be made a question of its own, below a history."""

    question: str
    passages: tuple[str, ...] = ()
    existing: str = ""
    follow_up: str = ""


class Extractive:
    """Answer from search results, documents and the context of a RAG prompt, verbatim."""

    def __call__(self, request: ChatRequest) -> Turn:
        """Return the best sentences, or say that there is no answer in the context."""
        return answer_from_context(request) or Turn("I was given no context to answer from.")


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
    unknown = prompt.existing or "The given context does not answer that."
    return Turn(" ".join(extract(prompt.question, passages)) or unknown)


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
    pairs = [(sentence, best) for sentence in found or sentences(contents[best])[:1]]
    for number in (each for each in range(len(results)) if each != best):
        if other := extract(question, [contents[number]], most=1, least=_CLOSE):
            return [*pairs, (other[0], number)]
    return pairs


def extract(
    question: str, passages: Sequence[str], most: int = _MOST_SENTENCES, least: float = _ENOUGH
) -> list[str]:
    """Return the sentences that answer a question best, in reading order.

    There are none where the best of them scores below `least`.

    A question for a summary, or without a word that says something, gets the opening sentences:
    the first of each passage, or the first ones of the only passage.
    """
    split = list(filter(None, map(sentences, passages)))
    if _WANTS_OPENING.search(question) or not terms(question):
        opening = [each[0] for each in split] if len(split) > 1 else chain(*split)
        return list(islice(opening, most))
    texts = list(chain(*split))[:_MOST_READ]
    scores = rank(question, texts)
    best = max(scores, default=0.0)
    if best < least:
        return []
    ranked = sorted(range(len(texts)), key=lambda i: -scores[i])[:most]
    return list(dict.fromkeys(texts[i] for i in sorted(ranked) if scores[i] >= _CLOSE * best))


def read_rag_prompt(text: str) -> RagPrompt:
    """Split one prompt into its parts."""
    if follow_ups := [*_FOLLOW_UP.finditer(text)]:
        return RagPrompt(text, follow_up=follow_ups[-1]["text"].strip())
    text = _ANSWER_LABEL.sub("", text.strip())
    context, rest = _between_rules(text) or _below_label(text) or _around_question(text)
    existing = _EXISTING.search(rest)
    said = existing["text"].strip() if existing else ""
    question = _question_in(rest.replace(existing[0], "") if existing else rest)
    return (
        RagPrompt(question, (_CLOSING_TAG.sub("", context).strip(),), said)
        if context
        else RagPrompt(text)
    )


def _between_rules(text: str) -> tuple[str, str] | None:
    """Return what stands between the first and the last rule of one length, and the rest."""
    rules = list(_RULE.finditer(text))
    for first in rules:
        last = [rule for rule in rules if rule[1] == first[1]][-1]
        if inside := text[first.end() : last.start()].strip():
            return inside, f"{text[: first.start()]}\n{text[last.end() :]}"
    return None


def _below_label(text: str) -> tuple[str, str] | None:
    """Return what stands below the first label of a context, and the rest.

    It ends where a question does: at a last paragraph that asks, or at the last label of a
    question, for a context may have such labels of its own.
    """
    label = _CONTEXT.search(text)
    if label is None:
        return None
    before, after = text[: label.start()], text[label.end() :]
    above, _, last = after.rpartition("\n\n")
    labels = list(_QUESTION.finditer(after))
    end = len(after)
    if _QUESTION.search(before) is None:
        end = len(above) if above and _asks(last) else labels[-1].start() if labels else end
    return after[:end], before + after[end:]


def _around_question(text: str) -> tuple[str, str]:
    """Return the paragraphs above or below one that asks, and that one."""
    *above, last = blocks(text) or [""]
    if above and (_asks(last) or _QUESTION.search(last)):
        return "\n\n".join(above), last
    if above and (_asks(above[0]) or _WANTS_OPENING.search(above[0])):
        return "\n\n".join([*above[1:], last]), above[0]
    return "", text


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "？"))


def _question_in(text: str) -> str:
    """Return what stands below the last label of a question, else the last sentence that asks."""
    labels = list(_QUESTION.finditer(text))
    below = blocks(_CLOSING_TAG.sub("\n\n", text[labels[-1].end() :])) if labels else []
    asked = [each for each in sentences(text) if _asks(each)]
    return [text.strip(), *asked, *below[:1]][-1]
