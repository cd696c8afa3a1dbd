"""What a model takes, by NanoGPT's own list: refused here, it costs nothing.

Limits in numbers and listed values are checked; a model that is not listed, and a parameter that
its entry leaves out, are NanoGPT's to judge. So is what an entry denies: live lists say
``image_to_image: false`` of models that demand a picture, so a "no" is logged, once, and sent.
A value in another notation than those listed ("auto", "16:9" beside pixels) is sent, too.

Follows https://docs.nano-gpt.com/api-reference/endpoint/image-models, audio-models, video-models
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from nanogpt_client._media import files
from nanogpt_client.endpoints._parameters import Parameter, parameter, plain
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.hooks import note_denial
from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types.catalog import Model

# What OpenAI's voices take, and what is tried where nothing is known; others take 512 to 20,000.
USUAL_CHARACTERS = 4096
LEAST_CHARACTERS = 512
_MEGABYTE = 1024 * 1024  # the larger reading of "MB": nothing is refused that might be taken

_NOTATIONS = {
    "pixels": re.compile(r"\d+x\d+"),
    "tier": re.compile(r"\d+(\.\d+)?[pk]"),
    "ratio": re.compile(r"\d+(\.\d+)?:\d+(\.\d+)?"),
    "number": re.compile(r"-?\d+(\.\d+)?"),
}
# Ids that voice cloning makes up; they are in no list. Follows
# https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
_CLONED_VOICE = re.compile(r"[A-Za-z][A-Za-z0-9]{7,}")
# Names under which a list may mean the format that a file's first bytes tell.
_SAME_FORMAT = {
    "m4a": {"mp4", "m4b"}, "mp4": {"m4a", "mov"}, "mp3": {"mpeg", "mpga"},
    "ogg": {"oga", "opus"}, "wav": {"wave"},
}  # fmt: skip


def check_image(
    model: Model | None, options: Mapping[str, Any], *, sources: int, mask: bool
) -> None:
    """Check size, number, quality and how many pictures to start from.

    A mask that the list denies is sent all the same, with a warning: ``image_to_image: false`` was
    seen to be wrong, and whether ``inpainting: false`` is, no public witness has shown.
    """
    if model is None:
        return
    offer = ModelConstraints(model)
    offer.check("size", options.get("size"), "resolutions", "resolution", "sizes", words=False)
    offer.check(
        "resolution", options.get("resolution"), "resolution", "resolutions", "sizes", words=False
    )
    offer.check("quality", options.get("quality"), "quality", "qualities")
    offer.check("aspect_ratio", options.get("aspect_ratio"), "aspect_ratio", "aspect_ratios")
    offer.check_most("n", options.get("n"), "max_output_images", "max_images", "n")
    if sources:
        offer.check_most("image", sources, "max_input_images", "input_references")
        offer.note_denied("image_to_image", "starts from no picture")
    if mask:
        offer.note_denied("inpainting", "takes no mask")


def check_speech(model: Model | None, text: str, options: Mapping[str, Any]) -> None:
    """Check voice and length of the text; a cloned voice's id is in no list, and passes."""
    if model is None:
        return
    voice = options.get("voice")
    if voice is None or not _CLONED_VOICE.fullmatch(voice):
        ModelConstraints(model).check("voice", voice, "voices", "voice")
    most = most_characters(model)
    if len(text) > most:
        msg = (
            f"{model.id} speaks up to {most} characters at once, not {len(text)}; "
            "speak_long() splits the text at its sentences"
        )
        raise InvalidArgumentError(msg, param="text")


def most_characters(model: Model | None) -> int:
    """Return how long a text may be: what the list says, else what most models take."""
    most = None if model is None else parameter(model, "max_chars").most
    return int(most) if most is not None and most >= 1 else USUAL_CHARACTERS


