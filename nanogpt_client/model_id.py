"""Model ids with their suffixes: parse, compose, check.

``anthropic/claude-opus-4.6:memory-30:online/linkup-deep`` is a model's identity plus directives.
Directives are parsed case-insensitively and in any order; whatever is not one stays part of the
identity, such as ``:thinking`` and ids that NanoGPT adds tomorrow.
Follows https://docs.nano-gpt.com/api-reference/miscellaneous/model-suffixes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from nanogpt_client.errors import InvalidArgumentError

__all__ = ["ModelId"]

SEARCH_BACKENDS = frozenset(
    """linkup linkup-deep tavily tavily-deep brave brave-deep sofya exa-fast exa-auto exa-neural
    exa-deep exa-deep-reasoning exa-instant kagi kagi-web kagi-news kagi-search perplexity
    perplexity-deep valyu valyu-deep valyu-web valyu-web-deep""".split()
)
ROUTING = frozenset(
    "speed fast throughput latency price cheap floor tools caching cache cached".split()
)
REDACTION = frozenset("redaction redacted piiredaction piiredacted".split())
_CACHING = frozenset({"caching", "cache", "cached"})

_DIRECTIVES = {
    "online": re.compile(r"online(?:/(?P<value>.+))?"),
    "memory": re.compile(r"memory(?:-(?P<value>\d{1,9}))?"),
    "reasoning-exclude": re.compile("reasoning-exclude"),
    "redaction": re.compile("|".join(sorted(REDACTION))),
    "routing": re.compile("|".join(sorted(ROUTING))),
}


def _kind_of(suffix: str) -> str | None:
    """Return which directive a suffix is, or ``None`` if it belongs to the identity."""
    return next((k for k, p in _DIRECTIVES.items() if p.fullmatch(suffix.lower())), None)


@dataclass(frozen=True, slots=True)
class ModelId:
    """A model's id, taken apart; ``str()`` puts it together exactly as it was.

    >>> ModelId("openai/gpt-5.2").with_web_search("linkup-deep").with_memory(30)
    ModelId('openai/gpt-5.2:online/linkup-deep:memory-30')
    """

    id: str

    def __post_init__(self) -> None:
        given: Any = self.id
        parts = given.split(":") if isinstance(given, str) else [""]
        if not parts[0] or any(part != part.strip() for part in parts):
            raise InvalidArgumentError(f"{self.id!r} is no model id", param="model")
        self._check_directives()

    @classmethod
    def parse(cls, model: str | ModelId) -> ModelId:
        """Read an id as users and catalogues write it.

        Raises:
            InvalidArgumentError: directives contradict each other, or one is malformed.
        """
        return _parsed(str(model))

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"ModelId({self.id!r})"

    @property
    def base(self) -> str:
        """The identity alone: the id that the catalogue lists."""
        head, *suffixes = self.id.split(":")
        return ":".join([head, *(s for s in suffixes if _kind_of(s) is None)])

    @property
    def listed_as(self) -> tuple[str, ...]:
        """Ids under which a catalogue may list the model, the best first.

        A variant that it does not list, such as ``:thinking``, has the facts of its plain model.
        """
        return self.base, self.base.partition(":")[0]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The directives as they were written, in their order."""
        return tuple(s for s in self.id.split(":")[1:] if _kind_of(s) is not None)

    @property
    def web_search(self) -> str | None:
        """The search backend, ``""`` for the default one, ``None`` without web search."""
        suffix = self._find("online")
        return None if suffix is None else suffix.lower().removeprefix("online").removeprefix("/")

    @property
    def memory_days(self) -> int | None:
        """Days of memory as written, 30 unless said; NanoGPT clamps them to 1 to 365.

        ``None`` without memory.
        """
        suffix = self._find("memory")
        if suffix is None:
            return None
        _, _, days = suffix.partition("-")
        return int(days) if days else 30

    @property
    def routing(self) -> str | None:
        """The routing preference, e.g. ``"cheap"``, if any."""
        suffix = self._find("routing")
        return None if suffix is None else suffix.lower()

    @property
    def reasoning_excluded(self) -> bool:
        """Whether the thoughts are hidden from the answer."""
        return self._find("reasoning-exclude") is not None

    @property
    def redacted(self) -> bool:
        """Whether personal data is redacted from the request."""
        return self._find("redaction") is not None

    def with_web_search(self, backend: str | None = None) -> ModelId:
        """Turn web search on, with NanoGPT's default backend or with a named one."""
        return self._with("online", f"online/{backend}" if backend else "online")

    def with_memory(self, days: int | None = None) -> ModelId:
        """Turn memory on, for NanoGPT's 30 days or for as many, which it clamps to 1 to 365."""
        if days is not None and days < 0:
            raise InvalidArgumentError(f"memory is not kept for {days} days", param="model")
        return self._with("memory", "memory" if days is None else f"memory-{days}")

    def with_routing(self, preference: str) -> ModelId:
        """Prefer upstream providers that are ``"fast"``, ``"cheap"``, of low ``"latency"``, …."""
        if preference.lower() not in ROUTING:
            msg = f"unknown routing {preference!r}; known are {', '.join(sorted(ROUTING))}"
            raise InvalidArgumentError(msg, param="model")
        return self._with("routing", preference)

    def with_reasoning_excluded(self) -> ModelId:
        """Hide the thoughts from the answer (the model still thinks, and bills them)."""
        return self._with("reasoning-exclude", "reasoning-exclude")

    def with_redaction(self) -> ModelId:
        """Redact personal data before the model sees the request."""
        return self._with("redaction", "redaction")

    def without_web_search(self) -> ModelId:
        """Return the id without its ``:online`` suffix."""
        return self._without("online")

    def without_memory(self) -> ModelId:
        """Return the id without its ``:memory`` suffix."""
        return self._without("memory")

    def check_provider(self, provider: Any, *, caching: bool = False) -> None:
        """Refuse a provider, or ``caching: true``, beside a routing suffix that excludes it."""
        routing = self.routing
        if routing is None:
            return
        if provider:
            raise InvalidArgumentError(
                f"the suffix ':{routing}' and provider={provider!r} both choose the provider; "
                "keep one",
                param="provider",
            )
        if caching and routing not in _CACHING:
            msg = f"the suffix ':{routing}' and caching=True both choose the provider; keep one"
            raise InvalidArgumentError(msg, param="caching")

    def _find(self, kind: str) -> str | None:
        return next((s for s in self.id.split(":")[1:] if _kind_of(s) == kind), None)

    def _with(self, kind: str, suffix: str) -> ModelId:
        present = self._find(kind)
        if present is not None:
            if present.lower() == suffix.lower():
                return self
            raise InvalidArgumentError(_conflict(self.id, present, suffix), param="model")
        return ModelId(f"{self.id}:{suffix}")

    def _without(self, kind: str) -> ModelId:
        head, *suffixes = self.id.split(":")
        return ModelId(":".join([head, *(s for s in suffixes if _kind_of(s) != kind)]))

    def _check_directives(self) -> None:
        seen: dict[str, str] = {}
        for suffix in self.suffixes:
            kind = _kind_of(suffix) or ""
            if kind in seen:
                raise InvalidArgumentError(_conflict(self.id, seen[kind], suffix), param="model")
            seen[kind] = suffix
        if self.web_search and self.web_search not in SEARCH_BACKENDS:
            msg = (
                f"unknown search backend {self.web_search!r} in {self.id!r}; known are "
                + ", ".join(sorted(SEARCH_BACKENDS))
            )
            raise InvalidArgumentError(msg, param="model")


def _conflict(model: str, one: str, other: str) -> str:
    return f"{model!r}: ':{one}' and ':{other}' contradict each other; keep one"


@lru_cache(maxsize=1024)
def _parsed(model: str) -> ModelId:
    return ModelId(model)
