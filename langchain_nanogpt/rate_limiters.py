"""`NanoGPTRateLimiter`: the queue of an `Account`, for models of other integrations.

A model of this package that has ``account=`` takes its slots itself, retries included.
"""

from __future__ import annotations

from langchain_core.rate_limiters import BaseRateLimiter

from langchain_nanogpt._errors import map_errors
from nanogpt_client._adapters.account_slot import atake_slot, take_slot
from nanogpt_client.account import Account

__all__ = ["NanoGPTRateLimiter"]


class NanoGPTRateLimiter(BaseRateLimiter):
    """Lets each call wait for a slot in the queue that all workers of an account share.

    >>> limiter = NanoGPTRateLimiter(account=Account("redis://10.0.0.5/0"))
    >>> model = ChatOpenAI(base_url="https://nano-gpt.com/api/v1", rate_limiter=limiter)

    For a chat model of any integration that calls NanoGPT. It can be pickled, as LangChain's own
    limiter cannot. It counts calls: retries inside the integration are not limited, and nothing is
    reserved or recorded. Pass ``account=`` to our own models instead.

    Args:
        account: the account; its ``requests_per_second`` is the rate.

    Raises:
        ModelError: from its methods: the account's store cannot be reached, or its daily limit is
            used up.
    """

    def __init__(self, account: Account) -> None:
        self.account = account

    def acquire(self, *, blocking: bool = True) -> bool:
        """Wait for a slot; without ``blocking``, return ``False`` instead of waiting."""
        with map_errors():
            return take_slot(self.account, blocking=blocking)

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """Wait for a slot; without ``blocking``, return ``False`` instead of waiting."""
        with map_errors():
            return await atake_slot(self.account, blocking=blocking)
