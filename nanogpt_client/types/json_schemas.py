"""JSON schemas as providers require them: strict where possible, with allowed names.

Both adapters and the client use this module, so that a schema is sent in the same form whichever
way it was passed. What strict mode can express is the documented subset of
https://platform.openai.com/docs/guides/structured-outputs; a schema beyond it is sent unchanged
and without ``strict``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from operator import is_not
from typing import Any, NamedTuple

from pydantic import BaseModel, PydanticUserError

from nanogpt_client.errors import InvalidArgumentError

__all__ = [
    "ClassSchema",
    "allowed_name",
    "class_schema",
    "closed_if_possible",
    "definition",
    "is_allowed_name",
    "json_schema_format",
    "message_name",
    "sendable_format",
    "strict_schema",
    "tool_parameters",
    "without_alternatives",
    "without_titles",
]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

_MAPS = ("properties", "$defs", "definitions")
_DATA = frozenset({"default", "const", "enum", "examples"})


def is_allowed_name(name: str) -> bool:
    """Whether all providers accept the name for a tool or a schema, by OpenAI's rule."""
    return _NAME.fullmatch(name) is not None


def allowed_name(name: str, default: str = "answer") -> str:
    """Return an allowed name; it is always the same for the same text.

    >>> allowed_name("Page[int]")
    'Page_int_'
    """
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or default


def message_name(name: str | None) -> str | None:
    """Return an allowed name for a message's author, or ``None`` if no character is allowed.

    >>> message_name("User Onboarding Agent")
    'User_Onboarding_Agent'
    """
    if name is None or is_allowed_name(name):
        return name
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:64] or None


def tool_parameters(schema: Any) -> dict[str, Any]:
    """Return the schema of a tool's arguments: an object with properties, as providers need.

    Tools without arguments come as ``None``, ``{}``, ``{"type": "object"}`` or a boolean. The keys
    ``$schema`` and ``$id`` are for validators, and some providers refuse them. What MCP servers
    write in older drafts of JSON Schema is written as in the newest.
    """
    if not isinstance(schema, Mapping):
        return {"type": "object", "properties": {}}
    kept = {key: value for key, value in schema.items() if key not in {"$schema", "$id"}}
    with suppress(RecursionError):  # whoever writes it as JSON says that it is too deep
        kept = _in_newest_draft(kept)
    kept = _rooted(kept)
    if not kept:
        return {"type": "object", "properties": {}}
    if kept.get("type", "object") == "object" and not kept.keys() & {"anyOf", "oneOf", "allOf"}:
        kept.setdefault("type", "object")
        kept.setdefault("properties", {})
    return kept


_MAPS_OF_ANY = (*_MAPS, "patternProperties", "dependentSchemas")


def _in_newest_draft(node: Any) -> Any:
    """Return a schema as draft 2020-12 has it; the same object if nothing is to be changed.

    OpenAI refuses every request with a tool that has an array without items ("array schema missing
    items": zod writes none for z.any, digitalocean-labs/mcp-digitalocean#265), a list of items, or
    a boolean as ``required`` (CherryHQ/cherry-studio#4188) or ``exclusiveMinimum``; Claude ("must
    match JSON Schema draft 2020-12") all but the first.
    """
    if isinstance(node, list):
        items = [_in_newest_draft(item) if isinstance(item, _NESTED) else item for item in node]
        return items if any(map(is_not, items, node)) else node
    new: dict[str, Any] = {}
    for key, value in node.items():
        if not isinstance(value, _NESTED) or key in _DATA:
            continue
        if key in _MAPS_OF_ANY and isinstance(value, dict):
            part = _parts_in_newest_draft(value)
        else:
            part = _in_newest_draft(value)
        if part is not value:
            new[key] = part
    kept = node
    if not node.keys().isdisjoint(_OLDER) or "array" in _types(node):
        kept = _rewritten(node, new)
    if not node.keys().isdisjoint(_OF_OBJECTS) and (required := _required_by(node)) is not None:
        kept = {key: kept[key] for key in kept if key != "required"}
        new |= {"required": required} if required else {}
    return {**kept, **new} if new or kept is not node else node


_NESTED = (dict, list)
_OF_OBJECTS = frozenset({"properties", "required"})
_OLDER = frozenset({"items", "exclusiveMinimum", "exclusiveMaximum"})


