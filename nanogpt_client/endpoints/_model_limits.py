"""Checks of arguments against a model's entry in NanoGPT's list, before anything is paid.

Numeric limits and listed values are checked. A model that is not listed, and a parameter that its
entry omits, are left to NanoGPT. So are capabilities: live lists say ``image_to_image: false`` of
models that require an image, so a missing capability is logged, once, and the request is sent.
A value in another notation than the listed ones ("auto", "16:9" beside pixels) is sent, too.

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

# OpenAI's limit, and the default for models that are not listed; others have 512 to 20,000.
USUAL_CHARACTERS = 4096
LEAST_CHARACTERS = 512
_MEGABYTE = 1024 * 1024  # the larger meaning of "MB": nothing is refused that may be allowed

_NOTATIONS = {
    "pixels": re.compile(r"\d+x\d+"),
    "tier": re.compile(r"\d+(\.\d+)?[pk]"),
    "ratio": re.compile(r"\d+(\.\d+)?:\d+(\.\d+)?"),
    "number": re.compile(r"-?\d+(\.\d+)?"),
}
# Ids of cloned voices, which no list has. Follows
# https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
_CLONED_VOICE = re.compile(r"[A-Za-z][A-Za-z0-9]{7,}")
# Other names that lists use for a format detected from a file's first bytes.
_SAME_FORMAT = {
    "m4a": {"mp4", "m4b"}, "mp4": {"m4a", "mov"}, "mp3": {"mpeg", "mpga"},
    "ogg": {"oga", "opus"}, "wav": {"wave"},
}  # fmt: skip


def check_image(
    model: Model | None, options: Mapping[str, Any], *, inputs: int, mask: bool
) -> None:
    """Check size, resolution, quality, aspect ratio, number of images and number of input images.

    A mask for a model without ``inpainting`` is sent, with a warning: ``image_to_image: false`` was
    seen to be wrong, and for ``inpainting: false`` there is no witness.
    """
    if model is None:
        return
    constraints = ModelConstraints(model)
    constraints.check(
        "size", options.get("size"), "resolutions", "resolution", "sizes", check_names=False
    )
    constraints.check(
        "resolution",
        options.get("resolution"),
        "resolution",
        "resolutions",
        "sizes",
        check_names=False,
    )
    constraints.check("quality", options.get("quality"), "quality", "qualities")
    constraints.check("aspect_ratio", options.get("aspect_ratio"), "aspect_ratio", "aspect_ratios")
    constraints.check_most("n", options.get("n"), "max_output_images", "max_images", "n")
    if inputs:
        constraints.check_most("image", inputs, "max_input_images", "input_references")
        constraints.note_denied("image_to_image", "does not accept an input image")
    if mask:
        constraints.note_denied("inpainting", "does not accept a mask")


def check_speech(model: Model | None, text: str, options: Mapping[str, Any]) -> None:
    """Check voice and length of the text in characters; ids of cloned voices are not checked."""
    if model is None:
        return
    voice = options.get("voice")
    if voice is None or not _CLONED_VOICE.fullmatch(voice):
        ModelConstraints(model).check("voice", voice, "voices", "voice")
    most = most_characters(model)
    if len(text) > most:
        msg = (
            f"{model.id} supports up to {most} characters per request, the text has {len(text)}; "
            "speak_long() splits it at its sentences"
        )
        raise InvalidArgumentError(msg, param="text")


def most_characters(model: Model | None) -> int:
    """Return the maximum length of a text in characters: as listed, or 4,096."""
    most = None if model is None else parameter(model, "max_chars").most
    return int(most) if most is not None and most >= 1 else USUAL_CHARACTERS


def check_video(
    model: Model | None, options: Mapping[str, Any], *, image: bool, video: bool = False
) -> None:
    """Check duration (seconds), aspect ratio and resolution."""
    if model is None:
        return
    constraints = ModelConstraints(model)
    constraints.check("duration", options.get("duration"), "duration", "durations", "seconds")
    constraints.check("aspect_ratio", options.get("aspect_ratio"), "aspect_ratio", "aspect_ratios")
    constraints.check("resolution", options.get("resolution"), "resolution", "resolutions")
    if image:
        constraints.note_denied("image_to_video", "does not accept an input image")
    elif not video:
        constraints.note_denied("text_to_video", "requires an input image")


def check_recording(model: Model | None, data: bytes, options: Mapping[str, Any]) -> None:
    """Check a recording's size (bytes) and format, and the format of the transcript."""
    if model is None:
        return
    constraints = ModelConstraints(model)
    _check_upload(model, len(data))
    extension = files.extension_of(files.mime_type_of(data)).lstrip(".")
    formats = set(map(plain, parameter(model, "supported_formats").values))
    if extension != "bin" and not formats & _SAME_FORMAT.get(extension, set()):
        constraints.check("audio", extension, "supported_formats")
    check_transcript(model, options)


