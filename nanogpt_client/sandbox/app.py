"""The emulator itself: one step from a request to a reply, without I/O.

The server (`server.py`) and the in-process transports (`transport.py`) bring requests and act on
replies. Several threads may call it at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from nanogpt_client.sandbox.answers.script import Failure
from nanogpt_client.sandbox.bodies import MAX_BODY, too_large
from nanogpt_client.sandbox.exchange import ROUTES, Exchange, Route
from nanogpt_client.sandbox.faults import Injector, Scenario
from nanogpt_client.sandbox.faults.replies import REPLIES
from nanogpt_client.sandbox.http import Refusal, Reply, Request, html_reply, sandbox_error
from nanogpt_client.sandbox.money import Account
from nanogpt_client.sandbox.recorded_requests import RecordedRequests
from nanogpt_client.sandbox.routes import find, split_root
from nanogpt_client.sandbox.routes.payments import Wallet, is_accountless, quote
from nanogpt_client.sandbox.world import Settings, World

DEFAULT_KEY = "sk-nano-5a4db0c5-0000-4000-8000-000000000000"
_MODEL_RAISED = 424  # no client sends a request again for it


@dataclass(kw_only=True, eq=False, repr=False)
class Arguments(Settings):
    """The arguments of `SandboxApp`, which describes them, and what it makes of them."""

    api_key: str = DEFAULT_KEY
    scenario: Scenario | str | None = None
    stall: float = 30.0
    keep_requests: int = 10_000

    def __post_init__(self, balance: Decimal | str) -> None:
        self.requests = RecordedRequests(self.keep_requests)
        self.model_error: BaseException | None = None
        self._faults = Injector(Scenario.of(self.scenario), self.stall)
        self._world = World(self, Account(Decimal(balance), self.clock))


class SandboxApp(Arguments):
    """An emulated NanoGPT account.

    `handle(request)` answers; `requests` are what was sent, `balance` what is left. What a model
    raises is raised by `handle`; a server stores it as `model_error`.

    Args:
        model: What answers chat requests: any callable `(ChatRequest) -> Turn | str`, called once
            for each choice, from several threads at once. None stands for a `TestModel`.
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

    @property
    def balance(self) -> Decimal:
        """USD left on the account."""
        return self._world.account.balance

    def wallet(self, balance: Decimal | str = "10") -> Wallet:
        """Return a pretend wallet that holds some Nano; its `pay` pays for calls without a key."""
        return Wallet(self._world.payments, balance)

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
        if split_root(request.path) is None:  # a page of the website
            if request.method in {"GET", "HEAD"}:
                return html_reply(404, "404: This page could not be found.")
            return html_reply(405, "405: Method Not Allowed")
        simple = False
        try:
            route, variant, params = find(request.method, request.path)
            simple = route.simple
            exchange = Exchange(self._world, request, identifier, variant, params)
            self._check_access(route, request)
            if not route.open and not route.polled:
                self._world.count_request()
            quoted = is_accountless(route, request)
            handler = partial(quote, route=route) if quoted else ROUTES[route]
            return self._faults.around(exchange, handler)
        except Refusal as refusal:
            return refusal.reply(simple=simple)
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
        if self.api_key not in keys:
            what = "Invalid" if any(keys) else "Missing"
            raise Refusal(401, f"{what} API key.", code=f"{what.lower()}_api_key")
