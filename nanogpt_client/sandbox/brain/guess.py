"""Guess which words of a conversation a string field wants.

A field's name (else its description) gives it a role: url, email, place, name, query ...
`certain` yields values that the text ties to the field: labelled ones (`city: Paris`,
`named 'X'`) or ones of an unmistakable kind. `likely` yields, in falling order, what else
could be meant. Both yield candidates; the filler takes the first that its schema allows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nanogpt_client.sandbox.brain import arith, mine
from nanogpt_client.sandbox.brain.carry import fits, works_on_file
from nanogpt_client.sandbox.brain.entity import beside, is_known, outstanding
from nanogpt_client.sandbox.brain.lexicon import COLOURS, CURRENCIES, LANGUAGES, ROLES, UNITS
from nanogpt_client.sandbox.brain.phrase import phrase
from nanogpt_client.sandbox.brain.source import Candidate, Field, Source
from nanogpt_client.sandbox.media.words import stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FROM = frozenset("from origin source departure start base".split())
_TO = frozenset("to destination dest target arrival end into".split())
_VALUE = (
    r"\s*(?:\"([^\"\n]*)\"|'([^'\n]*)'|`([^`\n]*)`|([^\s,;\n\"'`][^,;\n]*?)"
    r"(?=\s*(?:[,;\n)}]|[.!?](?:\s|$)|$| and | with | or )))"
)
_IS = (
    r"[\"'*]*\s*(?:=|:|\bis\b|\bwas\b|\bare\b|\bas\b|\bcalled\b|\bnamed\b|\bshould be\b|\bto be\b"
    r"|(?=\s[\"'`]))"
)
_PREPOSITION = r"(?:in|at|near|from|to|for|of|around|into|visit|visiting|between|and)"
_STOP_PLACE = (
    r"(?!the\b|a\b|an\b|my\b|your\b|it\b|me\b|him\b|her\b|them\b|this\b|that\b|now\b|today\b|tomorrow\b"
    r"|please\b|us\b|you\b|\d)"
)
_LOWER_PLACE = (
    rf"{_STOP_PLACE}([^\W\d_]+(?: {_STOP_PLACE}(?!and\b|or\b|to\b|in\b|at\b|on\b"
    rf"|for\b|with\b|right\b|using\b|by\b)[^\W\d_]+)?)"
)
_ONLY_VALUE = re.compile(
    r"(?:(?:and|or|in|at|for|of) )*([^\W\d_]{2,}(?: [^\W\d_]{2,})?)[.?!]*", re.IGNORECASE
)
_EXAMPLES = re.compile(r"\b(?:e\.g\.|such as|for example|like|one of|either)[:,]?\s+([^.;)]+)")
_BETWEEN = re.compile(r",\s*(?:or |and )?|\s+(?:or|and)\s+")
_RECEIVER = frozenset("to cc bcc recipient recipients".split())
_PROSE = frozenset({"phrase", "answer"})
_QUOTABLE = frozenset(
    "text texts string sentence word words message content body note comment caption s "
    "input".split()
)
_LONGEST_TEXT, _LONGEST_NAME = 20_000, 60
_NEAR = 60  # characters before a name that may introduce it
_UNWANTED = re.compile(r"\b(?:exclud\w*|block\w*|without|not|ignor\w*)\b")
_EXCLUDES = re.compile(
    r"\b(?:not?|n't|never|except|exclud\w*|without|ignor\w*)\b[^.;]*$", re.IGNORECASE
)
_TITLED = re.compile(r"\b(?:named|called|titled|entitled)\s*[\"'“‘`]?$", re.IGNORECASE)
_NAMED = re.compile(r"\b(?:named|called|titled|name is|am|I'm|by)\s*[\"'“‘`]?$", re.IGNORECASE)


def role_of(field: Field, form: str = "") -> str:
    """Return the role that a field's name, else its format, else its description gives it."""
    if form in {"email", "uri", "url", "date"}:
        return "url" if form == "uri" else form
    if works_on_file(field.words, field.about_words):
        return "path"
    for word in reversed(field.words):
        if word in ROLES:
            return ROLES[word]
    return next((ROLES[word] for word in field.about_words if word in ROLES), "")


def certain(field: Field, source: Source, form: str = "") -> Iterator[Candidate]:
    """Yield the values that the text ties to this field."""
    yield from _labelled(field, source)
    role = role_of(field, form)
    if source.known and not works_on_file(field.words, field.about_words):
        spans = beside(field.words, source.focus, source.known)
        whole = {*mine.quoted(source.focus), *mine.names(source.focus)}
        yield from (_at(0, span) for span in spans if role not in _PROSE or span in whole)
    yield from _exemplary(field, source)
    if _RECEIVER.intersection(field.words):
        for number, text in source.numbered():
            yield from (_at(number, span) for span in mine.found("email", text))
    if role in _SHAPED:
        for number, text in source.numbered():
            for span in _SHAPED[role](text):
                if fits(span.value, field.words, field.about_words):
                    yield _at(number, span)
    elif role == "place":
        yield from _directed(field, source, near=True)
        yield from _places(source, near=True)
    elif role in {"name", "title"}:
        yield from _named(field, source)


