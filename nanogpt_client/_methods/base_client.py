"""What both clients share: settings, accounting, copying and pickling.

The constructor turns its arguments into a frozen `Config` and a `CallContext` (retry rules, ledger,
budget, hooks) that all calls of the client share. Copies share the context; a pickle holds the
settings, the limits, the ledger's settings and the hooks. Both open connections of their own.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import SecretStr

from nanogpt_client._protocol.accounting import CallContext
from nanogpt_client._protocol.pacing import Pace
from nanogpt_client._protocol.payments import Payments
from nanogpt_client._protocol.retry import RetryPolicy
from nanogpt_client._transport.connection_queue import ConnectionQueue
from nanogpt_client._transport.runner import AsyncRunner, Runner
from nanogpt_client.account import Account
from nanogpt_client.config import PAY_IN_PICKLE, Config, check_http_client, hidden
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.hooks import Hook, Hooks
from nanogpt_client.ledger import Budget, Ledger
from nanogpt_client.types._pickling import check_travels, is_factory
from nanogpt_client.types.payments import Pay, Payer


class BaseClient:
    """Settings and accounting of a client; see `NanoGPTClient` for the arguments."""

    _transport_class: ClassVar[str]
    _runner_class: ClassVar[type[Runner | AsyncRunner]]
    _batches_class: ClassVar[Any]

    def __init__(  # noqa: PLR0913 - the settings of a client, all by name
        self,
        api_key: str | SecretStr | None = None,
        *,
        base_url: str | None = None,
        timeout: float | None = Config.timeout,
        max_retries: int = Config.max_retries,
        max_connections: int | None = None,
        requests_per_second: float | None = Config.requests_per_second,
        rate_limit_wait: float | None = Config.rate_limit_wait,
        retry_after_cap: float = Config.retry_after_cap,
        stream_idle_timeout: float | None = Config.stream_idle_timeout,
        first_event_timeout: float | None = Config.first_event_timeout,
        http_client: Any = None,
        default_headers: Mapping[str, str] | None = None,
        budget: Budget | None = None,
        ledger: Ledger | None = None,
        account: Account | None = None,
        allow_private_downloads: bool = Config.allow_private_downloads,
        compress_above: int | None = Config.compress_above,
        pickle_api_key: bool = Config.pickle_api_key,
        pay: Pay | Payer | None = None,
        on_request: Hook | None = None,
        on_response: Hook | None = None,
        on_retry: Hook | None = None,
    ) -> None:
        payer = Payer.of(pay)
        config = Config.resolve(
            api_key := hidden(api_key), base_url, timeout=timeout, max_retries=max_retries,
            max_connections=max_connections, requests_per_second=requests_per_second,
            rate_limit_wait=rate_limit_wait, retry_after_cap=retry_after_cap,
            stream_idle_timeout=stream_idle_timeout, first_event_timeout=first_event_timeout,
            default_headers=dict(default_headers or {}),
            allow_private_downloads=allow_private_downloads, compress_above=compress_above,
            pickle_api_key=pickle_api_key, accountless=payer is not None,
        )  # fmt: skip
        hooks = Hooks(on_request, on_response, on_retry)
        account = shared_account(account, budget, ledger, payer)
        self._set_up(config, _context(config, ledger, budget, account, hooks, payer), http_client)

    def _set_up(
        self,
        config: Config,
        context: CallContext,
        http_client: Any,
        queue: ConnectionQueue | None = None,
    ) -> None:
        is_async = self._runner_class is AsyncRunner
        self.config = config
        self._queue = queue or ConnectionQueue(config.max_connections)
        self._context = context
        self.http_client = http_client
        self._made: Any = http_client() if is_factory(http_client) else None
        check_http_client(self._made or http_client, "AsyncClient" if is_async else "Client")
        # Imported with the first client: the HTTP library takes longer to load than this package.
        http = importlib.import_module("nanogpt_client._transport.http")
        self._transport = getattr(http, self._transport_class)(
            config, self._made or http_client, self._queue
        )
        self._runner = self._runner_class(self._transport, context)
        self.batches = self._batches_class(self._runner)

    def _renewed(self) -> Any:
        """Return the HTTP client that a function made, to be closed; make a new one to use next."""
        made = self._made
        self._set_up(self.config, self._context, self.http_client, self._queue)
        return made

    @classmethod
    def sharing(cls, other: BaseClient, *, http_client: Any = None) -> Self:
        """Return a client of this class that shares another's settings and `CallContext`."""
        if http_client is None and other.http_client is not None:
            msg = (
                "pass http_async_client=… for async calls, too: the given http_client cannot send "
                f"those of {cls.__name__}, and a direct connection would bypass it"
            )
            raise ConfigurationError(msg, param="http_async_client")
        client = cls.__new__(cls)
        client._set_up(  # noqa: SLF001 - the same class
            other.config, other._context, http_client, other._queue
        )
        return client

    @property
    def ledger(self) -> Ledger:
        """The record of all calls."""
        return self._context.ledger

    @property
    def budget(self) -> Budget | None:
        """The limit on what calls may cost, if any."""
        return self._context.budget

    @property
    def pay(self) -> Payer | None:
        """Who pays for each call by itself, if the client works without an account."""
        payments = self._context.payments
        return None if payments is None else payments.payer

    @property
    def account(self) -> Account | None:
        """The account that the client shares with other workers, if any."""
        return self._context.account

    def __repr__(self) -> str:
        config: Config | None = self.__dict__.get("config")  # missing if a setting was refused
        return f"{type(self).__name__}(base_url={config.chat_root if config else None!r})"

    def __copy__(self) -> Self:
        return self.sharing(self, http_client=self.http_client)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        # Sockets cannot be copied, and a copied budget would allow its amount twice.
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs: settings, limits, ledger and hooks.

        Raises:
            ConfigurationError: ``http_client`` or a hook cannot be pickled (a proxy, for example,
                would be bypassed), or the client pays per call: a wallet stays in its process.
        """
        if self.pay is not None:
            raise ConfigurationError(PAY_IN_PICKLE, param="pay")
        hooks = self._context.hooks
        check_travels("http_client", self.http_client)
        for name in ("on_request", "on_response", "on_retry"):
            check_travels(name, getattr(hooks, name))
        return {
            "config": self.config,
            "budget": self.budget,
            "account": self.account,
            "ledger": None if self.account is not None else self.ledger,
            "hooks": hooks,
            "http_client": self.http_client,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        config, budget, ledger = state["config"], state["budget"], state["ledger"]
        context = _context(config, ledger, budget, state["account"], state["hooks"])
        self._set_up(config, context, state["http_client"])


def shared_account(
    account: Account | None,
    budget: Budget | None,
    ledger: Ledger | None,
    payer: Payer | None = None,
) -> Account | None:
    """Return the account that a client's calls belong to, if any.

    Raises:
        ConfigurationError: there is an account, and a budget, a ledger or a payer beside it; or one
            of them is something else.
    """
    check_types(ledger=ledger, budget=budget)
    if account is not None and budget is not None:
        msg = (
            "an account has a budget: pass account=Account(…, usd=…) alone, or alone "
            "budget=Budget(…, within=account)"
        )
        raise ConfigurationError(msg, param="budget")
    given: object = budget.within if budget is not None else account
    check_types(account=given)
    if not isinstance(given, Account):
        return None
    if payer is not None:
        raise ConfigurationError("pay= works without an account of NanoGPT's: pass one of them")
    if ledger is not None and ledger is not given.ledger:
        msg = "an account has a ledger: pass it without ledger=, and read account.rows()"
        raise ConfigurationError(msg, param="ledger")
    return given


_KINDS = {"account": Account, "budget": Budget, "ledger": Ledger}


def check_types(**settings: object) -> None:
    """Raise for an account, a budget or a ledger that is something else; `None` is none.

    Raises:
        ConfigurationError: one is not of its class.
    """
    for name, value in settings.items():
        if value is not None and not isinstance(value, kind := _KINDS[name]):
            what = f"{'an' if name == 'account' else 'a'} {kind.__name__}"
            msg = f"{name} must be {what}, e.g. {name}={kind.__name__}(…), not {value!r}"
            raise ConfigurationError(msg, param=name)


def _context(
    config: Config,
    ledger: Ledger | None,
    budget: Budget | None,
    account: Account | None,
    hooks: Hooks,
    payer: Payer | None = None,
) -> CallContext:
    if ledger is None:
        ledger = Ledger() if account is None else account.ledger
    return CallContext(
        retry=RetryPolicy(config.max_retries, retry_after_cap=config.retry_after_cap),
        pace=Pace(config.requests_per_second, adapts=account is None),
        rate_limit_wait=config.rate_limit_wait,
        timeout=config.timeout,
        ledger=ledger,
        budget=budget,
        account=account,
        hooks=hooks,
        first_event_timeout=config.first_event_timeout,
        stream_idle_timeout=config.stream_idle_timeout,
        key=None if config.accountless else config.api_key,
        payments=None if payer is None else Payments(payer, config),
    )
