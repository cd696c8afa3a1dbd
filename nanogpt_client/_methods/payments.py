"""Methods of a client that pays per call, without an account.

Follows https://docs.nano-gpt.com/api-reference/miscellaneous/x402
"""

from __future__ import annotations

from typing import Any, Literal, overload

from nanogpt_client import endpoints
from nanogpt_client._methods.base import AsyncMethods, Methods
from nanogpt_client.types.chat import ChatCompletion
from nanogpt_client.types.media import GeneratedImages
from nanogpt_client.types.pages import ScrapedPage, UrlResults
from nanogpt_client.types.payments import PaidKind, PayableEndpoint, PaymentStatus
from nanogpt_client.types.search import WebSearchResult

__all__ = ["AsyncPaymentMethods", "PaymentMethods"]


class PaymentMethods(Methods):
    """Completing paid calls, and what can be paid."""

    @overload
    def complete_payment(
        self, payment_id: str, *, kind: Literal["chat"] = ..., poll_timeout: float = ...
    ) -> ChatCompletion: ...
    @overload
    def complete_payment(
        self, payment_id: str, *, kind: Literal["image"], poll_timeout: float = ...
    ) -> GeneratedImages: ...
    @overload
    def complete_payment(
        self, payment_id: str, *, kind: Literal["search"], poll_timeout: float = ...
    ) -> WebSearchResult: ...
    @overload
    def complete_payment(
        self, payment_id: str, *, kind: Literal["scrape"], poll_timeout: float = ...
    ) -> UrlResults[ScrapedPage]: ...
    def complete_payment(
        self, payment_id: str, *, kind: PaidKind = "chat", poll_timeout: float = 120.0
    ) -> Any:
        """Fetch the answer of a call that is paid and was interrupted, also in another process.

        Asks for the state of the payment, which is free, until NanoGPT has seen the money, and
        completes the call once. Nothing is paid here. ``kind`` is that of the ledger's entry: it
        says what the answer is.

        Raises:
            PaymentError: NanoGPT has not seen the money after ``poll_timeout`` seconds, or the
                payment expired, is too small, or was completed already.
        """
        return self.run(
            endpoints.payments.complete_payment(payment_id, kind, poll_timeout=poll_timeout)
        )

    def payment_status(self, payment_id: str) -> PaymentStatus:
        """Return the state of a payment; free."""
        return self.send(endpoints.payments.payment_status(payment_id))

    def payable_endpoints(self, *, unsupported: bool = False) -> list[PayableEndpoint]:
        """List the routes that can be paid per call, and how; ``unsupported`` also lists others."""
        return self.send(endpoints.payments.payable_endpoints(unsupported=unsupported))


class AsyncPaymentMethods(AsyncMethods):
    """The same with ``await``."""

    @overload
    async def complete_payment(
        self, payment_id: str, *, kind: Literal["chat"] = ..., poll_timeout: float = ...
    ) -> ChatCompletion: ...
    @overload
    async def complete_payment(
        self, payment_id: str, *, kind: Literal["image"], poll_timeout: float = ...
    ) -> GeneratedImages: ...
    @overload
    async def complete_payment(
        self, payment_id: str, *, kind: Literal["search"], poll_timeout: float = ...
    ) -> WebSearchResult: ...
    @overload
    async def complete_payment(
        self, payment_id: str, *, kind: Literal["scrape"], poll_timeout: float = ...
    ) -> UrlResults[ScrapedPage]: ...
    async def complete_payment(
        self, payment_id: str, *, kind: PaidKind = "chat", poll_timeout: float = 120.0
    ) -> Any:
        """Fetch the answer of a call that is paid and was interrupted, also in another process.

        As `NanoGPTClient.complete_payment`.
        """
        return await self.run(
            endpoints.payments.complete_payment(payment_id, kind, poll_timeout=poll_timeout)
        )

    async def payment_status(self, payment_id: str) -> PaymentStatus:
        """Return the state of a payment; free."""
        return await self.send(endpoints.payments.payment_status(payment_id))

    async def payable_endpoints(self, *, unsupported: bool = False) -> list[PayableEndpoint]:
        """List the routes that can be paid per call, and how; ``unsupported`` also lists others."""
        return await self.send(endpoints.payments.payable_endpoints(unsupported=unsupported))
