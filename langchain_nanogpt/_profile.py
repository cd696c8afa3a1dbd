"""What NanoGPT's catalogue says of a model, in the words of LangChain's model profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import ModelProfile

from nanogpt_client import InvalidArgumentError, Model
from nanogpt_client._adapters.history import takes_by
from nanogpt_client.hooks import note_denial
from nanogpt_client.messages import check_media

__all__ = ["ResolvedProfile", "check_parts", "profile_of", "takes"]

# Each of the catalogue's words, and what it decides. Media in a tool's result are sent in a message
# of their own, and pieces of tool calls are put in order, whatever the model.
_CAPABILITIES: dict[str, tuple[str, ...]] = {
    "vision": ("image_inputs", "image_url_inputs", "image_tool_message"),
    "pdf_upload": ("pdf_inputs", "pdf_tool_message"),
    "audio_input": ("audio_inputs",),
    "video_input": ("video_inputs",),
    "reasoning": ("reasoning_output",),
    "tool_calling": ("tool_calling", "tool_call_streaming"),
    "structured_output": ("structured_output",),
}
# Catalogues deny these to models that do have them, such as gpt-4o: only a "yes" is passed on.
_DOUBTFUL = frozenset({"tool_calling", "structured_output"})
_MODALITIES = ("text", "image", "audio", "video")
_KNOWN = ModelProfile.__annotations__.keys()


class ResolvedProfile(dict[str, Any]):
    """A profile that was not given but looked up, and so belongs to this ``model`` alone."""

    def __init__(self, model: str, profile: ModelProfile) -> None:
        super().__init__(profile)
        self.model = model

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.model, dict(self))


def profile_of(facts: Model) -> ModelProfile:
    """Return a model's profile; what the catalogue leaves open is not in it."""
    said: dict[str, Any] = {
        "name": facts.name,
        "max_input_tokens": facts.context_length,
        "max_output_tokens": facts.max_output_tokens,
    }
    can = facts.raw.get("capabilities")
    for capability, words in _CAPABILITIES.items():
        listed = can.get(capability) if isinstance(can, dict) else None
        if listed is True or (listed is False and capability not in _DOUBTFUL):
            said |= dict.fromkeys(words, listed)
    if facts.input_modalities:
        said["text_inputs"] = "text" in facts.input_modalities
    if facts.output_modalities:
        said |= {f"{kind}_outputs": kind in facts.output_modalities for kind in _MODALITIES}
    known = {word: v for word, v in said.items() if v is not None and word in _KNOWN}
    return cast("ModelProfile", known)


def check_parts(
    conversation: Sequence[Mapping[str, Any]], model: str, profile: Mapping[str, Any] | None
) -> None:
    """Refuse media that a profile of the caller's own denies; what a catalogue denies is logged.

    Raises:
        InvalidArgumentError: naming the block and the model.
    """
    try:
        check_media(conversation, model, takes(profile))
    except InvalidArgumentError as error:
        if not isinstance(profile, ResolvedProfile):
            raise
        note_denial(model, f"does not take what it is sent ({error.message})")


def takes(profile: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return which parts of messages a model takes, for `messages.check_media`."""
    flags = ("image_inputs", "pdf_inputs", "audio_inputs", "video_inputs")
    return takes_by(profile or {}, *flags)
