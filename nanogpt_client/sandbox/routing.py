"""Find the route of a path: NanoGPT's roots, their variants, and placeholders.

`/api/v1/...` and `/v1/...` are one root, older routes sit under `/api/...`. The variants
`/api/subscription/v1`, `/api/paid/v1`, `/api/v1legacy` and `/api/v1thinking` have only some of
the routes; embeddings, images and audio live under `/api/v1` alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from nanogpt_client.sandbox.errors import Style
from nanogpt_client.sandbox.messages import Reply
from nanogpt_client.sandbox.world import Exchange

Handler = Callable[[Exchange], Reply]
EVERYWHERE = frozenset({"", "subscription", "paid", "legacy", "thinking"})
CHAT = frozenset({"", "subscription", "legacy", "thinking"})
_ROOTS = (
    ("/api/subscription/v1/", "subscription", "v1/"),
    ("/api/paid/v1/", "paid", "v1/"),
    ("/api/v1legacy/", "legacy", "v1/"),
    ("/api/v1thinking/", "thinking", "v1/"),
    ("/api/", "", ""),
    ("/v1/", "", "v1/"),
    ("/media/", "", "media/"),
)


class Route(NamedTuple):
    """One method and path (`v1/models`, `transaction/create/{ticker}`)."""

    method: str
    path: str
    handler: Handler
    open: bool = False
    style: Style = Style.OPENAI
    variants: frozenset[str] = frozenset({""})
    polled: bool = False  # asking for the state of a job does not count for the request rate


class Found(NamedTuple):
    """A matched route, the variant it was reached by and the values of its placeholders."""

    route: Route
    variant: str
    params: dict[str, str]


class Table:
    """All routes, ready to be matched."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Compile the paths."""
        self._routes = [(re.compile(_pattern(route.path)), route) for route in routes]

    def find(self, method: str, path: str) -> Found | frozenset[str]:
        """Return the route, or the methods of the path (none: no such path)."""
        rooted = split_root(path)
        if rooted is None:
            return frozenset()
        variant, tail = rooted
        allowed = set()
        for pattern, route in self._routes:
            match = pattern.fullmatch(tail)
            if match is None or variant not in route.variants:
                continue
            if route.method == method:
                return Found(route, variant, match.groupdict())
            allowed.add(route.method)
        return frozenset(allowed)


def split_root(path: str) -> tuple[str, str] | None:
    """Return the variant and the rest of the path, or None for a path outside the API."""
    clean = path.rstrip("/")
    for prefix, variant, lead in _ROOTS:
        if clean.startswith(prefix):
            return variant, lead + clean[len(prefix) :]
    return None


def _pattern(path: str) -> str:
    return re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
