"""What a chat's answer becomes in a table: a text, or the JSON text of an object that was checked.

An answer is stored as the response's JSON and its cost, so that it is read again as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from pydantic import BaseModel

from nanogpt_client._adapters.json_in_text import NoObjectError, find_object
from nanogpt_client._adapters.schema_check import fits
from nanogpt_client.endpoints.chat import completion_of
from nanogpt_client.errors import ConfigurationError, NanoGPTError
from nanogpt_client.types.chat import ChatCompletion
from nanogpt_client.types.json_schemas import class_schema, json_schema_format

__all__ = ["Row", "Schema", "as_completion", "as_stored", "check_schema", "format_of", "row_of"]

Schema = type[BaseModel] | Mapping[str, Any]
"""The objects to answer with: a pydantic class, or a JSON schema."""


class Row(NamedTuple):
    """The values of one row.

    Attributes:
        answer: the text, or the JSON text of the object; ``None`` if there is an error.
        error: the error's class and message; ``None`` for an answer.
        finish_reason: why the model stopped, e.g. ``"stop"`` or ``"length"``.
        cost: USD when it was paid; NaN if unknown.
    """

    answer: str | None = None
    error: str | None = None
    finish_reason: str | None = None
    cost: float = float("nan")


def check_schema(schema: Any) -> None:
    """Refuse what is neither a pydantic class nor a JSON schema.

    Raises:
        ConfigurationError: it is something else.
    """
    is_class = isinstance(schema, type) and issubclass(schema, BaseModel)
    if not (schema is None or is_class or isinstance(schema, Mapping)):
        msg = f"schema must be a pydantic class or a JSON schema, not {schema!r}"
        raise ConfigurationError(msg, param="schema")


def format_of(schema: Schema) -> dict[str, Any]:
    """Return the ``response_format`` that asks for the objects of a schema."""
    if isinstance(schema, type):
        described = class_schema(schema)
        return json_schema_format(described.title, described.titled)
    return json_schema_format(str(schema.get("title") or "answer"), schema)


def as_stored(completion: ChatCompletion) -> bytes:
    """Return what is stored of an answer."""
    cost = completion.billing.cost
    stored = {"cost": None if cost is None else str(cost), "response": completion.raw}
    return json.dumps(stored, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def as_completion(stored: bytes) -> ChatCompletion:
    """Return the answer that is stored."""
    found = json.loads(stored.decode("utf-8", "surrogatepass"))
    completion = completion_of(found["response"], {})
    cost = None if found["cost"] is None else Decimal(found["cost"])
    return replace(completion, billing=replace(completion.billing, cost=cost))


def row_of(outcome: ChatCompletion | NanoGPTError, schema: Schema | None) -> Row:
    """Return the row of an answer or of an error."""
    if isinstance(outcome, NanoGPTError):
        return Row(error=f"{type(outcome).__name__}: {outcome}")
    cost, reason = outcome.billing.cost, outcome.finish_reason
    row = Row(finish_reason=reason, cost=float("nan") if cost is None else float(cost))
    if outcome.message.refusal and not outcome.text:
        return row._replace(error=f"refused: {outcome.message.refusal}")
    if schema is None:
        return row._replace(answer=outcome.text)
    try:
        return row._replace(answer=_object_in(outcome.text, schema, reason))
    except NoObjectError as error:
        return row._replace(error=f"no object: {error}; the model returned {error.text[:200]!r}")


def _object_in(text: str, schema: Schema, reason: str | None) -> str:
    """Return the JSON text of the object in an answer."""
    if isinstance(schema, type):
        found = find_object(text, schema.model_validate, finish_reason=reason)
        return found.model_dump_json()
    value = find_object(text, partial(_fitting, schema), finish_reason=reason)
    return json.dumps(value, ensure_ascii=False)


def _fitting(schema: Mapping[str, Any], value: Any) -> Any:
    if not fits(value, schema):
        raise ValueError("it is not what the schema asks for")
    return value
