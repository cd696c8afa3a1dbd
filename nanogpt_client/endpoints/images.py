"""Images: generated from a prompt, or from other images.

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
from nanogpt_client.endpoints._requests import headers_of, post, read_object
from nanogpt_client.endpoints.media import (
    MAX_IMAGE_BYTES,
    file_bytes,
    file_part,
    image_data_url,
    image_data_urls,
)
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
from nanogpt_client.types._coerce import as_text, dicts
from nanogpt_client.types._surrogates import repaired
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
    """Generate images from a prompt and input images; their URLs are fetched and sent as data.

    The prompt may be omitted with an input image, as for upscalers.
    """
    given = _checks.body_options(options, ImageOptions)
    inputs = _inputs(image)
    body: dict[str, Any] = {
        "model": _checks.check_model(model),
        "prompt": _checks.check_prompt(prompt, instead=inputs or options.get("extra_body")),
        **given,
    }
    listed = yield from catalog.find_model("image", model)
    _model_limits.check_image(listed, given, inputs=len(inputs), mask=mask is not None)
    if mask is not None and not inputs:
        raise InvalidArgumentError(
            "mask needs the image it applies to; pass image, too", param="mask"
        )
    urls = yield from image_data_urls(inputs)
    if len(urls) == 1:
        body["imageDataUrl"] = urls[0]
    elif urls:
        body["imageDataUrls"] = urls
    if mask is not None:
        body["maskDataUrl"] = yield from image_data_url(mask, "mask")
    return (
        yield from _generate(post("/images/generations", body, options), model, listed, options)
    )


def edit_image(
    prompt: str = "",
    *,
    model: str,
    image: FileSource | Sequence[FileSource],
    mask: FileSource | None = None,
    **options: Unpack[ImageOptions],
) -> Flow[GeneratedImages]:
    """Edit one image or several by the multipart route; a mask limits the edited area."""
    given = _checks.body_options(options, ImageOptions)
    inputs = _inputs(image)
    form = {
        "model": _checks.check_model(model),
        "prompt": _checks.check_prompt(prompt, instead=inputs),
        **{name: str(value) for name, value in given.items()},
        **{name: str(value) for name, value in (options.get("extra_body") or {}).items()},
    }
    if not inputs:
        raise InvalidArgumentError("image is empty; pass at least one image", param="image")
    listed = yield from catalog.find_model("image", model)
    _model_limits.check_image(listed, given, inputs=len(inputs), mask=mask is not None)
    files: list[tuple[str, FilePart]] = []
    for at, source in enumerate(inputs):
        name, data = yield from file_bytes(source, f"image-{at + 1}.png", max_bytes=MAX_IMAGE_BYTES)
        files.append(("image" if len(inputs) == 1 else "image[]", file_part(name, data)))
    if mask is not None:
        name, data = yield from file_bytes(mask, "mask.png", max_bytes=MAX_IMAGE_BYTES)
        files.append(("mask", file_part(name, data)))
    request = Request(
        "POST",
        "/images/edits",
        form=repaired(form),
        files=files,
        headers=headers_of(options),
        timeout=options.get("timeout"),
    )
    return (yield from _generate(request, model, listed, options))


def _generate(
    request: Request, model: str, listed: Model | None, options: Mapping[str, Any]
) -> Flow[GeneratedImages]:
    given = {**options, **(options.get("extra_body") or {})}
    size = given.get("size") or given.get("resolution")
    reserved = _prices.reservation(listed, {"size": size, "n": given.get("n")})
    call = Call(
        request,
        read_images,
        "image",
        model,
        RetrySafety.IF_REJECTED,
        billable=True,
        estimate=reserved,
    )
    with ProgressReporter(options) as reporter:
        yield from reporter.report(Progress("image"))
        generated = yield from ask(call)
        yield from reporter.report(Progress("image", done=1, result=generated))
    return generated


def _inputs(image: FileSource | Sequence[FileSource] | None) -> list[FileSource]:
    if image is None:
        return []
    return list(image) if isinstance(image, list | tuple) else [image]  # type: ignore[list-item]


def read_images(reply: Reply) -> GeneratedImages:
    """Read a response with images."""
    body = read_object(reply)
    billing = Billing.read(body, reply.headers)
    items = dicts(body.get("data"))
    share = None if billing.cost is None or not items else billing.cost / len(items)
    images = tuple(_image(item, share, reply) for item in items)
    if not images or not all(image.data or image.url for image in images):
        raise InvalidResponseError("NanoGPT answered without an image")
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
