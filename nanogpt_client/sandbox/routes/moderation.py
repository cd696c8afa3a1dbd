"""`POST /v1/moderations`: flags texts by short word lists, in OpenAI's shape."""

from __future__ import annotations

import re
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.billing import bill, cost_headers
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.failures import Refusal, invalid
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import Charge, per_million
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import check_window
from nanogpt_client.sandbox.world import Exchange

_DEFAULT_MODEL = "omni-moderation-latest"
_CATEGORIES = {
    "harassment": "idiot moron loser worthless",
    "hate": "subhuman vermin",
    "self-harm": "suicide self-harm",
    "sexual": "porn pornographic explicit",
    "violence": "kill murder stab shoot bomb attack",
}
_FLAGGED, _CLEAR = 0.97, 0.01


def moderate(exchange: Exchange) -> Reply:
    """Classify one text, several texts, or text parts. Raises `Refusal` (400)."""
    body = read_json(exchange.request)
    model = catalog.asked_for("moderation", body, _DEFAULT_MODEL)
    texts = _texts(body.get("input"))
    tokens = sum(count_tokens(text) for text in texts)
    check_window(tokens, model)
    charge = Charge(model.facts["name"], per_million(model, tokens), input_tokens=tokens)
    remaining = bill(exchange, charge)
    found = {
        "id": exchange.world.ids.new("modr_"),
        "model": model.id,
        "results": [_result(text) for text in texts],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    }
    return json_reply(found, headers=cost_headers(charge, remaining))


def _texts(given: Any) -> list[str]:
    """Return one text for each result: content parts are one input together."""
    if isinstance(given, str):
        found = [given]
    elif isinstance(given, list) and all(isinstance(item, str) for item in given):
        found = given
    elif isinstance(given, list) and all(isinstance(item, dict) for item in given):
        found = ["\n".join(_part(item) for item in given)]
    else:
        raise invalid("input must be text, an array of texts or content parts.", "input")
    if not any(text.strip() for text in found):
        raise Refusal(
            400, "The request has no text to moderate.", code="empty_input", param="input"
        )
    return found


def _part(part: dict[str, Any]) -> str:
    if part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise Refusal(
        400, "The model takes text input only.", code="unsupported_input_modality", param="input"
    )


def _result(text: str) -> dict[str, Any]:
    words = set(re.findall(r"[\w-]+", text.lower()))
    categories = {name: not words.isdisjoint(bad.split()) for name, bad in _CATEGORIES.items()}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": {name: _FLAGGED if bad else _CLEAR for name, bad in categories.items()},
    }


ROUTES = [Route("POST", "v1/moderations", moderate)]
