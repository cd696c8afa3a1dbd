"""What a model takes, from NanoGPT's own list: refused here, it costs nothing.

Only what the list names is checked. It gives a parameter as a list of values, as
``{"type": "enum", "values": […]}``, or as ``{"type": "range", "min": …, "max": …}``; a model that
is not listed, and a parameter that its entry leaves out, are NanoGPT's to judge.

Follows https://docs.nano-gpt.com/api-reference/endpoint/image-models and image-api-models
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nanogpt_client.errors import ConfigurationError
from nanogpt_client.wire import _files
from nanogpt_client.wire._read import as_count, as_dict, as_list, as_number, as_text, first
from nanogpt_client.wire.catalog import Model

SAFE_CHARACTERS = 4096  # what every speech model takes, by NanoGPT's skill document


def check_image(
    model: Model | None, options: Mapping[str, Any], *, sources: int, mask: bool
) -> None:
    """Check size, number, quality and pictures to start from."""
    if model is None:
        return
    offer = Offer(model)
    offer.check("size", options.get("size"), "resolutions", "resolution", "sizes")
    offer.check("quality", options.get("quality"), "quality", "qualities")
    offer.check("aspect_ratio", options.get("aspect_ratio"), "aspect_ratio", "aspect_ratios")
    offer.check_most("n", options.get("n"), "max_images", "n")
    if sources:
        offer.check_can("image_to_image", "image", "does not start from a picture")
    if mask:
        offer.check_can("inpainting", "mask", "takes no mask")


def check_speech(model: Model | None, text: str, options: Mapping[str, Any]) -> None:
    """Check voice, format and length of the text."""
    if model is None:
        return
    offer = Offer(model)
    offer.check("voice", options.get("voice"), "voices", "voice")
    if not model.supported_parameters.get("ignores_format"):
        offer.check("response_format", options.get("response_format"), "formats")
    most = most_characters(model)
    if len(text) > most:
        msg = (
            f"{model.id} speaks up to {most} characters at once, not {len(text)}; "
            "speak_long() splits the text at its sentences"
        )
        raise ConfigurationError(msg, param="text")


def most_characters(model: Model | None) -> int:
    """Return how long a text may be: what the list says, else what every model takes."""
    if model is None:
        return SAFE_CHARACTERS
    return as_count(model.supported_parameters.get("max_input_characters")) or SAFE_CHARACTERS


def check_video(model: Model | None, options: Mapping[str, Any], *, source: bool) -> None:
    """Check duration, shape, resolution, and whether it starts from a picture."""
    if model is None:
        return
    offer = Offer(model)
    offer.check("duration", options.get("duration"), "duration", "durations")
    offer.check("aspect_ratio", options.get("aspect_ratio"), "aspect_ratio", "aspect_ratios")
    offer.check("resolution", options.get("resolution"), "resolution", "resolutions")
    if source:
        offer.check_can("image_to_video", "image", "does not start from a picture")
    else:
        offer.check_can("text_to_video", "image", "needs a picture to start from: pass image=…")


def check_recording(model: Model | None, data: bytes, options: Mapping[str, Any]) -> None:
    """Check a recording's size and format, and whether speakers can be told apart."""
    if model is None:
        return
    offer = Offer(model)
    most = as_count(model.supported_parameters.get("max_upload_bytes"))
    if most is not None and len(data) > most:
        msg = (
            f"{model.id} takes files of up to {most} bytes, not {len(data)}; "
            "pass the recording's URL instead"
        )
        raise ConfigurationError(msg, param="audio")
    extension = _files.extension_of(_files.mime_type_of(data)).lstrip(".")
    if extension != "bin":
        offer.check("audio", extension, "formats")
    if options.get("diarize") and model.supported_parameters.get("diarization") is False:
        msg = f"{model.id} does not tell speakers apart; leave diarize out"
        raise ConfigurationError(msg, param="diarize")


class Offer:
    """One model's entry in the list, to check values against."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def values(self, *names: str) -> list[str]:
        """Return the values that a parameter may take, under any of its names; none if unknown."""
        for name in names:
            listed = self._model.supported_parameters.get(name)
            items = as_list(listed) or as_list(first(as_dict(listed), "values", "enum", "options"))
            found = [
                as_text(first(item, "id", "value", "name") if isinstance(item, dict) else item)
                for item in items
            ]
            if any(found):
                return [value for value in found if value]
        return []

    def check(self, param: str, value: Any, *names: str) -> None:
        """Refuse a value that is not among those listed."""
        allowed = self.values(*names)
        if value is None or not allowed or _plain(value) in map(_plain, allowed):
            return
        msg = f"{self._model.id} has no {param} {value!r}; it takes {', '.join(allowed)}"
        raise ConfigurationError(msg, param=param)

    def check_most(self, param: str, value: Any, *names: str) -> None:
        """Refuse a number above the one listed."""
        for name in names:
            listed = self._model.supported_parameters.get(name)
            most = as_count(as_dict(listed).get("max") if isinstance(listed, dict) else listed)
            if value is not None and most is not None and value > most:
                msg = f"{self._model.id} takes {param} up to {most}, not {value}"
                raise ConfigurationError(msg, param=param)

    def check_can(self, capability: str, param: str, otherwise: str) -> None:
        """Refuse what the entry says outright that the model cannot do."""
        if as_dict(self._model.raw.get("capabilities")).get(capability) is False:
            raise ConfigurationError(f"{self._model.id} {otherwise}", param=param)


def _plain(value: Any) -> str:
    """Level the ways to write one value: 1024*1024 and 1024x1024, 5, "5" and "5s"."""
    text = str(value).strip().lower().replace("*", "x").replace("×", "x")
    number = as_number(text.removesuffix("s"))
    return text if number is None else f"{number.normalize():f}"
