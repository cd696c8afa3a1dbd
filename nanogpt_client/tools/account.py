"""The tools that report the balance and estimate costs."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import account
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools.results import ToolResult, amount
from nanogpt_client.tools.schemas import BalanceArguments, EstimateArguments
from nanogpt_client.tools.settings import EstimateToolSettings, ToolSettings
from nanogpt_client.types.account import CostEstimate
from nanogpt_client.types.catalog import ModelKind
from nanogpt_client.types.plain import exact
from nanogpt_client.types.progress import OnProgress

_MODEL_KINDS: dict[str, ModelKind] = {
    "image": "image", "speech": "tts", "transcription": "stt", "video": "video",
}  # fmt: skip
_REQUIRED = {"chat": "text", "speech": "text", "transcription": "seconds"}
_FREE = amount("cost", Decimal(0)) | {"request_id": None}


def check_balance(
    _settings: ToolSettings, _arguments: BalanceArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Return the account's balance, and the address for deposits of Nano."""
    balance = yield from ask(account.balance())
    text = f"The NanoGPT balance is {_amount(balance.usd)} USD and {_amount(balance.nano)} Nano."
    if balance.nano_deposit_address:
        text += f" To add to it, send Nano to {balance.nano_deposit_address}."
    artifact = {
        "kind": "balance",
        **amount("usd", balance.usd),
        **amount("nano", balance.nano),
        "nano_deposit_address": balance.nano_deposit_address,
        **_FREE,
    }
    return ToolResult(text, artifact)


def estimate_cost(
    settings: EstimateToolSettings, arguments: EstimateArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Estimate the cost of a call, and compare it with the balance; the call is not made."""
    model = arguments.model or getattr(settings, f"{arguments.kind}_model")
    if model is None:
        raise InvalidArgumentError("pass the id of the chat model to estimate", param="model")
    usd = (yield from _estimate(model, arguments)).usd
    balance = (yield from ask(account.balance())).usd
    affordable = None if usd is None or balance is None else usd <= balance
    covers = {True: "covers it", False: "does not cover it", None: "cannot be compared"}
    text = (
        f"{arguments.kind} with {model} costs about {_amount(usd)} USD. "
        f"The balance of {_amount(balance)} USD {covers[affordable]}."
    )
    artifact = {
        "kind": "estimate",
        "model": model,
        **amount("usd", usd),
        **amount("balance_usd", balance),
        "affordable": affordable,
        **_FREE,
    }
    return ToolResult(text, artifact)


def _estimate(model: str, arguments: EstimateArguments) -> Flow[CostEstimate]:
    kind = arguments.kind
    required = _REQUIRED.get(kind)
    if required and getattr(arguments, required) is None:
        raise InvalidArgumentError(f"the cost of {kind} needs {required}", param=required)
    if kind == "chat":
        return (yield from ask(account.estimate_chat_cost(arguments.text or "", model=model)))
    work: dict[str, Any] = {"seconds": arguments.seconds}
    if kind == "image":
        work = {"size": arguments.size, "n": arguments.n}
    elif kind == "speech":
        work = {"text": arguments.text}
    estimate = yield from account.estimate_media_cost(_MODEL_KINDS[kind], model=model, **work)
    if estimate.usd is None and kind == "video" and arguments.seconds is None:
        raise InvalidArgumentError(f"the cost of {model} may need seconds", param="seconds")
    return estimate


def _amount(value: Decimal | None) -> str:
    return exact(value) or "an unknown number of"
