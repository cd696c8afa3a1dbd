"""`ChatRows`: each prompt once, objects, errors in their rows."""

from __future__ import annotations

import json
import pickle
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import cloudpickle
import httpx
import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from nanogpt_client import (
    AuthenticationError,
    Budget,
    BudgetExceededError,
    ConfigurationError,
    InvalidArgumentError,
    OutcomeUnknownError,
    StoreUnavailableError,
)
from nanogpt_client.jobs import ChatRows, _answers

MODEL = "openai/gpt-5.2"


class City(BaseModel):
    name: str
    people: int


class Service:
    """Answers each prompt with what it is to say, or with a status."""

    def __init__(self, says=None):
        self.says = says or {}
        self.prompts: Counter[str] = Counter()
        self.bodies = []
        self._lock = threading.Lock()

    def __call__(self, request):
        body = json.loads(request.content)
        prompt = body["messages"][-1]["content"]
        with self._lock:
            self.prompts[prompt] += 1
            self.bodies.append(body)
        said = self.says.get(prompt, f"You said: {prompt}")
        if isinstance(said, int):
            error = {"message": "no", "type": "server_error"}
            return httpx.Response(said, json={"error": error})
        choice = {"index": 0, "message": {"content": said}, "finish_reason": "stop"}
        reply = {"id": "1", "model": MODEL, "choices": [choice]}
        return httpx.Response(
            200, json=reply | {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "cost": 0.001}}
        )

    def job(self, store=None, **settings):
        client = httpx.Client(transport=httpx.MockTransport(self))
        return ChatRows(
            MODEL, store=store, api_key="sk-nano-0123abcd-4567", base_url="https://nano.test/api/v1",
            max_retries=0, http_client=client, **settings,
        )  # fmt: skip


def test_prompts_are_answered_once(store_url):
    service = Service()
    answer = service.job(store_url)
    table = pd.DataFrame({"prompt": ["a", "b", "a"]})
    for _ in range(2):
        result = answer(table)
        assert list(result) == ["prompt", "answer", "error", "finish_reason", "cost_usd"]
        assert list(result["answer"]) == ["You said: a", "You said: b", "You said: a"]
        assert result["error"].isna().all()
        assert list(result["finish_reason"]) == ["stop"] * 3
        assert list(result["cost_usd"]) == [0.001] * 3
    assert service.prompts == {"a": 1, "b": 1}
    assert answer.client.ledger.spent == Decimal("0.002")


def test_an_error_of_one_row_is_in_its_row(store_url):
    service = Service({"bad": 400, "broken": 500})
    answer = service.job(store_url)
    result = answer({"prompt": np.array(["a", "bad", "", "broken", 7], object)})
    assert list(result["answer"]) == ["You said: a", None, None, None, None]
    classes = [error and error.partition(":")[0] for error in result["error"]]
    assert classes == [
        None, "BadRequestError", "InvalidArgumentError", "ServerError", "InvalidArgumentError",
    ]  # fmt: skip
    assert np.isnan(result["cost_usd"][1:]).all()
    assert len(answer.store.unknown()) == 1  # the 500 may be billed
    service.says.clear()
    again = answer({"prompt": ["a", "bad", "broken"]})
    assert list(again["error"]) == [None] * 3
    assert service.prompts == {"a": 1, "bad": 2, "broken": 2}


@pytest.mark.parametrize(
    ("settings", "says", "error"),
    [
        ({}, {"b": 401}, AuthenticationError),
        ({"budget": Budget(max_calls=1)}, {}, BudgetExceededError),
        ({"store": "redis://127.0.0.1:1/0"}, {}, StoreUnavailableError),
    ],
)
def test_an_error_of_all_rows_ends_the_batch(settings, says, error):
    service = Service(says)
    with pytest.raises(error):
        service.job(max_concurrency=1, **settings)({"prompt": ["a", "b", "c"]})
    assert "c" not in service.prompts


def test_objects_are_checked(tmp_path):
    berlin = '{"name": "Berlin", "people": 3}'
    service = Service({"a": f"Sure: ```json\n{berlin}\n```", "b": '{"name": "Rome"}', "c": "Paris"})
    table = {"prompt": ["a", "b", "c"]}
    for schema in (City, City.model_json_schema()):
        answer = service.job(f"sqlite:///{tmp_path}/paid.db", schema=schema)
        result = answer(table)
        assert json.loads(result["answer"][0]) == json.loads(berlin)
        assert list(result["answer"][1:]) == [None, None]
        assert all(error.startswith("no object: ") for error in result["error"][1:])
        assert list(result["cost_usd"]) == [0.001] * 3  # paid all the same
    sent = service.bodies[0]["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("City", True)


def test_the_whole_request_is_the_address(tmp_path):
    service, url = Service(), f"sqlite:///{tmp_path}/paid.db"
    for settings in ({}, {"user": "u"}, {"temperature": 0.5}, {"system": "Be brief."}):
        service.job(url, **settings)({"prompt": ["a"]})
    assert service.prompts == {"a": 3}
    assert [message["role"] for message in service.bodies[-1]["messages"]] == ["system", "user"]


def test_prompts_can_be_messages_as_engines_have_them():
    service = Service()
    messages = np.array([{"role": "user", "content": "a", "name": None}], object)
    prompts = np.empty(1, object)
    prompts[0] = messages
    result = service.job()({"prompt": prompts})
    assert list(result["answer"]) == ["You said: a"]
    assert service.bodies[0]["messages"] == [{"role": "user", "content": "a"}]


def test_unknown_outcomes(store_url):
    Service({"a": 500}).job(store_url)({"prompt": ["a"]})
    service = Service()
    skipped = service.job(store_url, on_unknown="skip")({"prompt": ["a", "b"]})
    assert skipped["error"][0].startswith("OutcomeUnknownError")
    assert skipped["answer"][1] == "You said: b"
    with pytest.raises(OutcomeUnknownError):
        service.job(store_url, on_unknown="raise")({"prompt": ["a", "b"]})
    assert service.prompts == {"b": 1}
    assert service.job(store_url)({"prompt": ["a"]})["answer"][0] == "You said: a"


def test_a_refusal_is_an_error():
    completion = _answers.as_completion(
        b'{"cost": null, "response": {"choices": [{"message": {"refusal": "I will not"},'
        b' "finish_reason": "stop"}]}}'
    )
    row = _answers.row_of(completion, None)
    assert (row.answer, row.error) == (None, "refused: I will not")
    assert np.isnan(row.cost)


def test_progress_has_each_answer():
    seen: list[Any] = []
    Service().job(on_progress=seen.append, max_concurrency=1)({"prompt": ["a", "b", "a"]})
    assert [(p.kind, p.done, p.total, p.result.text) for p in seen] == [
        ("chat", 1, 2, "You said: a"),
        ("chat", 2, 2, "You said: b"),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperatur": 1}, "did you mean 'temperature'"),
        ({"temperature": 3}, "temperature=3"),
        ({"schema": 7}, "schema"),
        ({"max_concurrency": 0}, "max_concurrency"),
    ],
)
def test_settings_are_checked_when_it_is_made(settings, message):
    with pytest.raises((ConfigurationError, InvalidArgumentError), match=message):
        Service().job(**settings)


@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_it_travels(library, monkeypatch):
    monkeypatch.setenv("NANOGPT_API_KEY", "sk-of-the-worker")
    answer = ChatRows(MODEL, schema=City, store="redis://127.0.0.1:1/0")
    assert repr(library.loads(library.dumps(answer))) == repr(answer)
