"""A wire that reads web pages and transcripts, for the loaders and readers of both frameworks."""

from __future__ import annotations

import json
from typing import Any

import httpx

URLS = [f"https://example.com/{n}" for n in range(12)]
VIDEOS = [f"https://youtu.be/{n:011d}" for n in range(12)]


class PageWire:
    """Reads every URL but those in ``fails``; refuses requests that have the URL ``refuses``."""

    def __init__(self, *fails: str, refuses: str = "") -> None:
        self.sent: list[dict[str, Any]] = []
        self.fails, self.refuses = fails, refuses

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.sent.append(body)
        if self.refuses in body["urls"]:
            return httpx.Response(402, json={"error": "Insufficient balance"})
        web = request.url.path.endswith("scrape-urls")
        items = [self._item(url) for url in body["urls"]]
        cost = sum(item["success"] for item in items) * (0.001 if web else 0.01)
        key = "results" if web else "transcripts"
        return httpx.Response(200, json={key: items, "summary": {"totalCost": round(cost, 3)}})

    def _item(self, url: str) -> dict[str, Any]:
        if url in self.fails:
            return {"url": url, "success": False, "error": "gone"}
        texts = {"markdown": f"# {url}", "transcript": f"said in {url}"}
        return {"url": url, "success": True, "title": f"Title of {url}", **texts}

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that make a framework's class be answered by this."""
        return {
            "api_key": "k-1",
            "max_retries": 0,
            "http_client": httpx.Client(transport=httpx.MockTransport(self)),
            "http_async_client": httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
        }
