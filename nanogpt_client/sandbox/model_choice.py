"""Which model and provider a chat request names: suffixes, header, body `provider`, `caching`.

Suffixes come in any order and are read without regard to case; what is no directive stays part of
the id (`:thinking`, `:official`). Two directives that both choose a provider are refused with the
documented `speed_suffix_*` family of codes. NanoGPT lets the caller pick a provider only for some
open models, each with its own price; elsewhere the header is ignored, a routing suffix refused.
Where NanoGPT chooses, the sandbox bills the price of the list.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.bodies import strings
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.http import Refusal, invalid, missing, require

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
_MEMORY_DAYS, _MOST_MEMORY_DAYS = 30, 365


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model id and what its suffixes ask for; `search` is (provider, depth)."""

    id: str
    search: tuple[str, str] | None = None
    memory_days: int | None = None
    hide_reasoning: bool = False
    routing: str | None = None
    provider: str | None = None


def parse(name: object) -> Chosen:
    """Return what `name` asks for; the id is not yet looked up. Raises `Refusal` (400)."""
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
        days = int(memory[1] or _MEMORY_DAYS)
        return replace(chosen, memory_days=min(max(days, 1), _MOST_MEMORY_DAYS))
    if directive == "reasoning-exclude":
        return replace(chosen, hide_reasoning=True)
    if directive in _REDACTION:
        return chosen  # nothing leaves this machine
    routing = ROUTING.get(directive)
    if routing or directive in _providers_of(chosen.id):
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
    require(backend in BACKENDS, f"Unknown web search backend '{backend}'.", "model")
    return BACKENDS[backend]


def _providers_of(model: str) -> Collection[str]:
    is_listed = catalog.has("text", model) and not model.startswith(catalog.FAULT_PREFIX)
    return catalog.find("text", model).providers if is_listed else ()


_SORTS = (None, "speed", "throughput", "latency", "price", "auto", "none", "default")
PAY_AS_YOU_GO = {"paygo", "pay-as-you-go", "pay_as_you_go", "paid", "payg"}


def choose(
    body: Mapping[str, Any], headers: Mapping[str, str], chosen: Chosen, model: Model
) -> str | None:
    """Return the provider that the request pins, None for automatic routing. Raises `Refusal`."""
    wanted = body.get("provider") or headers.get("x-provider")
    caching = body.get("caching") is True
    if wanted and (suffix := chosen.routing or chosen.provider):
        raise conflict(f":{suffix}", "an explicit provider")
    if caching and chosen.routing == "tools":
        raise conflict(":tools", "caching")
    names = model.providers.keys()
    message = f"The model '{model.id}' does not support provider selection."
    require(names or not chosen.routing, message, "model", "provider_selection_not_supported")
    require(isinstance(wanted, str | dict | None), "provider must be an object.", "provider")
    if isinstance(wanted, dict):
        for name in ("order", "only", "ignore", "quantizations"):
            strings(wanted, name)
        sorts = wanted.get("sort") in _SORTS
        require(sorts, "provider.sort has an invalid value.", "provider.sort")
    if not names or chosen.provider:
        return chosen.provider
    if not isinstance(wanted, dict):
        return _named(wanted, names, "provider") if wanted else None
    only = [_named(name, names, "provider.only") for name in wanted.get("only") or ()]
    preferred = [name for name in wanted.get("order") or () if name in (only or names)]
    return next(iter(preferred or only), None)


def _named(name: str, names: Collection[str], param: str) -> str:
    message = f"Unknown or unavailable provider id in {param}: {name}"
    require(name.lower() in names, message, param, "provider_unknown_provider")
    return name.lower()
