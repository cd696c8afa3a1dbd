"""Batches of images and transcriptions, and long texts to speech; see `gather`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from nanogpt_client._media import audio_concat
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import _checks, _model_limits, _split_text, catalog, images, speech
from nanogpt_client.endpoints.gather import (
    MAX_CONCURRENCY,
    gather,
    reported,
    results,
    without_progress,
)
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.media import FileSource, GeneratedImages, Speech, Transcript
from nanogpt_client.types.options import ImageOptions, SpeechOptions, TranscriptionOptions


def generate_images(
    prompts: Sequence[str],
    *,
    model: str,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[ImageOptions],
) -> Flow[list[GeneratedImages]]:
    """Generate the images of each prompt, ``max_concurrency`` requests at a time, in order."""
    _checks.checked(options, ImageOptions)
    for at, prompt in enumerate(_list_of("prompts", prompts)):
        _checks.check_text(f"prompts[{at}]", prompt)
    part_options = without_progress(options)
    flows = [images.generate_image(prompt, model=model, **part_options) for prompt in prompts]
    return (yield from gather("image", flows, max_concurrency, options))


def transcribe_all(
    recordings: Sequence[FileSource],
    *,
    model: str,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[TranscriptionOptions],
) -> Flow[list[Transcript]]:
    """Transcribe files or URLs, ``max_concurrency`` at a time; transcripts in their order."""
    _checks.checked(options, TranscriptionOptions)
    part_options = without_progress(options)
    flows = [
        transcribe(recording, model=model, **part_options)
        for recording in _list_of("recordings", recordings)
    ]
    return (yield from gather("transcription", flows, max_concurrency, options))


def speak_long(
    text: str,
    *,
    model: str,
    max_concurrency: int = MAX_CONCURRENCY,
    **options: Unpack[SpeechOptions],
) -> Flow[Speech]:
    """Synthesize a text of any length: split at its sentences, joined into one audio file.

    A text that fits is one request. WAV, PCM, MP3 and AAC can be joined without loss; for another
    format nothing is sent. The first part is synthesized alone, as NanoGPT may return another
    format than requested.
    """
    _checks.checked(options, SpeechOptions)
    is_long = len(text) > _model_limits.LEAST_CHARACTERS
    most = _model_limits.most_characters(
        (yield from catalog.find_model("tts", model, refresh=is_long))
    )
    parts = _split_text.split_text(_checks.check_text("text", text), most)
    if len(parts) == 1:
        return (yield from speech.speak(text, model=model, **options))
    _check_joinable(options.get("response_format"), len(text), most)
    part_options = without_progress(options)
    flows = [speech.speak(part, model=model, **part_options) for part in parts]
    with ProgressReporter(options) as reporter:
        flows = [reported("speech", flow, reporter, len(parts)) for flow in flows]
        first = yield from results(flows[:1], 1)
        if first[0].mime_type not in audio_concat.JOINABLE:
            raise _unjoined(
                f"NanoGPT returned {first[0].mime_type}", [*first, *[None] * len(parts[1:])]
            )
        rest = yield from results(flows[1:], max_concurrency, before=first)
    return _joined([*first, *rest])


def _joined(parts: Sequence[Speech]) -> Speech:
    try:
        data = audio_concat.join([part.bytes for part in parts], parts[0].mime_type)
    except ValueError as error:
        raise _unjoined(str(error), parts) from error
    billing = Billing.total([part.billing for part in parts])
    return Speech(data, parts[0].mime_type, billing, raw={"parts": [part.raw for part in parts]})


def _unjoined(why: str, parts: Sequence[Speech | None]) -> InvalidResponseError:
    msg = f"the audio parts cannot be joined: {why}; they are in the error's partial"
    return InvalidResponseError(msg, maybe_billed=True, partial=list(parts))


def _check_joinable(wanted: str | None, length: int, most: int) -> None:
    if wanted is not None and wanted not in audio_concat.FORMATS:
        msg = (
            f"a text of {length} characters is split into parts of up to {most}, and {wanted} "
            f"cannot be joined without loss; use response_format {', '.join(audio_concat.FORMATS)}"
        )
        raise InvalidArgumentError(msg, param="response_format")


def _list_of(name: str, values: Any) -> Any:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise InvalidArgumentError(
            f"{name} must be a list, not {type(values).__name__}", param=name
        )
    return values
