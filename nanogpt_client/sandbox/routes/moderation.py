"""`POST /v1/moderations`, and the check that the header `moderation` puts before other routes.

Texts are judged by short lists of terms, images by what the sandbox reads in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.text import count_tokens
from nanogpt_client.sandbox.bodies import plain_body, read_json
from nanogpt_client.sandbox.exchange import Exchange, Handler, Route
from nanogpt_client.sandbox.http import Refusal, Reply, invalid, json_reply, missing, require
from nanogpt_client.sandbox.input_media import described, image_of
from nanogpt_client.sandbox.money import Bill, per_million
from nanogpt_client.sandbox.validate import check_window

_DEFAULT = "omni-moderation-latest"
_FLAGGED = {
    "harassment": {"idiot", "moron", "loser", "worthless"},
    "hate": {"subhuman", "vermin"},
    "self-harm": {"suicide", "self-harm"},
    "sexual": {"porn", "pornographic", "explicit"},
    "violence": {"kill", "murder", "stab", "shoot", "bomb", "attack"},
}
_REFUSED = "Your request was blocked by content moderation."


@Route("POST", "v1/moderations")
def moderate(exchange: Exchange) -> Reply:
    """Classify one text, several texts, or content parts. Raises `Refusal`."""
    body = exchange.json()
    model = catalog.asked_for("moderation", body, _DEFAULT)
    if body.get("input") is None:
        raise missing("input")
    found, bill = _classified(exchange, model, _inputs(exchange, model, body["input"]))
    return json_reply(found, headers=bill.headers)


def preflight(handler: Handler) -> Handler:
    """Return a route that the header `moderation` lets check its input before it is served."""

    def checked(exchange: Exchange) -> Reply:
        wanted = exchange.request.headers.get("moderation", "false")
        if wanted.lower() == "false":
            return handler(exchange)
        model = catalog.find("moderation", _DEFAULT if wanted.lower() == "true" else wanted)
        body = read_json(replace(exchange.request, body=plain_body(exchange.request), headers={}))
        parts = list(_submitted(body))
        message = "The request has no input to moderate."
        require(parts, message, "moderation", "empty_moderation_input")
        found, bill = _classified(exchange, model, _inputs(exchange, model, parts))
        flagged = found["results"][0]["flagged"]
        values = {"model": model.id, "flagged": str(flagged).lower(), "cost-usd": f"{bill.cost:f}"}
        headers = {f"x-nanogpt-inline-moderation-{name}": v for name, v in values.items()}
        if flagged:
            kind, code = "invalid_request_error", "content_policy_violation"
            beside = {"moderation": found}
            raise Refusal(400, _REFUSED, code, kind=kind, headers=headers, beside=beside)
        reply = handler(exchange)
        return replace(reply, headers=reply.headers | headers)

    return checked


def _submitted(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield texts and images of a request as content parts."""
    messages = [each for each in body.get("messages") or () if isinstance(each, dict)]
    contents = [each.get("content") for each in messages]
    images = [body.get("imageDataUrl"), body.get("imageUrl"), *(body.get("imageDataUrls") or ())]
    for content in [*contents, body.get("prompt")]:
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, str) and part.strip():
                yield {"type": "text", "text": part}
            elif isinstance(part, dict) and part.get("type") in ("text", "image_url"):
                yield part
    yield from ({"type": "image_url", "image_url": {"url": url}} for url in images if url)


def _inputs(exchange: Exchange, model: catalog.Model, given: Any) -> list[str]:
    """Return one text for each result: content parts are one input together."""
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, list) and texts and all(isinstance(part, dict) for part in texts):
        texts = ["\n".join(_text(exchange, model, part) for part in texts)]
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise invalid("input must be text, an array of texts or content parts.", "input")
    message = "The request has no text or image to moderate."
    require(any(text.strip() for text in texts), message, "input", "empty_input")
    message = f"The model '{model.id}' does not support batched input."
    require(len(texts) == 1 or model.can("batch"), message, "input", "unsupported_batch_input")
    return texts


def _text(exchange: Exchange, model: catalog.Model, part: dict[str, Any]) -> str:
    if part.get("type") != "image_url" and isinstance(part.get("text"), str):
        return str(part["text"])
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, dict) else image
    require(isinstance(url, str), "Use text parts and image_url parts.", "input")
    message = f"The model '{model.id}' does not take image input."
    require(model.can("image"), message, "input", "unsupported_input_modality")
    return described(image_of(exchange, url, "input"), "input")


def _classified(
    exchange: Exchange, model: catalog.Model, texts: list[str]
) -> tuple[dict[str, Any], Bill]:
    """Return the verdict on each text, which is paid for."""
    tokens = sum(map(count_tokens, texts))
    check_window(tokens, model)
    bill = exchange.bill(model, per_million(model, tokens), tokens)
    found = {
        "id": exchange.world.new_id("modr_"),
        "model": model.id,
        "results": [_result(text) for text in texts],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    }
    return found, bill


def _result(text: str) -> dict[str, Any]:
    found = set(re.findall(r"[\w-]+", text.lower()))
    categories = {name: not found.isdisjoint(terms) for name, terms in _FLAGGED.items()}
    scores = {name: 0.97 if flagged else 0.01 for name, flagged in categories.items()}
    flagged = any(categories.values())
    return {"flagged": flagged, "categories": categories, "category_scores": scores}
