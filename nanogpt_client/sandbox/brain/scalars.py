"""Find or make strings, numbers and booleans for the schema filler."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Any, Final

from nanogpt_client.sandbox.answers.text import shorten
from nanogpt_client.sandbox.brain import mine
from nanogpt_client.sandbox.brain.check import valid
from nanogpt_client.sandbox.brain.guess import certain, likely
from nanogpt_client.sandbox.brain.kin import families
from nanogpt_client.sandbox.brain.lexicon import COLOURS
from nanogpt_client.sandbox.brain.pattern import FORMATS, example
from nanogpt_client.sandbox.brain.phrase import phrase
from nanogpt_client.sandbox.brain.source import Candidate
from nanogpt_client.sandbox.media.words import stem, units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nanogpt_client.sandbox.brain.source import Field, Source

MISSING: Final[Any] = object()
_NEGATION = re.compile(
    r"\b(?:no|not|without|don't|do not|never|disable|off|isn't|aren't)\b[\w\s]{0,12}$",
    re.IGNORECASE,
)
_DULL = frozenset("number num value count n max min total input is has the include".split())
_TEXT_LIMIT = 2000


def find(kind: str, schema: dict[str, Any], field: Field, source: Source) -> Any:
    """Return the scalar that the text certainly gives for a field, or MISSING."""
    if "enum" in schema:
        found: Iterable[Candidate] = _enumerated(schema["enum"], source, near=True)
    elif kind in {"number", "integer"}:
        found = _labelled_numbers(field, source)
    elif kind == "boolean":
        return _told(field, source.focus)
    elif kind == "string":
        found = certain(field, source, str(schema.get("format", "")))
    else:
        return MISSING
    return _first(found, kind, schema, source)


def make(kind: str, schema: dict[str, Any], field: Field, source: Source) -> Any:
    """Return a scalar in any case: the likeliest of the text, else one the schema allows."""
    if "enum" in schema:
        found = _first(_enumerated(schema["enum"], source, near=False), "", schema, source)
        return found if found is not MISSING or not schema["enum"] else _allowed(schema)
    if kind == "null":
        return None
    if kind == "boolean":
        told = (_told(field, text) for _, text in source.numbered())
        return next((each for each in told if each is not MISSING), False)
    if kind in {"number", "integer"}:
        found = _first(_free_numbers(source), kind, schema, source)
        return _number(kind, schema) if found is MISSING else found
    found = _first(likely(field, source, str(schema.get("format", ""))), kind, schema, source)
    return _string(schema, field, source) if found is MISSING else found


def mentioned(options: Sequence[Any], text: str) -> list[Candidate]:
    """Return the options that a text names, in the order of the text."""
    found = []
    for option in options:
        plain = re.sub(r"[\s_-]+", " ", str(option)).strip().lower()
        if not plain or option is None:
            continue
        spaced = r"[\s_-]*".join(map(re.escape, plain.split()))
        if match := re.search(rf"(?<!\w){spaced}(?!\w)", text, re.IGNORECASE):
            found.append((match.start(), -len(plain), Candidate(option)))
    ordered = [candidate for *_, candidate in sorted(found, key=lambda each: each[:2])]
    return ordered or _akin(options, text)


def others(schema: Any, value: Any, count: int) -> Iterator[Any]:
    """Yield values unlike `value` for items that must differ."""
    if not isinstance(schema, dict):
        schema = {}
    yield from schema.get("enum", ())
    yield from (False, True) if isinstance(value, bool) else ()
    if isinstance(value, (int, float)):
        step = schema.get("multipleOf", 1)
        yield from (value + sign * step * i for i in range(1, count + 2) for sign in (1, -1))
    if isinstance(value, str):
        yield from (re.sub(r"\d(?=\D*$)", str(digit), value) for digit in range(10))
        yield from (
            f"{value} {count + 1}",
            f"{count + 1}{value}",
            f"{value}{count + 1}",
            f"{value[:-1]}{count}",
        )
        least = schema.get("minLength", 0)
        for more in range(1, count + 2):
            yield example(schema["pattern"], least + more) if "pattern" in schema else "a" * more
        yield from (chr(ord("a") + i % 26) * max(1, least) for i in range(count + 1))
    if isinstance(value, dict):
        for key, member in value.items():
            under = schema.get("properties", {}).get(key, {})
            yield from ({**value, key: each} for each in others(under, member, count))


def _first(found: Iterable[Candidate], kind: str, schema: dict[str, Any], source: Source) -> Any:
    """Take the first free candidate that the schema allows."""
    for candidate in itertools.islice(found, 60):
        fitted = _fitted(candidate.value, kind, schema)
        free = source.is_free(candidate) and str(fitted) not in source.refused
        if free and valid(fitted, schema, {}):
            return source.take(Candidate(fitted, candidate.place))
    return MISSING


def _fitted(value: Any, kind: str, schema: dict[str, Any]) -> Any:
    """Bring a found value into the form that the schema asks for."""
    if kind == "integer" and isinstance(value, float):
        return int(value) if value.is_integer() else value
    if kind == "number" and isinstance(value, float):
        return mine.whole(value)
    most = schema.get("maxLength", math.inf)
    if isinstance(value, str) and 1 < most < len(value):
        return shorten(value, most)
    return value


def _enumerated(options: Sequence[Any], source: Source, *, near: bool) -> Iterator[Candidate]:
    """Yield the options that the text names."""
    for _, text in source.numbered(near=near):
        yield from mentioned(options, text)


def _akin(options: Sequence[Any], text: str) -> list[Candidate]:
    """Return the options that share words with the text, the most alike first.

    Where none does, those that the text speaks of in other words, in its order: image for a
    picture.
    """
    have = set(units(text))
    named = [option for option in options if isinstance(option, str)]
    shared = {option: sum(map(len, have.intersection(units(option)))) for option in named}
    if not any(shared.values()):
        related = [families([unit]) for unit in units(text)]
        order = [each for kin in related for each in named if kin & families(units(each))]
        return [Candidate(each) for each in dict.fromkeys(order)]
    return [Candidate(each) for each in sorted(shared, key=lambda o: -shared[o]) if shared[each]]


def _allowed(schema: dict[str, Any]) -> Any:
    """Return the first option that the rest of the schema allows."""
    return next((each for each in schema["enum"] if valid(each, schema, {})), schema["enum"][0])


def _told(field: Field, text: str) -> Any:
    """Return whether the text asks for a flag, or MISSING where it does not speak of it."""
    wanted = [word for word in field.words if word not in _DULL]
    for match in re.finditer(r"[^\W_]+", text):
        if any(stem(match[0].lower()) == stem(word) for word in wanted):
            return not _NEGATION.search(text[: match.start()])
    return MISSING


def _labelled_numbers(field: Field, source: Source) -> Iterator[Candidate]:
    """Yield the numbers that stand beside the field's name: `limit of 5`, `3 days`, `$20`."""
    wanted = {stem(word) for word in field.words if word not in _DULL}
    if wanted & {stem(word) for word in ("price", "cost", "amount", "budget", "fee", "usd")}:
        wanted |= {"$", "€", "£", stem("dollars"), stem("euros"), stem("pounds"), "usd", "eur"}
    if "age" in field.words:
        wanted |= {stem("years"), stem("aged")}
    for number, text in source.numbered():
        for each in mine.numbers(text):
            if wanted & {*each.before, *each.after[:1]} or _is_year(field, each.value):
                yield Candidate(each.value, (number, each.start, each.end))


