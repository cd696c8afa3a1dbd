"""What goes back to a model with the conversation, beside the words: one rule for both adapters.

Models send more than a message has places for: signatures of their thoughts, encrypted reasoning,
fields of providers. Adapters keep it in the framework's message under one key, `KEPT`, with the
model's name, and it goes back to that model alone, since another one cannot read it and may refuse
it. Whoever writes messages by hand may use the same key without a model's name, for fields that
NanoGPT adds tomorrow: ``{"nanogpt": {"fields": {…}}}``.

No page of NanoGPT's says which models want what back. DeepSeek's own documentation of its thinking
mode does for V4, and Google's for the signatures of Gemini 3.
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
"""The key in a framework's message under which the rest of an answer is kept."""

# Models that want the reasoning of every message of theirs. DeepSeek V4 answers 400 ("must be
# passed back") where a conversation with tools lacks that of a plain answer:
# https://api-docs.deepseek.com/guides/thinking_mode
_WANT_ALL_REASONING = re.compile(r"deepseek-v([4-9]|\d\d)", re.IGNORECASE)

# Of a message's further fields those that frameworks write for themselves, or that this package
# reads and sends in another way.
_NEVER_SENT = frozenset(
    """role content name tool_call_id tool_calls function_call refusal reasoning reasoning_content
    annotations images audio parsed nanogpt id type example is_error session_id
    cache_control""".split()
)
_OWN_PREFIXES = ("_", "lc_", "ls_")


@dataclass(frozen=True, slots=True)
class Kept:
    """What an answer held beyond the documented fields.

    ``fields`` belong to its message, ``tool_calls`` to its calls, by their ids.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    tool_calls: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipient:
    """The model that a conversation is sent to.

    Attributes:
        model: its id, with or without suffixes.
        takes: whether it takes a type of part, e.g. ``{"image_url": False}``; others may pass.
        send_reasoning: whether it gets its readable reasoning back: always, never, or (``None``)
            where it is known to want it.
    """

    model: str = ""
    takes: Mapping[str, bool] = field(default_factory=dict)
    send_reasoning: bool | None = None

    def wants_reasoning(self, *, beside_calls: bool) -> bool:
        """Whether to send the reasoning of a message, which costs tokens.

        Many models need it to go on after tool calls; that of plain answers few do.
        """
        if self.send_reasoning is not None:
            return self.send_reasoning
        return beside_calls or _WANT_ALL_REASONING.search(self.model) is not None

    def kept(self, extra: Mapping[str, Any]) -> Kept:
        """Return what a framework's message keeps for this model; nothing if for another one."""
        kept = as_dict(extra.get(KEPT))
        model = kept.get("model")
        if model is not None and _identity(model) != _identity(self.model):
            return Kept()
        calls = as_dict(kept.get("tool_calls"))
        return Kept(as_dict(kept.get("fields")), {id_: as_dict(c) for id_, c in calls.items()})


def keep(said: Message, model: str) -> dict[str, Any]:
    """Return what a framework's message has to keep of an answer by ``model``: JSON, or nothing."""
    calls = {call.id: call.extra for call in said.tool_calls if call.extra}
    found = {"fields": said.extra, "tool_calls": calls}
    known = {name: value for name, value in found.items() if value}
    return {KEPT: {"model": model, **known}} if known else {}


def fields_of(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the further fields that a user gave a message, e.g. ``configuration_update``.

    Left out are what the frameworks write for themselves, and what is no JSON. For messages that
    models wrote use `Recipient.kept`: what stands in those is of any provider's making.
    """
    return {
        name: value
        for name, value in extra.items()
        if name not in _NEVER_SENT and not name.startswith(_OWN_PREFIXES) and _is_json(value)
    }


def takes(facts: Model | None) -> dict[str, bool]:
    """Return what a model is known not to take, by type of part."""
    known = as_dict(facts.raw.get("capabilities")) if facts else {}
    return takes_by(known, "vision", "pdf_upload", "audio_input", "video_input")


def takes_by(known: Mapping[str, Any], *flags: str) -> dict[str, bool]:
    """Return that by the flags for images, files, sound and video, in this order.

    Catalogues know well who sees; of the other media they leave out some that models who do take
    as well, so of a model that sees nothing is known.
    """
    if known.get(flags[0]) is not False:
        return {}
    parts = ("image_url", "file", "input_audio", "video_url")
    return {part: known.get(flag) is not False for part, flag in zip(parts, flags, strict=True)}


def _identity(model: Any) -> str:
    """Return a model's name without its maker and its suffixes, which name no other model."""
    return str(model).partition(":")[0].rpartition("/")[2].lower()


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    return isinstance(value, str | int | float)
