"""Lenient readers: any JSON value in, a value of the wished type or "nothing" out, never an error.

The one place that decides what counts as a number or a text in a reply. Providers behind NanoGPT
send numbers as strings, nulls for absent fields and now and then something else altogether.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic_core import from_json

from nanogpt_client.types._surrogates import repaired

# Nothing here is counted so far, and arithmetic on wild exponents overflows.
_BEYOND = 10**31


def loads(data: bytes | str) -> Any:
    """Parse JSON, with characters made whole; a `ValueError` also for what is nested too deeply."""
    value, is_odd = loads_chunk(data)
    if not is_odd:
        return value
    try:
        return repaired(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def loads_chunk(data: bytes | str) -> tuple[Any, bool]:
    """Parse a piece of a stream; also return whether it may hold halves of characters."""
    try:
        # A quarter of the time for a stream's frame, a tenth for vectors.
        return from_json(data), False
    except ValueError as error:
        if "recursion limit" in str(error):  # 200 levels: no answer has them, and recursion ends
            raise ValueError("nested too deeply") from error
    # What else it refuses (half an emoji, UTF-16) is for the standard library to judge.
    try:
        return json.loads(data), True
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def as_dict(value: Any) -> dict[str, Any]:
    """Return a mapping as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as an empty one."""
    return value if isinstance(value, list) else []


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, passing over whatever else stands in it."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def unwrapped(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with what stands under its ``data`` lifted to the top, where that says more."""
    inner = {name: value for name, value in as_dict(body.get("data")).items() if value is not None}
    return {**body, **inner}


def as_text(value: Any) -> str:
    """Return a string as it is, a number as its digits, anything else as ``""``."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def as_number(value: Any) -> Decimal | None:
    """Return a finite number, given as number or as string, exactly; otherwise ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        # str() first: Decimal(0.1) would carry the float's binary tail.
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and -_BEYOND < number < _BEYOND else None


def as_int(value: Any) -> int | None:
    """Return a whole number (7, 7.0, "7"), otherwise ``None``."""
    if value is None or (type(value) is int and -_BEYOND < value < _BEYOND):  # nearly always
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
