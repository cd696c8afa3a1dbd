"""Pages and transcripts: given, known or made up, failing alone, paid for what succeeds."""

from __future__ import annotations

import json
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import ask

PAGE, VIDEO = "https://docs.example.com/a", "https://youtu.be/kJQP7kiw5Fk"


def scrape(app: SandboxApp, *urls: Any, **body: Any) -> Reply:
    return ask(app, "POST", "/api/scrape-urls", {"urls": [*urls]} | body)


def transcribe(app: SandboxApp, *urls: Any) -> Reply:
    return ask(app, "POST", "/api/youtube-transcribe", {"urls": [*urls]})


def test_a_page_that_the_sandbox_was_given():
    app = SandboxApp(pages={PAGE: "# Rules\n\nBe <kind>.", f"{PAGE}/b": None})
    found = scrape(app, PAGE, f"{PAGE}/b").json()
    assert found["results"] == [
        {
            "url": PAGE, "success": True, "title": "Rules", "markdown": "# Rules\n\nBe <kind>.",
            "content": "<title>Rules</title><pre># Rules\n\nBe &lt;kind&gt;.</pre>",
        },
        {"url": f"{PAGE}/b", "success": False, "error": "Failed to scrape URL"},
    ]  # fmt: skip
    assert found["summary"] == {
        "requested": 2, "processed": 2, "successful": 1, "failed": 1, "totalCost": 0.001,
        "stealthModeUsed": False,
    }  # fmt: skip
    assert app.balance == Decimal("4.999")


def test_a_page_that_the_search_knows():
    file = resources.files("nanogpt_client.sandbox") / "data" / "corpus.json"
    article = json.loads(file.read_text("utf-8"))[0]
    (page,) = scrape(SandboxApp(), article["url"]).json()["results"]
    assert page["title"] == article["title"]
    assert article["content"] in page["markdown"]


def test_any_other_page_says_where_it_comes_from():
    app = SandboxApp()
    first, second = scrape(app, PAGE, "https://no.invalid/").json()["results"]
    assert first["title"] == PAGE
    assert "fetches nothing from other hosts" in first["markdown"]
    assert second == {"url": "https://no.invalid/", "success": False,
                      "error": "Failed to scrape URL"}  # fmt: skip


def test_stealth_costs_five_times_as_much():
    app = SandboxApp()
    summary = scrape(app, PAGE, stealthMode=True).json()["summary"]
    assert (summary["totalCost"], summary["stealthModeUsed"]) == (0.005, True)
    assert app.balance == Decimal("4.995")


def test_a_page_has_at_most_100_kilobytes():
    app = SandboxApp(pages={PAGE: "é" * 100_000})
    (page,) = scrape(app, PAGE).json()["results"]
    assert len(page["markdown"].encode()) == 100 * 1024


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com", "x", "http://localhost/", "http://10.0.0.1/", "https://a.com:8080",
     "https://www.youtube.com/watch?v=kJQP7kiw5Fk", "https://[", "http://intranet/"],
)  # fmt: skip
def test_a_url_that_is_not_on_the_public_web_is_not_processed(url):
    app = SandboxApp()
    found = scrape(app, url).json()
    assert found["results"] == [{"url": url, "success": False, "error": "Invalid URL"}]
    assert (found["summary"]["processed"], found["summary"]["totalCost"]) == (0, 0)
    assert app.balance == Decimal("5.00")


def test_transcripts():
    bad, foreign = "https://youtube.com/watch?v=invalid", "https://vimeo.com/1"
    app = SandboxApp(pages={VIDEO: "We're no strangers\nto love"})
    other = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    found = transcribe(app, VIDEO, other, bad, foreign).json()
    known, made, failed, refused = found["transcripts"]
    assert known == {"url": VIDEO, "success": True, "title": "We're no strangers",
                     "transcript": "We're no strangers\nto love"}  # fmt: skip
    assert "dQw4w9WgXcQ" in made["transcript"]
    assert failed["error"] == "Video not found or transcripts not available"
    assert refused["error"] == "Invalid YouTube URL"
    assert found["summary"] == {
        "requested": 4, "processed": 3, "successful": 2, "failed": 2, "totalCost": 0.02,
    }  # fmt: skip
    assert app.balance == Decimal("4.98")


@pytest.mark.parametrize("form", ["https://m.youtube.com/watch?v={}", "https://youtu.be/{}?t=3",
    "https://youtube.com/embed/{}", "https://youtube.com/live/{}", "http://www.youtube.com/watch?a=b&v={}"])  # fmt: skip  # noqa: E501
def test_every_documented_form_of_a_url(form):
    (found,) = transcribe(SandboxApp(), form.format("kJQP7kiw5Fk")).json()["transcripts"]
    assert found["success"]


@pytest.mark.parametrize(
    ("path", "most", "message"),
    [
        ("/api/scrape-urls", 5, "Please provide an array of URLs to scrape"),
        ("/api/youtube-transcribe", 10, "Please provide an array of YouTube URLs"),
    ],
)
def test_requests_that_are_refused(path, most, message):
    app = SandboxApp()
    bodies: list[dict[str, Any]] = [{}, {"urls": []}, {"urls": PAGE}, {"urls": [7]}]
    for body in bodies:
        reply = ask(app, "POST", path, body)
        assert (reply.status, reply.json()["error"]) == (400, message)
    reply = ask(app, "POST", path, {"urls": [VIDEO] * (most + 1)})
    assert (reply.status, reply.json()["error"]) == (400, f"Maximum {most} URLs per request")


def test_the_balance_must_cover_all_pages():
    app = SandboxApp(balance="0.001")
    reply = scrape(app, PAGE, "https://no.invalid/")
    assert (reply.status, reply.json()["error"]) == (402, "Insufficient balance")
    assert app.balance == Decimal("0.001")
    assert scrape(app, PAGE).status == 200
