"""Pictures: `images/generations`, `images/edits`, the normalized `images`, and media downloads."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field, replace
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.billing import bill, cost_fields
from nanogpt_client.sandbox.bodies import Form, is_form, is_json, read_form, read_json
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, Style, invalid, missing
from nanogpt_client.sandbox.media.drawing import Drawing
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import Charge, image_price
from nanogpt_client.sandbox.pictures import checked, drawn, mime_of, picture_of, size_of
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import integer, number
from nanogpt_client.sandbox.world import Exchange

_DEFAULT_MODEL = "hidream"
_DEFAULT_EDIT_MODEL = "gpt-image-1"
_ONE_SOURCE = ("image", "imageDataUrl", "image_url")
_MANY_SOURCES = ("imageDataUrls", "images")
_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}


@dataclass(frozen=True, slots=True)
class Order:
    """A checked request for pictures."""

    model: Model
    prompt: str
    size: object
    count: int = 1
    as_url: bool = False
    drawing: Drawing = field(default_factory=lambda: Drawing(""))


def generate(exchange: Exchange) -> Reply:
    """Draw pictures from a prompt, on top of the source pictures if there are any."""
    body = read_json(exchange.request)
    model = catalog.asked_for("image", body, _DEFAULT_MODEL)
    sources = _sources(exchange, body)
    return _deliver(exchange, _order(exchange, body, model, sources))


def edit(exchange: Exchange) -> Reply:
    """Change one or more pictures, given as files of a form or as data URLs."""
    if is_form(exchange.request):
        form = read_form(exchange.request)
        body = _body_of(form)
        sources = [checked(upload.content, "image") for upload in _files(form, "image")]
        sources += _sources(exchange, body)
        masks = [checked(upload.content, "mask") for upload in _files(form, "mask")]
    else:
        body, masks = read_json(exchange.request), []
        sources = _sources(exchange, body)
    if not sources:
        raise Refusal(400, "image is required.", code="missing_image_input", param="image")
    model = catalog.asked_for("image", body, _DEFAULT_EDIT_MODEL)
    order = _order(exchange, body, model, sources)
    if masks:
        order = replace(order, drawing=replace(order.drawing, mask=masks[0]))
    return _deliver(exchange, order)


def normalized(exchange: Exchange) -> Reply:
    """Draw through the dedicated Image API, with its own field names and checks."""
    if not is_json(exchange.request):
        raise Refusal(
            400, "/api/v1/images accepts application/json requests.", code="invalid_content_type"
        )
    body = read_json(exchange.request)
    if not body.get("model"):
        raise Refusal(
            400, "model is required for /api/v1/images.", code="missing_model", param="model"
        )
    _check_normalized(body)
    model = catalog.asked_for("image", body)
    references = [_reference(item) for item in body.get("input_references") or ()]
    sources = [picture_of(exchange, url, "input_references") for url in references]
    sources = sources or _sources(exchange, body)
    renamed = dict(body) | {"size": body.get("resolution"), "n": body.get("nImages", body.get("n"))}
    return _deliver(exchange, _order(exchange, renamed, model, sources))


def download(exchange: Exchange) -> Reply:
    """Serve a generated file; the URL works for an hour and needs no key."""
    stored = exchange.world.media.get(exchange.params["name"])
    if stored is None:
        raise Refusal(404, "This file does not exist or its URL has expired.", code="not_found")
    return Reply(200, {"content-type": stored.mime}, (stored.content,))


def _order(exchange: Exchange, body: dict[str, Any], model: Model, sources: list[bytes]) -> Order:
    prompt = body.get("prompt") or ""
    if not isinstance(prompt, str) or not (prompt.strip() or sources):
        raise missing("prompt")
    if not sources and model.private.get("needs_image"):
        raise Refusal(400, "image is required.", code="missing_image_input", param="image")
    if sources and not model.can("image_to_image"):
        raise Refusal(
            400,
            f"The model '{model.id}' does not accept image input.",
            code="image_input_not_supported",
            param="image",
        )
    wanted = body.get("response_format")
    if wanted not in (None, "url", "b64_json"):
        raise invalid("response_format must be url or b64_json.", "response_format")
    count = integer(body, "n", 1, model.parameters["max_images"]) or 1
    size = body.get("size")
    width, height = _pixels(size, model)
    mask = body.get("maskDataUrl")
    drawing = Drawing(
        prompt=prompt,
        width=width,
        height=height,
        seed=integer(body, "seed") or 0,
        format=_format(body.get("output_format")),
        source=sources[0] if sources else None,
        mask=picture_of(exchange, mask, "maskDataUrl") if mask else None,
        strength=_or(number(body, "strength", 0, 1), 0.8),
        model=model.id,
    )
    return Order(model, prompt, size, count, wanted == "url", drawing)


def _deliver(exchange: Exchange, order: Order) -> Reply:
    charge = Charge(order.model.facts["name"], image_price(order.model, order.size, order.count))
    remaining = bill(exchange, charge)
    data = []
    for index in range(order.count):
        picture = drawn(replace(order.drawing, seed=order.drawing.seed + index))
        mime = mime_of(picture)
        if order.as_url:
            suffix = mime.rpartition("/")[2]
            url = exchange.world.media.put(picture, mime, suffix, exchange.request.origin)
            data.append({"url": url})
        else:
            data.append({"b64_json": base64.b64encode(picture).decode()})
    created = int(exchange.world.clock())
    return json_reply({"created": created, "data": data} | cost_fields(charge, remaining))


def _sources(exchange: Exchange, body: dict[str, Any]) -> list[bytes]:
    found = [picture_of(exchange, body[name], name) for name in _ONE_SOURCE if body.get(name)]
    for name in _MANY_SOURCES:
        urls = body.get(name) or ()
        if not isinstance(urls, list | tuple):
            raise invalid(f"{name} must be an array of data URLs.", name)
        found += [picture_of(exchange, url, name) for url in urls]
    return found


def _pixels(size: object, model: Model) -> tuple[int, int]:
    """Return width and height; the model's first resolution when none is asked for."""
    own = next(name for name in model.parameters["resolutions"] if name != "auto")
    return size_of(own if size in (None, "auto") else size)


