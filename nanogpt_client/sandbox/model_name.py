"""Read a chat request's `model`: the catalogue id and the directives in its suffixes.

Suffixes come in any order and are read without regard to case; what is no directive stays part of
the id (`:thinking`, `:official`). Two directives that both choose a provider are refused with the
documented `speed_suffix_*` family of codes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.errors import Refusal, invalid, missing

ROUTING = {
    **dict.fromkeys(("speed", "fast"), "speed"),
    **dict.fromkeys(("price", "cheap", "floor"), "price"),
    **dict.fromkeys(("caching", "cache", "cached"), "caching"),
    **{name: name for name in ("throughput", "latency", "tools")},
}
_STANDARD = "linkup tavily brave sofya kagi perplexity valyu".split()
_DEEP = "linkup tavily brave perplexity valyu valyu-web".split()
_EXA = "fast auto neural deep deep-reasoning instant".split()
BACKENDS = {
    **{name: (name, "standard") for name in _STANDARD},
    **{f"{name}-deep": (name.removesuffix("-web"), "deep") for name in _DEEP},
    **{f"exa-{depth}": ("exa", depth) for depth in _EXA},
    **dict.fromkeys(("kagi-web", "kagi-news"), ("kagi", "standard")),
    "kagi-search": ("kagi", "deep"),
    "valyu-web": ("valyu", "standard"),
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
    # The parts that name the same model: a thinking budget, an official route.
    plain = re.sub(r"(?<=:thinking):\d+$", "", chosen.id)
    if not catalog.has("text", plain):
        plain = re.sub(r":(official|original)$", "", plain, flags=re.IGNORECASE)
    return replace(chosen, id=plain)


def _with(chosen: Chosen, suffix: str) -> Chosen:
    directive = suffix.lower()
    if directive == "online" or directive.startswith("online/"):
        return replace(chosen, search=_backend(chosen.id, directive.removeprefix("online")[1:]))
    if memory := _MEMORY.fullmatch(directive):
        days = int(memory[1] or _DEFAULT_MEMORY_DAYS)
        return replace(chosen, memory_days=min(max(days, 1), _MAX_MEMORY_DAYS))
    if directive == "reasoning-exclude":
        return replace(chosen, hide_reasoning=True)
    if directive in _REDACTION:
        return replace(chosen, redaction=True)
    routing = ROUTING.get(directive)
    if routing or _is_provider(chosen.id, directive):
        if chosen.routing or chosen.provider:
            raise conflict(f":{directive}", "another routing or provider suffix")
        return replace(chosen, routing=routing, provider=None if routing else directive)
    return replace(chosen, id=f"{chosen.id}:{suffix}")


def conflict(first: str, second: str) -> Refusal:
    """Return the 400 for two directives that cannot be combined."""
    return invalid(f"{first} cannot be combined with {second}.", "model", "speed_suffix_conflict")


def _backend(model: str, backend: str) -> tuple[str, str]:
    if not backend:
        return ("openai" if _NATIVE_SEARCH.match(model) else "linkup", "standard")
    if backend not in BACKENDS:
        raise invalid(f"Unknown web search backend '{backend}'.", "model")
    return BACKENDS[backend]


def _is_provider(model: str, name: str) -> bool:
    if model.startswith(catalog.FAULT_PREFIX) or not catalog.has("text", model):
        return False
    return any(offer["id"] == name for offer in catalog.find("text", model).providers)
