"""Schemas without references, for models that refuse them.

Gemini's API answers 400 to a tool with ``$ref``, alone or beside other keys; pydantic writes one
for each nested class. A definition in place of the reference to it means the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types.json_schemas import definition

__all__ = ["schemas_for", "without_references"]

_REFUSE_REFERENCES = re.compile(r"gemini", re.IGNORECASE)
_DEFINITIONS = ("$defs", "definitions")
_DATA = frozenset({"default", "const", "enum", "examples"})
_MOST_NODES = 20_000  # definitions that use each other twice double with each level


def schemas_for(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call with its schemas as ``model`` accepts them."""
    adapted = dict(options)
    if not _REFUSE_REFERENCES.search(model):
        return adapted
    if tools := options.get("tools"):
        adapted["tools"] = [_with_plain(tool, "function", "parameters") for tool in tools]
    if response_format := options.get("response_format"):
        adapted["response_format"] = _with_plain(response_format, "json_schema", "schema")
    return adapted


def _with_plain(outer: Mapping[str, Any], place: str, key: str) -> dict[str, Any]:
    inner = as_dict(outer.get(place))
    schema = as_dict(inner.get(key))
    if schema.keys().isdisjoint(_DEFINITIONS):
        return dict(outer)
    return {**outer, place: {**inner, key: without_references(schema)}}


def without_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with its definitions in place of the references to them.

    One that is recursive, or would become very large, is returned unchanged.
    """
    try:
        plain: dict[str, Any] = _Inlining(schema).node(schema, frozenset())
    except _NotPossibleError:
        return dict(schema)
    return {key: plain[key] for key in plain if key not in _DEFINITIONS}


class _NotPossibleError(ValueError):
    """A reference leads to itself or nowhere, or there are too many."""


class _Inlining:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._nodes = 0

    def node(self, node: Any, within: frozenset[str]) -> Any:
        """Return a part of the schema; ``within`` are the references that led to it."""
        if isinstance(node, list):
            return [self.node(item, within) for item in node]
        if not isinstance(node, Mapping):
            return node
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _NotPossibleError
        own = {
            key: self._child(key, value, within)
            for key, value in node.items()
            if key != "$ref" or not isinstance(value, str)
        }
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return own
        if reference in within:
            raise _NotPossibleError
        target = definition(self._schema, reference)
        if target is None:
            raise _NotPossibleError
        return {**self.node(target, within | {reference}), **own}

    def _child(self, key: str, value: Any, within: frozenset[str]) -> Any:
        if key in _DATA or key in _DEFINITIONS:
            return value
        if key == "properties" and isinstance(value, Mapping):  # any name is a property's
            return {name: self.node(each, within) for name, each in value.items()}
        return self.node(value, within)
