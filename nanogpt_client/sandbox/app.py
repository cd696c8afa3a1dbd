"""The emulator itself: one step from a request to a reply, without I/O.

The server (`server.py`) and the in-process transports (`transport.py`) bring requests and act on
replies. Several threads may call it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial

from nanogpt_client.sandbox.answers.script import Failure
from nanogpt_client.sandbox.answers.test_model import TestModel
from nanogpt_client.sandbox.answers.turn import Model
from nanogpt_client.sandbox.bodies import MAX_BODY, too_large
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.faults import Injector, Scenario
from nanogpt_client.sandbox.faults.replies import REPLIES
from nanogpt_client.sandbox.http import Refusal, Reply, Request, html_reply, sandbox_error
from nanogpt_client.sandbox.money import Account
from nanogpt_client.sandbox.recorded_requests import RecordedRequests
from nanogpt_client.sandbox.routes import Found, find, split_root
from nanogpt_client.sandbox.routes.payments import Wallet, is_accountless, quote
from nanogpt_client.sandbox.world import World

DEFAULT_KEY = "sk-nano-5a4db0c5-0000-4000-8000-000000000000"
_MODEL_RAISED = 424  # no client sends a request again for it


class SandboxApp:
    """An emulated NanoGPT account.

    `handle(request)` answers; `requests` are what was sent, `balance` what is left. What a model
    raises is raised by `handle`; a server stores it as `model_error`.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing a test sets
        self,
        *,
        model: Model | None = None,
        api_key: str = DEFAULT_KEY,
        balance: Decimal | str = "5.00",
        clock: Callable[[], float] = time.time,
        rate: int | None = 25,
        scenario: Scenario | str | None = None,
        stall: float = 30.0,
        job_pace: float = 2.0,
        strict_models: bool = False,
        keep_requests: int = 10_000,
        pages: Mapping[str, str | None] | None = None,
    ) -> None:
        """Open an account.

        Args:
            model: What answers chat requests: any callable `(ChatRequest) -> Turn | str`,
                called once for each choice, from several threads at once.
                None stands for a `TestModel`.
            api_key: The only key that is accepted.
            balance: USD on the account.
            clock: Seconds since the epoch; inject one to move time by hand.
            rate: Requests a second until 429; None for no limit.
            scenario: Faults to inject, by value or by name (see `faults`).
            stall: Seconds that stall faults wait.
            job_pace: Seconds a queued job needs for each of its two stages; polls count too.
            strict_models: Refuse chat models that the bundled catalogue does not list (404).
            keep_requests: How many of the latest requests are stored, of 64 MiB of bodies at most.
            pages: What scraping and transcribing return: the Markdown of a web page, or the
                transcript of a video, by URL; `None` for one that fails.
        """
        self.api_key = api_key
        self.requests = RecordedRequests(keep_requests)
        self.model_error: BaseException | None = None
        self._faults = Injector(Scenario.of(scenario), stall)
        self._world = World(
            account=Account(Decimal(balance), clock),
            clock=clock,
            model=model or TestModel(),
            rate=rate,
            job_pace=job_pace,
            strict_models=strict_models,
            pages=pages or {},
        )

    @property
    def balance(self) -> Decimal:
        """USD left on the account."""
        return self._world.account.balance

    def wallet(self, balance: Decimal | str = "10") -> Wallet:
        """Return a pretend wallet that holds some Nano; its `pay` pays for calls without a key."""
        return Wallet(lambda: self._world, balance)

    def handle(self, request: Request) -> Reply:
        """Answer one request. Raises only what the sandbox's model raises."""
        identifier = self._world.new_id("req_")
        try:
            reply = self._answer(request, identifier)
        except BaseException:
            self.requests.add(request, _MODEL_RAISED)
            raise
        self.requests.add(request, reply.status)
        return replace(reply, headers={"x-request-id": identifier, **reply.headers})

    def handle_served(self, request: Request) -> Reply:
        """Answer one request; an error of the model is a 424, and the first is `model_error`."""
        try:
            return self.handle(request)
        except BaseException as error:  # noqa: BLE001 - `pytest.fail` and the like, too
            self.model_error = self.model_error or error
            message = f"The sandbox's model raised {type(error).__name__}: {error}"
            return sandbox_error(message, "sandbox_model_error").reply()

    def _answer(self, request: Request, identifier: str) -> Reply:
        found = find(request.method, request.path)
        if not isinstance(found, Found):
            return _no_route(request, found)
        route = found.route
        exchange = Exchange(self._world, request, identifier, found.variant, found.params)
        try:
            self._check_access(route, request)
            if not route.open and not route.polled:
                self._world.count_request()
            quoted = is_accountless(route, request)
            handler = partial(quote, route=route) if quoted else found.handler
            return self._faults.around(exchange, handler)
        except Refusal as refusal:
            return refusal.reply(route.style)
        except Failure as failure:
            return REPLIES[failure.fault](exchange)

    def _check_access(self, route: Route, request: Request) -> None:
        """Refuse a body that is too large (413) and a key that is not this account's (401)."""
        if len(request.body) > MAX_BODY:
            raise too_large()
        if route.open or is_accountless(route, request):
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        keys = {request.headers.get("x-api-key", "").strip()}
        keys |= {token.strip()} if scheme.lower() == "bearer" else set()
        if self.api_key in keys:
            return
        if any(keys):
            raise Refusal(401, "Invalid API key.", code="invalid_api_key")
        raise Refusal(401, "Missing API key.", code="missing_api_key")


def _no_route(request: Request, allowed: frozenset[str]) -> Reply:
    if allowed:
        headers = {"allow": ", ".join(sorted(allowed))}
        message = f"{request.method} is not allowed here."
        return Refusal(405, message, code="method_not_allowed", headers=headers).reply()
    if split_root(request.path) is not None:
        return Refusal(404, f"No route {request.path}.", code="not_found").reply()
    if request.method in {"GET", "HEAD"}:
        return html_reply(404, "404: This page could not be found.")
    return html_reply(405, "405: Method Not Allowed")
