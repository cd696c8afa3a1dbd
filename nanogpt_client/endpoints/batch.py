"""Several images, transcripts or parts of a long speech at once, a few at a time: see `gather`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Unpack

from nanogpt_client._media import audio_concat
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import _checks, _model_limits, _sentences, catalog, images, speech
from nanogpt_client.endpoints.gather import (
    MAX_CONCURRENCY,
    gather,
    reported,
    results,
    without_progress,
)
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
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
    quiet = without_progress(options)
    flows = [images.generate_image(prompt, model=model, **quiet) for prompt in prompts]
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
    quiet = without_progress(options)
    flows = [
        transcribe(recording, model=model, **quiet)
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
    """Speak a text of any length: cut at its sentences, spoken in pieces, joined into one file.

    A text that fits is one request. WAV, PCM, MP3 and AAC can be joined without loss; where the
    format cannot, nothing is sent. The first piece is spoken alone, as what comes may be of
    another format than asked for.
    """
    _checks.checked(options, SpeechOptions)
    is_long = len(text) > _model_limits.LEAST_CHARACTERS
    most = _model_limits.most_characters((yield from catalog.known("tts", model, fetch=is_long)))
    parts = _sentences.pieces(_checks.check_text("text", text), most)
    if len(parts) == 1:
        return (yield from speech.speak(text, model=model, **options))
    _check_joinable(options.get("response_format"), len(text), most)
    quiet = without_progress(options)
    flows = [speech.speak(part, model=model, **quiet) for part in parts]
    with ProgressReporter(options) as reporter:
        flows = [reported("speech", flow, reporter, len(parts)) for flow in flows]
        first = yield from results(flows[:1], 1)
        if first[0].mime_type not in audio_concat.JOINABLE:
            raise _unjoined(f"it came as {first[0].mime_type}", [*first, *[None] * len(parts[1:])])
        rest = yield from results(flows[1:], max_concurrency, before=first)
    return _joined([*first, *rest])


def _joined(pieces: Sequence[Speech]) -> Speech:
    try:
        data = audio_concat.join([piece.bytes for piece in pieces], pieces[0].mime_type)
    except ValueError as error:
        raise _unjoined(str(error), pieces) from error
    costs = [piece.cost for piece in pieces]
    known = [cost for cost in costs if cost is not None]
    billing = replace(
        pieces[-1].billing, cost=sum(known, Decimal(0)) if len(known) == len(costs) else None
    )
    return Speech(
        data, pieces[0].mime_type, billing, raw={"pieces": [piece.raw for piece in pieces]}
    )


def _unjoined(why: str, pieces: Sequence[Speech | None]) -> InvalidResponseError:
    msg = f"the spoken pieces cannot be joined into one file, {why}; the error's partial holds them"
    return InvalidResponseError(msg, maybe_billed=True, partial=list(pieces))


def _check_joinable(wanted: str | None, length: int, most: int) -> None:
    if wanted is not None and wanted not in audio_concat.FORMATS:
        msg = (
            f"a text of {length} characters is spoken in pieces of up to {most}, and {wanted} "
            f"cannot be joined without loss; ask for one of {', '.join(audio_concat.FORMATS)}"
        )
        raise InvalidArgumentError(msg, param="response_format")


def _list_of(name: str, values: Any) -> Any:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise InvalidArgumentError(
            f"{name} must be a list, not {type(values).__name__}", param=name
        )
    return values
