"""Build a small valid instance of any JSON schema, from the values of a message where they fit.

Values are proposed per keyword and judged by `jsonschema`, part by part and at last as a whole;
so a keyword that is not read here makes an instance harder to find, but never wrong.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from itertools import islice, product
from string import ascii_lowercase
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import regex
from jsonschema import FormatChecker
from jsonschema.exceptions import SchemaError
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

_NUMBER = re.compile(  # none that is part of a date, a time, a version or a name
    r"(?<![\w.])(?<!\d[-:/])-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\w|[-.:/,]\d)", re.ASCII
)
_QUOTED = re.compile(r"\"[^\"\n]+\"|“[^”\n]+”|«[^»\n]+»|`[^`\n]+`|(?<!\w)['‘][^'’\n]+['’](?!\w)")
_WORD = re.compile(r"[^\s\"“”«»`,;!?()<>]+")
_KINDS: dict[str, tuple[re.Pattern[str], Callable[[str], Any]]] = {
    "number": (_NUMBER, lambda text: (float if "." in text else int)(text.replace(",", ""))),
    "quoted": (_QUOTED, lambda text: text[1:-1]),
    "word": (_WORD, lambda text: text.strip(".:'‘’[]{}")),
}

Accepts = Callable[[Any], bool]


class Found(NamedTuple):
    """A value and its half-open place in the message."""

    value: Any
    start: int
    end: int


class MessageValues:
    """The values of one message; those in `taken` are not free, and may be given back."""

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self.taken: tuple[Found, ...] = ()

    def take(self, kind: str, accepts: Accepts, options: Sequence[Any] = ()) -> Found | None:
        """Take the first free value that fits: a number, quoted, word, option, or the whole."""
        for found in self._options(options) if kind == "option" else self._read(kind):
            free = all(found.end <= each.start or each.end <= found.start for each in self.taken)
            if free and accepts(found.value):
                self.taken = (*self.taken, found)
                return found
        return None

    def _read(self, kind: str) -> Iterator[Found]:
        if kind == "whole":  # it takes no place from the others
            yield from [Found(self.text, -1, 0)] if self.text else ()
            return
        pattern, read = _KINDS[kind]
        for match in pattern.finditer(self.text):
            yield Found(read(match[0]), *match.span())

    def _options(self, options: Sequence[Any]) -> list[Found]:
        """Find options as whole words; where two begin at one place, the longer wins."""
        found = []
        for option in options:
            if isinstance(option, str | int | float) and not isinstance(option, bool):
                whole = rf"(?<!\w){re.escape(str(option))}(?!\w)"
                matches = re.finditer(whole, self.text, re.IGNORECASE)
                found += [Found(option, *match.span()) for match in matches]
        return sorted(found, key=lambda each: (each.start, -each.end))


Schema = Mapping[str, Any]
Case = tuple[Schema, frozenset[str]]  # one alternative, and the references that lead to it
_MOST_TRIED = 400  # alternatives of one part of a schema, and values of it
_BEAM = 30  # strings of one length that may still match a pattern; as many more are spread out
_LONGEST = 100  # letters beyond its least length that a string for a pattern may have
_MOST_LETTERS, _MOST_ITEMS, _MOST_DIFFERENT = 100_000, 2_000, 100  # that are made
_COMPOSED = {"$ref", "allOf", "anyOf", "oneOf"}
_EXAMPLES = {
    "date": "2000-01-{:02}",
    "date-time": "2000-01-01T00:00:{:02}Z",
    "time": "00:00:{:02}Z",
    "duration": "P{}D",
    "email": "a{}@example.com",
    "hostname": "host{}.example.com",
    "ipv4": "192.0.2.{}",
    "ipv6": "2001:db8::{}",
    "uri": "https://example.com/{}",
    "url": "https://example.com/{}",
    "uuid": "00000000-0000-4000-8000-{:012}",
    "json-string": "{}",
    "regex": "a{{{}}}",
}
_FEWEST = re.compile(r"(?<!\\)(?:[*+]|\{(?P<least>\d+),\d*\})[?+]?")
_FORMATS = FormatChecker(("date", "email", "ipv4", "ipv6", "regex", "uuid"))


class NoInstanceError(ValueError):
    """No valid instance of a schema was found; the message shows the part that has none."""


def instance_of(schema: Schema | bool, text: str = "") -> Any:
    """Return a small instance of `schema`, filled with the values of `text` where they fit.

    Numbers, quoted strings, dates, addresses and enum values of the text fill the properties that
    accept them, in order; the first other string that is required gets the text itself. The rest
    is as small as the schema allows, but that an array gets one item where it may.

    Raises:
        NoInstanceError: the schema is invalid, has no instance, or none that is found by trying.
    """
    try:
        return _Builder(schema, MessageValues(text)).first(schema, frozenset())
    except SchemaError as error:
        raise NoInstanceError(f"This is no JSON schema: {error.message}.") from error
    except Unresolvable as error:
        raise NoInstanceError(f"The schema refers to {error.ref!r}, which it lacks.") from error
    except (re.error, regex.error) as error:
        raise NoInstanceError(f"The pattern {error.pattern!r} cannot be read: {error}.") from error


@_FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("uri", raises=ValueError)
@_FORMATS.checks("url", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


class _Builder:
    """Builds instances of the parts of one schema; `active` are the references being followed."""

    def __init__(self, schema: Schema | bool, message: MessageValues) -> None:
        kind = validator_for(schema, default=Draft202012Validator)
        whole: Any = schema  # the stubs do not allow true or false
        kind.check_schema(whole)
        self._validator = kind(whole, format_checker=_FORMATS)
        self._resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
        self._message = message

    def first(
        self, schema: Schema | bool, active: frozenset[str], avoid: Sequence[Any] = ()
    ) -> Any:
        """Return the first value that is valid, and none of those to avoid."""
        judge = self._validator.evolve(schema=schema)
        seen = {json.dumps(value) for value in avoid}  # as values, False would be 0
        for value in islice(self._values(schema, active), _MOST_TRIED):
            if judge.is_valid(value) and json.dumps(value) not in seen:
                return value
        raise NoInstanceError(f"No valid instance was found of {json.dumps(schema, default=str)}")

    def _cases(self, schema: Schema | bool, active: frozenset[str]) -> list[Case]:
        """Return the alternatives of a schema, without keywords that refer to other schemas."""
        if isinstance(schema, bool):
            return [({}, active)] if schema else []
        groups = [self._cases(part, active) for part in schema.get("allOf", ())]
        unions = [schema[name] for name in ("anyOf", "oneOf") if name in schema]
        groups += [[case for part in each for case in self._cases(part, active)] for each in unions]
        if (ref := schema.get("$ref")) is not None:  # one that is being followed has no end
            target = self._resolver.lookup(ref).contents
            groups.append([] if ref in active else self._cases(target, active | {ref}))
        own = {name: value for name, value in schema.items() if name not in _COMPOSED}
        own |= {"enum": [schema["const"]]} if "const" in schema else {}
        kinds = schema["type"] if isinstance(schema.get("type"), list) else []
        cases: list[Case] = [({**own, "type": kind}, active) for kind in kinds] or [(own, active)]
        for group in groups:
            pairs = islice(product(cases, group), _MOST_TRIED)
            cases = [(_merged(one, other), refs | more) for (one, refs), (other, more) in pairs]
        return cases

    def _values(self, schema: Schema | bool, active: frozenset[str]) -> Iterator[Any]:
        """Yield values that may be valid: what the message gives, then null, then others."""
        cases = self._cases(schema, active)
        nullable = any(case.get("type") == "null" and "enum" not in case for case, _ in cases)
        taken = self._message.taken
        if (found := self._from_message(cases, whole=not nullable)) is not None:
            yield found.value
            self._message.taken = taken
        if nullable:
            yield None
        for case, refs in cases:
            with suppress(NoInstanceError):
                yield from islice(self._values_of(case, refs), _MOST_TRIED // len(cases))
            self._message.taken = taken

    def _from_message(self, cases: list[Case], *, whole: bool = False) -> Found | None:
        """Take the first value of the message that one of the cases accepts."""
        for case, _ in cases:
            accepts = self._validator.evolve(schema=case).is_valid
            for source in _sources(case, whole=whole):
                if found := self._message.take(source, accepts, case.get("enum", ())):
                    return found
        return None

    def _values_of(self, case: Schema, active: frozenset[str]) -> Iterable[Any]:
        if "enum" in case:
            return list(case["enum"])
        kind = _kind(case)
        if kind == "object":
            return self._objects(case, active)
        if kind == "array":
            return self._arrays(case, active)
        if kind == "string":
            return _strings(case)
        return {"boolean": (False, True), "null": (None,)}.get(kind) or _numbers(case)

    def _objects(self, flat: Schema, active: frozenset[str]) -> Iterator[dict[str, Any]]:
        """Yield an object of what is required and what the message gives, or of the former."""
        declared, others = flat.get("properties", {}), flat.get("additionalProperties", True)
        required = list(dict.fromkeys(flat.get("required", ())))
        needed = sorted(required, key=[*declared, *required].index)
        made = {name: self.first(declared.get(name, others), active) for name in needed}
        given = {}
        for name in [each for each in declared if each not in made]:
            if found := self._from_message(self._cases(declared[name], active)):
                given[name] = found.value
        yield {name: (made | given)[name] for name in declared if name in made | given} | made
        yield made

    def _arrays(self, flat: Schema, active: frozenset[str]) -> Iterator[list[Any]]:
        """Yield an array of what the message gives, or one item where that may be; or none."""
        made: list[Any] = []
        avoid, most = (made, _MOST_DIFFERENT) if flat.get("uniqueItems") else ([], _MOST_ITEMS)
        _check_size(least := flat.get("minItems", 0), most)
        while len(made) < least:
            made.append(self.first(_item(flat, len(made)), active, avoid))
        part, short = _item(flat, len(made)), list(made)
        cases = self._cases(part, active)
        while len(made) < flat.get("maxItems", math.inf) and (found := self._from_message(cases)):
            made.append(found.value)
        with suppress(NoInstanceError):
            made = made or [self.first(part, active)]
        yield made
        yield short


def _check_size(least: int, most: int) -> None:
    if least > most:
        raise NoInstanceError(f"An instance has at least {least} parts; up to {most} are made.")


def _merged(one: Schema, other: Schema) -> Schema:
    """Return one schema for what both say.

    Where they say different things of one keyword, the first stays: what is built from it is
    checked against the schemas themselves.
    """
    merged = {**other, **one}
    if "properties" in merged:
        merged["properties"] = other.get("properties", {}) | one.get("properties", {})
    if "required" in merged:
        merged["required"] = [*one.get("required", ()), *other.get("required", ())]
    return merged


def _kind(case: Schema) -> str:
    """Return the type of instances; a schema without a type may hint at one."""
    hinted = "object" if "properties" in case else "array" if "items" in case else "string"
    return str(case.get("type", hinted))


def _sources(case: Schema, *, whole: bool) -> tuple[str, ...]:
    """Return which values of a message may be instances, the best first."""
    if "enum" in case:
        return ("option",)
    if _kind(case) in ("number", "integer"):
        return ("number",)
    if _kind(case) != "string":
        return ()
    if "pattern" in case or case.get("format") in _EXAMPLES:
        return ("quoted", "word")
    return ("quoted", "whole") if whole else ("quoted",)


def _item(flat: Schema, place: int) -> Any:
    return dict(enumerate(flat.get("prefixItems", ()))).get(place, flat.get("items", True))


def _numbers(flat: Schema) -> Iterator[int | float]:
    """Yield 0, then numbers from the nearest bound on, then what lies between two bounds."""
    step = Decimal(str(flat.get("multipleOf", 1)))
    lows = [flat[name] for name in ("minimum", "exclusiveMinimum") if name in flat]
    highs = [flat[name] for name in ("maximum", "exclusiveMaximum") if name in flat]
    yield 0
    start = max(lows) if lows else min(highs, default=0)
    sign = -1 if highs and not lows else 1
    nearest = sign * math.ceil(sign * Decimal(str(start)) / step)
    for number in range(_MOST_TRIED // 2):
        value = step * (nearest + sign * number)
        yield int(value) if value == value.to_integral_value() else float(value)
    if lows and highs:
        yield (max(lows) + min(highs)) / 2


def _strings(flat: Schema) -> Iterator[str]:
    """Yield strings of the wanted format, then such as match the pattern, else letters."""
    least, most = flat.get("minLength", 0), flat.get("maxLength", math.inf)
    _check_size(least, _MOST_LETTERS)
    if example := _EXAMPLES.get(flat.get("format", "")):
        yield from (example.format(number) for number in range(1, 60))
    if "pattern" in flat:
        yield from _matching(flat["pattern"], least, int(min(most, least + _LONGEST)))
    else:
        yield from map("".join, product(ascii_lowercase, repeat=int(min(max(least, 1), most))))


def _matching(pattern: str, least: int, most: int) -> Iterator[str]:
    """Yield strings that match, found letter by letter among those that still may.

    Every repetition is tried at its fewest first, where the least is left to guess.
    """
    for repeated in re.findall(r"\{(\d+)", pattern):
        _check_size(int(repeated), most)
    regex.compile(pattern)
    letters = dict.fromkeys(f"aA01{pattern} -_.@/:+,")
    least_each = _FEWEST.sub(lambda m: f"{{{m['least'] or int(m[0][0] == '+')}}}", pattern)
    for rule in (least_each, pattern):
        beam = [""]
        for _ in range(most + 1):
            yield from (text.ljust(least, "a") for text in beam if regex.fullmatch(rule, text))
            longer = [text + letter for text in beam for letter in letters]
            longer = [text for text in longer if regex.fullmatch(rule, text, partial=True)]
            beam = longer[:_BEAM] + longer[_BEAM :: len(longer) // _BEAM + 1]
