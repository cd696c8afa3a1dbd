"""`POST /api/web`: search results, a sourced answer, or an object that follows a schema."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from nanogpt_client.sandbox.answers.turn import SearchResult, Turn
from nanogpt_client.sandbox.billing import bill
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.chat_search import check_backend
from nanogpt_client.sandbox.failures import Style, invalid, missing
from nanogpt_client.sandbox.media.search import search
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import WEB_SEARCH_MINIMUM, Charge, search_price
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import integer
from nanogpt_client.sandbox.world import Exchange

_OUTPUTS = ("searchResults", "sourcedAnswer", "structured")
_SNIPPET = 300


def web(exchange: Exchange) -> Reply:
    """Search the built-in corpus. Raises `Refusal` (400; 402 below one dollar)."""
    body = read_json(exchange.request)
    query = body.get("query")
    if not isinstance(query, str) or not query.strip():
        raise invalid("Query parameter is required and must be a string", "query")
    provider = body.get("provider") or "linkup"
    depth = body.get("depth") or "standard"
    output = body.get("outputType") or "searchResults"
    check_backend(provider, depth, "web")
    schema = _check_output(body, provider, output)
    exchange.world.account.demand(WEB_SEARCH_MINIMUM)
    hits = search(
        query,
        limit=integer(body, "maxResults", 1, 50) or 10,
        include_domains=_domains(body, "includeDomains"),
        exclude_domains=_domains(body, "excludeDomains"),
        from_date=_day(body, "fromDate"),
        to_date=_day(body, "toDate"),
    )
    charge = Charge(f"Web search ({provider})", search_price(provider, depth))
    bill(exchange, charge)
    now = datetime.fromtimestamp(exchange.world.clock(), UTC).isoformat(timespec="milliseconds")
    metadata = {
        "query": query,
        "provider": provider,
        "operation": "search",
        "depth": depth,
        "outputType": output,
        "timestamp": now.replace("+00:00", "Z"),
        "cost": charge.cost,
    }
    data = _data(exchange, body, hits, schema)
    return json_reply({"data": data, "metadata": metadata})


def _check_output(body: dict[str, Any], provider: str, output: object) -> dict[str, Any] | None:
    """Return the schema of a structured request."""
    if output not in _OUTPUTS:
        raise invalid(f"outputType must be one of {', '.join(_OUTPUTS)}.", "outputType")
    if output != "searchResults" and provider != "linkup":
        raise invalid(f"{provider} supports only outputType searchResults.", "outputType")
    if (body.get("operation") or "search") != "search":
        raise invalid("The sandbox emulates only the search operation.", "operation")
    if output != "structured":
        return None
    text = body.get("structuredOutputSchema")
    if not isinstance(text, str):
        raise missing("structuredOutputSchema")
    try:
        schema = json.loads(text)
    except ValueError:
        schema = None
    if not isinstance(schema, dict):
        raise invalid(
            "structuredOutputSchema must be a JSON schema as a string.",
            "structuredOutputSchema",
            "invalid_json_schema",
        )
    return schema


def _data(
    exchange: Exchange,
    body: dict[str, Any],
    hits: list[SearchResult],
    schema: dict[str, Any] | None,
) -> Any:
    if (body.get("outputType") or "searchResults") == "searchResults":
        return _results(hits, images=body.get("includeImages") is True)
    turn = _answered(exchange, body["query"], hits, schema)
    if schema is not None:
        return json.loads(turn.text)
    sources = [
        {"name": hit.title, "url": hit.url, "snippet": hit.content[:_SNIPPET]} for hit in hits
    ]
    return {"answer": turn.text, "sources": sources}


def _answered(
    exchange: Exchange, query: str, hits: list[SearchResult], schema: dict[str, Any] | None
) -> Turn:
    """Ask the model about the results, for JSON where there is a schema."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": query}]}
    if schema is not None:
        wanted = {"name": "answer", "strict": True, "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    return exchange.ask_model(body, search_results=tuple(hits))


def _results(hits: list[SearchResult], *, images: bool) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"type": "text", "title": hit.title, "url": hit.url, "content": hit.content} for hit in hits
    ]
    if images:
        found += [
            {
                "type": "image",
                "title": hit.title,
                "url": hit.url,
                "imageUrl": f"{hit.url}/picture.png",
            }
            for hit in hits[:2]
        ]
    return found


def _domains(body: dict[str, Any], name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(domain, str) for domain in given):
        raise invalid(f"{name} must be an array of strings.", name)
    return given


def _day(body: dict[str, Any], name: str) -> str | None:
    given = body.get(name)
    if given is None:
        return None
    try:
        return date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise invalid(f"{name} must be a date like 2026-01-31.", name) from None


ROUTES = [
    Route("POST", "web", web, style=Style.SIMPLE),
    Route("POST", "v1/data/web/search", web, style=Style.SIMPLE),
]
