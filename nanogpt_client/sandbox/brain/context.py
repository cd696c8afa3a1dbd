"""Take a prompt apart into question, context and earlier answer.

Frameworks put all of them into one message: between rules of dashes, under labels (`Query:`,
`Question:`, `Original Answer:`), under markdown headings or in XML tags. `take_apart` finds such
parts by their form, whatever the template. A text without them is split into its question and
the sentences around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from nanogpt_client.sandbox.answers.text import blocks, sentences

_KINDS = {
    "question": "question|query|user question|user query|user input|user message|the question"
    "|follow[- ]?up (?:input|question|message)|latest question|current message|search query"
    "|the original query is as follows|original (?:query|question)|user's question|my question"
    "|new question|task|request|instruction",
    "context": "context|contexts|context information|new context|retrieved context|documents?"
    "|passages?|sources?|text|article|reference(?:s| text)?|background|knowledge|excerpts?"
    "|source material|retrieved documents|additional context|content",
    "existing": "original answer|existing answer|previous answer|current answer"
    "|we have provided an existing answer",
    "history": "chat history|conversation history|conversation|history|chat_history",
    "answer": "answer|response|new answer|refined answer|final answer|helpful answer|output|ai"
    "|assistant|standalone question|your answer|summary|title|keywords|queries",
}
_KIND_OF = [(re.compile(rf"(?:{names})", re.IGNORECASE), kind) for kind, names in _KINDS.items()]
_ANY = "|".join(_KINDS.values())
_LABEL = re.compile(
    rf"^[ \t]*(?:#{{1,6}}[ \t]+|\*\*|[<\[])?({_ANY})(?:[ \t]*(?:is|are)(?: given)?(?: below)?)?"
    r"(?:\*\*)?(?:[ \t]*[:：](?:\*\*)?|[>\]]|[ \t]*$(?=\n))[ \t]*"
    r"|^[^\n]{0,200}\b(?:context|following|below|documents?|text|passages?|information|sources?"
    r"|article)\b[^\n]{0,60}[:：][ \t]*$(?=\n)",
    re.IGNORECASE | re.MULTILINE,
)
_CLOSING = re.compile(
    rf"^[ \t]*</[ \t]*(?:{_ANY}|\w+)[ \t]*>[ \t]*$|</(?:{_ANY})>", re.IGNORECASE | re.MULTILINE
)
_RULE = re.compile(
    r"(?:^|(?<=[.:] )|(?<=[.:]))[ \t]*(-{3,}|={3,}|\*{3,}|_{3,}|~{3,}|`{3,}|\"{3,}"
    r"|#{5,})\w*[ \t]*$",
    re.MULTILINE,
)
_ASKED_INLINE = re.compile(r"(?:the )?(?:question|query)(?: is)?: *'([^\n]+)'", re.IGNORECASE)
_INSTRUCTS = re.compile(
    r"^(?:you are|you're|your (?:task|job|role|goal)|act as|answer|respond|reply|use|using|given"
    r"|based on|do not|don't|never|always|only|if (?:you|the)|please|be|keep|write|avoid|try"
    r"|your (?:response|answer|reply|output)|for example"
    r"|follow|return|provide|when|think|the following is|here (?:is|are)|note|cite|output"
    r"|some rules|\d+\. )\b",
    re.IGNORECASE,
)
_FORMATTING = re.compile(
    r"^(?:your (?:response|answer|reply|output) (?:should|must|has)|(?:answer|respond|reply) (?:in"
    r"|with|only|using|briefly)|be (?:brief|short|concise)|for example|eg:)\b",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"^answer the (?:user(?:'s)? )?(?:query|question|request)[.:]?$", re.IGNORECASE
)
_TRAILING = re.compile(rf"\n\s*(?:{_KINDS['answer']})\s*[:：]\s*\"*\s*$", re.IGNORECASE)
_AFTER_CONTEXT = re.compile(r"(?<=\S)\n\s*\n(?=Given (?:the|this|these)\b)")
_OFFER = re.compile(r"\n(?=We have the opportunity|Given the|Below are|Use them|Use the new)")
_POINTS_DOWN = re.compile(r"\b(?:below|following|this|these)\b|[:：]\s*$", re.IGNORECASE)
_REQUEST = re.compile(
    r"^(?:please\b|(?:can|could|would) you\b|what|who|whom|whose|when|where|which|why|how|is|are|do"
    r"|does|did|explain|describe|list|name|summari[sz]e|extract|tell|give|write|answer|translate"
    r"|classify|compare|find|identify|rewrite|rephrase|show|define)\b",
    re.IGNORECASE,
)
_LENGTH = (
    r"(?:in|using|with) (?:at most |exactly |only |just |about )?"
    r"(?:an?|one|two|three|four|five|\d+|a few|a single)(?: (?:or|to) \w+)?"
    r"(?: (?:short|brief|simple|concise|plain))* (?:sentences?|words?|lines?|paragraphs?)"
)
_HOW_LONG = re.compile(
    rf"^\W*(?:(?:please )?(?:answer|reply|respond|explain|say)? ?{_LENGTH}|briefly|in short)"
    rf"\s*[:,-]\s*|,?\s+{_LENGTH}(?=[.?!\s]*$)",
    re.IGNORECASE,
)
_ASKS_ABOUT = re.compile(
    r"(?:(?<=[.?!:\n] )|(?<=[:\n])|^)[ \t]*(?:how|why|who|when|where|which|what)\b"
    r"(?![^.?\n]*\b(?:in|as) (?:valid )?json\W*$)[^.?\n]*\?",
    re.IGNORECASE | re.MULTILINE,
)
_TOO_LITTLE = 20  # characters outside a context that are no instruction
_LONG = 160  # a question is seldom longer


@dataclass(frozen=True, slots=True)
class Prompt:
    """The parts of a prompt; `passages` are texts to answer from, in the order given."""

    question: str
    passages: tuple[str, ...] = ()
    existing: str = ""
    history: str = ""
    instruction: str = ""
    is_told: bool = False  # the passages are the user's own words, said along with the question


class _Part(NamedTuple):
    kind: str
    text: str


@lru_cache(maxsize=64)
def take_apart(text: str) -> Prompt:
    """Split one prompt into its parts."""
    text = _TRAILING.sub("", text)
    fenced, rest = _fenced(text)
    parts = _parts(rest)
    questions = [part.text for part in parts if part.kind == "question" and part.text]
    contexts = [part.text for part in parts if part.kind == "context" and part.text]
    if not questions and (inline := _ASKED_INLINE.search(rest)):
        questions = [inline[1]]
    if (not questions and not fenced and not contexts) or _ends_in_question(text, parts, fenced):
        return _unlabelled(text)
    lead = "\n".join(part.text for part in parts if part.kind == "")
    passages = [passage for passage in (fenced, *contexts) if passage.strip()]
    return Prompt(
        question=bare(questions[-1] if questions else _question_in(lead)),
        passages=tuple(passages) if passages else _statements(lead, bool(questions)),
        existing=_OFFER.split(_last(parts, "existing"))[0].strip(),
        history=_last(parts, "history"),
        instruction=lead.strip(),
    )


def bare(question: str) -> str:
    """Return a question without the words that only say how to answer it."""
    shorter = _HOW_LONG.sub("", question)
    question = shorter if _REQUEST.match(shorter) else question
    each = sentences(question)
    is_asked = any(sentence.endswith(("?", "？")) for sentence in each)
    drop = _INSTRUCTS if is_asked else _FORMATTING
    kept = [sentence for sentence in each if not drop.match(sentence)]
    return " ".join(kept) if kept and len(kept) < len(each) else question


@lru_cache(maxsize=64)
def told(text: str) -> str:
    """Return what a prompt says outside its context: the question, and how to answer it.

    Words of a context are no instructions, whatever they speak of.
    """
    rest = _CLOSING.sub("", text)
    for passage in take_apart(text).passages:
        if not _INSTRUCTS.match(passage) and not passage.startswith(("{", "[")):
            rest = rest.replace(passage, "\n", 1)
    return rest if len(rest.strip()) > _TOO_LITTLE else text


def commands(text: str) -> str:
    """Return what a prompt tells to do: `told` without questions such as `How do I ...?`."""
    return _ASKS_ABOUT.sub("", told(text))


def context_of_system(system: str) -> tuple[str, ...]:
    """Return the passages that a system message gives to answer from."""
    fenced, rest = _fenced(system)
    parts = _parts(rest)
    found = [fenced, *(part.text for part in parts if part.kind == "context")]
    passages = [passage for passage in found if passage.strip()]
    return tuple(passages) or tuple(
        block for block in blocks(system) if not _INSTRUCTS.match(block) and len(block) > _LONG
    )


def facts_of_system(system: str) -> list[str]:
    """Return the sentences of a system message that tell something, not what to do."""
    return [each for each in sentences(system) if not _INSTRUCTS.match(each)]


def _fenced(text: str) -> tuple[str, str]:
    """Return what stands between the first and the last rule of one length, and the rest.

    A rule may frame the context as one block or separate its chunks; either way it is context.
    """
    rules = list(_RULE.finditer(text))
    for first in rules:
        same = [rule for rule in rules if rule[1] == first[1]]
        if len(same) > 1:
            inside = text[first.end() : same[-1].start()].strip("\n")
            if inside.strip():
                return inside, f"{text[: first.start()]}\n{text[same[-1].end() :]}"
    return "", text


def _parts(text: str) -> list[_Part]:
    """Cut a text at its labels; what comes before the first has the kind ""."""
    labels = [(label, _kind_of(label[1])) for label in _LABEL.finditer(text)]
    last_question = max((i for i, (_, kind) in enumerate(labels) if kind == "question"), default=-1)
    found: list[_Part] = []
    now, start, is_asked = "", 0, False
    for number, (label, kind) in enumerate(labels):
        if now == "context" and not _ends_context(kind, is_asked, number >= last_question):
            continue
        found.append(_Part(now, _clean(text[start : label.start()])))
        is_asked = is_asked or now == "question"
        now, start = kind, label.end()
    found.append(_Part(now, _clean(text[start:])))
    return [_split_off(part) for part in found]


def _ends_context(kind: str, is_asked: bool, is_last: bool) -> bool:
    """Tell whether a label after a context is the prompt's own, not one inside the context.

    Only the last question and what follows it are the prompt's own, and no further one where
    the question came first.
    """
    if is_asked:
        return kind == "existing"
    return kind in {"context", "existing", "history"} or is_last


def _kind_of(name: str | None) -> str:
    """Return the kind of a label; a line such as `Answer from this text:` opens a context."""
    return next((kind for pattern, kind in _KIND_OF if pattern.fullmatch(name or "")), "context")


def _clean(text: str) -> str:
    text = _AFTER_CONTEXT.split(_CLOSING.sub("", text))[0] if text.strip() else text
    return text.strip().strip('"').strip()


def _split_off(part: _Part) -> _Part:
    """Cut instructions that follow a question after a blank line."""
    if part.kind == "question" and len(found := blocks(part.text)) > 1:
        return _Part(part.kind, found[0])
    return part


def _ends_in_question(text: str, parts: list[_Part], fenced: str) -> bool:
    """Tell whether a question without label stands below a context that has labels inside."""
    last = blocks(text)[-1:]
    return (
        not fenced
        and parts[-1].kind not in {"question", ""}
        and bool(last and last[0].endswith(("?", "？")))
        and not _LABEL.match(last[0])
        and last[0] != text.strip()
    )


def _last(parts: list[_Part], kind: str) -> str:
    return next((part.text for part in reversed(parts) if part.kind == kind and part.text), "")


def _statements(lead: str, has_question: bool) -> tuple[str, ...]:
    """Return the paragraphs of a lead that tell something."""
    if not has_question:
        return ()
    found = [block for block in blocks(lead) if not _INSTRUCTS.match(block)]
    return tuple(block for block in found if not block.endswith((":", "?")))


def _question_in(lead: str) -> str:
    """Return the question in a text of instructions, else the text."""
    asked = [each for each in sentences(lead) if each.endswith(("?", "？"))]
    return asked[-1] if asked else lead.strip()


def _unlabelled(text: str) -> Prompt:
    """Split a text without labels: first or last paragraph, else last question, is the request."""
    found = blocks(text)
    if len(found) > 1:
        if _is_request(found[-1]) and not _POINTS_DOWN.search(found[0][-80:]):
            return Prompt(bare(found[-1]), tuple(found[:-1]))
        if _is_request(found[0]) or _POINTS_DOWN.search(found[0]):
            return Prompt(bare(found[0]), tuple(found[1:]))
    head, colon, tail = text.partition(":")
    is_text = len(tail) > _LONG or len(sentences(tail)) > 1
    if colon and _REQUEST.match(head.strip()) and len(head) < _LONG and is_text:
        return Prompt(head.strip(), (tail.strip(),))
    return _question_among(text)


def _is_request(block: str) -> bool:
    return len(block) <= 2 * _LONG and (
        block.rstrip().endswith(("?", "？")) or _REQUEST.match(block) is not None
    )


def _question_among(text: str) -> Prompt:
    """Split a paragraph into its last question and the statements before it."""
    each = sentences(text)
    asked = [i for i, sentence in enumerate(each) if sentence.endswith(("?", "？"))]
    before = range(asked[0] if asked else 0)
    told = [i for i in before if not _REQUEST.match(each[i]) and not _INSTRUCTS.match(each[i])]
    if not told:
        rest = [sentence for sentence in each if not _BOILERPLATE.match(sentence)]
        return Prompt(bare(" ".join(rest) if len(rest) < len(each) else text.strip()))
    question = " ".join(sentence for i, sentence in enumerate(each) if i not in told)
    return Prompt(bare(question), (" ".join(each[i] for i in told),), is_told=True)
