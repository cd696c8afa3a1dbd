"""The tools that search, and that tell of money, as flows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import account, search
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools import approval, schemas, settings
from nanogpt_client.tools.results import ToolResult, amount
from nanogpt_client.types.account import CostEstimate
from nanogpt_client.types.catalog import ModelKind
from nanogpt_client.types.progress import OnProgress
from nanogpt_client.types.search import WebSearchResult

_OUTPUT: dict[str, Any] = {
    "results": "searchResults", "answer": "sourcedAnswer", "structured": "structured",
}  # fmt: skip
_KINDS: dict[str, ModelKind] = {
    "image": "image", "speech": "tts", "transcription": "stt", "video": "video",
}  # fmt: skip
_EXCERPT = 1500  # characters of a page that a model is given


def search_web(
    own: settings.SearchFields, given: schemas.SearchArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Search; the text is numbered results, an answer with its sources, or JSON."""
    yield from approval.allow(own, "search_web", given.model_dump(exclude_none=True), None)
    found = yield from ask(
        search.search_web(
            given.query,
            provider=own.provider,
            depth=own.depth,
            output_type=_OUTPUT[given.output],
            schema=given.answer_schema,
            max_results=given.max_results or own.max_results,
            from_date=given.from_date,
            to_date=given.to_date,
            include_domains=given.include_domains,
            exclude_domains=given.exclude_domains,
        )
    )
    sources = [
        {"title": hit.title, "url": hit.url, "content": hit.content, "type": hit.type}
        for hit in found
    ]
    artifact = {
        "kind": "search",
        "query": given.query,
        "sources": sources,
        "answer": found.answer,
        "structured": found.structured,
        **amount("cost", found.billing.cost),
        "request_id": found.billing.request_id,
    }
    return ToolResult(_found(found), artifact)


def _found(found: WebSearchResult) -> str:
    if found.structured is not None:
        return json.dumps(found.structured, ensure_ascii=False)
    pages = [
        f"[{number}] {hit.title}\n{hit.url}\n{_excerpt(hit.content)}".rstrip()
        for number, hit in enumerate(found, 1)
    ]
    if found.answer is not None:
        return "\n\n".join([found.answer, "Sources:", *pages])
    return "\n\n".join(pages) or "Nothing was found."


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]} …"


def check_balance(
    own: settings.ToolFields, given: schemas.BalanceArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Tell what is on the account, and where Nano can be sent to."""
    del own, given
    money = yield from ask(account.balance())
    text = f"The NanoGPT balance is {_amount(money.usd)} USD and {_amount(money.nano)} Nano."
    if money.nano_deposit_address:
        text += f" To add to it, send Nano to {money.nano_deposit_address}."
    artifact = {
        "kind": "balance",
        **amount("usd", money.usd),
        **amount("nano", money.nano),
        "nano_deposit_address": money.nano_deposit_address,
        **_FREE,
    }
    return ToolResult(text, artifact)


def estimate_cost(
    own: settings.EstimateFields, given: schemas.EstimateArguments, _: OnProgress | None
) -> Flow[ToolResult]:
    """Tell what work would cost, and whether the balance covers it; nothing is made."""
    model = given.model or getattr(own, f"{given.kind}_model")
    if model is None:
        raise InvalidArgumentError("name the model whose cost is asked for", param="model")
    estimate = yield from _estimate(model, given)
    money = yield from ask(account.balance())
    known = estimate.usd is not None and money.usd is not None
    affordable = estimate.usd <= money.usd if known else None  # type: ignore[operator]
    covers = {True: "covers it", False: "does not cover it", None: "cannot be compared"}
    text = (
        f"{given.kind} with {model} costs about {_amount(estimate.usd)} USD. "
        f"The balance of {_amount(money.usd)} USD {covers[affordable]}."
    )
    artifact = {
        "kind": "estimate",
        "model": model,
        **amount("usd", estimate.usd),
        **amount("balance_usd", money.usd),
        "affordable": affordable,
        **_FREE,
    }
    return ToolResult(text, artifact)


_FREE = amount("cost", Decimal(0)) | {"request_id": None}


def _estimate(model: str, given: schemas.EstimateArguments) -> Flow[CostEstimate]:
    needed = {"chat": "text", "speech": "text", "transcription": "seconds"}
    missing = needed.get(given.kind)
    if missing and getattr(given, missing) is None:
        raise InvalidArgumentError(f"{given.kind} costs by its {missing}: pass it", param=missing)
    if given.kind == "chat":
        return (yield from ask(account.estimate_chat_cost(given.text or "", model=model)))
    work: dict[str, dict[str, Any]] = {
        "image": {"size": given.size, "n": given.n},
        "speech": {"text": given.text},
    }
    about = work.get(given.kind, {"seconds": given.seconds})
    found = yield from account.estimate_media_cost(_KINDS[given.kind], model=model, **about)
    if found.usd is None and given.kind == "video" and given.seconds is None:
        raise InvalidArgumentError(f"{model} may cost by its seconds: pass them", param="seconds")
    return found


def _amount(value: Decimal | None) -> str:
    return "an unknown number of" if value is None else f"{value.normalize():f}"
