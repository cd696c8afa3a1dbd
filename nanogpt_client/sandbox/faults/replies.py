"""Faults that stand in for the reply: error statuses, web pages, broken answers. They are free."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox.completion import Choice, Completion
from nanogpt_client.sandbox.exchange import Exchange
from nanogpt_client.sandbox.http import (
    EVENT_STREAM,
    Cut,
    Refusal,
    Reply,
    html_reply,
    insufficient_balance,
    json_reply,
)

Replier = Callable[[Exchange], Reply]
_PRICE = Decimal("0.0035")
_DAY = 86_400
_MARKUP = '<tool_call>\n{"name": "lookup", "arguments": {"query": "weather"}}\n</tool_call>'
_FAILED = {"message": "Upstream provider failed.", "type": "api_error", "code": "provider_error"}
_CALL = {"name": "lookup", "arguments": '{"query":"the we'}
_CALLS = [{"id": "call_truncated", "type": "function", "function": _CALL}]
_STATUSES = {
    "400": (400, "Invalid request parameters.", "invalid_parameter_value"),
    "401": (401, "Invalid API key.", "invalid_api_key"),
    "402": (402, "Insufficient balance", "insufficient_balance"),
    "402-memory": (402, "Insufficient balance for Context Memory.", "memory_balance_required"),
    "403": (403, "This model is not allowed for this key.", "model_not_allowed"),
    "405": (405, "Method not allowed.", "method_not_allowed"),
    "408": (408, "The request timed out.", "request_timeout"),
    "409": (409, "The request conflicts with another one.", "conflict"),
    "413": (413, "The request body exceeds the 32 MB limit.", "payload_too_large"),
    "415": (415, "Unsupported encoding.", "unsupported_content_encoding"),
    "422": (422, "The input could not be processed.", "INVALID_INPUT"),
    "500": (500, "An unexpected error occurred.", None),
    "503": (503, "All fallbacks failed. Please try again later.", "all_fallbacks_failed"),
    "504": (504, "The upstream provider timed out.", "timeout"),
    "context": (400, "The prompt exceeds the context window.", "context_length_exceeded"),
    "policy": (400, "Blocked by the content policy.", "content_policy_violation"),
}


def _status(
    status: int, message: str, code: str | None, headers: dict[str, str] | None = None
) -> Replier:
    return lambda _: Refusal(status, message, code=code, headers=headers or {}).reply()


def _daily_limit(exchange: Exchange) -> Reply:
    left = _DAY - int(exchange.world.clock()) % _DAY
    message = "Daily request limit exceeded (1000/1000). Resets at midnight UTC."
    return _status(429, message, "daily_rpd_limit_exceeded", {"retry-after": str(left)})(exchange)


def _quote(_: Exchange) -> Reply:
    error = {"message": "Payment required.", "type": "insufficient_quota", "param": None}
    payment = {"paymentId": "pay_sandbox00000001", "amountUsd": str(_PRICE), "accepted": []}
    return json_reply({"error": error | {"code": error["type"]}, "payment": payment}, 402)


def _fixed(content: str | None, *, streamed: bool = True, **more: Any) -> Replier:
    finish = "length" if more else "stop"
    choice = Choice({"role": "assistant", "content": content, **more}, finish)

    def reply(exchange: Exchange) -> Reply:
        usage = {"prompt_tokens": 8, "completion_tokens": 8, "total_tokens": 16}
        name, created = f"chatcmpl-{exchange.id}", int(exchange.world.clock())
        completion = Completion(name, created, "sandbox/fault", (choice,), usage)
        if not (streamed and b'"stream":true' in exchange.request.body.replace(b" ", b"")):
            return json_reply(completion.whole())
        events = tuple(completion.events(with_usage=False))
        return Reply(200, {"content-type": EVENT_STREAM}, events)

    return reply


REPLIES: dict[str, Replier] = {
    **{name: _status(*spec) for name, spec in _STATUSES.items()},
    "402-legacy": lambda _: insufficient_balance(_PRICE).reply(),
    "402-x402": _quote,
    "429": _status(429, "Rate limit exceeded.", "rate_limit_exceeded", {"retry-after": "1"}),
    "429-daily": _daily_limit,
    "404-html": lambda _: html_reply(404, "404: This page could not be found."),
    "502-html": lambda _: html_reply(502, "502 Bad Gateway"),
    "html-200": lambda _: html_reply(200, "Just a moment..."),
    "json-error-200": lambda _: json_reply({"error": _FAILED | {"param": None}}),
    "json-200": _fixed("All at once.", streamed=False),
    "empty-200": lambda _: Reply(200, {"content-type": "application/json"}, (b"",)),
    "cut-before": lambda _: Reply(200, {}, (Cut(),)),
    "truncated-tool-call": _fixed(None, tool_calls=_CALLS),
    "leaked-tool-markup": _fixed(_MARKUP),
}