def _is_year(field: Field, value: float) -> bool:
    return "year" in field.words and 1000 <= value <= 2200 and value.is_integer()


def _free_numbers(source: Source) -> Iterator[Candidate]:
    for number, text in source.numbered():
        for each in mine.numbers(text):
            yield Candidate(each.value, (number, each.start, each.end))


def _number(kind: str, schema: dict[str, Any]) -> int | float:
    """Return the number nearest to 1 that the bounds allow."""
    over, under = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = schema.get("multipleOf") or (1 if kind == "integer" else 0)
    low = max(schema.get("minimum", -math.inf), -math.inf if over is None else over + step)
    high = min(schema.get("maximum", math.inf), math.inf if under is None else under - step)
    value = min(max(1, low), high)
    if step:
        value = math.ceil(value / step - 1e-9) * step
        return mine.whole(value - step if value > high else value)
    return _between(low, high) if value in {over, under} else value


def _between(low: float, high: float) -> float:
    """Return a number strictly between two bounds, one of which may be infinite."""
    if math.isinf(low):
        return high - 1
    return low + 1 if math.isinf(high) else (low + high) / 2


def _string(schema: dict[str, Any], field: Field, source: Source) -> str:
    """Return a string that meets the pattern, the format and the lengths."""
    least: int = schema.get("minLength", 0)
    most: int = schema.get("maxLength", _TEXT_LIMIT)
    if "pattern" in schema:
        return example(schema["pattern"], least) or ""
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]].example
    if set(field.words) & {"color", "colour"}:
        return min(COLOURS)
    plain = " ".join(field.words) or "text"
    if source.focus and (subject := phrase(source.focus)):
        plain = f"{plain}: {shorten(subject, 60)}"
    return (plain + " " * (least > len(plain)) + "a" * (least - len(plain) - 1))[:most]
