"""Fill a JSON schema with a valid instance, from the words of a conversation where they fit.

`fill(schema, source)` serves tool arguments and structured answers alike. Each value is looked
for in the text first (`find`: labelled, or of an unmistakable kind), else made (`make`: a likely
phrase, a default, at last a value written to the schema's letter). Objects are filled in two
rounds, so that sure values are given out before vague ones. Whatever was found, the result is
checked; if a combination of keywords was missed, an instance is made without the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nanogpt_client.sandbox.brain import mine, scalars
from nanogpt_client.sandbox.brain.check import item_schema, member_schemas, same, valid
from nanogpt_client.sandbox.brain.lists import listed, records
from nanogpt_client.sandbox.brain.merge import merged
from nanogpt_client.sandbox.brain.scalars import MISSING
from nanogpt_client.sandbox.brain.source import Field, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nanogpt_client.sandbox.brain.check import Schema

_SHALLOW: Final = 4  # below, optional and recursive parts are left out
_DEEPEST: Final = 24
_MOST_PARTS: Final = 4_000  # of one instance; a schema that holds itself twice would never end


def fill(schema: Schema, source: Source, field: Field | None = None) -> Any:
    """Return an instance of `schema`, filled from `source` as sensibly as can be."""
    field = field or Field()
    value = _Filler(schema, source).make(schema, field)
    if valid(value, schema, schema):
        return value
    bare = _Filler(schema, Source(()))
    plain = bare.make(schema, field)
    return plain if valid(plain, schema, schema) else value


class _Filler:
    """Fill the parts of one root schema from one source."""

    def __init__(self, root: Schema, source: Source) -> None:
        self.root = root
        self.source = source
        self.parts = 0

    def find(self, schema: Schema, field: Field) -> Any:
        """Return what the text certainly gives for a field, or MISSING."""
        if field.depth > _SHALLOW:
            return MISSING
        for option in self._options(schema):
            value = self._find(option, field)
            if value is not MISSING and value is not None and valid(value, schema, self.root):
                return value
        return MISSING

    def make(self, schema: Schema, field: Field) -> Any:
        """Return a value for a field in any case."""
        self.parts += 1
        if field.depth > _DEEPEST or self.parts > _MOST_PARTS:
            return {}
        schema = merged(schema, self.root)
        if not isinstance(schema, dict):
            return None
        if field.depth and field.name and (found := self.find(schema, field)) is not MISSING:
            return found
        if (given := _fixed(schema)) is not MISSING:
            return given
        tried: list[Any] = []
        for option in self._ordered(schema, field):
            before = self.source.used()
            value = self._make(option, field)
            for fit in (value, *scalars.others(option, value, 1)):
                if valid(fit, schema, self.root):
                    return fit
            self.source.restore(before)
            tried.append(value)
        return tried[0] if tried else None

    def _options(self, schema: Schema) -> Iterator[dict[str, Any]]:
        """Yield the alternatives of a schema, each merged with what it says beside them."""
        schema = merged(schema, self.root)
        if not isinstance(schema, dict):
            return
        branches = schema.get("anyOf") or schema.get("oneOf")
        kinds = schema.get("type")
        if branches:
            rest = {key: each for key, each in schema.items() if key not in {"anyOf", "oneOf"}}
            for branch in branches:
                yield from self._options({"allOf": [rest, branch]})
        elif isinstance(kinds, list):
            for kind in kinds:
                yield {**schema, "type": kind}
        elif isinstance(schema.get("if"), (dict, bool)):
            rest = {key: each for key, each in schema.items() if key not in {"if", "then", "else"}}
            yield from self._options({"allOf": [rest, schema["if"], schema.get("then", True)]})
            yield from self._options({"allOf": [rest, schema.get("else", True)]})
        else:
            yield schema

    def _ordered(self, schema: Schema, field: Field) -> list[dict[str, Any]]:
        """Put null last for the whole answer, first where nothing was found; flat parts first."""
        options = list(self._options(schema))[:32]
        nothing = field.depth > 0

        def cost(option: dict[str, Any]) -> int:
            if _kind(option) == "null":
                return 0 if nothing else 9
            return 1 + (field.depth > _SHALLOW) * _nesting(option)

        return sorted(options, key=cost)

    def _find(self, schema: dict[str, Any], field: Field) -> Any:
        field = _described(field, schema)
        kind = _kind(schema)
        if "const" in schema:
            return MISSING
        if kind == "object":
            return self._find_object(schema, field)
        if kind == "array":
            return self._find_array(schema, field)
        return scalars.find(kind, schema, field, self.source)

    def _make(self, schema: dict[str, Any], field: Field) -> Any:
        """Make a value for one alternative."""
        field = _described(field, schema)
        if (given := _fixed(schema)) is not MISSING:
            return given
        kind = _kind(schema)
        if kind == "object":
            return self._make_object(schema, field)
        if kind == "array":
            return self._make_array(schema, field)
        return scalars.make(kind, schema, field, self.source)

    def _find_object(self, schema: dict[str, Any], field: Field) -> Any:
        before = self.source.used()
        found = any(
            self.find(each, Field(key, depth=field.depth + 1)) is not MISSING
            for key, each in schema.get("properties", {}).items()
        )
        self.source.restore(before)
        return self._make_object(schema, field) if found else MISSING

    def _make_object(self, schema: dict[str, Any], field: Field) -> dict[str, Any]:
        """Fill what the text gives, then what the schema requires, in the schema's order."""
        properties: dict[str, Any] = schema.get("properties", {})
        values: dict[str, Any] = {}
        for key, each in properties.items():
            if (found := self.find(each, Field(key, depth=field.depth + 1))) is not MISSING:
                values[key] = found
        for key in _needed(schema, values):
            if key not in values:
                values[key] = self._member(schema, key, field)
        for key in self._spare_keys(schema, field, values):
            values[key] = self._member(schema, key, field)
        order = {key: position for position, key in enumerate(properties)}
        return dict(sorted(values.items(), key=lambda item: order.get(item[0], len(order))))

    def _member(self, schema: dict[str, Any], key: str, field: Field) -> Any:
        """Make one member under all schemas that speak of it."""
        return self.make({"allOf": member_schemas(schema, key)}, Field(key, depth=field.depth + 1))

    def _spare_keys(
        self, schema: dict[str, Any], field: Field, values: dict[str, Any]
    ) -> Iterator[str]:
        """Yield further keys where an object must have more members."""
        missing = schema.get("minProperties", 0) - len(values)
        optional = [key for key in schema.get("properties", {}) if key not in values]
        yield from optional[: max(0, missing)]
        for number in range(missing - len(optional)):
            names = schema.get("propertyNames")
            pattern = next(iter(schema.get("patternProperties", {})), None)
            rule = names or ({"type": "string", "pattern": pattern} if pattern else {})
            plain = f"key{number + 1}"
            yield (
                plain
                if valid(plain, rule, self.root) and not pattern
                else str(
                    scalars.make("string", {**rule, "minLength": number + 1}, field, Source(()))
                )
            )

    def _find_array(self, schema: dict[str, Any], field: Field) -> Any:
        item = merged(item_schema(schema, len(schema.get("prefixItems", []))), self.root)
        kind = _kind(item) if isinstance(item, dict) else ""
        if kind == "object":
            return self._find_records(schema, item, field)
        found = listed(kind, item, field, self.source)
        fitting = [each for each in found if valid(each, item, self.root)]
        return _trimmed(schema, fitting) if fitting else MISSING

    def _find_records(self, schema: dict[str, Any], item: dict[str, Any], field: Field) -> Any:
        """Fill one object for each part of the text that speaks of one."""
        keys = item.get("properties", {})
        found = []
        for part in records(self.source.focus):
            inner = _Filler(self.root, Source((part,)))
            certain = any(
                inner.find(each, Field(key, depth=field.depth + 2)) is not MISSING
                for key, each in keys.items()
            )
            if certain or _speaks_of(part, item):
                filler = _Filler(self.root, Source((part,)))
                found.append(filler.make(item, Field(depth=field.depth + 1)))
        fitting = [each for each in found if valid(each, item, self.root)]
        return _trimmed(schema, fitting) if fitting else MISSING

    def _make_array(self, schema: dict[str, Any], field: Field) -> list[Any]:
        """Fill as few items as the schema allows, at least one where there is room."""
        found = self._find_array(schema, field)
        items: list[Any] = [] if found is MISSING else list(found)
        wanted = max(schema.get("minItems", 0), len(schema.get("prefixItems", [])))
        if field.depth < _SHALLOW and not wanted and schema.get("maxItems", 1):
            wanted = int(_kind(item_schema(schema, 0)) != "null")
        if "contains" in schema:
            least = schema.get("minContains", 1)
            items += [self.make(schema["contains"], Field(depth=field.depth + 1))] * least
        while len(items) < wanted:
            items.append(self._item(schema, field, items))
        return items

    def _item(self, schema: dict[str, Any], field: Field, before: list[Any]) -> Any:
        """Make the next item, different from those before where they must be unique."""
        under = item_schema(schema, len(before))
        value = self.make(under, Field(_singular(field.name), field.about, field.depth + 1))
        if schema.get("uniqueItems") and any(same(value, each) for each in before):
            under = merged(under, self.root)
            for other in scalars.others(under, value, len(before)):
                if valid(other, under, self.root) and not any(same(other, e) for e in before):
                    return other
        return value


