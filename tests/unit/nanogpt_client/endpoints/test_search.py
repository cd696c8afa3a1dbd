"""Web search: our words become the route's; answers of all three kinds."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client._protocol.policy import send_with_retries
from nanogpt_client.endpoints.search import search_web
from nanogpt_client.errors import InvalidArgumentError, NanoGPTError
from tests.support.driving import ODD_VALUES, context, drive, reply
from tests.support.typed import as_declared

SCHEMA = {"type": "object", "properties": {"year": {"type": "integer"}}}


def body_of(query: str = "nano", **options: Any) -> Any:
    call = search_web(query, **options)
    assert (call.request.root, call.request.path) == ("api", "/web")
    assert (call.kind, call.resend, call.billable) == ("search", RetrySafety.IF_REJECTED, True)
    return json.loads(call.request.content or b"")


def test_the_request():
    assert body_of() == {"query": "nano"}
    assert body_of(
        provider="exa", depth="fast", output_type="sourcedAnswer", include_images=False,
        from_date="2026-01-01", to_date="2026-02-01", include_domains=["a.org"],
        exclude_domains=["b.org"], max_results=3,
    ) == {
        "query": "nano", "provider": "exa", "depth": "fast", "outputType": "sourcedAnswer",
        "includeImages": False, "fromDate": "2026-01-01", "toDate": "2026-02-01",
        "includeDomains": ["a.org"], "excludeDomains": ["b.org"], "maxResults": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("2026-01-31", "2026-01-31"),
        ("20260131", "2026-01-31"),
        ("2026-01-31T12:00:00Z", "2026-01-31"),
        ("2026-01-31T23:59:00.5+02:00", "2026-01-31"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31"),
    ],
)
def test_any_iso_date_becomes_a_day(given, sent):
    assert body_of(from_date=given)["fromDate"] == sent


def test_every_documented_provider():
    for name in "linkup tavily exa kagi perplexity valyu brave sofya firecrawl".split():
        assert body_of(provider=name)["provider"] == name


def test_other_operations_need_no_query():
    words = {"operation": "fetch", "urls": ["https://a"]}
    assert body_of("", provider="sofya", extra_body=words) == {"provider": "sofya", **words}


def test_a_schema_is_sent_as_text():
    body = body_of(schema=SCHEMA)
    assert body["outputType"] == "structured"
    assert json.loads(body["structuredOutputSchema"]) == SCHEMA


@pytest.mark.parametrize(
    ("query", "options", "match"),
    [
        ("", {}, "query must be"),
        ("x", {"output_type": "structured"}, "together"),
        ("x", {"output_type": "searchResults", "schema": SCHEMA}, "together"),
        ("x", {"max_results": 0}, "max_results=0"),
        ("x", {"from_date": "yesterday"}, "from_date='yesterday': it must be a day like"),
        ("x", {"to_date": "2026-02-30"}, "to_date='2026-02-30': it must be a day like"),
        ("x", {"to_date": "2026"}, "to_date='2026': it must be a day like"),
        ("x", {"from_date": "2026-01-02", "to_date": "2026-01-01"}, "2026-01-02 is after to_date"),
        ("x", {"outputType": "structured"}, "did you mean 'output_type'"),
        ("x", {"schema": {"x": object()}}, "JSON"),
        ("x", {"schema": {"x": float("nan")}}, "JSON"),
    ],
)
def test_what_cannot_work_is_refused_before_sending(query, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        search_web(query, **options)


def search(body: Any, **options: Any) -> Any:
    driven = drive(send_with_retries(search_web("nano", **options), context()), reply(body))
    if driven.error is not None:
        raise driven.error
    return driven.result


def test_hits_with_their_price():
    found = search({"data": [{"url": "https://a", "title": "A"}], "metadata": {"cost": 0.006}})
    assert [hit.title for hit in found] == ["A"]
    assert str(found.billing.cost) == "0.006"


def test_a_text_alone_is_the_answer():
    found = search({"data": "It is 42.", "metadata": {"cost": 0.006}}, output_type="sourcedAnswer")
    assert (found.answer, found.hits) == ("It is 42.", ())


def test_a_structured_answer():
    assert search({"data": {"year": 2015}}, schema=SCHEMA).structured == {"year": 2015}


@given(
    st.sampled_from(ODD_VALUES)
    | st.dictionaries(
        st.sampled_from(["data", "metadata", "error"]),
        st.sampled_from(ODD_VALUES)
        | st.dictionaries(
            st.sampled_from(["answer", "sources", "cost"]), st.sampled_from(ODD_VALUES)
        )
        | st.lists(
            st.dictionaries(
                st.sampled_from(["url", "title", "type", "content", "imageUrl"]),
                st.sampled_from(ODD_VALUES),
            )
        ),
    ),
    st.sampled_from([{}, {"schema": SCHEMA}]),
)
def test_any_json_is_an_answer_or_an_error(body, options):
    with suppress(NanoGPTError):
        as_declared(search(body, **options))


@pytest.mark.parametrize(
    ("body", "cost", "nano"),
    [
        ({"metadata": {"cost": 0.006}}, "0.006", None),
        ({"metadata": {"cost": 0.006, "currency": "XNO"}}, None, "0.006"),
        ({"metadata": {"cost": 0.006, "paymentSource": "nano"}}, None, "0.006"),
        ({"metadata": {"cost": 0.006}, "paymentSource": "XNO"}, None, "0.006"),
        # what a structured answer holds is the searcher's own
        ({"data": {"cost": 9, "currency": "XNO"}, "metadata": {"cost": 0.006}}, "0.006", None),
    ],
)
def test_what_a_search_cost(body, cost, nano):
    call = search_web("x", schema=SCHEMA)
    found = drive(send_with_retries(call, context()), reply({"data": {"year": 2015}} | body)).result
    assert [
        None if n is None else str(n) for n in (found.billing.cost, found.billing.cost_nano)
    ] == [cost, nano]