def likely(field: Field, source: Source, form: str = "") -> Iterator[Candidate]:
    """Yield what else could be meant, best first."""
    role = role_of(field, form)
    yield from _directed(field, source, near=False)
    yield from (each for each in _likely(field, source, role) if each.value not in source.given)
    if source.answer:
        yield Candidate(source.answer)
    yield from _phrases(source, _LONGEST_TEXT if role in _PROSE else _LONGEST_NAME)


def _likely(field: Field, source: Source, role: str) -> Iterator[Candidate]:
    """Yield the quotations, names and phrases that a field of a role could mean."""
    if _QUOTABLE.intersection(field.words):
        yield from (_at(0, span) for span in mine.quoted(source.focus))
    if source.carried and role in {"phrase", "answer", ""}:
        yield Candidate(source.carried)
    if role == "answer" and source.answer:
        yield Candidate(source.answer)
    if role in _PROSE:
        yield from _phrases(source)
    elif source.known:
        yield from (_at(0, span) for span in mine.quoted(source.focus))
        yield from (_at(0, span) for span in outstanding(source.focus, source.known))
    if role == "":
        yield from _qualified(field, source)
    yield from _anywhere(source, role)


def _anywhere(source: Source, role: str) -> Iterator[Candidate]:
    """Yield the names and quotations of all texts, those of the request first."""
    if role in {"place", "name"} and (only := _ONLY_VALUE.fullmatch(source.focus)):
        yield Candidate(only[1], (0, only.start(1), only.end(1)))
    if role == "place":
        yield from (_at(0, span) for span in mine.names(source.focus))
        yield from _places(source, near=False)
    for number, text in source.numbered():
        yield from (_at(number, span) for span in mine.quoted(text))
        if role not in _PROSE:
            names = (span for span in mine.names(text) if not is_known(span.value, source.known))
            yield from (_at(number, span) for span in names)


def _phrases(source: Source, longest: int = _LONGEST_TEXT) -> Iterator[Candidate]:
    """Yield what the request is about, in its own words."""
    for _, text in source.numbered():
        if (words := phrase(text)) and len(words) <= longest:
            yield Candidate(words)


def _at(number: int, span: mine.Span) -> Candidate:
    return Candidate(span.value, (number, span.start, span.end))


def _labelled(field: Field, source: Source) -> Iterator[Candidate]:
    """Yield what the text gives under the field's own name: `city: Paris`, `city = "Paris"`."""
    if not field.words:
        return
    name = r"[\s_-]*".join(map(re.escape, field.words))
    pattern = re.compile(rf"(?<![^\W_]){name}{_IS}{_VALUE}", re.IGNORECASE)
    for number, text in source.numbered():
        for match in pattern.finditer(text):
            group = next((i for i in range(1, 5) if match[i] is not None), 4)
            if (value := match[group].strip(" .*")) and not re.match(r"(?:an?|the|what)\b", value):
                yield Candidate(value, (number, match.start(group), match.end(group)))


def _exemplary(field: Field, source: Source) -> Iterator[Candidate]:
    """Yield the words of the text that the field's description gives as examples."""
    shown = _EXAMPLES.search(field.about)
    if shown:
        words = frozenset(word.strip(" .'\"`").lower() for word in _BETWEEN.split(shown[1]))
        for number, text in source.numbered():
            yield from (_at(number, span) for span in _listed(words)(text))


def _qualified(field: Field, source: Source) -> Iterator[Candidate]:
    """Yield the field's name with the word that narrows it down: `living room` for a room."""
    noun = " ".join(map(re.escape, field.words)) or "(?!)"
    pattern = re.compile(rf"\b(?:the|my|our|in|an?) ([^\W\d_]+ {noun})\b", re.IGNORECASE)
    for number, text in source.numbered():
        for match in pattern.finditer(text):
            yield Candidate(match[1], (number, match.start(1), match.end(1)))


def _directed(field: Field, source: Source, *, near: bool) -> Iterator[Candidate]:
    """Yield what stands after `from` or `to` for a field that is a start or an end."""
    words = set(field.words)
    if words & _FROM:
        marks = r"(?:from|between|leaving)"
    elif words & _TO:
        marks = r"(?:to|into|towards|between \S+ and)"
    else:
        return
    pattern = re.compile(rf"\b{marks}\s+", re.IGNORECASE)
    for number, text in source.numbered(near=near):
        for match in pattern.finditer(text):
            yield from _value_at(number, text, match.end())


