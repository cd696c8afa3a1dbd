"""The tools that draw, edit, speak, listen and film, as flows."""

from __future__ import annotations

from base64 import b64encode
from functools import partial
from typing import Any

from nanogpt_client._media import files as media_files
from nanogpt_client._protocol.addresses import host_of, is_named
from nanogpt_client._protocol.steps import Flow, off_loop
from nanogpt_client.endpoints import batch, catalog, images, media, transcription, video
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError
from nanogpt_client.tools import approval, schemas, settings
from nanogpt_client.tools.artifacts import LARGEST_FILE, Kept, check_output, keep, reachable
from nanogpt_client.tools.results import Media, ToolResult, amount
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.media import GeneratedImages, Transcript
from nanogpt_client.types.progress import OnProgress

_WEB = ("http://", "https://")


def generate_image(
    own: settings.ImageFields, given: schemas.ImageArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Draw; the text names each picture's file, or its URL where nothing is saved."""
    yield from off_loop(check_output, own.output_dir)
    size = given.size or own.size
    yield from catalog.find_model("image", own.model, refresh=True)
    yield from _allow(own, "generate_image", given, "image", size=size, n=given.n)
    drawn = yield from images.generate_image(
        given.prompt,
        model=own.model,
        size=size,
        n=given.n,
        seed=given.seed,
        response_format=_delivery(own),
        on_progress=on_progress,
    )
    return (yield from _pictures(own, drawn, given.seed, "Drew"))


def edit_image(
    own: settings.ImageFields, given: schemas.EditArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Change a picture, within a mask if one is given."""
    yield from off_loop(check_output, own.output_dir)
    image = yield from _input(own, given.image)
    mask = None if given.mask is None else (yield from _input(own, given.mask))
    size = given.size or own.size
    yield from catalog.find_model("image", own.model, refresh=True)
    yield from _allow(own, "edit_image", given, "image", size=size)
    drawn = yield from images.generate_image(
        given.prompt,
        model=own.model,
        image=(yield from _picture(own, image)),
        mask=None if mask is None else (yield from _picture(own, mask)),
        strength=given.strength,
        size=size,
        seed=given.seed,
        response_format=_delivery(own),
        on_progress=on_progress,
    )
    return (yield from _pictures(own, drawn, given.seed, "Changed"))


def speak(
    own: settings.SpeechFields, given: schemas.SpeechArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Read a text aloud, also one of many pages, into one file."""
    yield from off_loop(check_output, own.output_dir)
    _check_length(own, given.text)
    yield from catalog.find_model("tts", own.model, refresh=True)
    yield from _allow(own, "speak", given, "tts", text=given.text)
    spoken = yield from batch.speak_long(
        given.text,
        model=own.model,
        voice=given.voice or own.voice,
        speed=given.speed,
        instructions=given.instructions,
        response_format=own.audio_format,
        on_progress=on_progress,
    )
    kept = yield from _keep(own, "speech", spoken.bytes, spoken.mime_type)
    text = f"Spoke {len(given.text)} characters{_price(spoken.billing)}. {_place(kept, spoken.url)}"
    about = {"voice": given.voice or own.voice, "url": spoken.url, **_artifact(own, kept)}
    return ToolResult(text, _facts("speech", own.model, spoken.billing) | about)


def _check_length(own: settings.SpeechFields, text: str) -> None:
    if len(text) > own.max_characters:
        raise InvalidArgumentError(
            f"the text has {len(text)} characters; one call may speak {own.max_characters}",
            param="text",
        )


def transcribe(
    own: settings.TranscriptionFields,
    given: schemas.TranscriptionArguments,
    on_progress: OnProgress | None,
) -> Flow[ToolResult]:
    """Write a recording down; the text is what was said."""
    audio = yield from _input(own, given.audio)
    yield from catalog.find_model("stt", own.model, refresh=True)
    seconds = media_files.seconds_of(audio) if isinstance(audio, bytes) else None
    yield from _allow(own, "transcribe", given, "stt", seconds=seconds)
    heard = yield from transcription.transcribe(
        audio,
        model=own.model,
        language=given.language or own.language,
        diarize=given.diarize,
        on_progress=on_progress,
    )
    about = {
        "text": heard.text,
        "language": heard.language,
        "duration": heard.duration,
        "segments": [_segment(part) for part in heard.segments],
        "words": list(heard.words),
    }
    facts = _facts("transcription", own.model, heard.billing) | about
    return ToolResult(_spoken(heard, by_speaker=bool(given.diarize)), facts)


def generate_video(
    own: settings.VideoFields, given: schemas.VideoArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Order a video and wait for it; or, by run id, only wait: it is never ordered twice."""
    yield from off_loop(check_output, own.output_dir)
    job = given.run_id
    if job is None:
        job = yield from _ordered(own, given)
    made = yield from video.wait_for_video(
        job, poll_interval=own.poll_interval, poll_timeout=own.poll_timeout, on_progress=on_progress
    )
    run_id, billing = made.run_id, made.billing
    about: dict[str, Any] = {"run_id": run_id, "url": made.url, **_NO_FILE}
    text, trouble = f"The video is ready{_price(billing)}. ", None
    if own.output_dir is not None:
        data, trouble = yield from _fetched(made.url)
        if data is not None:
            kept = yield from _keep(own, "video", data, media_files.mime_type_of(data))
            about |= _artifact(own, kept)
            text += f"{_place(kept, made.url)} "
    text += f"URL, for a limited time: {made.url}"
    text += f", {trouble} (run id {run_id})." if trouble else f" (run id {run_id})."
    return ToolResult(text, _facts("video", made.model or own.model, billing) | about)


def _ordered(own: settings.VideoFields, given: schemas.VideoArguments) -> Flow[Any]:
    if given.prompt is None:
        raise InvalidArgumentError("a video needs a prompt, or the run id of one that was ordered")
    image = None if given.image is None else (yield from _input(own, given.image))
    yield from catalog.find_model("video", own.model, refresh=True)
    mode = None if image is None else "image_to_video"
    yield from _allow(own, "generate_video", given, "video", seconds=given.duration, mode=mode)
    flow = video.submit_video(
        given.prompt,
        model=own.model,
        image=image,
        duration=given.duration,
        aspect_ratio=given.aspect_ratio,
    )
    return (yield from flow)


_NO_FILE: dict[str, Any] = dict.fromkeys(("name", "mime_type", "size", "path", "base64"))


def _pictures(
    own: settings.ImageFields, drawn: GeneratedImages, seed: int | None, did: str
) -> Flow[ToolResult]:
    files, places, shown = [], [], []
    for image in drawn:
        data, trouble = image.data, None
        if data is None:
            data, trouble = yield from _fetched(image.url or "", max_bytes=LARGEST_FILE)
        if data is None:
            files.append(_NO_FILE | {"url": image.url})
            places.append(f"URL: {image.url}, {trouble}.")
            continue
        kept = yield from _keep(own, "image", data, media_files.mime_type_of(data))
        shown.append(Media(data, kept.mime_type))
        files.append(_artifact(own, kept) | {"url": image.url})
        places.append(_place(kept, image.url))
    number = "the picture" if len(files) == 1 else f"{len(files)} pictures"
    text = f"{did} {number} with {own.model}{_price(drawn.billing)}. {' '.join(places)}"
    about = {"seed": seed, **files[0], "files": files}
    facts = _facts("image", own.model, drawn.billing) | about
    return ToolResult(text, facts, tuple(shown) if own.image_blocks else ())


def _fetched(
    url: str, *, max_bytes: int = media_files.MAX_DOWNLOAD_BYTES
) -> Flow[tuple[bytes | None, str | None]]:
    """Download what is paid for; if that fails, its URL is still worth telling."""
    try:
        return (yield from media.download(url, max_bytes=max_bytes)), None
    except NanoGPTError as error:
        return None, f"which could not be downloaded yet ({error})"


def _delivery(own: settings.ToolFields) -> Any:
    """Ask for URLs where no file is written, so that there is something to tell of."""
    return "url" if own.output_dir is None else "b64_json"


def _allow(
    own: settings.ToolFields, tool: str, given: schemas.Arguments, kind: Any, **work: Any
) -> Flow[None]:
    arguments = given.model_dump(exclude_none=True)
    yield from approval.allow(own, tool, arguments, kind, **work)


def _input(own: settings.ToolFields, source: str | bytes) -> Flow[str | bytes]:
    """Return what a model may use as a file: its bytes, or its address if that is allowed."""
    if isinstance(source, bytes) or source.startswith("data:"):
        return source
    if source.startswith(_WEB):
        _check_url(own, source)
        return source
    folders = [folder for folder in (own.output_dir, *own.readable_dirs) if folder is not None]
    return (yield from off_loop(reachable, source, own.memory, folders))


def _picture(own: settings.ToolFields, source: str | bytes) -> Flow[str | bytes]:
    """Fetch a picture that is given by its address; no redirect leads to where none may lead."""
    if isinstance(source, bytes) or not source.startswith(_WEB):
        return source
    return (
        yield from media.download(
            source, max_bytes=media.MAX_IMAGE_FILE_BYTES, allow=partial(_check_url, own)
        )
    )


def _check_url(own: settings.ToolFields, url: str) -> None:
    """Refuse an address that the program's settings do not let a model use."""
    if not own.allow_urls:
        raise InvalidArgumentError("addresses may not be used here; name a file")
    host = host_of(url)
    if own.allow_hosts is not None and not is_named(host, own.allow_hosts):
        allowed = ", ".join(own.allow_hosts) or "none"
        raise InvalidArgumentError(
            f"addresses of {host[:80]!r} may not be used here; allowed hosts: {allowed}"
        )


def _keep(own: settings.ToolFields, kind: str, data: bytes, mime_type: str) -> Flow[Kept]:
    return (yield from off_loop(keep, own.memory, own.output_dir, kind, data, mime_type))


def _place(kept: Kept, url: str | None) -> str:
    """Say where a file is, so that a model can pass it on to the user or to another tool."""
    text = f"File: {kept.place}"
    if kept.path is None and url:
        text += f" (for a limited time also at {url})"
    return f"{text}; {kept.trouble}." if kept.trouble else f"{text}."


def _artifact(own: settings.ToolFields, kept: Kept) -> dict[str, Any]:
    return {
        "name": kept.name,
        "mime_type": kept.mime_type,
        "size": len(kept.data),
        "path": None if kept.path is None else str(kept.path),
        "base64": b64encode(kept.data).decode() if own.include_base64 else None,
    }


def _facts(kind: str, model: str | None, billing: Billing) -> dict[str, Any]:
    return {
        "kind": kind,
        "model": model,
        **amount("cost", billing.cost),
        "request_id": billing.request_id,
    }


def _price(billing: Billing) -> str:
    return "" if billing.cost is None else f" for {billing.cost} USD"


def _segment(part: Any) -> dict[str, Any]:
    return {"text": part.text, "start": part.start, "end": part.end, "speaker": part.speaker}


def _spoken(heard: Transcript, *, by_speaker: bool) -> str:
    if not heard.text.strip():
        return "Nothing was said."
    if by_speaker and any(part.speaker for part in heard.segments):
        return "\n".join(f"{part.speaker or 'unknown'}: {part.text}" for part in heard.segments)
    return heard.text