def check_video(model: Model | None, options: Mapping[str, Any], *, source: bool) -> None:
    """Check duration, shape and resolution."""
    if model is None:
        return
    offer = ModelConstraints(model)
    offer.check("duration", options.get("duration"), "duration", "durations", "seconds")
    offer.check("aspect_ratio", options.get("aspect_ratio"), "aspect_ratio", "aspect_ratios")
    offer.check("resolution", options.get("resolution"), "resolution", "resolutions")
    if source:
        offer.note_denied("image_to_video", "starts from no picture")
    else:
        offer.note_denied("text_to_video", "needs a picture to start from")


def check_recording(model: Model | None, data: bytes, options: Mapping[str, Any]) -> None:
    """Check a recording's size and format, and the format of the transcript."""
    if model is None:
        return
    offer = ModelConstraints(model)
    _check_upload(model, len(data))
    extension = files.extension_of(files.mime_type_of(data)).lstrip(".")
    formats = set(map(plain, parameter(model, "supported_formats").values))
    if extension != "bin" and not formats & _SAME_FORMAT.get(extension, set()):
        offer.check("audio", extension, "supported_formats")
    check_transcript(model, options)


def check_remote_recording(model: Model | None, options: Mapping[str, Any]) -> None:
    """Check what is asked of a recording that NanoGPT fetches itself."""
    if model is None:
        return
    if model.supported_parameters.get("supports_remote_url") is False:
        note_denial(model.id, "fetches no recordings by their URL")
    check_transcript(model, options)


def check_transcript(model: Model, options: Mapping[str, Any]) -> None:
    """Check the format of a transcript."""
    offer = ModelConstraints(model)
    offer.check("response_format", options.get("response_format"), "response_formats")
    if options.get("diarize"):
        offer.note_denied("diarization", "does not tell speakers apart")


def _check_upload(model: Model, size: int) -> None:
    by_url = parameter(model, "max_file_size_mb").most
    uploads = parameter(model, "max_request_body_mb").most or by_url
    if uploads is None or size <= uploads * _MEGABYTE:
        return
    msg = f"{model.id} takes uploads of up to {uploads} MB, not {size} bytes"
    if by_url is None or size <= by_url * _MEGABYTE:
        most = "" if by_url is None else f", which may have up to {by_url} MB"
        msg += f"; pass the recording's URL instead{most}"
    raise InvalidArgumentError(msg, param="audio")


class ModelConstraints:
    """One model's entry in the list, to check values against."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def check(self, param: str, value: Any, *names: str, words: bool = True) -> None:
        """Refuse a value that is not among those listed; without ``words``, only a measure."""
        known = parameter(self._model, *names)
        if value is None or _fits(plain(value), known, words=words):
            return
        values = ", ".join(known.values) or f"{known.least or 0} to {known.most or 'any'}"
        msg = f"{self._model.id} has no {param} {value!r}; it takes {values}"
        raise InvalidArgumentError(msg, param=param)

    def check_most(self, param: str, value: Any, *names: str) -> None:
        """Refuse a number above the one listed; the largest, where entries name several."""
        listed = [parameter(self._model, name).most for name in names]
        most = max((number for number in listed if number), default=None)
        if value is not None and most is not None and value > most:
            msg = f"{self._model.id} takes {param} up to {most}, not {value}"
            raise InvalidArgumentError(msg, param=param)

    def note_denied(self, capability: str, denial: str) -> None:
        """Log what the entry says outright that the model cannot do."""
        if as_dict(self._model.raw.get("capabilities")).get(capability) is False:
            note_denial(self._model.id, denial)


def _fits(value: str, known: Parameter, *, words: bool) -> bool:
    """Whether a value may be taken: listed, or not to be compared with what is."""
    listed = {plain(item) for item in known.values}
    if value in listed or value == "auto":
        return True
    notation = _notation(value)
    if notation == "word" and not words:
        return True
    if any(_notation(item) == notation for item in listed - {"auto"}):
        return False
    return bool(listed) or notation != "number" or _within(Decimal(value), known)


def _within(number: Decimal, known: Parameter) -> bool:
    too_small = known.least is not None and number < known.least
    return not too_small and (known.most is None or number <= known.most)


def _notation(value: str) -> str:
    return next((name for name, form in _NOTATIONS.items() if form.fullmatch(value)), "word")
