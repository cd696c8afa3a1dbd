"""Images: `images/generations`, `images/edits`, and media downloads."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.bodies import integer, is_form, number, option, read_form
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import Refusal, Reply, json_reply, missing, require
from nanogpt_client.sandbox.input_media import checked, image_of, render, size_of
from nanogpt_client.sandbox.media import ImageSpec
from nanogpt_client.sandbox.money import image_price
from nanogpt_client.sandbox.routes.moderation import preflight

_FORMATS = {"png": "png", "jpeg": "jpeg", "jpg": "jpeg", "webp": "webp"}
Body = dict[str, Any]


@Route("POST", "v1/images/generations")
@preflight
def generate(exchange: Exchange) -> Reply:
    """Generate images from a prompt, on top of the source images if there are any."""
    body = exchange.json()
    model = catalog.asked_for("image", body, "hidream")
    return _deliver(exchange, body, model, _sources(exchange, body))


@Route("POST", "v1/images/edits")
def edit(exchange: Exchange) -> Reply:
    """Change one or more images, given as files of a form or as data URLs."""
    sources: list[bytes] = []
    mask = None
    if is_form(exchange.request):
        form = read_form(exchange.request)
        body: Body = dict(form.fields)
        for name in ("n", "seed"):  # numbers, as a JSON request would have them
            if re.fullmatch(r"-?[0-9]{1,18}", body.get(name, "")):
                body[name] = int(body[name])
        sources = [checked(upload.content, "image") for upload in form.listed("image")]
        masks = [checked(upload.content, "mask") for upload in form.listed("mask")]
        mask = masks[0] if masks else None
    else:
        body = exchange.json()
    sources += _sources(exchange, body)
    if not sources:
        raise _image_missing()
    model = catalog.asked_for("image", body, "gpt-image-1")
    return _deliver(exchange, body, model, sources, mask)


@Route("GET", "media/{name}", open=True)
def download(exchange: Exchange) -> Reply:
    """Serve a generated file; the URL works for an hour and needs no key."""
    stored = exchange.world.file(exchange.params["name"])
    if stored is None:
        raise Refusal(404, "This file does not exist or its URL has expired.", code="not_found")
    return Reply(200, {"content-type": stored.mime}, (stored.content,))


def _deliver(
    exchange: Exchange,
    body: Body,
    model: catalog.Model,
    sources: list[bytes],
    mask: bytes | None = None,
) -> Reply:
    spec = _spec(exchange, body, model, sources)
    spec = replace(spec, mask=mask or spec.mask)
    wanted = option(body, "response_format", "url", "b64_json")
    count = integer(body, "n", 1, model.parameters["max_images"]) or 1
    bill = exchange.bill(model, image_price(model, body.get("size"), count))
    made = [render(replace(spec, seed=spec.seed + index)) for index in range(count)]
    data = [{"b64_json": base64.b64encode(each).decode()} for each in made]
    if wanted == "url":
        mime = f"image/{spec.format}"
        data = [{"url": exchange.store(each, mime, spec.format)} for each in made]
    return json_reply({"created": int(exchange.world.clock()), "data": data} | bill.fields)


def _spec(exchange: Exchange, body: Body, model: catalog.Model, sources: list[bytes]) -> ImageSpec:
    prompt = body.get("prompt") or ""
    if not isinstance(prompt, str) or not (prompt.strip() or sources):
        raise missing("prompt")
    if not sources and model.private.get("needs_image"):
        raise _image_missing()
    if sources and not model.can("image_to_image"):
        message = f"The model '{model.id}' does not accept image input."
        raise Refusal(400, message, code="image_input_not_supported", param="image")
    size = body.get("size")
    own = next(name for name in model.parameters["resolutions"] if name != "auto")
    width, height = size_of(own if size in (None, "auto") else size)
    kind = option(body, "output_format", *_FORMATS) or "png"
    mask, strength = body.get("maskDataUrl"), number(body, "strength", 0, 1)
    return ImageSpec(
        prompt=prompt,
        width=width,
        height=height,
        seed=integer(body, "seed") or 0,
        format=_FORMATS[kind],
        source=sources[0] if sources else None,
        mask=image_of(exchange, mask, "maskDataUrl") if mask else None,
        strength=0.8 if strength is None else strength,
        model=model.id,
    )


def _sources(exchange: Exchange, body: Body) -> list[bytes]:
    urls = body.get("imageDataUrls") or []
    require(isinstance(urls, list), "imageDataUrls must be an array of data URLs.", "imageDataUrls")
    single = [body[name] for name in ("image", "imageDataUrl") if body.get(name)]
    return [image_of(exchange, url, "image") for url in [*single, *urls]]


def _image_missing() -> Refusal:
    return Refusal(400, "image is required.", code="missing_image_input", param="image")
