"""Work that is paid once, in any engine: tables of texts to embed, and of prompts to answer.

`EmbedTexts` and `ChatRows` are callables for the batches of Ray Data, Dask, Spark and a plain loop;
a `PaidStore` has what was paid, so that it is found again instead of bought again.
"""

from nanogpt_client.jobs._once import OnUnknown
from nanogpt_client.jobs.chat import ChatRows
from nanogpt_client.jobs.embed import EmbedTexts
from nanogpt_client.jobs.store import PaidStore, UnknownRequest

__all__ = ["ChatRows", "EmbedTexts", "OnUnknown", "PaidStore", "UnknownRequest"]
