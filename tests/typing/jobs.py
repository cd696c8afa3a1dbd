"""Jobs on tables, as a user would write them: what type checkers see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

from pydantic import BaseModel

from langchain_nanogpt import NanoGPTEmbeddings
from llama_index_nanogpt import NanoGPTEmbedding
from nanogpt_client.account import Account
from nanogpt_client.jobs import ChatRows, EmbedTexts, PaidStore, UnknownRequest

MODEL = "text-embedding-3-small"


class City(BaseModel):
    name: str


class Table:
    """Stands for a table of a library."""


def tables(table: Table, parts: Iterator[Table]) -> None:
    account, store = Account("sqlite:///spent.db", usd="1.00"), PaidStore("sqlite:///paid.db")
    embed = EmbedTexts(MODEL, account=account, store=store, on_unknown="skip", dimensions=256)
    assert_type(embed({"text": ["a", "b"]}), dict[str, Any])
    assert_type(embed(table), Table)
    assert_type(embed(parts), Iterator[Table])
    answer = ChatRows("openai/gpt-5.2", store="redis://host/1", schema=City, temperature=0.5)
    assert_type(answer({"prompt": ["a"]}), dict[str, Any])
    assert_type(store.unknown(), list[UnknownRequest])


def frameworks() -> None:
    NanoGPTEmbeddings(model=MODEL, store="sqlite:///paid.db", on_unknown="raise")
    NanoGPTEmbedding(model_name=MODEL, store=PaidStore("sqlite:///paid.db"))


def mistakes() -> None:
    EmbedTexts()  # type: ignore[call-arg]
    EmbedTexts(MODEL, on_unknown="retry")  # type: ignore[arg-type]
    EmbedTexts(MODEL, dimension=256)  # type: ignore[call-arg]
    EmbedTexts(MODEL, max_retries="2")  # type: ignore[arg-type]
    ChatRows(MODEL, schema="City")  # type: ignore[arg-type]
    ChatRows(MODEL, temprature=1)  # type: ignore[call-arg]
    PaidStore("sqlite:///paid.db", lease="long")  # type: ignore[arg-type]
