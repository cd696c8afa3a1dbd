"""Model ids with their suffixes: parse, compose, check.

``anthropic/claude-opus-4.6:memory-30:online/linkup-deep`` is a base id with two directives, which
are case-insensitive and in any order. Other suffixes, such as ``:thinking``, belong to the base id.
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
    """Return which directive a suffix is; ``None`` if it belongs to the base id."""
    return next((k for k, p in _DIRECTIVES.items() if p.fullmatch(suffix.lower())), None)


@dataclass(frozen=True, slots=True)
class ModelId:
    """A parsed model id; ``str()`` returns it unchanged.

    >>> ModelId("openai/gpt-5.2").with_web_search("linkup-deep").with_memory(30)
    ModelId('openai/gpt-5.2:online/linkup-deep:memory-30')
    """

    id: str

    def __post_init__(self) -> None:
        model: Any = self.id
        parts = model.split(":") if isinstance(model, str) else [""]
        if not parts[0] or any(part != part.strip() for part in parts):
            raise InvalidArgumentError(f"{self.id!r} is not a model id", param="model")
        self._check_directives()

    @classmethod
    def parse(cls, model: str | ModelId) -> ModelId:
        """Parse an id as users and catalogues write it.

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
        """The id without directives, as the catalogue lists it."""
        head, *suffixes = self.id.split(":")
        return ":".join([head, *(s for s in suffixes if _kind_of(s) is None)])

    @property
    def listed_as(self) -> tuple[str, ...]:
        """Ids under which a catalogue may list the model, the most specific first.

        A variant that is not listed, such as ``:thinking``, has the metadata of its base model.
        """
        return self.base, self.base.partition(":")[0]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The directives as written, in order."""
        return tuple(s for s in self.id.split(":")[1:] if _kind_of(s) is not None)

    @property
    def web_search(self) -> str | None:
        """The search backend, ``""`` for the default one, ``None`` without web search."""
        suffix = self._find("online")
        return None if suffix is None else suffix.lower().removeprefix("online").removeprefix("/")

    @property
    def memory_days(self) -> int | None:
        """Days of context memory (default 30, clamped by NanoGPT to 1 to 365); ``None`` without."""
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
        """Whether the response omits the reasoning."""
        return self._find("reasoning-exclude") is not None

    @property
    def redacted(self) -> bool:
        """Whether personal data is redacted from the request."""
        return self._find("redaction") is not None

    def with_web_search(self, backend: str | None = None) -> ModelId:
        """Enable web search, with NanoGPT's default backend or a named one."""
        return self._with("online", f"online/{backend}" if backend else "online")

    def with_memory(self, days: int | None = None) -> ModelId:
        """Enable context memory, for 30 days or the given number; NanoGPT clamps it to 1 to 365."""
        if days is not None and days < 0:
            raise InvalidArgumentError(f"memory days must be 0 or more, not {days}", param="model")
        return self._with("memory", "memory" if days is None else f"memory-{days}")

    def with_routing(self, preference: str) -> ModelId:
        """Prefer providers that are ``"fast"``, ``"cheap"``, …; see `ROUTING`."""
        if preference.lower() not in ROUTING:
            msg = f"unknown routing {preference!r}; choose one of {', '.join(sorted(ROUTING))}"
            raise InvalidArgumentError(msg, param="model")
        return self._with("routing", preference)

    def with_reasoning_excluded(self) -> ModelId:
        """Omit the reasoning from the response; it is still generated and billed."""
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
        """Refuse a provider, or ``caching=True``, that conflicts with a routing suffix."""
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
                f"unknown search backend {self.web_search!r} in {self.id!r}; choose one of "
                + ", ".join(sorted(SEARCH_BACKENDS))
            )
            raise InvalidArgumentError(msg, param="model")


def _conflict(model: str, one: str, other: str) -> str:
    return f"{model!r}: ':{one}' and ':{other}' contradict each other; keep one"


@lru_cache(maxsize=1024)
def _parsed(model: str) -> ModelId:
    return ModelId(model)
