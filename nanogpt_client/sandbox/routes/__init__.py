"""The routes of the emulated API, one module a subject; each gives a list of `Route`s."""

from nanogpt_client.sandbox.routes import (
    account,
    audio,
    batches,
    catalog,
    chat,
    deposits,
    embeddings,
    images,
    memory,
    moderation,
    pages,
    rerank,
    video,
    voices,
    web,
    x402,
)
from nanogpt_client.sandbox.routing import Table

_MODULES = (
    chat, embeddings, rerank, moderation, memory, images, audio, voices, video, web, pages, catalog,
    account, deposits, x402, batches,
)  # fmt: skip
TABLE = Table([route for module in _MODULES for route in module.ROUTES])
