"""LangChain's model profiles, made from NanoGPT's catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import ModelProfile

from nanogpt_client import InvalidArgumentError, Model
from nanogpt_client._adapters.history import takes_by
from nanogpt_client.hooks import note_denial
from nanogpt_client.messages import check_media

__all__ = ["ResolvedProfile", "check_parts", "profile_of", "resolved_profile", "supported_parts"]

# The catalogue's capabilities, and the profile's fields that they decide. For every model, media in
# a tool's result are sent in a message of their own, and chunks of tool calls are put in order.
_CAPABILITIES: dict[str, tuple[str, ...]] = {
    "vision": ("image_inputs", "image_url_inputs", "image_tool_message"),
    "pdf_upload": ("pdf_inputs", "pdf_tool_message"),
    "audio_input": ("audio_inputs",),
    "video_input": ("video_inputs",),
    "reasoning": ("reasoning_output",),
    "tool_calling": ("tool_calling", "tool_call_streaming"),
    "structured_output": ("structured_output",),
}
# Catalogues deny these to models that have them, such as gpt-4o: only a ``True`` is used.
_UNRELIABLE = frozenset({"tool_calling", "structured_output"})
_MEDIA_INPUTS = ("image_inputs", "pdf_inputs", "audio_inputs", "video_inputs")
_MODALITIES = ("text", "image", "audio", "video")
_PROFILE_FIELDS = ModelProfile.__annotations__.keys()


class ResolvedProfile(dict[str, Any]):
    """A profile from the catalogue, not from the user: valid for this ``model`` only."""

    def __init__(self, model: str, profile: ModelProfile) -> None:
        super().__init__(profile)
        self.model = model

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.model, dict(self))


def profile_of(model: Model) -> ModelProfile:
    """Return a model's profile, without what the catalogue leaves open."""
    profile: dict[str, Any] = {
        "name": model.name,
        "max_input_tokens": model.context_length,
        "max_output_tokens": model.max_output_tokens,
    }
    capabilities = model.raw.get("capabilities")
    for capability, names in _CAPABILITIES.items():
        listed = capabilities.get(capability) if isinstance(capabilities, dict) else None
        if listed is True or (listed is False and capability not in _UNRELIABLE):
            profile |= dict.fromkeys(names, listed)
    media = [profile.get(name) for name in _MEDIA_INPUTS]
    if True in media or None not in media:
        profile["attachment"] = True in media
    efforts = model.raw.get("reasoning_efforts")
    if isinstance(efforts, list):
        profile["reasoning_effort_levels"] = [each for each in efforts if isinstance(each, str)]
    if model.input_modalities:
        profile["text_inputs"] = "text" in model.input_modalities
    if model.output_modalities:
        profile |= {f"{kind}_outputs": kind in model.output_modalities for kind in _MODALITIES}
    valid = {name: v for name, v in profile.items() if v is not None and name in _PROFILE_FIELDS}
    return cast("ModelProfile", valid)


def resolved_profile(model_id: str, model: Model | None) -> ModelProfile | None:
    """Return the profile of a model that was found in a catalogue, if it was."""
    profile = None if model is None else ResolvedProfile(model_id, profile_of(model))
    return cast("ModelProfile | None", profile)


def check_parts(
    conversation: Sequence[Mapping[str, Any]], model: str, profile: Mapping[str, Any] | None
) -> None:
    """Refuse media that the user's own profile denies; log those that the catalogue denies.

    Raises:
        InvalidArgumentError: naming the block and the model.
    """
    try:
        check_media(conversation, model, supported_parts(profile))
    except InvalidArgumentError as error:
        if not isinstance(profile, ResolvedProfile):
            raise
        note_denial(model, f"does not support its input ({error.message})")


def supported_parts(profile: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return whether a model supports each type of part, for `messages.check_media`."""
    return takes_by(profile or {}, *_MEDIA_INPUTS)
