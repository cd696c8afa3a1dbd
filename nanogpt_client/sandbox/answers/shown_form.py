"""Answers in the form that a prompt shows: a JSON schema to follow, or an example of the output."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from nanogpt_client.sandbox.answers.turn import text_of

_SCHEMA = re.compile(r"\bschema\b[^\n{]{0,160}:\s*(?:```\w*\s*)?(?=\{)", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"^\s*Example (?:Response|Output|Answer):\s*(\S(?:.|\n(?!\s*\n))*)", re.MULTILINE
)
_TRIPLET = re.compile(r"^\([^(),\n]+,[^(),\n]+,[^(),\n]+\)(?=\s*$)", re.MULTILINE)
_FENCED = re.compile(r"```(?:json)?\s*\n(\{.*?\})\s*\n```", re.DOTALL)


def shown_form(messages: Sequence[Mapping[str, Any]], instance_of: Callable[..., Any]) -> str:
    """Return an answer in the form that the messages show, or "" where they show none."""
    prompt = "\n".join(map(text_of, messages))
    with suppress(ValueError, RecursionError):  # what looks like JSON may be none, or too deep
        if match := _SCHEMA.search(prompt):
            printed = prompt[match.end() :]
            if printed.startswith("{{"):  # escaped, for a template
                printed = printed.replace("{{", "{").replace("}}", "}")
            schema, end = json.JSONDecoder().raw_decode(printed)
            if {"properties", "$ref"} & schema.keys():
                return json.dumps(instance_of(schema, prompt[: match.end()] + printed[end:]))
        fenced = [json.loads(match[1]) for match in _FENCED.finditer(prompt)]
        if len(fenced) > 2 and len(fenced) % 2:  # inputs with their outputs, and a last input
            names = dict.fromkeys(fenced[0], next(iter(fenced[-1]), ""))
            asked = prompt.rpartition("```")[2].splitlines()
            question = " ".join(line for line in asked if line and line[0] not in "<#")
            return json.dumps(_like(fenced[1], names, question))
    if match := _EXAMPLE.search(prompt):
        return match[1].strip()
    return "\n".join(_TRIPLET.findall(prompt) if "triplet" in prompt else ())


def _like(example: Any, names: dict[str, str], question: str) -> Any:
    """Return the example with one item a list, its names and its other texts replaced."""
    if isinstance(example, dict):
        return {key: _like(value, names, question) for key, value in example.items()}
    if isinstance(example, list):
        return [_like(value, names, question) for value in example[:1]]
    return names.get(example, question) if isinstance(example, str) else example
