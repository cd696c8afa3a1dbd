"""Several pictures, transcripts or pieces of speech at once, a few at a time.

What is finished is never lost: each part goes to ``on_progress`` when it is there, and an error
holds all of them as its ``partial``. After a failure nothing further is begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar, Unpack

from nanogpt_client._core.steps import Flow, Returned, Together
from nanogpt_client._core.watch import Watch
from nanogpt_client.endpoints import _check, _offer, _sentences, catalog, images, speech
from nanogpt_client.endpoints.transcription import transcribe
from nanogpt_client.errors import ConfigurationError, NanoGPTError, ResponseFormatError
from nanogpt_client.wire import _sound
from nanogpt_client.wire.media import FileSource, GeneratedImages, Speech, Transcript
from nanogpt_client.wire.options import ImageOptions, SpeechOptions, TranscriptionOptions
from nanogpt_client.wire.progress import Progress

T = TypeVar("T")
AT_ONCE = 4


def generate_images(
    prompts: Sequence[str], *, model: str, at_once: int = AT_ONCE, **options: Unpack[ImageOptions]
) -> Flow[list[GeneratedImages]]:
    """Draw a request's pictures for each prompt, ``at_once`` requests at a time, in their order."""
    _check.checked(options, ImageOptions)
    for at, prompt in enumerate(_list_of("prompts", prompts)):
        _check.check_text(f"prompts[{at}]", prompt)
    quiet = _quiet(options)
    flows = [images.generate_image(prompt, model=model, **quiet) for prompt in prompts]
    return (yield from _all("image", flows, at_once, options))


def transcribe_all(
    recordings: Sequence[FileSource],
    *,
    model: str,
    at_once: int = AT_ONCE,
    **options: Unpack[TranscriptionOptions],
) -> Flow[list[Transcript]]:
    """Transcribe files or URLs, ``at_once`` of them at a time; transcripts in their order."""
    _check.checked(options, TranscriptionOptions)
    quiet = _quiet(options)
    flows = [
        transcribe(recording, model=model, **quiet)
        for recording in _list_of("recordings", recordings)
    ]
    return (yield from _all("transcription", flows, at_once, options))


def speak_long(
    text: str, *, model: str, at_once: int = AT_ONCE, **options: Unpack[SpeechOptions]
) -> Flow[Speech]:
    """Speak a text of any length: cut at its sentences, spoken in pieces, joined into one file.

    A text that fits is one request. WAV, PCM, MP3 and AAC can be joined without loss; where the
    format cannot, nothing is sent. The first piece is spoken alone, as what comes may be of
    another format than asked for.
    """
    _check.checked(options, SpeechOptions)
    is_long = len(text) > _offer.LEAST_CHARACTERS
    most = _offer.most_characters((yield from catalog.known("tts", model, fetch=is_long)))
    parts = _sentences.pieces(_check.check_text("text", text), most)
    if len(parts) == 1:
        return (yield from speech.speak(text, model=model, **options))
    _check_joinable(options.get("response_format"), len(text), most)
    quiet = _quiet(options)
    flows = [speech.speak(part, model=model, **quiet) for part in parts]
    with Watch(options) as watch:
        first = yield from _together("speech", flows[:1], 1, watch, total=len(parts))
        if first[0].mime_type not in _sound.JOINABLE:
            raise _unjoined(f"it came as {first[0].mime_type}", [*first, *[None] * len(parts[1:])])
        rest = yield from _together(
            "speech", flows[1:], at_once, watch, total=len(parts), before=first
        )
    return _joined([*first, *rest])


def _joined(pieces: Sequence[Speech]) -> Speech:
    try:
        data = _sound.join([piece.bytes for piece in pieces], pieces[0].mime_type)
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


def _unjoined(why: str, pieces: Sequence[Speech | None]) -> ResponseFormatError:
    msg = f"the spoken pieces cannot be joined into one file, {why}; the error's partial holds them"
    return ResponseFormatError(msg, maybe_billed=True, partial=list(pieces))


def _check_joinable(wanted: str | None, length: int, most: int) -> None:
    if wanted is not None and wanted not in _sound.FORMATS:
        msg = (
            f"a text of {length} characters is spoken in pieces of up to {most}, and {wanted} "
            f"cannot be joined without loss; ask for one of {', '.join(_sound.FORMATS)}"
        )
        raise ConfigurationError(msg, param="response_format")


def _all(
    kind: str, flows: Sequence[Flow[T]], at_once: int, options: Mapping[str, Any]
) -> Flow[list[T]]:
    with Watch(options) as watch:
        return (yield from _together(kind, flows, at_once, watch, total=len(flows)))


def _together(
    kind: str,
    flows: Sequence[Flow[T]],
    at_once: int,
    watch: Watch,
    *,
    total: int,
    before: Sequence[T] = (),
) -> Flow[list[T]]:
    """Perform flows and return their results; an error carries those that are there."""
    if at_once < 1:
        raise ConfigurationError(f"at_once must be at least 1, not {at_once}", param="at_once")
    told = [_told(kind, flow, watch, total) for flow in flows]
    outcomes: Sequence[Returned | None] = yield Together(told, at_once)
    results: list[Any] = [outcome and outcome.value for outcome in outcomes]
    for outcome in outcomes:
        if outcome is not None and outcome.error is not None:
            if isinstance(outcome.error, NanoGPTError):
                outcome.error.partial = [*before, *results]
            raise outcome.error
    return results


def _told(kind: str, flow: Flow[T], watch: Watch, total: int) -> Flow[T]:
    result = yield from flow
    yield from watch.tell(Progress(kind, "working", watch.count(), total, result=result))
    return result


def _quiet(options: Mapping[str, Any]) -> Any:
    """Return the options of one part; the whole shows the progress."""
    return {word: v for word, v in options.items() if word not in {"on_progress", "progress"}}


def _list_of(name: str, values: Any) -> Any:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise ConfigurationError(f"{name} must be a list, not {type(values).__name__}", param=name)
    return values
