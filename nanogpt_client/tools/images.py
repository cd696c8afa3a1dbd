"""The tools that generate and edit images."""

from __future__ import annotations

from typing import Any

from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import images
from nanogpt_client.tools import files
from nanogpt_client.tools.approval import require_approval
from nanogpt_client.tools.artifacts import MAX_FILE_BYTES
from nanogpt_client.tools.results import Media, ToolResult, media_artifact, price
from nanogpt_client.tools.schemas import EditArguments, ImageArguments
from nanogpt_client.tools.settings import ImageToolSettings
from nanogpt_client.types.media import GeneratedImage, GeneratedImages
from nanogpt_client.types.plain import counted
from nanogpt_client.types.progress import OnProgress


def generate_image(
    settings: ImageToolSettings, arguments: ImageArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Generate images; the text says where each one's file is."""
    yield from files.prepare_output(settings)
    size, n = arguments.size or settings.size, arguments.n
    yield from require_approval(settings, "generate_image", arguments, "image", size=size, n=n)
    generated = yield from images.generate_image(
        arguments.prompt,
        model=settings.model,
        size=size,
        n=n,
        seed=arguments.seed,
        response_format=_response_format(settings),
        on_progress=on_progress,
    )
    return (yield from _result(settings, generated, arguments.seed, "Generated"))


def edit_image(
    settings: ImageToolSettings, arguments: EditArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Edit an image, within a mask if there is one."""
    yield from files.prepare_output(settings)
    image = yield from files.read_input(settings, arguments.image)
    mask = arguments.mask
    if mask is not None:
        mask = yield from files.read_input(settings, mask)
    size = arguments.size or settings.size
    yield from require_approval(settings, "edit_image", arguments, "image", size=size)
    image = yield from files.download_input(settings, image)
    if mask is not None:
        mask = yield from files.download_input(settings, mask)
    edited = yield from images.generate_image(
        arguments.prompt,
        model=settings.model,
        image=image,
        mask=mask,
        strength=arguments.strength,
        size=size,
        seed=arguments.seed,
        response_format=_response_format(settings),
        on_progress=on_progress,
    )
    return (yield from _result(settings, edited, arguments.seed, "Edited"))


def _response_format(settings: ImageToolSettings) -> Any:
    """Ask for URLs where no file is written, so that there is a link for the user."""
    return "url" if settings.output_dir is None else "b64_json"


def _result(
    settings: ImageToolSettings, images: GeneratedImages, seed: int | None, verb: str
) -> Flow[ToolResult]:
    artifacts, sentences, shown = [], [], []
    for image in images:
        artifact, sentence, media = yield from _saved(settings, image)
        artifacts.append(artifact)
        sentences.append(sentence)
        shown += media
    done = (
        f"{verb} {counted(len(artifacts), 'image')} with {settings.model}{price(images.billing)}."
    )
    artifact = media_artifact("image", settings.model, images.billing) | {
        "seed": seed,
        **artifacts[0],
        "files": artifacts,
    }
    text = " ".join([done, *sentences])
    return ToolResult(text, artifact, tuple(shown) if settings.image_blocks else ())


def _saved(
    settings: ImageToolSettings, image: GeneratedImage
) -> Flow[tuple[dict[str, Any], str, list[Media]]]:
    """Save an image; return its artifact, a sentence on where it is, and what to show of it."""
    data, trouble = image.data, None
    if data is None:
        data, trouble = yield from files.download_result(image.url or "", max_bytes=MAX_FILE_BYTES)
    if data is None:
        return files.NO_FILE | {"url": image.url}, f"URL: {image.url}, {trouble}.", []
    saved = yield from files.save_result(settings, "image", data)
    artifact = files.file_artifact(settings, saved) | {"url": image.url}
    return artifact, saved.describe(image.url), [Media(data, saved.mime_type)]
