"""Reranking: what is asked, how it is read, and how parts become one ranking."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client import InvalidArgumentError, InvalidResponseError, NanoGPTError, ServerError
from nanogpt_client.endpoints.rerank import rerank
from tests.support.driving import ODD_VALUES, answer, first_call, reply
from tests.unit.nanogpt_client.clients.shell import BOTH

MODEL = "nvidia/Nemotron-3.5-Rerank-8B-BF16"


def row(index: Any, score: Any, **more: Any) -> dict[str, Any]:
    return {"index": index, "relevance_score": score, **more}


def read(*results: Any, documents: Any = ("a", "b", "c"), **top: Any) -> Any:
    body = {"id": "rerank-1", "model": "m-1", "results": list(results), **top}
    return answer(rerank("q", documents, model="m"), reply(body))


def test_the_request():
    call = first_call(rerank("q", ["a", "b"], model=MODEL, top_n=1, return_documents=True))
    assert (call.request.method, call.request.path, call.kind) == ("POST", "/rerank", "rerank")
    assert call.billable
    assert call.request.json == {
        "model": MODEL, "query": "q", "documents": ["a", "b"], "top_n": 1, "return_documents": True,
    }  # fmt: skip


def test_more_than_there_are_is_not_asked_for():
    assert first_call(rerank("q", ["a"], model=MODEL, top_n=7)).request.json["top_n"] == 1


@pytest.mark.parametrize(
    ("arguments", "match", "param"),
    [
        ({"documents": []}, "documents is empty", "documents"),
        ({"documents": "one text"}, "documents must be a list of strings, not str", "documents"),
        ({"documents": ["a", " "]}, r"documents\[1\] is blank", "documents"),
        ({"documents": ["a", 7]}, r"documents\[1\] is a int", "documents"),
        ({"query": " "}, "query must be a non-empty string", "query"),
        ({"model": ""}, "model must be a model id", "model"),
        ({"top_n": 0}, "top_n=0", "top_n"),
        ({"max_concurrency": 0, "documents": ["a"] * 1025}, "at least 1", "max_concurrency"),
        ({"topn": 3}, "did you mean 'top_n'", "topn"),
    ],
)
def test_what_nanogpt_would_refuse_is_not_sent(arguments, match, param):
    given = {"query": "q", "documents": ["a"], "model": "m"} | arguments
    with pytest.raises(InvalidArgumentError, match=match) as caught:
        first_call(rerank(**given))
    assert caught.value.param == param


def test_the_best_come_first_with_any_scores():
    found = read(row(2, -0.5), row("0", "7.25", document={"text": "a"}), row(1, -9),
                 usage={"prompt_tokens": 3, "total_tokens": 3}, cost=0.25)  # fmt: skip
    assert [(each.index, each.score, each.text) for each in found] == [
        (0, 7.25, "a"), (2, -0.5, None), (1, -9.0, None),
    ]  # fmt: skip
    assert (len(found), found.model, found.billing.cost) == (3, "m-1", Decimal("0.25"))
    assert found.usage.prompt_tokens == 3
    assert found.raw["id"] == "rerank-1"


@pytest.mark.parametrize(
    "results",
    [
        [],
        [row(3, 1)],
        [row(0, 1), row(0, 2)],
        [row(None, 1)],
        [row(-1, 1)],
        [row(0, None)],
        [row(0, "high")],
    ],
)
def test_a_ranking_that_does_not_fit_the_documents_is_an_error(results):
    with pytest.raises(InvalidResponseError):
        read(*results)


@given(st.sampled_from(ODD_VALUES), st.sampled_from(ODD_VALUES), st.sampled_from(ODD_VALUES))
def test_no_response_raises_anything_else(index, score, value):
    with suppress(NanoGPTError):
        read(row(index, score, document=value), usage=value, model=value, cost=value)
    with suppress(NanoGPTError):
        answer(rerank("q", ["a"], model="m"), reply({"results": value}))


class Wire:
    """Scores each document by the number that it is, for half a cent; fails at one of them."""

    def __init__(self, fails_at: str | None = None) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.fails_at = fails_at

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.bodies.append(body)
        if self.fails_at in body["documents"]:
            return httpx.Response(503, json={"error": {"message": "busy"}})
        rows = [row(at, float(text)) for at, text in enumerate(body["documents"])]
        best = sorted(rows, key=lambda each: -each["relevance_score"])[: body.get("top_n")]
        count = len(rows)
        usage = {"prompt_tokens": count, "total_tokens": count}
        return httpx.Response(200, json={"results": best, "usage": usage, "cost": 0.005})

    async def answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)


@pytest.fixture(params=BOTH, ids=lambda shell: shell.name)
def use(request):
    """Return a function that ranks with either client, over a wire in memory."""

    def act(wire: Wire, documents: Any, **options: Any) -> Any:
        respond = wire if request.param.name == "sync" else wire.answer
        library = httpx.Client if request.param.name == "sync" else httpx.AsyncClient
        http: Any = library(transport=httpx.MockTransport(respond))
        settings = {"http_client": http, "max_retries": 0}
        return request.param.use(settings, "rerank", "q", documents, model="m", **options)

    return act


MANY = [str(number * 7919 % 3001) for number in range(3000)]


def test_more_than_1024_go_in_parts_and_come_back_as_one_ranking(use):
    wire = Wire()
    seen: list[Any] = []
    found, client = use(wire, iter(MANY), top_n=3, on_progress=seen.append)
    assert sorted(len(body["documents"]) for body in wire.bodies) == [952, 1024, 1024]
    assert [body["top_n"] for body in wire.bodies] == [3, 3, 3]
    assert [MANY[each.index] for each in found] == ["3000", "2999", "2998"]
    assert (found.billing.cost, found.usage.prompt_tokens) == (Decimal("0.015"), 3000)
    assert len(found.raw["responses"]) == 3
    assert client.ledger.totals_by("kind")["rerank"].cost == Decimal("0.015")
    assert [(step.kind, step.total) for step in seen] == [("rerank", 3000)] * 3
    assert seen[-1].done == 3000


def test_without_top_n_all_are_ranked(use):
    found, _ = use(Wire(), MANY)
    assert sorted(each.index for each in found) == list(range(3000))
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)


def test_long_documents_make_smaller_parts(use):
    wire = Wire()
    use(wire, ["1" + " " * 1_500_000] * 3)
    assert [len(body["documents"]) for body in wire.bodies] in ([2, 1], [1, 2])


def test_what_a_failed_run_had_paid_for_is_kept(use):
    wire = Wire(fails_at=MANY[1500])
    with pytest.raises(ServerError) as caught:
        use(wire, MANY, top_n=2, max_concurrency=1)
    assert len(wire.bodies) == 2  # no further part was begun
    partial = caught.value.partial
    assert [MANY[each.index] for each in partial] == sorted(MANY[:1024], key=int)[:-3:-1]
    assert partial.billing.cost == Decimal("0.005")
    with pytest.raises(ServerError) as caught:
        use(Wire(fails_at=MANY[0]), MANY, max_concurrency=1)
    assert caught.value.partial is None


def test_an_unknown_cost_of_a_part_makes_the_whole_unknown(use):
    class Silent(Wire):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            body = super().__call__(request).json()
            return httpx.Response(200, json=body | {"cost": None if len(self.bodies) == 1 else 1})

    found, client = use(Silent(), MANY, max_concurrency=1)
    assert found.billing.cost is None
    assert (client.ledger.totals.unknown_costs, client.ledger.spent) == (1, 2)
