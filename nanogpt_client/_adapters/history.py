"""What a model gets back with the conversation besides the text: one rule for both adapters.

Models return fields for which a framework's message has no place: signatures of their reasoning,
encrypted reasoning, fields of providers. Adapters keep them in the message under one key, `KEPT`,
with the model's name. They are sent back to that model only: another one cannot read them and may
refuse them. In a message that you write yourself, use the same key without a model, for fields that
this package does not support yet: ``{"nanogpt": {"fields": {…}}}``.

NanoGPT's docs do not say which models need what back. DeepSeek's documentation of its thinking mode
does for V4, and Google's for the signatures of Gemini 3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.types._coerce import as_dict
from nanogpt_client.types.catalog import Model
from nanogpt_client.types.chat import Message

__all__ = ["KEPT", "Kept", "Recipient", "fields_of", "keep", "takes"]

KEPT = "nanogpt"
"""The key in a framework's message under which the further fields of a response are kept."""

# Models that require the reasoning of each of their messages. DeepSeek V4 answers 400 ("must be
# passed back") if a conversation with tools lacks that of a plain response:
# https://api-docs.deepseek.com/guides/thinking_mode
_WANT_ALL_REASONING = re.compile(r"deepseek-v([4-9]|\d\d)", re.IGNORECASE)

MISTRALS = r"[sx]tral"
"""What the names of Mistral's models have in common, from Ministral to Mixtral."""
# Mistral's API answers 422 ("extra_forbidden") to fields of a message that it does not know.
_TAKE_NO_REASONING = re.compile(MISTRALS, re.IGNORECASE)

# Further fields of a message that frameworks write for themselves, or that this package sends in
# another way.
_NEVER_SENT = frozenset(
    """role content name tool_call_id tool_calls function_call refusal reasoning reasoning_content
    annotations images audio parsed nanogpt id type example is_error session_id
    cache_control""".split()
)
_OWN_PREFIXES = ("_", "lc_", "ls_")


@dataclass(frozen=True, slots=True)
class Kept:
    """The undocumented fields of a response.

    ``fields`` are those of its message, ``tool_calls`` those of its calls, by id.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    tool_calls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipient:
    """The model that a conversation is sent to.

    Attributes:
        model: its id, with or without suffixes.
        takes: whether it accepts a type of part, e.g. ``{"image_url": False}``; types that are not
            listed are sent.
        send_reasoning: whether it gets its readable reasoning back: always, never, or (``None``)
            where it needs it.
    """

    model: str = ""
    takes: Mapping[str, bool] = field(default_factory=dict)
    send_reasoning: bool | None = None

    def wants_reasoning(self, *, beside_calls: bool) -> bool:
        """Return whether to send the reasoning of a message, which costs tokens.

        Many models need it to continue after tool calls; few need that of plain responses, and some
        refuse it.
        """
        if self.send_reasoning is not None:
            return self.send_reasoning
        if _TAKE_NO_REASONING.search(self.model):
            return False
        return beside_calls or _WANT_ALL_REASONING.search(self.model) is not None

    def kept(self, extra: Mapping[str, Any]) -> Kept:
        """Return the fields kept in a framework's message, unless they are another model's."""
        kept = as_dict(extra.get(KEPT))
        model = kept.get("model")
        if model is not None and _identity(model) != _identity(self.model):
            return Kept()
        calls = as_dict(kept.get("tool_calls"))
        return Kept(as_dict(kept.get("fields")), {id_: as_dict(c) for id_, c in calls.items()})


def keep(message: Message, model: str) -> dict[str, Any]:
    """Return the fields to keep of a response by ``model``, under `KEPT`; empty if it has none."""
    calls = {call.id: call.extra for call in message.tool_calls if call.extra}
    found = {"fields": message.extra, "tool_calls": calls}
    kept = {name: value for name, value in found.items() if value}
    return {KEPT: {"model": model, **kept}} if kept else {}


def fields_of(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further fields that a user added to a message, e.g. ``configuration_update``.

    Leaves out what the frameworks write for themselves, and what is not JSON. For messages that
    models wrote use `Recipient.kept`: other fields of those may be any provider's.
    """
    return {
        name: value
        for name, value in extra.items()
        if name not in _NEVER_SENT and not name.startswith(_OWN_PREFIXES) and _is_json(value)
    }


def takes(model: Model | None) -> dict[str, bool]:
    """Return which types of parts a model accepts, by the catalogue; see `takes_by`."""
    capabilities = as_dict(model.raw.get("capabilities")) if model else {}
    return takes_by(capabilities, "vision", "pdf_upload", "audio_input", "video_input")


def takes_by(capabilities: Mapping[str, Any], *flags: str) -> dict[str, bool]:
    """Return which types of parts are accepted; ``flags`` are for image, file, audio and video.

    Empty for a model that accepts images, or may: catalogues are right about images, but omit
    other media that such models accept.
    """
    if capabilities.get(flags[0]) is not False:
        return {}
    parts = ("image_url", "file", "input_audio", "video_url")
    return {
        part: capabilities.get(flag) is not False for part, flag in zip(parts, flags, strict=True)
    }


def _identity(model: Any) -> str:
    """Return a model's name without vendor and suffixes, which do not make it another model."""
    return str(model).partition(":")[0].rpartition("/")[2].lower()


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    return isinstance(value, str | int | float)
