"""One request on its way through a route, and what a route is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.answers.test_model import TestModel
from nanogpt_client.sandbox.answers.turn import ChatRequest, Turn, turn_of
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.http import Reply, Request
from nanogpt_client.sandbox.money import Bill, Charge
from nanogpt_client.sandbox.world import MEDIA_LIFETIME, Job, Stored, World

EVERYWHERE = frozenset({"", "subscription", "paid", "legacy", "thinking"})
CHAT = EVERYWHERE - {"paid"}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request on its way through a route.

    `variant` names the root it came by: "" (/api, /api/v1), subscription, paid, legacy or
    thinking; `params` are the values of the placeholders in the route's path.
    """

    world: World
    request: Request
    id: str
    variant: str = ""
    params: dict[str, str] = field(default_factory=dict)
    job_outcome: str = "completed"

    def json(self) -> dict[str, Any]:
        """Return the JSON object of the body. Raises `Refusal` (400, 413 or 415)."""
        return read_json(self.request)

    def ask_model(self, body: dict[str, Any], **given: Any) -> Turn:
        """Ask the sandbox's model; `given` are the other fields of the `ChatRequest`."""
        model, headers = self.world.settings.model or TestModel(), self.request.redacted_headers
        return turn_of(model(ChatRequest(body, headers, **given)))

    def bill(self, what: Model | str, usd: Decimal, read: int = 0, written: int = 0) -> Bill:
        """Charge the account for this request and its tokens. Raises `Refusal` (402)."""
        name = what if isinstance(what, str) else what.metadata["name"]
        return Bill(usd, self.world.account.charge(Charge(name, usd, read, written)))

    def queue(self, kind: str, model: str, usd: Decimal, result: dict[str, Any]) -> Job:
        """Queue a generation (video, tts or stt) that is paid for."""
        name = self.world.new_id("vid_" if kind == "video" else "run_")
        job = Job(name, kind, model, usd, self.world.clock(), result, self.job_outcome)
        self.world.jobs[name] = job
        return job

    def store(self, content: bytes, mime: str, suffix: str) -> str:
        """Store a generated file and return its URL."""
        name = f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
        self.world.files[name] = Stored(content, mime, self.world.clock() + MEDIA_LIFETIME)
        return f"{self.request.origin}/media/{name}"

    def stored(self, url: str) -> Stored | None:
        """Return the file behind a URL of the sandbox's own origin."""
        prefix = f"{self.request.origin}/media/"
        return self.world.file(url.removeprefix(prefix)) if url.startswith(prefix) else None


Handler = Callable[[Exchange], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path (`v1/models`, `transaction/create/{ticker}`); decorates its handler."""

    method: str
    path: str
    open: bool = False
    simple: bool = False  # how it phrases its errors
    variants: frozenset[str] = frozenset({""})
    polled: bool = False  # asking for the state of a job does not count for the request rate

    def __call__(self, handler: Handler) -> Handler:
        """Serve the route by this handler."""
        ROUTES[self] = handler
        return handler


ROUTES: dict[Route, Handler] = {}
