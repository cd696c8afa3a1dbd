"""Pages and voices are paid once: POSTs counted at a socket, whatever breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from langchain_nanogpt import NanoGPTWebLoader
from llama_index_nanogpt import NanoGPTWebReader
from nanogpt_client import (
    InvalidResponseError,
    JobError,
    NanoGPTClient,
    NanoGPTError,
    OutcomeUnknownError,
    ServerError,
)
from tests.support.rawserver import End, RawServer, Script, http_reply
from tests.unit.nanogpt_client.clients.shell import BOTH, KEY

URLS = [f"https://example.com/{n}" for n in range(7)]


def answer(body: Any, status: int = 200) -> Script:
    return [http_reply(json.dumps(body).encode(), status=status)]


def pages(*urls: str) -> Script:
    items = [{"url": url, "success": True, "markdown": "text"} for url in urls]
    return answer({"results": items, "summary": {"totalCost": len(urls) / 1000}})


BUSY = answer({"error": {"message": "busy"}}, 503)
CUT: Script = [End.RESET]
PENDING = answer({"runId": "run-1", "status": "pending", "cost": 0.25}, 202)
READY = answer({"status": "completed", "speakerEmbeddingUrl": "https://cdn.example/v"})


@pytest.fixture(params=BOTH, ids=lambda shell: shell.name)
def use(request):
    def act(server: RawServer, method: str, *args: Any, **options: Any) -> Any:
        settings = {"base_url": server.base_url, "max_retries": 1}
        return request.param.use(settings, method, *args, **options)[0]

    return act


def test_pages_are_sent_again_only_where_nanogpt_asks_for_it(use):
    with RawServer(BUSY, pages(*URLS[:2])) as server:
        assert len(use(server, "scrape", URLS[:2])) == 2
        assert server.posts == 2
    for broken, error in ((CUT, OutcomeUnknownError), ([b""], OutcomeUnknownError),
                          ([http_reply(b"<html>")], InvalidResponseError)):  # fmt: skip
        script = [*broken, End.CLOSE] if broken == [b""] else broken
        with RawServer(script, pages(*URLS[:2])) as server:
            with pytest.raises(error):
                use(server, "scrape", URLS[:2])
            assert server.posts == 1


def test_a_voice_is_submitted_once_and_polled_freely(use):
    for broken in (BUSY, CUT, answer({"status": "pending"}, 202)):
        with RawServer(broken, PENDING) as server:
            with pytest.raises((ServerError, OutcomeUnknownError, InvalidResponseError)):
                use(server, "clone_voice", b"RIFF....WAVE", provider="qwen")
            assert server.posts == 1
    with RawServer(PENDING, CUT, BUSY, READY) as server:
        with pytest.raises(JobError) as caught:
            use(server, "clone_voice", b"RIFF....WAVE", provider="qwen", poll_interval=0.01)
        assert (caught.value.run_id, caught.value.maybe_billed) == ("run-1", True)
        submissions = [r for r in server.requests if r.target.endswith("voice-clone/qwen")]
        assert len(submissions) == 1
        voice = use(server, "wait_for_voice_clone", "run-1", provider="qwen")
        assert voice.url == "https://cdn.example/v"
        submissions = [r for r in server.requests if r.target.endswith("voice-clone/qwen")]
        assert len(submissions) == 1


LOADERS = {
    "langchain": lambda client: NanoGPTWebLoader(urls=URLS, client=client).load(),
    "llama_index": lambda client: NanoGPTWebReader(client=client).load_data(URLS),
}


@pytest.mark.parametrize("framework", LOADERS)
def test_a_loader_passes_on_what_is_paid_before_an_unknown_outcome(framework):
    with (
        RawServer(pages(*URLS[:5]), CUT) as server,
        NanoGPTClient(KEY, base_url=server.base_url) as client,
    ):
        with pytest.raises(NanoGPTError) as caught:
            LOADERS[framework](client)
        assert len(caught.value.partial) == 5
        assert caught.value.maybe_billed
        assert server.posts == 2
    assert [entry.cost is None for entry in client.ledger] == [False, True]
