"""Read a chat request's `model`: the catalogue id and the directives in its suffixes.

Suffixes come in any order and are read without regard to case; what is no known directive
stays part of the id (`:thinking`, `:official`). Two directives that both choose a provider are
refused with the documented `speed_suffix_*` family of codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.failures import Refusal, invalid, missing

ROUTING = {
    "speed": "speed",
    "fast": "speed",
    "throughput": "throughput",
    "latency": "latency",
    "price": "price",
    "cheap": "price",
    "floor": "price",
    "tools": "tools",
    "caching": "caching",
    "cache": "caching",
    "cached": "caching",
}
BACKENDS = {
    "linkup": ("linkup", "standard"),
    "linkup-deep": ("linkup", "deep"),
    "tavily": ("tavily", "standard"),
    "tavily-deep": ("tavily", "deep"),
    "brave": ("brave", "standard"),
    "brave-deep": ("brave", "deep"),
    "sofya": ("sofya", "standard"),
    "exa-fast": ("exa", "fast"),
    "exa-auto": ("exa", "auto"),
    "exa-neural": ("exa", "neural"),
    "exa-deep": ("exa", "deep"),
    "exa-deep-reasoning": ("exa", "deep-reasoning"),
    "exa-instant": ("exa", "instant"),
    "kagi": ("kagi", "standard"),
    "kagi-web": ("kagi", "standard"),
    "kagi-news": ("kagi", "standard"),
    "kagi-search": ("kagi", "deep"),
    "perplexity": ("perplexity", "standard"),
    "perplexity-deep": ("perplexity", "deep"),
    "valyu": ("valyu", "standard"),
    "valyu-deep": ("valyu", "deep"),
    "valyu-web": ("valyu", "standard"),
    "valyu-web-deep": ("valyu", "deep"),
}
_REDACTION = {"redaction", "redacted", "piiredaction", "piiredacted"}
_MEMORY = re.compile(r"memory(?:-(\d+))?")
_NATIVE_SEARCH = re.compile(r"(openai/)?(gpt-[5-9]|o[134]\b)")
_DEFAULT_MEMORY_DAYS = 30
_MAX_MEMORY_DAYS = 365


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model id and what its suffixes ask for; `search` is (provider, depth)."""

    id: str
    search: tuple[str, str] | None = None
    memory_days: int | None = None
    hide_reasoning: bool = False
    redaction: bool = False
    routing: str | None = None
    provider: str | None = None


def parse(name: object) -> Chosen:
    """Return what `name` asks for; the id is not yet looked up in full.

    Raises `Refusal` (400) for a missing name, an unknown backend or conflicting suffixes.
    """
    if not isinstance(name, str) or not name.strip():
        raise missing("model")
    head, *suffixes = name.split(":")
    chosen = Chosen(head)
    for suffix in suffixes:
        chosen = _with(chosen, suffix)
    return _canonical(chosen)


def _with(chosen: Chosen, suffix: str) -> Chosen:
    word = suffix.lower()
    memory = _MEMORY.fullmatch(word)
    if word == "online" or word.startswith("online/"):
        return replace(chosen, search=_backend(chosen.id, word))
    if memory:
        days = int(memory[1] or _DEFAULT_MEMORY_DAYS)
        return replace(chosen, memory_days=min(max(days, 1), _MAX_MEMORY_DAYS))
    if word == "reasoning-exclude":
        return replace(chosen, hide_reasoning=True)
    if word in _REDACTION:
        return replace(chosen, redaction=True)
    if word in ROUTING or _offers(chosen.id, word):
        if chosen.routing or chosen.provider:
            raise conflict(f":{word}", "another routing or provider suffix")
        routing = ROUTING.get(word)
        return replace(chosen, routing=routing, provider=None if routing else word)
    return replace(chosen, id=f"{chosen.id}:{suffix}")


def conflict(first: str, second: str) -> Refusal:
    """Return the 400 for two directives that cannot be combined."""
    message = f"{first} cannot be combined with {second}."
    return invalid(message, "model", "speed_suffix_conflict")


def _backend(model: str, word: str) -> tuple[str, str]:
    _, _, backend = word.partition("/")
    if not backend:
        native = _NATIVE_SEARCH.match(model)
        return ("openai", "standard") if native else ("linkup", "standard")
    if backend not in BACKENDS:
        raise invalid(f"Unknown web search backend '{backend}'.", "model")
    return BACKENDS[backend]


def _offers(model: str, provider: str) -> bool:
    if model.startswith(catalog.FAULT_PREFIX) or not catalog.known("text", model):
        return False
    offers = catalog.find("text", model).providers
    return any(offer["id"] == provider for offer in offers)


def _canonical(chosen: Chosen) -> Chosen:
    """Drop the parts of an id that name the same model: a thinking budget, an official route."""
    name = re.sub(r"(?<=:thinking):\d+$", "", chosen.id)
    if not catalog.known("text", name):
        name = re.sub(r":(official|original)$", "", name, flags=re.IGNORECASE)
    return replace(chosen, id=name)
