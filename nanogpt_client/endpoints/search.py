"""Web search without a model.

Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Unpack

from nanogpt_client._protocol.call import Call, Reply, RetrySafety
from nanogpt_client.endpoints import _checks
from nanogpt_client.endpoints._requests import encode, post, read_object
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.options import WebSearchOptions
from nanogpt_client.types.search import WebSearchResult

_WIRE_NAMES = {
    "output_type": "outputType",
    "include_images": "includeImages",
    "from_date": "fromDate",
    "to_date": "toDate",
    "include_domains": "includeDomains",
    "exclude_domains": "excludeDomains",
    "max_results": "maxResults",
}


def search_web(query: str, **options: Unpack[WebSearchOptions]) -> Call[WebSearchResult]:
    """Search the web; ``schema`` requests a structured answer.

    The query may be empty only if ``extra_body`` names another ``operation`` (provider Sofya).
    """
    given = _checks.body_options(options, WebSearchOptions)
    schema = given.pop("schema", None)
    if schema is not None:
        given.setdefault("output_type", "structured")
        given["structuredOutputSchema"] = encode(schema).decode()  # documented as a string
    structured = given.get("output_type") == "structured"
    if structured != (schema is not None):
        msg = "pass schema and output_type='structured' together"
        raise InvalidArgumentError(msg, param="schema")
    if given.get("from_date", "") > given.get("to_date", "9999"):
        msg = f"from_date {given['from_date']} is after to_date {given['to_date']}"
        raise InvalidArgumentError(msg, param="from_date")
    body = _query(query, options)
    body |= {_WIRE_NAMES.get(name, name): value for name, value in given.items()}

    request = post("/web", body, options, root="api")
    parse = partial(read_result, structured=structured)
    return Call(request, parse, "search", None, RetrySafety.IF_REJECTED, billable=True)


def read_result(reply: Reply, *, structured: bool = False) -> WebSearchResult:
    """Read a response; ``structured`` if a schema was sent."""
    answer = read_object(reply)
    billing = Billing.read(answer, reply.headers)
    return WebSearchResult.read(answer, billing, structured=structured)


def _query(query: str, options: Mapping[str, Any]) -> dict[str, Any]:
    if not query and (options.get("extra_body") or {}).get("operation"):
        return {}
    return {"query": _checks.check_text("query", query)}
