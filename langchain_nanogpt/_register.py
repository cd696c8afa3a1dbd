"""`register`: NanoGPT among the providers of ``init_chat_model`` and ``init_embeddings``."""

from __future__ import annotations

import importlib
from typing import Any, Final

from nanogpt_client.extras import needs

__all__ = ["register"]

PROVIDER: Final = "nanogpt"

# LangChain's two tables of providers, and our row in each. It has no public way to add one.
_ROWS: Final = {
    "langchain.chat_models.base": "ChatNanoGPT",
    "langchain.embeddings.base": "NanoGPTEmbeddings",
}


def register() -> None:
    """Let LangChain find NanoGPT by the name ``nanogpt``; may be called again.

    >>> langchain_nanogpt.register()
    >>> init_chat_model("nanogpt:openai/gpt-5.2", temperature=0)
    >>> init_embeddings("nanogpt:text-embedding-3-small")
    >>> create_agent("nanogpt:openai/gpt-5.2", tools)

    What follows the first colon is the model's id, suffixes included. Deep Agents calls this by
    itself: ``create_deep_agent(model="nanogpt:…")`` works once this package is installed.

    Raises:
        ModuleNotFoundError: the package ``langchain`` is not installed (extra ``agents``).
        RuntimeError: this version of LangChain keeps its providers elsewhere; pass
            ``ChatNanoGPT(model=…)`` instead.
    """
    tables = {cls: _table(module) for module, cls in _ROWS.items()}
    for cls, table in tables.items():
        table[PROVIDER] = ("langchain_nanogpt", cls, _make)


def _table(module: str) -> dict[str, Any]:
    with needs("agents", "register()"):
        table = getattr(importlib.import_module(module), "_BUILTIN_PROVIDERS", None)
    if not isinstance(table, dict):
        raise RuntimeError(  # noqa: TRY004 - of LangChain, not of an argument
            f"{module} has no table of providers in this version of LangChain; "
            "pass ChatNanoGPT(model=…) or NanoGPTEmbeddings(model=…) instead"
        )
    return table


def _make(cls: Any, **settings: Any) -> Any:
    return cls(**settings)
