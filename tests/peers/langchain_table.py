"""LangChain: `ChatNanoGPT` beside `ChatOpenAI` and `ChatOpenRouter`, over the same wire.

A thing counts as kept if a user finds it anywhere in the message: as a block, in the usage or in
the metadata. Every client has its own defaults; only address, key and model are set.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from langchain_core.exceptions import ContextOverflowError, ModelError
from langchain_core.language_models import BaseChatModel

from tests.peers.compare import print_column
from tests.peers.outcomes import Judge, Outcome, sends, verdicts, with_partial
from tests.peers.wire import KEY, MODEL, QUESTION, is_stream

TABLE = "langchain-peers"
OURS = "ChatNanoGPT"
PEERS: Sequence[str] = ("ChatOpenAI", "ChatOpenRouter")
_MODULES = {
    "ChatNanoGPT": "langchain_nanogpt",
    "ChatOpenAI": "langchain_openai",
    "ChatOpenRouter": "langchain_openrouter",
}


def _kept(*wanted: Any) -> Judge:
    def judge(outcome: Outcome) -> str:
        if outcome.message is None:
            return f"`{type(outcome.error).__name__}`"
        return "kept" if outcome.holds(*wanted) else "lost"

    return judge


def _usage(**wanted: int) -> Judge:
    def judge(outcome: Outcome) -> str:
        usage = getattr(outcome.message, "usage_metadata", None) or {}
        flat = {**usage, **usage.get("input_token_details", {})}
        return "kept" if wanted.items() <= flat.items() else "lost"

    return judge


def _annotated(url: str) -> Judge:
    def judge(outcome: Outcome) -> str:
        blocks = [] if outcome.message is None else outcome.message.content_blocks
        notes = [note for block in blocks for note in block.get("annotations", ())]
        found = any(note["type"] == "citation" and note.get("url") == url for note in notes)
        return "yes" if found else "no"

    return judge


def _calls(*wanted: tuple[str, dict[str, Any]]) -> Judge:
    def judge(outcome: Outcome) -> str:
        if outcome.message is None:
            return f"`{type(outcome.error).__name__}`"
        found = [(call["name"], call["args"]) for call in outcome.message.tool_calls]
        return "kept" if found == list(wanted) else "lost"

    return judge


def _fails(outcome: Outcome) -> str:
    if outcome.error is None:
        return "taken for a complete answer"
    kind = "typed" if isinstance(outcome.error, ModelError) else "untyped"
    return f"{kind} error"


def _typed(cls: type[BaseException]) -> Judge:
    return lambda outcome: "yes" if isinstance(outcome.error, cls) else "no"


def _says_retry(outcome: Outcome) -> str:
    """Ask as LangChain's retry middleware does: what is no `ModelError` is tried again."""
    if not outcome.ended:
        return "nothing in 15 s"
    again = getattr(outcome.error, "is_retryable", True)
    return "retry" if again else "do not retry"


_SOURCE = "https://example.com/nano"
_ADD, _SUB = ("add", {"a": 1}), ("sub", {"b": 2})
_ROWS: dict[str, tuple[str, Judge]] = {
    "an answer without `system_fingerprint`": ("plain", _kept("Nano has no fees.")),
    "reasoning": ("chat-reasoning", _kept("2 + 2 is 4.")),
    "reasoning, streamed": ("stream-reasoning", _kept("2 + 2")),
    "reasoning from the older route": ("chat-reasoning-legacy", _kept("2 + 2 is 4.")),
    "citations": ("chat-citations-nested", _kept(_SOURCE)),
    "citations in the flat form": ("chat-citations-flat", _kept(_SOURCE)),
    "citations, streamed": ("stream-citations", _kept(_SOURCE)),
    "… as LangChain's `Citation` annotations": ("chat-citations-nested", _annotated(_SOURCE)),
    "cost in USD": ("chat-pricing", _kept(0.0000131)),
    "cost in USD, streamed": ("stream-usage-on-finish", _kept(0.00002)),
    "cost in USD inside the usage": ("chat-usage-cost", _kept(0.00042)),
    "request id and balance": ("chat-pricing", _kept("req_sample", 4.9999869)),
    "usage, streamed in the finish chunk": ("stream-usage-on-finish", _usage(input_tokens=12)),
    "usage, streamed in a chunk of its own": ("stream-usage-trailing", _usage(input_tokens=12)),
    "cached tokens that Claude routes do not count": (
        "chat-cache-left-out",
        _usage(input_tokens=11215, cache_read=11213),
    ),
    "images": ("chat-image", _kept("AA==")),
    "images in every form seen so far": (
        "chat-images",
        _kept("AA==", "https://example.com/b.png", "https://example.com/c.png"),
    ),
    "refusal": ("chat-refusal", _kept("I cannot help with that.")),
    "streamed tool calls": ("stream-tool-calls", _calls(_ADD, _SUB)),
    "… all with index 0": ("stream-tool-calls-all-zero", _calls(_ADD, _SUB)),
    "… without index": ("stream-tool-calls-no-index", _calls(_ADD)),
    "a tool call with null for arguments": ("chat-tool-call-null-arguments", _calls(("now", {}))),
    "a stream that breaks off": ("stream-cut", _fails),
    "… and the text received before that": ("stream-cut", with_partial),
    "an error event within a stream": ("stream-error-frame", _fails),
    "an error with status 200": ("error-inside-200", _fails),
    "HTML with status 200": ("html-inside-200", _fails),
    "an answer without choices": ("no-choices", _fails),
    "context overflow is `ContextOverflowError`": ("error-openai", _typed(ContextOverflowError)),
    "what middleware learns about an exhausted balance": ("error-text", _says_retry),
    "… and about a dropped connection": ("dropped", _says_retry),
    "POSTs sent for one call whose connection drops": ("dropped", sends),
    "POSTs sent for one call at the daily limit": ("daily-limit", sends),
}


def column(client: str) -> dict[str, str]:
    """Return each row's verdict on a client."""
    return verdicts(_ROWS, lambda base_url, sample: _ask(_model(client, base_url), sample))


def _ask(model: BaseChatModel, sample: str) -> Any:
    if not is_stream(sample):
        return model.invoke(QUESTION)
    first, *rest = model.stream(QUESTION)
    return sum(rest, first)


def _model(client: str, base_url: str) -> BaseChatModel:
    # Each environment has its own of these.
    made: BaseChatModel = getattr(import_module(_MODULES[client]), client)(
        model=MODEL, api_key=KEY, base_url=base_url
    )
    return made


if __name__ == "__main__":
    print_column(sys.modules[__name__])
