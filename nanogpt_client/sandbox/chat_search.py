"""Web search inside chat: which search a request asks for, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.answers.turn import SearchResult
from nanogpt_client.sandbox.failures import invalid
from nanogpt_client.sandbox.media.search import search
from nanogpt_client.sandbox.model_name import Chosen
from nanogpt_client.sandbox.money import search_price

_STANDARD = ("standard", "deep")
_EXA = ("standard", "fast", "auto", "neural", "deep", "instant", "deep-reasoning")
_DEPTHS = {
    "linkup": _STANDARD,
    "tavily": _STANDARD,
    "brave": _STANDARD,
    "perplexity": _STANDARD,
    "valyu": _STANDARD,
    "kagi": _STANDARD,
    "sofya": ("standard",),
    "exa": _EXA,
    "firecrawl": ("standard",),  # page web-search
}
_COUNTS = ("maxResults", "numResults", "maxNumResults")
_SHORT_QUESTION = 24


@dataclass(frozen=True, slots=True)
class Search:
    """One web search that a chat request asks for."""

    provider: str
    depth: str
    options: Mapping[str, Any]

    @property
    def price(self) -> Decimal:
        """Return the USD of this search."""
        return search_price(self.provider, self.depth)

    def run(self, messages: Sequence[Mapping[str, Any]]) -> list[SearchResult]:
        """Search for the latest user message, with the one before it when that is short."""
        asked = [
            text
            for message in messages
            if message["role"] == "user" and (text := plain_text(message))
        ]
        query = " ".join(asked[-2:] if asked and len(asked[-1]) < _SHORT_QUESTION else asked[-1:])
        return search(
            query,
            limit=_count(self.options),
            include_domains=_strings(
                self.options, "includeDomains", "searchDomainFilter", "includedSources"
            ),
            exclude_domains=_strings(self.options, "excludeDomains", "excludedSources"),
            from_date=_day(self.options, "fromDate", "startDate", "startPublishedDate"),
            to_date=_day(self.options, "toDate", "endDate", "endPublishedDate"),
        )


def wanted_search(body: Mapping[str, Any], chosen: Chosen) -> Search | None:
    """Return the search that body or suffix ask for; the body wins. Raises `Refusal` (400)."""
    options = body.get("webSearch") or body.get("linkup")
    if isinstance(options, dict) and options.get("enabled") in (True, "true"):
        default, _ = chosen.search or ("linkup", "")
        provider = options.get("provider") or default
        depth = options.get("depth") or "standard"
        if provider != "openai":
            check_backend(provider, depth, "webSearch")
        return Search(provider, depth, options)
    if chosen.search is None:
        return None
    return Search(*chosen.search, {})


def check_backend(provider: object, depth: object, param: str) -> None:
    """Refuse a search provider or depth that NanoGPT does not document."""
    if not isinstance(provider, str) or provider not in _DEPTHS:
        raise invalid(
            f"{param}.provider must be one of {', '.join(sorted(_DEPTHS))}.", f"{param}.provider"
        )
    if depth not in _DEPTHS[provider]:
        message = (
            f"{param}.depth must be one of {', '.join(sorted(_DEPTHS[provider]))} for {provider}."
        )
        raise invalid(message, f"{param}.depth")


def plain_text(message: Mapping[str, Any]) -> str:
    """Return the text of a message without its other parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return " ".join(
        str(part.get("text", "")) for part in content or () if isinstance(part, dict)
    ).strip()


def _count(options: Mapping[str, Any]) -> int:
    found = next((options[name] for name in _COUNTS if isinstance(options.get(name), int)), 5)
    return max(1, min(int(found), 20))


def _strings(options: Mapping[str, Any], *names: str) -> list[str]:
    found: list[object] = next(
        (options[name] for name in names if isinstance(options.get(name), list)), []
    )
    return [item for item in found if isinstance(item, str)]


def _day(options: Mapping[str, Any], *names: str) -> str | None:
    found = next((options[name] for name in names if isinstance(options.get(name), str)), None)
    return found[:10] if found else None