def _fixed(schema: dict[str, Any]) -> Any:
    """Return the only value that a schema names, or its default."""
    if "const" in schema:
        return schema["const"]
    return schema.get("default", MISSING)


def _needed(schema: dict[str, Any], values: dict[str, Any]) -> Iterator[str]:
    """Yield the required keys, also those that other keys require."""
    yield from schema.get("required", ())
    for key, needed in schema.get("dependentRequired", {}).items():
        if key in values or key in schema.get("required", ()):
            yield from needed


def _described(field: Field, schema: dict[str, Any]) -> Field:
    """Add a schema's own words to what is known of a field."""
    about = " ".join(str(schema.get(key) or "") for key in ("title", "description")).strip()
    name = field.name or ("" if field.depth else str(schema.get("title") or ""))
    return Field(name, about or field.about, field.depth)


def _kind(schema: Schema) -> str:
    """Return the JSON type that a schema asks for, told or implied."""
    if not isinstance(schema, dict):
        return "string"
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    for implied, keys in _IMPLIED:
        if any(key in schema for key in keys):
            return implied
    return "string"


_IMPLIED: Final = (
    (
        "object",
        ("properties", "required", "additionalProperties", "minProperties", "patternProperties"),
    ),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "contains", "uniqueItems")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


def _speaks_of(part: str, item: dict[str, Any]) -> bool:
    """Tell whether a part of a text has the kinds of values that an object requires."""
    kinds = {_kind(item["properties"].get(key)) for key in item.get("required", ())
             if key in item.get("properties", {})}  # fmt: skip
    has_name = bool(mine.names(part) or mine.quoted(part))
    has_number = bool(mine.numbers(part))
    return (has_number or not kinds & {"integer", "number"}) and has_name and "string" in kinds


def _nesting(schema: dict[str, Any]) -> int:
    """Rank a schema by how much more it may nest."""
    return {"object": 2 + len(schema.get("required", ())), "array": 1}.get(_kind(schema), 0)


def _trimmed(schema: dict[str, Any], items: list[Any]) -> list[Any]:
    """Keep an array within its bounds."""
    if schema.get("uniqueItems"):
        items = [each for i, each in enumerate(items) if not any(same(each, e) for e in items[:i])]
    return items[: schema.get("maxItems", len(items))]


def _singular(name: str) -> str:
    return re.sub(r"(?<=\w\w)s$", "", name)
