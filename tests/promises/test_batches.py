"""A batch is submitted once and lost by no crash: another process collects it by its id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from llama_index.core.llms import ChatMessage

import langchain_nanogpt
import llama_index_nanogpt
from langchain_nanogpt import ChatNanoGPT
from llama_index_nanogpt import NanoGPT
from nanogpt_client import Ledger, NanoGPTClient, batch_row
from nanogpt_client.endpoints import batches
from nanogpt_client.errors import ContextLengthExceededError, OutcomeUnknownError, RateLimitError
from nanogpt_client.sandbox import ChatRequest, Failure, Sandbox
from tests.support.paths import ROOT
from tests.support.rawserver import End, RawServer, http_reply

MODEL = "openai/gpt-5.2"
ROWS = 1_000
FAILURES = {7: "context", 500: "429", 999: "context"}
SUBMIT = """
import os, signal, sys
from {package} import {llm}, batch_api
llm = {llm}(model={model!r}, api_key={key!r}, base_url={url!r}, max_tokens=20)
job = batch_api(llm, [f"row {{at:04d}}" for at in range({rows})], inline=False)
print(job.id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def answer(request: ChatRequest) -> str:
    """Answer a row, or fail as NanoGPT does."""
    text = request.body["messages"][-1]["content"]
    if (fault := FAILURES.get(int(text.split()[-1]))) is not None:
        raise Failure(fault)
    return f"answer to {text}"


@pytest.mark.parametrize(
    ("package", "llm"), [("langchain_nanogpt", "ChatNanoGPT"), ("llama_index_nanogpt", "NanoGPT")]
)
def test_a_thousand_rows_outlive_the_process_that_submitted_them(package, llm):
    with Sandbox(model=answer, job_pace=0, rate=None) as box:
        url, before = box.base_url, box.balance
        code = SUBMIT.format(package=package, llm=llm, model=MODEL, key=box.api_key, url=url,
                             rows=ROWS)  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False, timeout=50,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        ledger = Ledger()
        of_framework = {"api_key": box.api_key, "base_url": url, "ledger": ledger, "max_tokens": 20}
        outcomes, single = READ[package](done.stdout.strip(), **of_framework)
        posts = [request.path for request in box.requests if request.method == "POST"]
        assert posts == ["/api/v1/files", "/api/v1/batches", "/api/v1/chat/completions"]
        assert len(outcomes) == ROWS
        for at, (text, cost) in enumerate(outcomes):
            if at in FAILURES:
                error = ContextLengthExceededError if FAILURES[at] == "context" else RateLimitError
                assert isinstance(text, error)
            else:
                assert text == f"answer to row {at:04d}"
                assert cost * 2 == single  # all rows have as many tokens
        total = single / 2 * (ROWS - len(FAILURES))
        assert before - box.balance == total + single
        assert ledger.totals.cost == total + single
        (settled,) = [entry for entry in ledger if not entry.sends]
        assert settled.cost == total


def read_langchain(batch_id: str, **settings: Any) -> Any:
    llm = ChatNanoGPT(model=MODEL, **settings)
    found = langchain_nanogpt.BatchJob(batch_id, llm).results(poll_interval=0.01)
    single = llm.invoke("row 0001").response_metadata["pricing"]["cost"]

    def outcome(message: Any) -> Any:
        if not isinstance(message, AIMessage):
            return message, None
        assert message.usage_metadata
        return message.text, Decimal(str(message.response_metadata["cost"]))

    return list(map(outcome, found)), Decimal(str(single))


def read_llama_index(batch_id: str, **settings: Any) -> Any:
    llm = NanoGPT(model=MODEL, **settings)
    found = llama_index_nanogpt.BatchJob(batch_id, llm).results(poll_interval=0.01)
    single: Any = llm.chat([ChatMessage("row 0001")])

    def outcome(response: Any) -> Any:
        if isinstance(response, Exception):
            return response, None
        assert response.raw["usage"]["prompt_tokens"]
        return response.message.content, Decimal(str(response.raw["cost"]))

    return list(map(outcome, found)), Decimal(str(single.raw["cost"]))


READ = {"langchain_nanogpt": read_langchain, "llama_index_nanogpt": read_llama_index}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(batches, "LOOK_UP_PAUSES", (0.01, 0.01))


def test_a_submission_whose_outcome_is_lost_is_posted_once():
    uploaded = [http_reply(b'{"id": "file_in"}')]
    lost, listed = [End.RESET], [http_reply(b'{"data": [{"id": "batch_1", "status": "validating",'
                                            b'"input_file_id": "file_in"}]}')]  # fmt: skip
    with RawServer(uploaded, lost, listed) as server, client(server) as nanogpt:
        found = nanogpt.batches.submit([batch_row("Hi", model=MODEL, max_tokens=5)], inline=False)
        assert found.id == "batch_1"
        assert [request.target for request in server.requests] == [
            "/api/v1/files", "/api/v1/batches", "/api/v1/batches",
        ]  # fmt: skip
        assert server.posts == 2


def test_an_inline_submission_whose_outcome_is_lost_is_posted_once():
    with RawServer([End.RESET], [http_reply(b'{"data": []}')]) as server, client(server) as nanogpt:
        with pytest.raises(OutcomeUnknownError, match="before you submit again"):
            nanogpt.batches.submit([batch_row("Hi", model=MODEL)])
        assert server.posts == 1
        assert nanogpt.ledger.totals.unknown_costs == 1


def client(server: RawServer) -> NanoGPTClient:
    return NanoGPTClient("sk-nano-test", base_url=server.base_url)


def test_an_output_that_breaks_off_is_fetched_again_whole():
    state = http_reply(
        b'{"id": "batch_1", "status": "completed", "input_file_id": "file_in",'
        b'"output_file_id": "file_out", "request_counts": {"total": 1}}'
    )
    line = (
        b'{"custom_id": "row-000000", "response": {"status_code": 200, "body": {"choices":'
        b'[{"message": {"content": "Hello"}, "finish_reason": "stop"}]}}}\n'
    )
    whole = http_reply(line, headers={"content-type": "application/jsonl"})
    with RawServer([state], [whole[:-9], End.RESET], [whole]) as server:
        (found,) = client(server).batches.results("batch_1")
        assert found.unwrap().text == "Hello"
        assert server.posts == 0
