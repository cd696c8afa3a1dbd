"""Web pages and transcripts: one item per URL, a few URLs a request, each paid once."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import BadRequestError, Budget, BudgetExceededError, Progress
from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client._protocol.policy import send_with_retries
from nanogpt_client._protocol.steps import Addresses
from nanogpt_client.endpoints.pages import read_pages, scrape, scrape_pages, youtube_transcripts
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from tests.support.driving import ODD_VALUES, context, drive, reply
from tests.support.typed import as_declared
from tests.unit.nanogpt_client.clients.shell import BOTH

URLS = [f"https://example.com/{n}" for n in range(12)]
VIDEOS = [f"https://youtu.be/{n:011d}" for n in range(12)]
PAGE = {"url": URLS[0], "success": True, "title": "Nano", "content": "<h1>Nano</h1>",
        "markdown": "# Nano"}  # fmt: skip
FAILED = {"url": URLS[1], "success": False, "error": "Failed to scrape URL"}


def answer(*results: Any, key: str = "results", cost: Any = 0.001) -> dict[str, Any]:
    return {key: list(results), "summary": {"totalCost": cost}}


def read(body: Any, *urls: str, status: int = 200) -> Any:
    return scrape_pages(urls or URLS[:2]).parse(reply(body, status))


def test_the_requests():
    call = scrape_pages(URLS[:2])
    assert (call.request.method, call.request.root, call.request.path) == (
        "POST", "api", "/scrape-urls",
    )  # fmt: skip
    assert (call.kind, call.resend, call.billable) == ("scrape", RetrySafety.IF_REJECTED, True)
    assert call.request.json == {"urls": URLS[:2]}
    assert call.estimate is not None
    assert call.estimate() == Decimal("0.002")

    call = scrape_pages(URLS[:1], stealth=True, timeout=9.0, extra_body={"x": 1})
    assert call.request.json == {"urls": URLS[:1], "stealthMode": True, "x": 1}
    assert (call.request.timeout, call.estimate and call.estimate()) == (9.0, Decimal("0.005"))

    other = youtube_transcripts(VIDEOS[:3])
    assert (other.request.path, other.kind) == ("/youtube-transcribe", "youtube")
    assert other.request.json == {"urls": VIDEOS[:3]}
    assert other.estimate is not None
    assert other.estimate() == Decimal("0.03")


@pytest.mark.parametrize(("endpoint", "most"), [(scrape_pages, 5), (youtube_transcripts, 10)])
def test_a_request_takes_so_many(endpoint, most):
    assert len(endpoint(URLS[:most]).request.json["urls"]) == most
    for wrong in ([], URLS[: most + 1]):
        with pytest.raises(InvalidArgumentError, match=f"1 to {most} urls, not {len(wrong)}"):
            endpoint(wrong)


def test_one_of_two_may_fail():
    found = read(answer(PAGE, FAILED))
    page, failed = found
    assert (page.url, page.title, page.text, page.html) == (
        URLS[0], "Nano", "# Nano", "<h1>Nano</h1>",
    )  # fmt: skip
    assert (page.error, page.cost, page.raw) == (None, Decimal("0.001"), PAGE)
    assert (failed.url, failed.text, failed.error) == (URLS[1], "", "Failed to scrape URL")
    assert failed.cost == 0
    assert (found.succeeded, found.failed) == ((page,), (failed,))
    assert (found.cost, found.billing.source) == (Decimal("0.001"), "summary.totalCost")
    assert found.raw == answer(PAGE, FAILED)
    assert (len(found), found[1]) == (2, failed)


def test_a_transcript():
    item = {"url": VIDEOS[0], "success": True, "title": "Song", "transcript": "Never gonna"}
    found = youtube_transcripts(VIDEOS[:1]).parse(
        reply(answer(item, key="transcripts", cost=0.01), x_request_id="req-1")
    )
    (video,) = found
    assert (video.title, video.text, video.cost) == ("Song", "Never gonna", Decimal("0.01"))
    assert found.billing.request_id == "req-1"


def test_the_total_is_in_dollars_whatever_paid():
    body = answer(PAGE) | {"paymentSource": "XNO", "remainingBalance": 3}
    found = read(body, URLS[0])
    assert (found.cost, found.billing.balance, found.billing.balance_nano) == (
        Decimal("0.001"), None, 3,
    )  # fmt: skip
    assert read(answer(PAGE, cost=None), URLS[0]).cost is None
    assert read(answer(PAGE, cost=None), URLS[0])[0].cost is None


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"success": False}, "NanoGPT gave no reason"),
        ({"success": False, "error": {"message": "too large"}}, "too large"),
        ({"error": "blocked"}, "blocked"),
        ({"success": True, "error": "no title", "markdown": "text"}, None),
        ({"markdown": "text"}, None),
        ({"title": "only"}, "NanoGPT gave no reason"),
    ],
)
def test_what_counts_as_failed(item, error):
    assert read(answer({"url": URLS[0], **item}), URLS[0])[0].error == error


def test_a_page_without_markdown_has_its_html():
    item = {"url": URLS[0], "success": True, "content": "<p>hi"}
    assert read(answer(item), URLS[0])[0].text == "<p>hi"


def test_items_are_matched_by_their_url_else_by_their_order():
    other = {**PAGE, "url": URLS[1], "markdown": "# Other"}
    assert [page.text for page in read(answer(other, PAGE))] == ["# Nano", "# Other"]
    moved = {**PAGE, "url": "https://www.example.com/0/"}
    assert [(page.url, page.text) for page in read(answer(moved, other))] == [
        (URLS[0], "# Nano"), (URLS[1], "# Other"),
    ]  # fmt: skip


def test_a_url_that_is_written_differently_is_the_same():
    one, two = URLS[:2]
    second = {**PAGE, "url": two.replace("example", "EXAMPLE") + "/#top", "markdown": "# Two"}
    first = {**PAGE, "url": one + "/", "markdown": "# One"}
    assert [(page.url, page.text) for page in read(answer(second, first), one, two)] == [
        (one, "# One"), (two, "# Two"),
    ]  # fmt: skip


def test_a_page_that_came_twice_is_there_twice_and_no_other_gets_it():
    found = read(answer({**PAGE, "url": URLS[1]}, {**PAGE, "url": URLS[1], "markdown": "# Again"}))
    assert [(page.url, page.text, page.error) for page in found] == [
        (URLS[0], "", "NanoGPT gave no reason"), (URLS[1], "# Nano", None),
        (URLS[1], "# Again", None),
    ]  # fmt: skip


def test_nothing_that_came_is_lost_and_nothing_that_is_missing_hides():
    more = {**PAGE, "url": "https://other.example"}
    found = read(answer(PAGE, more, {**more, "url": "https://third.example"}))
    assert [(page.url, page.error) for page in found] == [
        (URLS[0], None), (URLS[1], "NanoGPT gave no reason"),
        ("https://other.example", None), ("https://third.example", None),
    ]  # fmt: skip


def test_pages_of_an_earlier_call_have_the_urls_of_the_response():
    body = answer(
        {"url": "https://a.org", "success": True, "markdown": "A"},
        {"url": "https://b.org", "success": False, "error": "away"},
        {"success": True, "markdown": "C"},
    )
    found = read_pages(reply(body))
    assert [(page.url, page.text, page.error) for page in found] == [
        ("https://a.org", "A", None), ("https://b.org", "", "away"), ("", "C", None),
    ]  # fmt: skip
    assert found.cost == Decimal("0.001")


@pytest.mark.parametrize("body", [{}, {"results": "none"}])
def test_pages_of_an_earlier_call_that_are_missing_may_be_paid(body):
    with pytest.raises(InvalidResponseError) as caught:
        read_pages(reply(body))
    assert caught.value.maybe_billed


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": {}}, {"summary": {}}])
def test_an_answer_without_results_is_an_error_that_may_be_paid(body):
    with pytest.raises(InvalidResponseError, match="without results") as caught:
        read(body)
    assert caught.value.maybe_billed


@given(st.sampled_from(ODD_VALUES), st.sampled_from(["url", "success", "title", "content",
       "markdown", "error"]), st.sampled_from(ODD_VALUES))  # fmt: skip
def test_odd_values_break_no_reader(value, name, total):
    call = scrape_pages(URLS[:1])
    body = answer({**PAGE, name: value}, cost=total)
    driven = drive(send_with_retries(call, context()), reply(body))
    assert driven.error is None
    for page in as_declared(driven.result).items:
        as_declared(page)
    with suppress(NanoGPTError):
        call.parse(reply({"results": value}))


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("https://www.youtube.com/watch?v=x", r"urls\[1\]: .* is on YouTube"),
        ("https://youtu.be/x", "is on YouTube"),
        ("ftp://example.com", "is not an http"),
        ("example.com", "is not an http"),
        ("https://example.com:8443/", "has the port 8443"),
        ("http://localhost/", "inside a private network, which NanoGPT cannot reach$"),
        ("http://10.0.0.7/", "leads to 10.0.0.7, inside a private network"),
        ("http://169.254.169.254/latest", "inside a private network"),
        ("", "must be a non-empty string"),
        (7, "must be a non-empty string"),
    ],
)
def test_a_url_that_nanogpt_refuses_is_not_sent(url, match):
    nowhere = Addresses(trusted=False)
    driven = drive(scrape([URLS[0], url]), *[nowhere] * 2, spare=True)
    with pytest.raises(InvalidArgumentError, match=match):
        raise driven.failure(InvalidArgumentError)


def test_a_name_that_leads_into_a_private_network_is_not_sent():
    driven = drive(scrape("https://wiki.example"), Addresses(trusted=False, addresses=["10.1.1.1"]))
    assert "10.1.1.1" in str(driven.failure(InvalidArgumentError))


class Wire:
    """Reads every page but those in ``fails``; refuses requests that have one of ``refuses``."""

    def __init__(self, *fails: str, refuses: str = "") -> None:
        self.sent: list[list[str]] = []
        self.fails, self.refuses = fails, refuses

    def __call__(self, request: httpx.Request) -> httpx.Response:
        urls = json.loads(request.content)["urls"]
        self.sent.append(urls)
        if self.refuses in urls:
            return httpx.Response(400, json={"error": "no"})
        key = "results" if request.url.path.endswith("scrape-urls") else "transcripts"
        items = [
            {"url": url, "success": False, "error": "gone"}
            if url in self.fails
            else {"url": url, "success": True, "markdown": url, "transcript": url}
            for url in urls
        ]
        cost = sum(item["success"] for item in items) / 1000
        return httpx.Response(200, json=answer(*items, key=key, cost=cost))

    async def answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)


@pytest.fixture(params=BOTH, ids=lambda shell: shell.name)
def use(request):
    """Return a function that does one thing with either client; it returns the client, too."""

    def act(wire: Wire, method: str, *args: Any, budget: Any = None, **options: Any) -> Any:
        handler = wire if request.param.name == "sync" else wire.answer
        transport: Any = httpx.MockTransport(handler)
        cls = httpx.Client if request.param.name == "sync" else httpx.AsyncClient
        settings = {"http_client": cls(transport=transport), "max_retries": 0, "budget": budget}
        return request.param.use(settings, method, *args, **options)

    return act


@pytest.mark.parametrize(
    ("method", "urls", "sizes"),
    [("scrape", URLS, [5, 5, 2]), ("transcribe_youtube", VIDEOS, [10, 2])],
)
def test_more_urls_go_in_parts_and_come_back_in_order(use, method, urls, sizes):
    wire, seen = Wire(urls[7]), []

    def note(progress: Progress) -> None:
        seen.append((progress.done, progress.total))

    found, client = use(wire, method, urls, on_progress=note)
    assert sorted(map(len, wire.sent), reverse=True) == sizes
    assert [item.url for item in found] == urls
    assert [item.text for item in found] == [url if url != urls[7] else "" for url in urls]
    assert [(item.url, item.error) for item in found.failed] == [(urls[7], "gone")]
    assert found.cost == client.ledger.spent == Decimal("0.011")
    assert len(found.raw["parts"]) == len(client.ledger) == len(sizes)
    assert seen[-1] == (len(sizes), len(sizes))


def test_one_url_is_one_item(use):
    found, _ = use(Wire(), "scrape", URLS[0])
    assert [item.text for item in found] == [URLS[0]]
    assert found.raw["summary"]["totalCost"] == 0.001


def test_a_url_that_is_passed_twice_is_read_and_paid_once(use):
    wire = Wire()
    found, _ = use(wire, "scrape", [URLS[0], URLS[1], URLS[0]])
    assert wire.sent == [URLS[:2]]
    assert [item.url for item in found] == [URLS[0], URLS[1], URLS[0]]
    assert found.cost == Decimal("0.002")


def test_what_arrived_before_a_failure_is_kept(use):
    wire = Wire(refuses=URLS[5])
    with pytest.raises(BadRequestError) as caught:
        use(wire, "scrape", URLS, max_concurrency=1)
    assert len(wire.sent) == 2  # none after the one that failed
    assert [item.url for item in caught.value.partial] == URLS[:5]
    assert caught.value.partial.cost == Decimal("0.005")


def test_where_nothing_arrived_there_is_no_partial(use):
    with pytest.raises(BadRequestError) as caught:
        use(Wire(refuses=URLS[0]), "scrape", URLS[:2])
    assert caught.value.partial is None


def test_a_budget_reserves_the_documented_price(use):
    wire = Wire()
    with pytest.raises(BudgetExceededError):
        use(wire, "scrape", URLS[:5], stealth=True, budget=Budget(usd="0.024"))
    assert wire.sent == []
    use(wire, "scrape", URLS[:5], budget=Budget(usd="0.005"))
    assert len(wire.sent) == 1


@pytest.mark.parametrize("urls", [[], (), None, b"https://example.com", 7])
@pytest.mark.parametrize("method", ["scrape", "transcribe_youtube"])
def test_no_urls_are_refused(use, method, urls):
    with pytest.raises(InvalidArgumentError, match="urls must be a URL or a list"):
        use(Wire(), method, urls)


@pytest.mark.parametrize("url", ["https://vimeo.com/1", "dQw4w9WgXcQ", "https://notyoutube.com/x"])
def test_what_is_not_on_youtube_is_not_sent(use, url):
    with pytest.raises(InvalidArgumentError, match="is not on YouTube; pass a URL such as"):
        use(Wire(), "transcribe_youtube", url)


def test_an_unknown_option_is_refused(use):
    with pytest.raises(InvalidArgumentError, match="unknown option 'depth'"):
        use(Wire(), "scrape", URLS[0], depth=2)
