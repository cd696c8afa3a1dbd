"""The routes of the emulated API, one module a subject, and how the route of a path is found.

`/api/v1/...` and `/v1/...` are one root, older routes sit under `/api/...`. The variants
`/api/subscription/v1`, `/api/paid/v1`, `/api/v1legacy` and `/api/v1thinking` have only some of
the routes; embeddings, images and audio live under `/api/v1` alone.
"""

from __future__ import annotations

import re

from nanogpt_client.sandbox.exchange import ROUTES, Route
from nanogpt_client.sandbox.http import Refusal
from nanogpt_client.sandbox.routes import (  # noqa: F401 - each adds its routes
    account,
    audio,
    batches,
    catalog,
    chat,
    embeddings,
    images,
    memory,
    moderation,
    payments,
    video,
    web,
)  # fmt: skip

_ROOTS = (
    ("/api/subscription/v1/", "subscription", "v1/"),
    ("/api/paid/v1/", "paid", "v1/"),
    ("/api/v1legacy/", "legacy", "v1/"),
    ("/api/v1thinking/", "thinking", "v1/"),
    ("/api/", "", ""),
    ("/v1/", "", "v1/"),
    ("/media/", "", "media/"),
)
_PATTERNS = {
    route: re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)) for route in ROUTES
}


def find(method: str, path: str) -> tuple[Route, str, dict[str, str]]:
    """Return the route, the variant it is reached by, and the values of its placeholders.

    Raises `Refusal` (404 or 405).
    """
    variant, tail = split_root(path) or ("", "")
    allowed = set()
    for route, pattern in _PATTERNS.items():
        match = pattern.fullmatch(tail)
        if match and variant in route.variants:
            if route.method == method:
                return route, variant, match.groupdict()
            allowed.add(route.method)
    if allowed:
        headers = {"allow": ", ".join(sorted(allowed))}
        message = f"{method} is not allowed here."
        raise Refusal(405, message, code="method_not_allowed", headers=headers)
    raise Refusal(404, f"No route {path}.", code="not_found")


def split_root(path: str) -> tuple[str, str] | None:
    """Return the variant and the rest of the path, or None for a path outside the API."""
    clean = path.rstrip("/")
    for prefix, variant, lead in _ROOTS:
        if clean.startswith(prefix):
            return variant, lead + clean[len(prefix) :]
    return None
