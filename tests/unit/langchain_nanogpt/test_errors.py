"""Every failure leaves as one of LangChain's model errors, and stays the core's exception."""

from __future__ import annotations

import inspect
import pickle
from copy import deepcopy

import httpx
import pytest
from langchain_core import exceptions as langchain
from langchain_core.messages import HumanMessage
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import RetryPolicy

import nanogpt_client
from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
from langchain_nanogpt._errors import map_errors
from nanogpt_client import errors as core
from tests.unit.langchain_nanogpt.replies import MODEL, error

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
    with pytest.raises(nanogpt_client.InvalidArgumentError) as caught:
        model(error(500, {})).invoke("hi", **words)
    assert issubclass(caught.type, langchain.ModelInvalidRequestError)
    assert getattr(caught.value, "is_retryable", None) is False
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


# LangGraph sends again whatever is none of Python's own errors, unless it is told otherwise.

ENVELOPE = {"error": {"message": "no"}}
SENT_ONCE = {
    "401": (401, ENVELOPE),
    "402": (402, {"error": {"code": "insufficient_balance"}}),
    "403": (403, ENVELOPE),
    "404": (404, ENVELOPE),
    "409": (409, ENVELOPE),
    "413": (413, ENVELOPE),
    "418": (418, ENVELOPE),
    "daily limit": (429, {"error": {"code": "daily_usd_limit_exceeded"}}),
    "502 of a gateway": (502, {}),
    "504 of a gateway": (504, {}),
    "520": (520, ENVELOPE),
    "524": (524, ENVELOPE),
    "unreadable": (200, {"choices": []}),
}


def posts_of_a_graph(handler, **words):
    heard = []

    def listening(request):
        heard.append(request)
        return handler(request)

    llm = model(listening, **words)
    graph = StateGraph(MessagesState)
    again = RetryPolicy(initial_interval=0.001, jitter=False)
    graph.add_node("chat", lambda s: {"messages": [llm.invoke(s["messages"])]}, retry_policy=again)
    graph.add_edge(START, "chat")
    with pytest.raises(langchain.ModelError) as caught:
        graph.compile().invoke({"messages": [HumanMessage("hi")]})
    return len(heard), caught.value


@pytest.mark.parametrize(("status", "body"), SENT_ONCE.values(), ids=SENT_ONCE)
def test_a_graph_does_not_send_again_what_was_refused_or_billed(status, body):
    posts, raised = posts_of_a_graph(error(status, body))
    assert posts == 1
    assert not raised.is_retryable


@pytest.mark.parametrize(
    "frames",
    [
        'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n',
        'data: {"choices": [], "error": {"status": 503, "message": "overloaded"}}\n\n',
        'data: {"choices": [], "error": {"status": 429, "code": "rate_limit_exceeded"}}\n\n',
    ],
    ids=["cut", "failed", "refused"],
)
def test_a_graph_does_not_send_a_broken_stream_again(frames):
    head = {"content-type": "text/event-stream"}
    posts, raised = posts_of_a_graph(
        lambda _: httpx.Response(200, headers=head, text=frames), streaming=True
    )
    assert posts == 1
    assert not raised.is_retryable
    assert raised.maybe_billed
    assert pickle.loads(pickle.dumps(raised)).maybe_billed


@pytest.mark.parametrize("status", [500, 503, 521, 522])
def test_a_graph_may_send_again_what_was_free(status):
    posts, raised = posts_of_a_graph(error(status, ENVELOPE))
    assert posts == 3
    assert raised.is_retryable
    assert not raised.maybe_billed
