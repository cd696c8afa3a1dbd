"""One NanoGPT account for many workers: rate limit, budget and ledger that they share.

>>> from nanogpt_client.account import Account
>>> account = Account("sqlite:///spent.db", usd="20.00", requests_per_second=25)
>>> client = NanoGPTClient(account=account)  # likewise every model of both frameworks
"""

from nanogpt_client.account._backend import PauseReason
from nanogpt_client.account.account import Account, AccountStatus

__all__ = ["Account", "AccountStatus", "PauseReason"]