def _check_normalized(body: dict[str, Any]) -> None:
    if body.get("stream"):
        raise Refusal(
            400,
            "stream is not supported for /api/v1/images yet.",
            code="unsupported_stream",
            param="stream",
        )
    if body.get("provider"):
        raise Refusal(
            400,
            "Provider selection and provider passthrough options are not supported yet.",
            code="unsupported_provider_options",
            param="provider",
        )
    if "input_references" not in body:
        return
    if not isinstance(body["input_references"], list):
        raise _bad_references()
    if any(body.get(name) for name in (*_ONE_SOURCE, *_MANY_SOURCES)):
        message = "Use input_references or image input aliases, not both."
        code = "conflicting_image_inputs"
        raise Refusal(400, message, code=code, param="input_references")


def _reference(item: object) -> str:
    held = item.get("image_url") if isinstance(item, dict) else item
    url = held.get("url") if isinstance(held, dict) else held
    if not isinstance(url, str):
        raise _bad_references()
    return url


def _bad_references() -> Refusal:
    message = "input_references must be an array of image URL strings or image_url objects."
    return Refusal(400, message, code="invalid_input_references", param="input_references")


def _body_of(form: Form) -> dict[str, Any]:
    """Return the form's text fields with numbers as numbers, as a JSON request would have them."""
    body: dict[str, Any] = dict(form.fields)
    for name in ("n", "seed"):
        if re.fullmatch(r"-?[0-9]{1,18}", body.get(name, "")):
            body[name] = int(body[name])
    return body


def _files(form: Form, name: str) -> list[Any]:
    return [*form.files.get(name, ()), *form.files.get(f"{name}[]", ())]


def _format(wanted: object) -> str:
    if wanted is None:
        return "png"
    if not isinstance(wanted, str) or wanted not in _FORMATS:
        raise invalid("output_format must be png, jpeg or webp.", "output_format")
    return _FORMATS[wanted]


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


ROUTES = [
    Route("POST", "v1/images/generations", generate),
    Route("POST", "v1/images/edits", edit),
    Route("POST", "v1/images/edit", edit),
    Route("POST", "v1/images", normalized, style=Style.IMAGES),
    Route("GET", "media/{name}", download, open=True),
]
