"""Answer a question with the best sentences of given passages, word for word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.answers.text import rank, sentences, terms
from nanogpt_client.sandbox.brain import mine

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENOUGH = 0.3  # least share of the question's words that an answer must hold
_CLOSE = 0.75  # further sentences must score at least this share of the best
_PASSAGE = 0.25
_NEIGHBOUR = 0.45
_KINDSHIP = 0.18
_MOST = 3
_MOST_READ = 1500
_PRONOUN = re.compile(
    r"^(?:it|he|she|they|this|that|these|those|its|his|her|their|such)\b", re.IGNORECASE
)
_WANTS_LEAD = re.compile(
    r"\b(?:summar\w+|tl;?dr|main (?:points?|ideas?)|key (?:points?|takeaways?|details)|overview"
    r"|what (?:is|does) (?:this|the|it) ?(?:text|document|article|passage|context|page|file)?"
    r" ?(?:about|say)|in short|gist|describe (?:this|the) (?:text|document))\b",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\b(?:when|(?:what|which) (?:year|date|time))\b", re.IGNORECASE)
_HOW_MUCH = re.compile(
    r"\bhow (?:many|much|old|long|far|tall|big|high|large|fast|often)\b|\bnumber\b", re.IGNORECASE
)
_PERSON = re.compile(r"\w,? [A-Z][a-z]|^[A-Z]\w+ [A-Z]")
_EXPECTED = (
    (re.compile(r"\bwho(?:se|m)?\b", re.IGNORECASE), _PERSON),
    (_WHEN, re.compile(r"\d")),
    (_HOW_MUCH,
     re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred)\b")),
    (re.compile(r"\bwhere\b", re.IGNORECASE), re.compile(r"\b(?:in|at|on|near|under|from)\b")),
    (re.compile(r"\bwhy\b", re.IGNORECASE), re.compile(r"\b(?:because|since|so that|due to|to)\b")),
)  # fmt: skip
_LISTS_NAMES = re.compile(  # of parameters, as documentation does
    r"(?:Args|Arguments|Parameters|Attributes|Returns|Raises|Yields|Examples?):"
    r"|[a-z_]+(?: [a-z_]+)*$|[a-z_]{1,20}: \S+$"
)
_DEFINES = re.compile(
    r"^(?:an?|the)?\s*[\w .()'-]{2,60}? (?:is|are|was|were|means|provides)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Extract:
    """Sentences taken from passages; `sources` are the passages' numbers, `score` is 0 to 1.

    An extract without sentences means that the passages do not answer the question.
    """

    sentences: tuple[str, ...] = ()
    sources: tuple[int, ...] = ()
    score: float = 0.0

    @property
    def text(self) -> str:
        """The sentences as one answer."""
        return " ".join(self.sentences)


def wants_lead(question: str) -> bool:
    """Tell whether a question asks for a summary rather than for a fact."""
    return _WANTS_LEAD.search(question) is not None or not terms(question)


def kinds_expected(question: str) -> list[re.Pattern[str]]:
    """Return what a sentence that answers the question should hold: a name, a number ..."""
    return [wanted for asked, wanted in _EXPECTED if asked.search(question)]


def opens_pointing(sentence: str) -> bool:
    """Tell whether a sentence opens with a word that stands for one before it: it, this."""
    return _PRONOUN.match(sentence) is not None


def lead(passages: Sequence[str], most: int = _MOST) -> Extract:
    """Return the opening sentence of each passage, or the first sentences of the only one."""
    split = [sentences(passage) for passage in passages]
    if len(split) == 1:
        picked = [(0, each) for each in split[0][:most]]
    else:
        picked = [(number, each[0]) for number, each in enumerate(split[:most]) if each]
    return Extract(tuple(text for _, text in picked), tuple(number for number, _ in picked), 1.0)


def extract(question: str, passages: Sequence[str], most: int = _MOST) -> Extract:
    """Return the one to three sentences that answer the question best, in reading order."""
    split = [
        (number, each) for number, passage in enumerate(passages) for each in sentences(passage)
    ]
    split = split[:_MOST_READ]
    if not split:
        return Extract()
    plain = rank(question, [each for _, each in split])
    scores = _adjusted(question, split, plain, rank(question, passages))
    best = max(range(len(split)), key=lambda i: (scores[i], -i))
    reached = max(plain[max(0, best - 1) : best + 1])
    if reached < _ENOUGH:
        return Extract(score=reached)
    chosen = _companions(scores, plain, best, [each for _, each in split])[:most]
    return Extract(
        tuple(split[i][1] for i in sorted(chosen)),
        tuple(split[i][0] for i in sorted(chosen)),
        min(1.0, reached),
    )


def _adjusted(
    question: str, split: list[tuple[int, str]], plain: list[float], whole: list[float]
) -> list[float]:
    """Weigh in the passage around a sentence, the one before it, and the kind of answer."""
    expected = kinds_expected(question)
    definition = re.match(r"\W*(?:what|who) (?:is|are|was|were)\b", question, re.IGNORECASE)
    scores = []
    for i, (number, sentence) in enumerate(split):
        score = plain[i] + _PASSAGE * whole[number]
        follows = i > 0 and split[i - 1][0] == number
        if follows and _PRONOUN.match(sentence):
            score += _NEIGHBOUR * plain[i - 1]
        if score and plain[i]:
            score += _KINDSHIP * sum(1 for wanted in expected if wanted.search(sentence))
            score += 0.5 * _KINDSHIP * bool(definition and _DEFINES.match(sentence))
        if sentence.endswith(("?", "？")) or _is_heading(sentence):
            score *= 0.5
        scores.append(score)
    return scores


def _is_heading(sentence: str) -> bool:
    """Tell whether a sentence only announces or lists what others tell."""
    is_title = sentence.startswith("#") or sentence.endswith(":")
    return is_title or _LISTS_NAMES.match(sentence) is not None


def _companions(scores: list[float], plain: list[float], best: int, texts: list[str]) -> list[int]:
    """Return the best sentence with those nearly as good, and the one its pronoun stands for."""
    chosen = [best]
    if best and _PRONOUN.match(texts[best]) and plain[best - 1]:
        chosen.append(best - 1)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    for i in order[1 : _MOST + 1]:
        close = scores[i] >= _CLOSE * scores[best] and plain[i] >= _CLOSE * plain[best]
        if close and texts[i] not in {texts[j] for j in chosen}:
            chosen.append(i)
    return list(dict.fromkeys(chosen))


def asked_number(question: str, text: str) -> str:
    """Return the number of a text that a question asks for, or an empty string.

    Years answer only questions for a time, and what the question says itself is no answer.
    """
    found = [each for each in mine.numbers(text) if f"{each.value:g}" not in question]
    years = [each for each in found if 1000 <= each.value <= 2200 and each.value == int(each.value)]
    if _WHEN.search(question):
        found = years or found
    elif _HOW_MUCH.search(question):
        found = [each for each in found if each not in years] or found
    return text[found[0].start : found[0].end].strip() if found else ""


def short_answer(question: str, sentence: str) -> str:
    """Return the word or name of a sentence that the question asks for."""
    asked = {word.lower() for word in re.findall(r"\w+", question)}
    wants_number = _WHEN.search(question) or _HOW_MUCH.search(question)
    if wants_number and (number := asked_number(question, sentence)):
        return number
    spans = [*mine.names(sentence), *mine.quoted(sentence)]
    if re.match(r"\W*who\b", question, re.IGNORECASE):
        spans.sort(key=lambda span: (not sentence[: span.start].endswith("by "), span.start))
    for span in spans:
        if not set(re.findall(r"\w+", span.value.lower())) <= asked:
            return span.value
    words = [word for word in re.findall(r"[\w'-]+", sentence) if word.lower() not in asked]
    telling = [word for word in words if terms(word)]
    return next(reversed(telling or words), sentence)
