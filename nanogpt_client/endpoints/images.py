"""Pictures: drawn from a prompt, or from other pictures.

Follows https://docs.nano-gpt.com/api-reference/endpoint/image-generation-openai and image-edits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Unpack

from nanogpt_client._media import files
from nanogpt_client._protocol.call import Call, FilePart, Reply, Request, RetrySafety
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks, _model_limits, _prices, catalog
from nanogpt_client.endpoints._requests import post, read_object, without_request_words
from nanogpt_client.endpoints.media import (
    MAX_IMAGE_BYTES,
    file_bytes,
    file_part,
    image_data_url,
    image_data_urls,
)
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
from nanogpt_client.types._coerce import as_text, dicts
from nanogpt_client.types._surrogates import mended
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.catalog import Model
from nanogpt_client.types.media import FileSource, GeneratedImage, GeneratedImages
from nanogpt_client.types.options import ImageOptions
from nanogpt_client.types.progress import Progress


def generate_image(
    prompt: str = "",
    *,
    model: str,
    image: FileSource | Sequence[FileSource] | None = None,
    mask: FileSource | None = None,
    **options: Unpack[ImageOptions],
) -> Flow[GeneratedImages]:
    """Draw; with ``image`` (one or several), change that. URLs are fetched and sent along.

    The prompt may be left out beside an image, as for upscalers.
    """
    given = without_request_words(_checks.checked(options, ImageOptions))
    sources = _sources(image)
    body: dict[str, Any] = {
        "model": _checks.check_model(model),
        "prompt": _checks.check_prompt(prompt, instead=sources or options.get("extra_body")),
        **given,
    }
    known = yield from catalog.known("image", model)
    _model_limits.check_image(known, given, sources=len(sources), mask=mask is not None)
    if mask is not None and not sources:
        raise InvalidArgumentError("a mask needs the image that it belongs to", param="mask")
    urls = yield from image_data_urls(sources)
    if len(urls) == 1:
        body["imageDataUrl"] = urls[0]
    elif urls:
        body["imageDataUrls"] = urls
    if mask is not None:
        body["maskDataUrl"] = yield from image_data_url(mask, "mask")
    return (yield from _draw(post("/images/generations", body, options), model, known, options))


def edit_image(
    prompt: str = "",
    *,
    model: str,
    image: FileSource | Sequence[FileSource],
    mask: FileSource | None = None,
    **options: Unpack[ImageOptions],
) -> Flow[GeneratedImages]:
    """Change a picture, or several, through the multipart route; a mask limits where."""
    given = without_request_words(_checks.checked(options, ImageOptions))
    sources = _sources(image)
    form = {
        "model": _checks.check_model(model),
        "prompt": _checks.check_prompt(prompt, instead=sources),
        **{name: str(value) for name, value in given.items()},
        **{name: str(value) for name, value in (options.get("extra_body") or {}).items()},
    }
    if not sources:
        raise InvalidArgumentError("there is no image to edit", param="image")
    known = yield from catalog.known("image", model)
    _model_limits.check_image(known, given, sources=len(sources), mask=mask is not None)
    files: list[tuple[str, FilePart]] = []
    for at, source in enumerate(sources):
        name, data = yield from file_bytes(source, f"image-{at + 1}.png", max_bytes=MAX_IMAGE_BYTES)
        files.append(("image" if len(sources) == 1 else "image[]", file_part(name, data)))
    if mask is not None:
        name, data = yield from file_bytes(mask, "mask.png", max_bytes=MAX_IMAGE_BYTES)
        files.append(("mask", file_part(name, data)))
    request = Request(
        "POST",
        "/images/edits",
        form=mended(form),
        files=files,
        headers=dict(options.get("extra_headers") or {}),
        timeout=options.get("timeout"),
    )
    return (yield from _draw(request, model, known, options))


def _draw(
    request: Request, model: str, known: Model | None, options: Mapping[str, Any]
) -> Flow[GeneratedImages]:
    size = options.get("size") or options.get("resolution")
    reserved = _prices.reservation(known, {"size": size, "n": options.get("n")})
    call = Call(
        request, _images, "image", model, RetrySafety.IF_REJECTED, billable=True, estimate=reserved
    )
    with ProgressReporter(options) as reporter:
        yield from reporter.report(Progress("image"))
        answer = yield from ask(call)
        yield from reporter.report(Progress("image", done=1, result=answer))
    return answer


def _sources(image: FileSource | Sequence[FileSource] | None) -> list[FileSource]:
    if image is None:
        return []
    return list(image) if isinstance(image, list | tuple) else [image]  # type: ignore[list-item]


def _images(reply: Reply) -> GeneratedImages:
    body = read_object(reply)
    billing = Billing.read(body, reply.headers)
    items = dicts(body.get("data"))
    share = None if billing.cost is None or not items else billing.cost / len(items)
    images = tuple(_image(item, share, reply) for item in items)
    if not images or not all(image.data or image.url for image in images):
        raise InvalidResponseError("NanoGPT answered without a picture")
    raw = {key: value for key, value in body.items() if key != "data"}
    return GeneratedImages(images, billing, raw)


def _image(item: dict[str, Any], cost: Decimal | None, reply: Reply) -> GeneratedImage:
    encoded, url = as_text(item.get("b64_json")), as_text(item.get("url"))
    return GeneratedImage(
        data=files.from_base64(encoded) if encoded else None,
        url=reply.absolute(url) if url else None,
        revised_prompt=as_text(item.get("revised_prompt")) or None,
        cost=cost,
    )