def check_remote_recording(model: Model | None, options: Mapping[str, Any]) -> None:
    """Check the options for a recording that NanoGPT fetches by its URL."""
    if model is None:
        return
    if model.supported_parameters.get("supports_remote_url") is False:
        note_denial(model.id, "does not fetch recordings by URL")
    check_transcript(model, options)


def check_transcript(model: Model, options: Mapping[str, Any]) -> None:
    """Check the format of a transcript."""
    constraints = ModelConstraints(model)
    constraints.check("response_format", options.get("response_format"), "response_formats")
    if options.get("diarize"):
        constraints.note_denied("diarization", "does not support diarization")


def _check_upload(model: Model, size: int) -> None:
    by_url = parameter(model, "max_file_size_mb").most
    uploads = parameter(model, "max_request_body_mb").most or by_url
    if uploads is None or size <= uploads * _MEGABYTE:
        return
    msg = f"{model.id} supports uploads of up to {uploads} MB, the file has {size} bytes"
    if by_url is None or size <= by_url * _MEGABYTE:
        most = "" if by_url is None else f" (up to {by_url} MB)"
        msg += f"; pass the recording's URL instead{most}"
    raise InvalidArgumentError(msg, param="audio")


class ModelConstraints:
    """One model's entry in the list, against which values are checked."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def check(self, param: str, value: Any, *names: str, check_names: bool = True) -> None:
        """Raise for a value that is not listed; a name that is not, only with ``check_names``."""
        allowed = parameter(self._model, *names)
        if value is None or _fits(plain(value), allowed, check_names=check_names):
            return
        values = ", ".join(allowed.values) or f"{allowed.least or 0} to {allowed.most or 'any'}"
        msg = f"{self._model.id} does not support {param}={value!r}; it supports {values}"
        raise InvalidArgumentError(msg, param=param)

    def check_most(self, param: str, value: Any, *names: str) -> None:
        """Raise for a number above the listed limit; of several limits the largest counts."""
        listed = [parameter(self._model, name).most for name in names]
        most = max((number for number in listed if number), default=None)
        if value is not None and most is not None and value > most:
            msg = f"{self._model.id} supports {param} up to {most}, not {value}"
            raise InvalidArgumentError(msg, param=param)

    def note_denied(self, capability: str, denial: str) -> None:
        """Log a capability that the entry says the model does not have."""
        if as_dict(self._model.raw.get("capabilities")).get(capability) is False:
            note_denial(self._model.id, denial)


def _fits(value: str, allowed: Parameter, *, check_names: bool) -> bool:
    """Whether a value may be sent: it is listed, or cannot be compared with those listed."""
    listed = {plain(item) for item in allowed.values}
    if value in listed or value == "auto":
        return True
    notation = _notation(value)
    if notation == "name" and not check_names:
        return True
    if any(_notation(item) == notation for item in listed - {"auto"}):
        return False
    return bool(listed) or notation != "number" or _within(Decimal(value), allowed)


def _within(number: Decimal, allowed: Parameter) -> bool:
    too_small = allowed.least is not None and number < allowed.least
    return not too_small and (allowed.most is None or number <= allowed.most)


def _notation(value: str) -> str:
    return next((name for name, form in _NOTATIONS.items() if form.fullmatch(value)), "name")
