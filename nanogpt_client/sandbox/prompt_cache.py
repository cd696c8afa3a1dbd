"""Emulate prompt caching: which tokens of a prompt are read from the cache, which are written.

Claude models cache what the request marks (`cache_control` on parts or tools, or the
`prompt_caching` helper), from 1,024 tokens on. Models that cache by themselves reuse the
longest prefix they have seen, in steps of 128 tokens. The cache stores hashes, never texts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.http import dump
from nanogpt_client.sandbox.money import Tokens
from nanogpt_client.sandbox.prompt import Prompt
from nanogpt_client.sandbox.world import World

_MINIMUM = 1024
_STEP = 128
_MAX_MARKS = 4
_LIFETIME = {"5m": 300.0, "1h": 3600.0}


def use_cache(
    world: World, body: Mapping[str, Any], model: Model, prompt: Prompt, tokens: Tokens
) -> tuple[Tokens, bool]:
    """Store a prompt; return its tokens with those of the cache, and whether `usage` names them."""
    mode = model.private.get("caching", "none")
    prefixes, (marks, ttl) = _prefixes(body, model, prompt), _marks(body)
    if mode == "implicit":
        read, _ = _exchange(world, prefixes, "5m")
        read = read // _STEP * _STEP
        return replace(tokens, cache_read=read), read > 0
    if mode == "none" or not marks:
        return tokens, False
    chosen = [prefixes[mark] for mark in sorted(marks)[-_MAX_MARKS:] if 0 <= mark < len(prefixes)]
    read, longest = _exchange(world, chosen, ttl)
    return replace(tokens, cache_read=read, cache_written=longest - read, cache_ttl=ttl), True


def _exchange(world: World, prefixes: list[tuple[str, int]], ttl: str) -> tuple[int, int]:
    """Store all prefixes that are long enough; return the longest stored before, and of all."""
    now = world.clock()
    large = [(key, tokens) for key, tokens in prefixes if tokens >= _MINIMUM]
    with world.lock:
        live = [tokens for key, tokens in large if world.prompts.get(key, 0.0) > now]
        world.prompts.update({key: now + _LIFETIME[ttl] for key, _ in large})
    return max(live, default=0), max((tokens for _, tokens in large), default=0)


def _prefixes(body: Mapping[str, Any], model: Model, prompt: Prompt) -> list[tuple[str, int]]:
    """Return hash and tokens of: tools alone, then tools and the first 1, 2, ... messages."""
    state = hashlib.sha256(dump([model.id, _unmarked(body.get("tools"))]).encode())
    tokens = prompt.tool_tokens
    found = [(state.hexdigest(), tokens)]
    for message, count in zip(body["messages"], prompt.per_message, strict=True):
        state.update(dump(_unmarked(message)).encode())
        tokens += count
        found.append((state.hexdigest(), tokens))
    return found


def _marks(body: Mapping[str, Any]) -> tuple[set[int], str]:
    """Return the indices of `_prefixes` that the request wants cached, and for how long."""
    controls = {
        index + 1: control
        for index, message in enumerate(body["messages"])
        if (control := _control(message))
    }
    if control := _control({"content": body.get("tools") or []}):
        controls[0] = control
    helper = body.get("prompt_caching")
    options = helper if isinstance(helper, dict) else {"enabled": bool(helper)}
    ttls = [options.get("ttl"), *(control.get("ttl") for control in controls.values())]
    ttl = next((found for found in ttls if found in ("5m", "1h")), "5m")
    marks = set(controls)
    if options.get("enabled") and not options.get("explicit_cache_control"):
        cut = options.get("cut_after_message_index")
        marks.add(cut + 1 if isinstance(cut, int) else max(len(body["messages"]) - 1, 1))
    return marks, ttl


def _control(message: Mapping[str, Any]) -> dict[str, Any] | None:
    content = message.get("content")
    holders = [message, *(content if isinstance(content, list) else ())]
    found = [holder.get("cache_control") for holder in holders if isinstance(holder, dict)]
    return next((control for control in reversed(found) if isinstance(control, dict)), None)


def _unmarked(value: Any) -> Any:
    """Return the value without its `cache_control` marks, which do not change the text."""
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return value
