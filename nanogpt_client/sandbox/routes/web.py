"""`POST /api/web`: search results, a sourced answer, or an object that follows a schema."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from nanogpt_client.sandbox.answers.turn import SearchResult
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.chat_search import check_backend
from nanogpt_client.sandbox.errors import Style, invalid, missing, sandbox_error
from nanogpt_client.sandbox.media.search import search
from nanogpt_client.sandbox.messages import Reply, iso, json_reply
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
    results = search(
        query,
        limit=integer(body, "maxResults", 1, 50) or 10,
        include_domains=_domains(body, "includeDomains"),
        exclude_domains=_domains(body, "excludeDomains"),
        from_date=_day(body, "fromDate"),
        to_date=_day(body, "toDate"),
    )
    if output == "searchResults":
        data: Any = _results(results, images=body.get("includeImages") is True)
    else:
        data = _answer(exchange, query, results, schema)
    charge = Charge(f"Web search ({provider})", search_price(provider, depth))
    exchange.world.account.charge(charge)
    asked = {"query": query, "provider": provider, "operation": "search", "depth": depth}
    done = {"timestamp": iso(exchange.world.clock()), "cost": charge.cost}
    return json_reply({"data": data, "metadata": {**asked, "outputType": output, **done}})


def _check_output(body: dict[str, Any], provider: str, output: object) -> dict[str, Any] | None:
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
    schema = _json(text)
    message = "structuredOutputSchema must be a JSON schema as a string."
    if not isinstance(schema, dict):
        raise invalid(message, "structuredOutputSchema", "invalid_json_schema")
    return schema


def _answer(
    exchange: Exchange, query: str, results: list[SearchResult], schema: dict[str, Any] | None
) -> Any:
    """Ask the model about the results; return its answer with sources, or its JSON."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": query}]}
    if schema is None:
        text = exchange.ask_model(body, search_results=tuple(results)).text
        sources = [
            {"name": each.title, "url": each.url, "snippet": each.content[:_SNIPPET]}
            for each in results
        ]
        return {"answer": text, "sources": sources}
    wanted = {"name": "answer", "strict": True, "schema": schema}
    body["response_format"] = {"type": "json_schema", "json_schema": wanted}
    text = exchange.ask_model(body, search_results=tuple(results)).text
    if (value := _json(text)) is None:
        message = "The sandbox's model must answer a structured web search with JSON, not with"
        raise sandbox_error(f"{message} {text[:80]!r}.", "sandbox_model_error")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _results(results: list[SearchResult], *, images: bool) -> list[dict[str, Any]]:
    pages: list[dict[str, Any]] = [{"title": each.title, "url": each.url} for each in results]
    found = [
        {"type": "text", **page, "content": each.content}
        for page, each in zip(pages, results, strict=True)
    ]
    if images:
        found += [
            {"type": "image", **page, "imageUrl": f"{page['url']}/picture.png"}
            for page in pages[:2]
        ]
    return found


def _domains(body: dict[str, Any], name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(domain, str) for domain in given):
        raise invalid(f"{name} must be an array of strings.", name)
    return given


def _day(body: dict[str, Any], name: str) -> str | None:
    given = body.get(name)
    try:
        return None if given is None else date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise invalid(f"{name} must be a date like 2026-01-31.", name) from None


ROUTES = [
    Route("POST", "web", web, style=Style.SIMPLE),
    Route("POST", "v1/data/web/search", web, style=Style.SIMPLE),
]
