"""The routes of the emulated API, one module a subject; each gives a list of `Route`s."""

from __future__ import annotations

from nanogpt_client.sandbox.routes import (
    account,
    audio,
    catalog,
    chat,
    deposits,
    embeddings,
    images,
    moderation,
    video,
    web,
)
from nanogpt_client.sandbox.routing import Table

TABLE = Table(
    [
        *chat.ROUTES,
        *embeddings.ROUTES,
        *images.ROUTES,
        *audio.ROUTES,
        *video.ROUTES,
        *web.ROUTES,
        *catalog.ROUTES,
        *account.ROUTES,
        *deposits.ROUTES,
        *moderation.ROUTES,
    ]
)
