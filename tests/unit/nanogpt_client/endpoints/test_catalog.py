"""Model lists: five kinds, three scopes, one answer."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client.endpoints.catalog import list_models
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from tests.support.driving import ODD_VALUES, reply
from tests.support.typed import as_declared


@pytest.mark.parametrize(
    ("kind", "scope", "root", "path", "query"),
    [
        ("text", "all", "api", "/v1/models", {"detailed": "true"}),
        ("text", "subscription", "api", "/subscription/v1/models", {"detailed": "true"}),
        ("text", "paid", "api", "/paid/v1/models", {"detailed": "true"}),
        ("image", "all", "v1", "/image-models", {}),
        ("video", "all", "v1", "/video-models", {}),
        ("embedding", "all", "v1", "/embedding-models", {}),
        ("audio", "all", "v1", "/audio-models", {}),
        ("tts", "all", "v1", "/audio-models", {"type": "tts"}),
        ("stt", "all", "v1", "/audio-models", {"type": "stt"}),
    ],
)
def test_requests(kind, scope, root, path, query):
    call = list_models(kind, scope=scope)
    request = call.request
    assert (request.method, request.root, request.path, request.query) == ("GET", root, path, query)
    assert (call.kind, call.resend, call.billable) == ("catalog", RetrySafety.ALWAYS, False)


@pytest.mark.parametrize(
    ("kind", "scope", "match"),
    [
        ("movies", "all", "'movies' models; use a kind of"),
        ("text", "free", "'free' 'text'"),
        ("image", "paid", "applies to text models only"),
    ],
)
def test_lists_that_do_not_exist(kind, scope, match):
    with pytest.raises(InvalidArgumentError, match=match):
        list_models(kind, scope=scope)


def test_a_list():
    models = list_models().parse(
        reply({"object": "list", "data": [{"id": "a"}, None, {"id": "b", "pricing": None}]})
    )
    assert [model.id for model in models] == ["a", "b"]
    assert models.raw["object"] == "list"


def test_an_empty_list_is_one():
    assert len(list_models().parse(reply({"data": []}))) == 0


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {}}, [], b"<html>"])
def test_what_is_no_list(body):
    with pytest.raises(InvalidResponseError):
        list_models().parse(reply(body))


@given(
    st.sampled_from(ODD_VALUES)
    | st.dictionaries(st.sampled_from(["data", "error"]), st.sampled_from(ODD_VALUES))
)
def test_any_json_is_an_answer_or_an_error(body):
    with suppress(NanoGPTError):
        as_declared(list_models().parse(reply(body)))
