"""Lenient conversions: any JSON value in, a value of the type or an empty one out, never an error.

The one place that decides what counts as a number or a text in a response. Providers behind NanoGPT
send numbers as strings, nulls for absent fields, and other surprises.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic_core import from_json

from nanogpt_client.types._surrogates import repaired

# No real value is as large, and arithmetic on huge exponents overflows.
_LIMIT = 10**31


def loads(data: bytes | str) -> Any:
    """Parse JSON and repair surrogates; `ValueError` also if it is nested too deeply."""
    value, is_odd = loads_chunk(data)
    if not is_odd:
        return value
    try:
        return repaired(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def loads_chunk(data: bytes | str) -> tuple[Any, bool]:
    """Parse a stream event; also return whether it may have lone surrogates."""
    try:
        # A quarter of the time for a stream's event, a tenth for vectors.
        return from_json(data), False
    except ValueError as error:
        if "recursion limit" in str(error):  # 200 levels: no response has as many
            raise ValueError("nested too deeply") from error
    # What else it refuses (half an emoji, UTF-16) the standard library may parse.
    try:
        return json.loads(data), True
    except UnicodeDecodeError:  # one broken byte must not cost a paid response
        return json.loads(str(data, "utf-8", "replace")), True  # type: ignore[arg-type]
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def as_dict(value: Any) -> dict[str, Any]:
    """Return a dict unchanged, for anything else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list unchanged, for anything else an empty one."""
    return value if isinstance(value, list) else []


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the dicts of a list; other items are skipped."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def unwrapped(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with the fields of its ``data`` at the top level; null ones are skipped."""
    inner = {name: value for name, value in as_dict(body.get("data")).items() if value is not None}
    return {**body, **inner}


def as_text(value: Any) -> str:
    """Return a string unchanged, a number as its digits, for anything else ``""``."""
    if isinstance(value, str):
        return value
    if value is None:  # nearly always
        return ""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def as_number(value: Any) -> Decimal | None:
    """Return a finite number, a number or a string, as an exact `Decimal`; otherwise ``None``."""
    if value is None:  # nearly always
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        # str() first: Decimal(0.1) would carry the float's binary tail.
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and -_LIMIT < number < _LIMIT else None


def as_int(value: Any) -> int | None:
    """Return a whole number (7, 7.0, "7"), otherwise ``None``."""
    if value is None or (type(value) is int and -_LIMIT < value < _LIMIT):  # nearly always
        return value
    number = as_number(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def as_count(value: Any) -> int | None:
    """Return a whole number that is not negative, otherwise ``None``."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def as_float(value: Any) -> float | None:
    """Return a finite number as float, otherwise ``None``."""
    number = as_number(value)
    return None if number is None else float(number)


def first(mapping: Mapping[str, Any], *keys: str) -> Any:
    """Return the first of the keys' values that is neither absent, null nor an empty string."""
    for key in keys:
        value = mapping.get(key)
        if value is not None and value != "":
            return value
    return None
