"""LlamaIndex: what `NanoGPT` and `OpenAILike` keep of the same wire.

A thing counts as kept if a user finds it in the message or beside it, whichever client made the
answer. LlamaIndex's ``raw`` is judged apart: what is there alone has each provider's own shape, and
of a stream it is the last frame. Every client has its own defaults; only what it cannot do without
is set.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock
from llama_index.core.callbacks.token_counting import get_tokens_from_response
from llama_index.core.llms.function_calling import FunctionCallingLLM

from tests.peers.compare import print_column
from tests.peers.outcomes import Judge, Outcome, sends, verdicts, with_partial
from tests.peers.wire import KEY, MODEL, QUESTION, is_stream

TABLE = "llama-index-peers"
OURS = "NanoGPT"
PEERS: Sequence[str] = ("OpenAILike",)

# What code raises that did not expect the reply.
_ACCIDENTS = (TypeError, IndexError, KeyError, AttributeError)


def make_llm(
    client: str, base_url: str, *, model: str = MODEL, api_key: str = KEY, **words: Any
) -> Any:
    """Return an LLM of the named class; each environment has its own."""
    if client == OURS:
        ours = import_module("llama_index_nanogpt")
        return ours.NanoGPT(model=model, base_url=base_url, api_key=api_key, **words)
    peer = import_module("llama_index.llms.openai_like")
    words |= {"is_chat_model": True, "is_function_calling_model": True}
    return peer.OpenAILike(model=model, api_base=base_url, api_key=api_key, **words)


def column(client: str) -> dict[str, str]:
    """Return each row's verdict on a client."""
    return verdicts(_ROWS, lambda base_url, sample: _ask(make_llm(client, base_url), sample))


def _ask(llm: FunctionCallingLLM, sample: str) -> Any:
    messages = [ChatMessage(QUESTION)]
    answer = list(llm.stream_chat(messages))[-1] if is_stream(sample) else llm.chat(messages)
    calls = llm.get_tool_calls_from_response(answer, error_on_no_tool_call=False)
    found = [(call.tool_name, call.tool_kwargs) for call in calls]
    return answer.model_copy(update={"logprobs": found})  # a field to carry them in


def _failed(outcome: Outcome) -> str:
    error = outcome.error
    kind = "crash" if isinstance(error, _ACCIDENTS) else "error"
    return f"{kind}: `{type(error).__name__}`"


def _kept(*wanted: Any) -> Judge:
    def judge(outcome: Outcome) -> str:
        if outcome.message is None:
            return _failed(outcome)
        rest = replace(outcome, message=outcome.message.model_copy(update={"raw": None}))
        if rest.holds(*wanted):
            return "kept"
        return "only in `raw`" if outcome.holds(*wanted) else "lost"

    return judge


def _thinks(outcome: Outcome) -> str:
    first = outcome.message.message.blocks[0] if outcome.message else None
    return "yes" if isinstance(first, ThinkingBlock) else "no"


def _counts(tokens: int) -> Judge:
    def judge(outcome: Outcome) -> str:
        if outcome.message is None:
            return _failed(outcome)
        prompt, _ = get_tokens_from_response(outcome.message)
        return "counted" if prompt == tokens else f"{prompt} of {tokens}"

    return judge


def _calls(*wanted: tuple[str, dict[str, Any]]) -> Judge:
    def judge(outcome: Outcome) -> str:
        if outcome.message is None:
            return _failed(outcome)
        return "kept" if outcome.message.logprobs == list(wanted) else "lost"

    return judge


def _raises(outcome: Outcome) -> str:
    return "taken for a complete answer" if outcome.error is None else _failed(outcome)


_SOURCE = "https://example.com/nano"
_ADD, _SUB = ("add", {"a": 1}), ("sub", {"b": 2})
_ROWS: dict[str, tuple[str, Judge]] = {
    "reasoning": ("chat-reasoning", _kept("2 + 2 is 4.")),
    "reasoning, streamed": ("stream-reasoning", _kept("2 + 2")),
    "reasoning from the older route": ("chat-reasoning-legacy", _kept("2 + 2 is 4.")),
    "… as a `ThinkingBlock`, and the first block": ("chat-reasoning", _thinks),
    "citations": ("chat-citations-nested", _kept(_SOURCE)),
    "citations in the flat form": ("chat-citations-flat", _kept(_SOURCE)),
    "citations, streamed": ("stream-citations", _kept(_SOURCE)),
    "cost in USD": ("chat-pricing", _kept(0.0000131)),
    "cost in USD, streamed": ("stream-usage-on-finish", _kept(0.00002)),
    "cost in USD inside the usage": ("chat-usage-cost", _kept(0.00042)),
    "request id and balance": ("chat-pricing", _kept("req_sample", 4.9999869)),
    "tokens, streamed in the finish chunk": ("stream-usage-on-finish", _counts(12)),
    "tokens, streamed in a chunk of their own": ("stream-usage-trailing", _counts(12)),
    "cached tokens that Claude routes do not count": ("chat-cache-left-out", _counts(11215)),
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
    "a stream that breaks off": ("stream-cut", _raises),
    "… and the text received before that": ("stream-cut", with_partial),
    "an error event within a stream": ("stream-error-frame", _raises),
    "an error with status 200": ("error-inside-200", _raises),
    "HTML with status 200": ("html-inside-200", _raises),
    "an answer without choices": ("no-choices", _raises),
    "context overflow": ("error-openai", _raises),
    "POSTs sent for one call whose connection drops": ("dropped", sends),
    "POSTs sent for one call at the daily limit": ("daily-limit", sends),
}


if __name__ == "__main__":
    print_column(sys.modules[__name__])
