"""Every failure leaves as one of LangChain's model errors, and stays the core's exception."""

from __future__ import annotations

import inspect
import pickle
from copy import deepcopy

import httpx
import pytest
from langchain_core import exceptions as langchain

import nanogpt_client
from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from langchain_nanogpt._errors import map_errors
from nanogpt_client import errors as core
from tests.langchain.replies import MODEL, error

CORE_CLASSES = [
    cls
    for _, cls in inspect.getmembers(core, inspect.isclass)
    if issubclass(cls, core.NanoGPTError)
]


def mapped(failure):
    with pytest.raises(core.NanoGPTError) as caught, map_errors():
        raise failure
    return caught.value


@pytest.mark.parametrize("cls", CORE_CLASSES)
def test_every_error_of_the_core_is_a_model_error_too(cls):
    failure = cls("no", request_id="r1", status_code=418)
    found = mapped(failure)
    assert isinstance(found, langchain.ModelError)
    assert isinstance(found, next(c for c in cls.__mro__ if c in known()))
    assert found.__cause__ is failure
    assert (str(found), found.request_id, found.status_code) == ("no", "r1", 418)


def known():
    return set(CORE_CLASSES) - {core.JobError, core.JobFailedError, core.JobTimeoutError}


@pytest.mark.parametrize("copy", [deepcopy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_travel(copy):
    found = copy(mapped(core.RateLimitError("slow down", retry_after=3.0)))
    assert langchain.ModelRateLimitError in type(found).__mro__
    assert (str(found), found.retry_after) == ("slow down", 3.0)


def test_a_mapped_error_is_not_mapped_again():
    once = mapped(core.ServerError("no"))
    assert mapped(once) is once


def test_other_exceptions_pass():
    with pytest.raises(KeyError), map_errors():
        raise KeyError


STATUSES = [
    (400, {}, langchain.ModelInvalidRequestError, False),
    (400, {"code": "context_length_exceeded"}, langchain.ContextOverflowError, False),
    (401, {}, langchain.ModelAuthenticationError, False),
    (402, {}, nanogpt_client.InsufficientBalanceError, False),
    (403, {}, langchain.ModelPermissionDeniedError, False),
    (404, {}, langchain.ModelNotFoundError, False),
    (413, {}, langchain.ModelInvalidRequestError, False),
    (429, {}, langchain.ModelRateLimitError, True),
    (429, {"code": "daily_usd_limit_exceeded"}, langchain.ModelRateLimitError, False),
    (500, {}, langchain.ModelAPIError, True),
]


def model(handler, **words):
    client = httpx.Client(transport=httpx.MockTransport(handler))
    words = {"max_retries": 0, "rate_limit_wait": 0.0, **words}
    return ChatNanoGPT(model=MODEL, api_key="k-1", http_client=client, **words)


@pytest.mark.parametrize(("status", "body", "cls", "retryable"), STATUSES)
def test_statuses_have_their_class_and_say_whether_to_retry(status, body, cls, retryable):
    handler = error(status, {"error": {"message": "no", **body}}, {"x-request-id": "r1"})
    llm = model(handler)
    for ask in (llm.invoke, lambda text: list(llm.stream(text))):
        with pytest.raises(cls) as caught:
            ask("hi")
        assert issubclass(caught.type, langchain.ModelError)
        assert caught.value.is_retryable is retryable
        assert caught.value.response.status_code == status
        assert caught.value.response.json()["error"]["message"] == "no"
        assert caught.value.request_id == "r1"


def raises(cls):
    def handler(request):
        raise cls("broken", request=request)

    return handler


@pytest.mark.parametrize(
    ("failure", "cls", "retryable"),
    [
        (httpx.ConnectError, langchain.ModelConnectionError, True),
        (httpx.ReadTimeout, langchain.ModelTimeoutError, False),
        (httpx.ReadError, langchain.ModelConnectionError, False),
    ],
)
def test_only_what_was_not_sent_may_be_sent_again(failure, cls, retryable):
    with pytest.raises(cls) as caught:
        model(raises(failure)).invoke("hi")
    assert caught.value.is_retryable is retryable


def streaming(text):
    return lambda _: httpx.Response(
        200, content=text, headers={"content-type": "text/event-stream"}
    )


BEGUN = 'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n'


@pytest.mark.parametrize(
    ("rest", "cls"),
    [
        ("", nanogpt_client.StreamInterruptedError),
        ('data: {"error": {"message": "overloaded", "status": 503}}\n\n', langchain.ModelAPIError),
    ],
)
def test_a_broken_stream_is_an_error_that_nobody_retries(rest, cls):
    arrived: list[object] = []
    with pytest.raises(cls) as caught:
        arrived.extend(chunk.content for chunk in model(streaming(BEGUN + rest)).stream("hi"))
    assert arrived == ["Hel"]
    assert issubclass(caught.type, langchain.ModelError)
    assert caught.value.partial.text == "Hel"
    assert caught.value.is_retryable is False


@pytest.mark.parametrize("words", [{"top_k": "many"}, {"tempersture": 1}, {"temperature": 9}])
def test_bad_words_of_a_call_are_invalid_requests(words):
    with pytest.raises(nanogpt_client.ConfigurationError) as caught:
        model(error(500, {})).invoke("hi", **words)
    assert issubclass(caught.type, langchain.ModelInvalidRequestError)
    assert caught.value.sends == 0


async def test_embeddings_raise_the_same():
    client = httpx.Client(transport=httpx.MockTransport(error(402, {"error": "spent"})))
    with pytest.raises(nanogpt_client.InsufficientBalanceError) as caught:
        NanoGPTEmbeddings(model="m", api_key="k-1", http_client=client).embed_query("hi")
    assert issubclass(caught.type, langchain.ModelError)


@pytest.mark.parametrize(
    "words",
    [
        {"model": "m", "base_url": "ftp://example.org"},
        {"model": "m", "temperature": 9},
        {"model": "m", "nonsense": 1},
        {},
        {"model": "m:online/nowhere"},
    ],
)
def test_a_wrong_word_of_the_constructor_does_not_show_the_key(words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - of several kinds
        ChatNanoGPT(api_key="sk-nano-the-secret", **words)
    assert "the-secret" not in str(caught.value)
    assert "the-secret" not in repr(getattr(caught.value, "errors", list)())
