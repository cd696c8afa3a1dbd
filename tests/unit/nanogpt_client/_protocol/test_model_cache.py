"""What a client remembers of model lists."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client._protocol.model_cache import MAX_AGE, ModelCache
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints import catalog
from nanogpt_client.errors import APIConnectionError
from nanogpt_client.types.catalog import ModelList
from tests.support.driving import answer, context, drive, reply, requests_of

LISTED = reply({"data": [{"id": "m"}]})


def test_lists_are_believed_for_an_hour():
    now = [0.0]
    models = ModelCache(lambda: now[0])
    assert not models.is_fresh("image")
    models.put("image", found := ModelList((), {}))
    assert models.get("image") is found
    assert models.get("video") is None
    now[0] = MAX_AGE
    assert models.get("image") is None
    assert not models.is_fresh("image")


def test_a_list_that_was_asked_for_is_remembered():
    rules = context()
    answer(catalog.models("image"), LISTED, rules=rules)
    assert answer(catalog.find_model("image", "m"), rules=rules).id == "m"
    assert answer(catalog.find_model("image", "other"), rules=rules) is None


def test_a_part_of_a_list_is_not_taken_for_the_whole():
    rules = context()
    answer(catalog.models("text", scope="paid"), LISTED, rules=rules)
    assert answer(catalog.find_model("text", "m"), rules=rules) is None


def test_nothing_is_fetched_unless_asked_for():
    driven = drive(run_flow(catalog.find_model("image", "m"), context()))
    assert (driven.result, requests_of(driven)) == (None, [])


def test_it_is_fetched_once():
    rules = context()
    flow = catalog.find_model("image", "m", refresh=True)
    driven = drive(run_flow(flow, rules), LISTED)
    assert driven.result.id == "m"
    (request,) = requests_of(driven)
    assert (request.method, request.path, request.timeout) == ("GET", "/image-models", 10.0)
    assert answer(catalog.find_model("image", "m", refresh=True), rules=rules).id == "m"


@pytest.mark.parametrize(
    "outcome", [reply({"error": "no"}, 404), reply({"data": None}), reply(b"")]
)
def test_a_list_that_cannot_be_had_is_no_error_and_not_asked_for_again(outcome):
    rules = context()
    flow = catalog.find_model("image", "m", refresh=True)
    assert answer(flow, outcome, rules=rules) is None
    assert answer(catalog.find_model("image", "m", refresh=True), rules=rules) is None


def test_an_unreachable_list_is_no_error():
    rules = context(max_retries=0)
    flow = catalog.find_model("image", "m", refresh=True)
    step: Any = next(flow)
    step = flow.send(rules.model_cache)
    with pytest.raises(StopIteration) as stop:
        flow.throw(APIConnectionError("no"))
    assert step.kind == "catalog"
    assert stop.value.value is None