def _value_at(number: int, text: str, start: int) -> Iterator[Candidate]:
    """Yield the quote or name that begins at `start`, else the next word or two."""
    shaped_spans = (*mine.found("email", text), *mine.found("url", text))
    for span in (*shaped_spans, *mine.quoted(text), *mine.names(text)):
        if start <= span.start <= start + 1:
            yield _at(number, span)
            return
    if match := re.compile(_LOWER_PLACE).match(text, start):
        yield Candidate(match[1], (number, match.start(1), match.end(1)))


def _places(source: Source, *, near: bool) -> Iterator[Candidate]:
    """Yield names after a preposition of place, then lower-case words after one."""
    pattern = re.compile(rf"\b{_PREPOSITION}\s+(?:the (?=[A-Z]))?$", re.IGNORECASE)
    for number, text in source.numbered(near=near):
        for span in mine.names(text):
            if pattern.search(text[max(0, span.start - _NEAR) : span.start]):
                yield _at(number, span)
        for match in re.finditer(rf"\b(?:in|at|near|for|of)\s+{_LOWER_PLACE}", text):
            if not match[1][0].isupper():
                yield Candidate(match[1], (number, match.start(1), match.end(1)))


def _named(field: Field, source: Source) -> Iterator[Candidate]:
    """Yield names introduced by `named`, or by a word akin to the field's own name."""
    for number, text in source.numbered(near=not source.answer):
        spans = (*mine.quoted(text), *mine.names(text))
        introduced = _TITLED if role_of(field) == "title" else _NAMED
        for span in spans:
            if introduced.search(text[max(0, span.start - _NEAR) : span.start]):
                yield _at(number, span)
        for span in spans:
            if _akin(field, text[max(0, span.start - _NEAR) : span.start].split()[-2:]):
                yield _at(number, span)


def _akin(field: Field, words: list[str]) -> bool:
    """Tell whether the field is named like one of the words: director, directed by."""
    stems = {stem(word.strip(".,:'\"").lower()) for word in words}
    return any(stem(word) in stems for word in field.words if word != "name")


def _currencies(text: str) -> list[mine.Span]:
    """Return ISO codes for the currencies that the text names or signs."""
    found = [mine.Span(m[0], m.start(), m.end()) for m in re.finditer(r"\b[A-Z]{3}\b", text)]
    for match in re.finditer(r"[^\W\d_]+|[$€£¥₹]", text):
        word = match[0].lower()
        code = CURRENCIES.get(word) or CURRENCIES.get(word.removesuffix("s"))
        if code and not match[0].isupper():
            found.append(mine.Span(code, match.start(), match.end()))
    return sorted(found, key=lambda span: span.start)


def _sums(text: str) -> list[mine.Span]:
    return [mine.Span(arith.symbols(each.text), each.start, each.end) for each in arith.sums(text)]


def _listed(words: frozenset[str]) -> Callable[[str], list[mine.Span]]:
    """Return a finder of the words of a list."""

    def find(text: str) -> list[mine.Span]:
        return [
            mine.Span(match[0], match.start(), match.end())
            for match in re.finditer(r"[^\W\d_]+", text)
            if match[0].lower() in words
        ]

    return find


def _kind(name: str) -> Callable[[str], tuple[mine.Span, ...]]:
    return lambda text: mine.found(name, text)


def _paths(text: str) -> list[mine.Span]:
    """Return file paths; the addresses of files count too, as tools take either."""
    urls = mine.found("url", text)
    inside = {i for span in urls for i in range(span.start, span.end)}
    paths = [span for span in mine.found("path", text) if span.start not in inside]
    return paths + list(urls)


def _is_excluded(span: mine.Span, text: str) -> bool:
    return _EXCLUDES.search(text[max(0, span.start - _NEAR) : span.start]) is not None


_SHAPED: dict[str, Callable[[str], list[mine.Span] | tuple[mine.Span, ...]]] = {
    **{
        name: _kind(name)
        for name in ("url", "email", "date", "time", "phone", "code", "slug", "domain")
    },
    "path": _paths,
    "currency": _currencies,
    "expression": _sums,
    "language": _listed(LANGUAGES),
    "colour": _listed(COLOURS),
    "unit": _listed(UNITS),
}


def is_strict(field: Field) -> bool:
    """Tell whether only values of a certain form can be meant, as addresses have."""
    role = role_of(Field(re.sub(r"s$", "", field.name), field.about))
    return role in {"url", "email", "domain"}


def shaped(field: Field, text: str) -> list[mine.Span]:
    """Return all values of the kind that a list's name asks for: urls, emails, dates, names."""
    role = role_of(Field(re.sub(r"s$", "", field.name), field.about))
    if role in _SHAPED:
        wanted = not _UNWANTED.search(" ".join(field.words))
        spans = _SHAPED[role](text)
        return [each for each in spans if wanted is not _is_excluded(each, text)]
    return list(mine.names(text)) if role in {"name", "place"} else []