def _parts_in_newest_draft(parts: dict[str, Any]) -> dict[str, Any]:
    new = {k: _in_newest_draft(part) for k, part in parts.items() if isinstance(part, _NESTED)}
    return parts | new if any(new[name] is not parts[name] for name in new) else parts


def _required_by(node: dict[str, Any]) -> list[str] | None:
    """Return the properties that a node requires; ``None`` if it says so itself."""
    given, parts = node.get("required"), node.get("properties")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    if isinstance(parts, dict):
        names += [n for n, p in parts.items() if isinstance(p, dict) and p.get("required") is True]
    unique = list(dict.fromkeys(names))
    return None if unique == given or (not unique and given is None) else unique


def _rewritten(node: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Add what replaces keywords of older drafts to ``new``; return the node without those."""
    dropped: set[str] = set()
    items = new.get("items", node.get("items"))
    if items is None and "array" in _types(node) and "prefixItems" not in node:
        new["items"] = {}
    if isinstance(items, list):
        further = new.pop("additionalItems", node.get("additionalItems"))
        dropped.add("additionalItems")
        new |= {"prefixItems": items, "items": further if isinstance(further, dict) else {}}
        if further is False:
            new["maxItems"] = len(items)
    for limit, without in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(node.get(without), bool):
            dropped.add(without)
            if node[without] and limit in node:
                dropped.add(limit)
                new[without] = node[limit]
    return {key: node[key] for key in node if key not in dropped} if dropped else node


_ALTERNATIVES = ("anyOf", "oneOf", "allOf")


def without_alternatives(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a tool's arguments with alternatives at its root as one object.

    Claude's, OpenAI's and Gemini's APIs refuse any request with a tool whose schema begins with
    alternatives, which MCP servers write for "one of these arguments". One object with all their
    properties accepts more; the tool still checks its arguments. Alternatives that are not objects
    stay.
    """
    merged = {k: v for k, v in schema.items() if k not in {*_ALTERNATIVES, "discriminator"}}
    properties: dict[str, Any] = dict(schema.get("properties") or {})
    required: list[str] = list(schema.get("required") or ())
    for kind in _ALTERNATIVES:
        options = [_option(each, schema) for each in schema.get(kind) or ()]
        if any(each.get("type", "object") != "object" for each in options):
            return dict(schema)
        for option in options:
            for name, each in (option.get("properties") or {}).items():
                properties[name] = _either(properties.get(name, each), each)
        required += _required(options, all_of=kind == "allOf")
    merged |= {"type": "object", "properties": properties}
    return merged | ({"required": list(dict.fromkeys(required))} if required else {})


def _option(option: Any, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return one of the alternatives, itself without any."""
    if not isinstance(option, Mapping):
        return {"type": None}
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    option = _rooted({**option, **definitions})
    return option if option.keys().isdisjoint(_ALTERNATIVES) else without_alternatives(option)


def _required(options: list[dict[str, Any]], *, all_of: bool) -> list[str]:
    """Return the properties that all of the alternatives require, or, if all apply, any."""
    names = [list(each.get("required") or ()) for each in options]
    if all_of:
        return [name for each in names for name in each]
    return [name for name in names[0] if all(name in each for each in names)] if names else []


def _either(one: Any, other: Any) -> Any:
    """Return the schema of a property that differs between alternatives."""
    if one == other:
        return one
    before = one["anyOf"] if isinstance(one, Mapping) and one.keys() == {"anyOf"} else [one]
    return {"anyOf": before if other in before else [*before, other]}


def json_schema_format(
    name: str, schema: Mapping[str, Any], *, strict: bool | None = None
) -> dict[str, Any]:
    """Return the ``response_format`` for a response that follows a JSON schema.

    By default it is strict, which enforces the schema, if strict mode can express it; otherwise the
    schema is sent unchanged.

    Raises:
        InvalidArgumentError: ``strict=True``, and strict mode cannot express the schema.
    """
    sent = _rooted(schema)
    built: dict[str, Any] = {"schema": sent}
    if strict is False:
        built = {"strict": False, **built}
    else:
        try:
            built = {"strict": True, "schema": _Closing(sent).root()}
        except _NotStrictError as error:
            if strict:
                raise _refusal(error, "schema") from None
    return {"type": "json_schema", "json_schema": {"name": allowed_name(name), **built}}


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema closed for strict mode: all properties required, and no others allowed.

    Raises:
        InvalidArgumentError: strict mode cannot express it; the message says what and where.
    """
    try:
        return _Closing(schema).root()
    except _NotStrictError as error:
        raise _refusal(error, "strict") from None


def sendable_format(response_format: Mapping[str, Any]) -> dict[str, Any]:
    """Return a caller's ``response_format`` with an allowed name and, if strict, a closed schema.

    Frameworks set ``strict`` for schemas that are not closed. A schema that strict mode cannot
    express is left unchanged.
    """
    spec = response_format.get("json_schema")
    if not isinstance(spec, Mapping):
        return dict(response_format)
    sent = dict(spec)
    if isinstance(name := spec.get("name"), str):
        sent["name"] = allowed_name(name)
    if isinstance(schema := spec.get("schema"), Mapping) and spec.get("strict") is True:
        sent["schema"] = closed_if_possible(schema)
    return {**response_format, "json_schema": sent}


def closed_if_possible(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema closed for strict mode, or unchanged if strict mode cannot express it."""
    try:
        return _Closing(schema).root()
    except _NotStrictError:
        return dict(schema)


def without_titles(schema: Any) -> Any:
    """Return a JSON schema without titles, which pydantic derives from names and cost tokens."""
    if isinstance(schema, list):
        return [without_titles(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: {name: without_titles(each) for name, each in value.items()}
        if key in _MAPS and isinstance(value, Mapping)
        else value
        if key in _DATA
        else without_titles(value)
        for key, value in schema.items()
        if key != "title"
    }


class ClassSchema(NamedTuple):
    """The schema of a pydantic class, with title and description apart.

    Attributes:
        title: the class's name, which may have characters that names of tools may not.
        description: its docstring, empty if there is none.
        schema: an object at the root, without titles; it is shared, so do not change it.
    """

    title: str
    description: str
    schema: dict[str, Any]

    @property
    def titled(self) -> dict[str, Any]:
        """The schema with title and description, as ``response_format`` has it."""
        return {"title": self.title, "description": self.description, **self.schema}


@lru_cache(maxsize=256)  # agents offer the same classes with every call
def class_schema(cls: type[BaseModel]) -> ClassSchema:
    """Return the schema of a pydantic class, with its references, as it may be recursive.

    Raises:
        InvalidArgumentError: JSON cannot express a field, or a name in an annotation is unknown.
    """
    try:
        schema = _rooted(cls.model_json_schema())
    except PydanticUserError as error:
        why = str(error).partition("\n")[0]
        msg = f"{cls.__name__} cannot be described to a model: {why}"
        raise InvalidArgumentError(msg, param="schema") from error
    title = str(schema.get("title") or cls.__name__)
    description = schema.pop("description", "")
    return ClassSchema(title, description, without_titles(schema))


def _rooted(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with the object itself at its root.

    For a recursive class pydantic puts a reference there, which providers refuse.
    """
    rooted = dict(schema)
    for _ in range(len(rooted.get("$defs") or ()) + 1):
        kind, _, name = str(rooted.get("$ref", "")).removeprefix("#/").partition("/")
        target = (rooted.get(kind) or {}).get(name) if kind in {"$defs", "definitions"} else None
        if not isinstance(target, Mapping):
            break
        del rooted["$ref"]
        rooted = {**rooted, **target, **rooted}
    return rooted


def definition(schema: Mapping[str, Any], reference: str) -> Mapping[str, Any] | None:
    """Return the part of a schema that a ``$ref`` in it points to, if there is one."""
    if not reference.startswith("#"):
        return None
    target: Any = schema
    for step in reference.split("/")[1:]:
        target = target.get(step) if isinstance(target, Mapping) else None
    return target if isinstance(target, Mapping) else None


def _refusal(error: _NotStrictError, param: str) -> InvalidArgumentError:
    msg = f"strict=True: {error}, which strict mode cannot express; leave strict out"
    return InvalidArgumentError(msg, param=param)


class _NotStrictError(ValueError):
    """Strict mode cannot express a schema."""


_SUPPORTED = frozenset(
    {
        "type", "title", "description", "enum", "const", "anyOf", "$ref", "$defs", "definitions",
        "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
        "pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum",
    }
)  # fmt: skip
# Annotations without effect on validity; strict mode refuses at least the first.
_DROPPED = frozenset(
    {"default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "$schema", "$id"}
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_LOOKAROUND = re.compile(r"\(\?<?[=!]")
_MOST_PROPERTIES, _MOST_VALUES, _MOST_LEVELS = 5000, 1000, 10


class _Closing:
    """Closes one schema for strict mode; counts what OpenAI limits per schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._properties = 0
        self._values = 0

    def root(self) -> dict[str, Any]:
        """Return the whole schema, closed."""
        try:
            closed = self._closed(_rooted(self._schema), "schema", 0)
        except RecursionError:
            raise _NotStrictError("schema is nested without end") from None
        if closed.get("type") != "object" or "anyOf" in closed:
            raise _NotStrictError("the schema is not of one object")
        return closed

    def _closed(self, schema: Any, at: str, level: int) -> dict[str, Any]:
        if not isinstance(schema, Mapping):
            raise _NotStrictError(f"{at} takes anything or nothing")
        node = _unions(schema, at)
        if "$ref" in node:
            return self._reference(node, at, level)
        self._check(node, at)
        closed = {key: self._child(key, value, at, level) for key, value in node.items()}
        if "object" in _types(node):
            if level >= _MOST_LEVELS:
                raise _NotStrictError(f"{at} is nested deeper than {_MOST_LEVELS} levels")
            if node.get("additionalProperties") or "properties" not in node:
                raise _NotStrictError(f"{at} has keys of the model's own choice")
            closed |= {"required": list(node["properties"]), "additionalProperties": False}
        elif "array" in _types(node) and "items" not in node:
            raise _NotStrictError(f"{at} holds anything")
        return closed

    def _reference(self, node: dict[str, Any], at: str, level: int) -> dict[str, Any]:
        """Close a reference; strict mode allows no keys beside it."""
        reference = node.pop("$ref")
        if definition(self._schema, str(reference)) is None:
            raise _NotStrictError(f"{at} refers to {reference!r}")
        if not node:
            return {"$ref": reference}
        if "anyOf" in node:
            raise _NotStrictError(f"{at} is two things at once")
        return self._closed({"anyOf": [{"$ref": reference}], **node}, at, level)

    def _check(self, node: dict[str, Any], at: str) -> None:
        if not isinstance(node.get("properties", {}), Mapping):
            raise _NotStrictError(f"{at} has no map of properties")
        if unknown := node.keys() - _SUPPORTED:
            raise _NotStrictError(f"{at} has {min(unknown)!r}")
        if not _types(node) and "anyOf" not in node:
            raise _NotStrictError(f"{at} has no type")
        if node.get("format") not in {*_FORMATS, None}:
            raise _NotStrictError(f"{at} has the format {node['format']!r}")
        if _LOOKAROUND.search(str(node.get("pattern", ""))):
            raise _NotStrictError(f"{at} has a pattern that looks around")
        self._properties += len(node.get("properties", ()))
        self._values += len(node.get("enum", ()))
        if self._properties > _MOST_PROPERTIES or self._values > _MOST_VALUES:
            raise _NotStrictError("the schema is too large")

    def _child(self, key: str, value: Any, at: str, level: int) -> Any:
        if key in _MAPS and isinstance(value, Mapping):
            level = level + 1 if key == "properties" else 0
            return {name: self._closed(each, f"{at}.{name}", level) for name, each in value.items()}
        if key == "items":
            return self._closed(value, f"{at}.items", level)
        if key == "anyOf":
            return [self._closed(each, f"{at}.anyOf", level) for each in value]
        return value


def _types(node: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the types that a schema names."""
    named = node.get("type")
    return tuple(named) if isinstance(named, list) else () if named is None else (named,)


def _unions(schema: Mapping[str, Any], at: str) -> dict[str, Any]:
    """Return a schema in strict mode's form: unions are ``anyOf``, objects have their type."""
    node = {key: value for key, value in schema.items() if key not in _DROPPED}
    if "oneOf" in node:  # of a discriminated union, where no value fits two
        if "anyOf" in node:
            raise _NotStrictError(f"{at} is two things at once")
        node = {"anyOf" if key == "oneOf" else key: value for key, value in node.items()}
    if isinstance(node.get("anyOf"), list):
        node.pop("discriminator", None)
    if len(node.get("allOf", ())) == 1 and "anyOf" not in node:  # older pydantic's references
        node = {"anyOf" if key == "allOf" else key: value for key, value in node.items()}
    if "properties" in node:
        node.setdefault("type", "object")
    return node
