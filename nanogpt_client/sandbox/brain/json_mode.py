"""Find out whether, and in which form, a request wants JSON.

A `response_format` says so; so do prompts that print a JSON schema, or name the keys they want.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox.brain.context import commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nanogpt_client.sandbox.brain.conversation import Conversation

_SPEAKS_OF_SCHEMA = re.compile(r"json[ -]?schema|output schema|\bschema\b", re.IGNORECASE)
_WANTS_JSON = re.compile(
    r"\b(?:return|respond|reply|answer|output|give|format\w*|provide|generate|produce"
    r"|write)\b[^.\n]{0,80}\bjson\b"
    r"|\bas (?:a |an )?(?:valid )?json\b|\bin json\b|\bjson (?:object|only|format)\b|\bonly json\b",
    re.IGNORECASE,
)
_KEYS = re.compile(
    r"(?P<before>(?:[`'\"][\w -]+[`'\"](?:\s*\([^)]*\))?(?:,? and |, ?| or )?)+)\s*(?:keys?"
    r"|fields?|properties|attributes)\b"
    r"|\b(?:keys?|fields?|properties|attributes|object with|json with)\b(?: named| called| are| "
    r"of| with)?[: ]+(?P<after>[^.\n]+)",
    re.IGNORECASE,
)
_KEY = re.compile(r"[`'\"]?([A-Za-z_]\w*)[`'\"]?(?:\s*[(:]\s*([\w \[\]]+)\)?)?")
_NO_KEYS = frozenset("and the a an or only exactly two three following keys fields with".split())
_NUMERIC = re.compile(
    r"int|number|float|age|count|year|price|amount|score|total|quantity", re.IGNORECASE
)
_MANY = re.compile(r"list|array|\[\]|^(?:tags|items|keywords|topics|names|steps)$", re.IGNORECASE)
_INSTRUCTIONS = re.compile(
    r"(?:Here's a JSON schema to follow:|STRICT OUTPUT FORMAT:|The output should be formatted as "
    r"a JSON instance).*",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT_JSON = re.compile(r"[^.:\n]*\bJSON\b[^.:\n]*(?:[.:]\s*|$)", re.IGNORECASE | re.MULTILINE)
_AFTER_SCHEMA = re.compile(r"Output a valid JSON object but do not repeat the schema\.?")
_MOST_OBJECTS = 200  # places tried; each costs a scan of the text
_DECODER = json.JSONDecoder()


def given_schema(body: Mapping[str, Any]) -> Any:
    """Return the schema of a request's `response_format`, or None."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") != "json_schema":
        return None
    given = wanted.get("json_schema")
    return given.get("schema", {}) if isinstance(given, dict) else None


def asked_schema(body: Mapping[str, Any], talk: Conversation) -> Any:
    """Return the schema that the prompt or JSON mode asks for, or None where no JSON is wanted."""
    wanted = body.get("response_format")
    mode = wanted.get("type") if isinstance(wanted, dict) else None
    instructions = (commands(talk.request), commands(talk.system))
    for text in instructions:
        if (printed := printed_schema(text)) is not None:
            return printed
    asked = "\n".join(instructions)
    if mode != "json_object" and not _WANTS_JSON.search(asked):
        return None
    return named_keys(asked)


def printed_schema(text: str) -> Any:
    """Return the last JSON schema that a prompt prints, or None."""
    if not _SPEAKS_OF_SCHEMA.search(text):
        return None
    for version in (text, text.replace("{{", "{").replace("}}", "}")):
        found = [value for value, *_ in _objects(version) if _is_schema(value)]
        if found:
            return found[-1]
    return None


def without_format(text: str) -> str:
    """Return a prompt without the schema or example it prints and the words about JSON."""
    if not _WANTS_JSON.search(text) and not _SPEAKS_OF_SCHEMA.search(text):
        return text
    kept = _INSTRUCTIONS.sub(_after_last_object, text)
    if "{{" in kept:  # JSON has none: a template's braces, doubled
        kept = kept.replace("{{", "{").replace("}}", "}")
    for _, start, end in reversed(list(_objects(kept))):
        kept = kept[:start] + kept[end:]
    plain = _ABOUT_JSON.sub("", kept).strip()
    return plain or kept.strip()


def named_keys(text: str) -> dict[str, Any]:
    """Return a schema of the keys that a prompt names or shows, else one with an `answer`."""
    shown = [value for value, *_ in _objects(text) if value and not _is_schema(value)]
    if shown:
        return _like(shown[-1])
    properties: dict[str, Any] = {}
    for match in _KEYS.finditer(text):
        for key, kind in _KEY.findall(match["before"] or match["after"] or ""):
            if key.lower() not in _NO_KEYS and (
                kind or not match["after"] or _is_quoted(key, match[0]) or _plain_list(match[0])
            ):
                properties[key] = _typed(key, kind)
        if properties:
            break
    properties = properties or {"answer": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _after_last_object(match: re.Match[str]) -> str:
    """Keep what follows the last JSON object of the format instructions."""
    objects = list(_objects(match[0].replace("{{", "{").replace("}}", "}")))
    rest = match[0].replace("{{", "{").replace("}}", "}")[objects[-1][2] :] if objects else ""
    return _AFTER_SCHEMA.sub("", rest).strip("` \n")


def _objects(text: str) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Yield the outermost JSON objects of a text with their places."""
    at = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if at < 0:
            return
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
            continue
        if isinstance(value, dict):
            yield value, at, end
        at = text.find("{", end)


def _is_schema(value: dict[str, Any]) -> bool:
    return any(
        isinstance(value.get(key), (dict, list))
        for key in ("properties", "$defs", "anyOf", "items")
    ) or ("$ref" in value)


def _is_quoted(key: str, text: str) -> bool:
    return re.search(rf"[`'\"]{re.escape(key)}[`'\"]", text) is not None


def _plain_list(text: str) -> bool:
    """Tell whether the keys stand unquoted: `with keys name and age`."""
    return (
        not re.search(r"[`'\"]", text)
        and re.search(r"keys|fields|properties|with", text) is not None
    )


def _typed(key: str, kind: str) -> dict[str, Any]:
    """Guess a type from what stands behind a key, else from the key."""
    if _MANY.search(kind or key):
        return {"type": "array", "items": {"type": "string"}}
    if re.search(r"bool|true|false", kind, re.IGNORECASE):
        return {"type": "boolean"}
    if _NUMERIC.search(kind or "") or (not kind and _NUMERIC.fullmatch(key)):
        return {"type": "integer" if re.search("int", kind) or key in {"age", "year"} else "number"}
    return {"type": "string"}


def _like(value: Any) -> dict[str, Any]:
    """Return a schema that a shown example satisfies."""
    if isinstance(value, dict):
        members = {key: _like(member) for key, member in value.items()}
        return {"type": "object", "properties": members, "required": list(members)}
    if isinstance(value, list):
        return {"type": "array", "items": _like(value[0]) if value else {}}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, (int, float)):
        return {"type": "number" if isinstance(value, float) else "integer"}
    return {"type": "string"}
