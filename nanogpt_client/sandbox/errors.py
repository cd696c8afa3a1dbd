"""Errors in the envelopes that NanoGPT documents, and the one exception that routes raise.

A route raises `Refusal`; the app renders it in the style of the route:

    OPENAI  {"error": {"message", "type", "code", "param"}}          most of /api/v1
    SIMPLE  {"error": "message", "status": 402}                      older routes under /api

An ordinary 402 has the SIMPLE form with `requiredBalance` everywhere; one with a code has the
route's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from nanogpt_client.sandbox.messages import Reply, json_reply


class Style(Enum):
    """How a route phrases its errors."""

    OPENAI = "openai"
    SIMPLE = "simple"


_TYPES = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_denied_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "api_error",
    503: "service_unavailable",
    504: "timeout_error",
}


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - no error of the sandbox: an answer it gives
    """A request that NanoGPT would not serve."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    kind: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    required: Decimal | None = None
    beside: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the message that the reply carries."""
        return self.message

    def reply(self, style: Style = Style.OPENAI) -> Reply:
        """Return the HTTP answer in the given style."""
        return json_reply(self._body(style), self.status, self.headers)

    def _body(self, style: Style) -> dict[str, Any]:
        if (style is Style.SIMPLE and not self.beside) or self.required is not None:
            found: dict[str, Any] = {"error": self.message, "status": self.status}
            if self.code:
                found["code"] = self.code
            if self.required is not None:
                found["requiredBalance"] = self.required
            return found
        kind = self.kind or _TYPES.get(self.status, "invalid_request_error")
        error = {"message": self.message, "type": kind, "code": self.code, "param": self.param}
        return {"error": error} | self.beside


def invalid(message: str, param: str, code: str = "invalid_parameter_value") -> Refusal:
    """Return the 400 for a field that holds the wrong thing."""
    return Refusal(400, message, code=code, param=param)


def require(
    condition: object, message: str, param: str, code: str = "invalid_parameter_value"
) -> None:
    """Raise the 400 for a field unless `condition` holds."""
    if not condition:
        raise invalid(message, param, code)


def missing(param: str) -> Refusal:
    """Return the 400 for a required field that is absent."""
    return Refusal(400, f"{param} is required.", code="missing_required_parameter", param=param)


def unknown_model(name: str) -> Refusal:
    """Return the 404 for a model that is not in the catalogue."""
    message = f"The model '{name}' does not exist or is not available."
    return Refusal(404, message, code="model_not_found", param="model")


def insufficient_balance(required: Decimal) -> Refusal:
    """Return the ordinary 402: the account holds less than `required` USD."""
    return Refusal(402, "Insufficient balance", required=required)


def sandbox_error(message: str, code: str) -> Refusal:
    """Return the 424 for a failure of the sandbox's own model, which no client retries."""
    return Refusal(424, message, code=code, kind="sandbox_error")
