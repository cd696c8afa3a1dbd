"""One key, unlike any other text, is looked for in everything that leaves a client: 0 hits.

Pickles and checkpoints of clients and models: `tests/security/test_key_at_rest.py`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps
from langchain_core.tracers.base import BaseTracer
from langchain_core.tracers.schemas import Run
from llama_index.core.callbacks import CallbackManager
from llama_index.core.callbacks.base_handler import BaseCallbackHandler as LlamaCallbackHandler
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from llama_index.core.llms import ChatMessage
from llama_index_instrumentation import get_dispatcher
from pydantic import PrivateAttr, ValidationError

from nanogpt_client import AsyncNanoGPTClient, Ledger, NanoGPTClient, NanoGPTError
from nanogpt_client.endpoints import batches
from tests.faults.matrix.callers import CALLERS, Caller
from tests.faults.matrix.matrix import entries_of_the_call
from tests.promises.answers import (
    STREAM,
    chat_answer,
    embedding_answer,
    langchain_chat,
    langchain_embeddings,
    llama_chat,
    llama_embedding,
)
from tests.support.paths import CASSETTES
from tests.support.rawserver import (
    EVENT_STREAM,
    End,
    RawServer,
    Script,
    chunked,
    http_head,
    http_reply,
)

KEY = "sk-nano-5ec12e75-unlike-any-other-text-5ec12e75"
HITS = re.compile(r"5ec12e75")

MODELS = [langchain_chat, langchain_embeddings, llama_chat, llama_embedding]
CLIENTS = [NanoGPTClient, AsyncNanoGPTClient]


def hits(*shown: object) -> list[str]:
    """Return those texts that show the key."""
    return [text for value in shown if HITS.search(text := str(value))]


def everything_of(error: BaseException) -> list[str]:
    """Return what can be shown of an exception and of those behind it, by whatever reporter."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = [*report.format(), *traceback.format_exception(error)]
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        shown += [str(each), repr(each), repr(each.args), repr(vars(each))]
        response = getattr(each, "response", None)
        if response is not None:
            shown += [response.text, repr(response), repr(response.headers)]
        each = each.__cause__ or each.__context__
    if isinstance(error, NanoGPTError):
        shown += [repr(pickle.dumps(error)), repr(vars(pickle.loads(pickle.dumps(error))))]
    return shown


# The objects themselves


@pytest.mark.parametrize("make", [*CLIENTS, *MODELS])
@pytest.mark.parametrize("used", [False, True])
def test_no_object_shows_it(make, used):
    with RawServer(embedding_answer() if make in MODELS[1::2] else chat_answer()) as server:
        thing = make(api_key=KEY, base_url=server.base_url, default_headers={"x-secret": KEY})
        if used:
            use(thing)
        inside = getattr(thing, "_clients", None)
        shown = [thing, repr(thing), f"{thing!r:>500}", repr(thing.ledger)]
        shown += [repr(vars(thing)) if make in CLIENTS else repr(vars(inside))]
        for way in ("model_dump", "model_dump_json", "dict", "json", "to_dict", "to_json"):
            if hasattr(thing, way) and not (way in ("dict", "json") and make in MODELS[:2]):
                shown.append(str(getattr(thing, way)()))
        if make in MODELS[:2]:
            shown += [dumpd(thing), dumps(thing), thing.model_dump(mode="json")]
        assert not hits(*shown)
        assert len(shown) >= 5
        if make in CLIENTS[:1]:
            thing.close()


def use(thing: Any) -> None:
    """Make one call in a way that suits the object."""
    if isinstance(thing, NanoGPTClient):
        thing.chat("hi", model="m")
    elif isinstance(thing, AsyncNanoGPTClient):
        asyncio.run(thing.chat("hi", model="m"))
    elif hasattr(thing, "invoke"):
        thing.invoke("hi")
    elif hasattr(thing, "embed_query"):
        thing.embed_query("hi")
    elif hasattr(thing, "chat"):
        thing.chat([ChatMessage("hi")])
    else:
        thing.get_text_embedding("hi")


def used_with(make: Callable[..., Any], settings: dict[str, Any]) -> None:
    use(make(api_key=KEY, **settings))


def test_what_langchain_tells_two_models_apart_by():
    model = langchain_chat(api_key=KEY, default_headers={"x-secret": KEY})
    bound = model.bind(extra_headers={"x-secret": "1"}).with_config(tags=["a"])
    shown = [model._identifying_params, model._get_llm_string(), model._get_ls_params()]
    assert not hits(*shown, model.lc_attributes, model.lc_secrets, repr(bound), dumps(bound))
    assert not hits(model.get_input_jsonschema(), model.to_json(), model.to_json_not_implemented())


# Failures

_TOLD = json.dumps({"error": {"message": f"bad key {KEY}", "code": KEY, "param": KEY}}).encode()
_QUOTING = {"x-your-key": KEY, "x-request-id": KEY}
_HALF = {"content-type": "application/json", "content-length": "99"}

FAILURES: dict[str, Script | None] = {
    "refused": None,
    "401 that quotes it": [http_reply(_TOLD, status=401, headers=_QUOTING)],
    "503 that quotes it": [http_reply(_TOLD, status=503, headers=_QUOTING)],
    "200 that quotes it": [http_reply(_TOLD, headers=_QUOTING)],
    "reset": [End.RESET],
    "reset in the body": [http_head(200, _HALF), b'{"ch', End.RESET],
    "timeout": [End.HOLD],
    "error frame": [EVENT_STREAM, chunked(b"data: " + _TOLD + b"\n\n"), End.HOLD],
    "cut stream": [*STREAM[:1], chunked(b'data: {"choices": [{"delta": {"content"'), End.RESET],
}


@contextmanager
def failing(script: Script | None) -> Iterator[str]:
    """Yield the address of a server that fails like this."""
    if script is None:
        yield "http://127.0.0.1:1/api/v1"
        return
    with RawServer(script) as server:
        yield server.base_url


def failure_of(act: Callable[[], object]) -> Exception:
    with pytest.raises((NanoGPTError, ValidationError)) as caught:
        act()
    return caught.value


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
@pytest.mark.parametrize("name", FAILURES)
def test_no_failure_shows_it(name: str, caller: Caller, caplog, tmp_path, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(batches, "LOOK_UP_PAUSES", (0.0,))
    ledger = Ledger(tmp_path / "calls.jsonl")
    with failing(FAILURES[name]) as base_url:
        client = NanoGPTClient(
            KEY, base_url=base_url, ledger=ledger, max_retries=0, timeout=0.2,
            first_event_timeout=0.2, default_headers={"x-secret": KEY},
        )  # fmt: skip
        with client:
            error = failure_of(lambda: caller.call(client))
    assert not hits(*everything_of(error))
    assert not hits(ledger.rows(), ledger._repr_html_(), (tmp_path / "calls.jsonl").read_text())
    assert len(entries_of_the_call(ledger)) == 1
    records = caplog.records
    # What the HTTP library itself logs of an answer's headers is the server's doing, not ours.
    ours = [r for r in records if "quotes" not in name or not r.name.startswith("httpcore")]
    assert {"nanogpt_client", "httpcore.connection"} <= {record.name for record in records}
    assert not hits(*[r.getMessage() for r in ours], *[repr(vars(r)) for r in ours])


def test_the_log_of_a_call_that_goes_well(caplog):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "httpx")  # which other libraries make quieter
    events: list[Any] = []
    with RawServer(chat_answer()) as server:
        client = NanoGPTClient(
            KEY, base_url=server.base_url, on_request=events.append, on_response=events.append
        )
        with client:
            client.chat("hi", model="m")
        assert server.requests[0].headers["x-api-key"] == KEY
    assert {"httpx", "httpcore.http11", "nanogpt_client"} <= {r.name for r in caplog.records}
    assert not hits(caplog.text, events, *[repr(vars(record)) for record in caplog.records])
    assert len(events) == 2


WRONG: list[dict[str, Any]] = [
    {"timeout": -1},
    {"max_retries": -1},
    {"base_url": "ftp://nowhere"},
    {"default_headers": {"x y": "z"}},
]


@pytest.mark.parametrize("settings", WRONG, ids=lambda settings: next(iter(settings)))
@pytest.mark.parametrize("make", [*CLIENTS, *MODELS])
def test_no_refused_setting_shows_it(make, settings):
    for each in (settings, settings if make in CLIENTS else {**settings, "nonsense": 1}):
        error = failure_of(partial(used_with, make, each))
        assert not hits(*everything_of(error))


@pytest.mark.parametrize("make", MODELS)
def test_no_complaint_about_a_word_shows_it(make):
    for wrong in ({"temprature": 1}, {"max_retries": "many"}):
        error = failure_of(partial(used_with, make, wrong))
        assert not hits(*everything_of(error))


# What the frameworks tell their listeners


class Recorder(BaseCallbackHandler):
    """Writes down everything that LangChain tells of a run."""

    raise_error = True

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)
        return lambda *args, **words: self.told.append(f"{name} {args!r} {words!r}")


class Tracer(BaseTracer):
    """Keeps finished runs as text, as a tracing service would send them."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def _persist_run(self, run: Run) -> None:
        self.told += [repr(run), run.model_dump_json(fallback=repr)]


@pytest.mark.parametrize("broken", [False, True])
def test_langchain_tells_nobody(broken):
    recorder, tracer = Recorder(), Tracer()
    config: Any = {"callbacks": [recorder, tracer]}
    answer = FAILURES["401 that quotes it"] if broken else None
    with RawServer(answer or chat_answer(), answer or STREAM) as server:
        model = langchain_chat(
            api_key=KEY, base_url=server.base_url, default_headers={"x-secret": KEY}
        )
        asked = model.bind(extra_headers={"x-more": KEY}) | (lambda message: message.text)
        for act in (asked.invoke, lambda *a, **w: list(model.stream(*a, **w))):
            if broken:
                failure_of(partial(act, "hi", config))
            else:
                act("hi", config)
        assert server.posts == 2
        model.close()
    assert not hits(*recorder.told, *tracer.told)
    ends = "on_llm_error" if broken else "on_llm_end"
    assert sum(text.startswith(ends) for text in recorder.told) == 2
    assert len(tracer.told) >= 4


class EventRecorder(BaseEventHandler):
    """Writes down LlamaIndex's events."""

    _told: list[str] = PrivateAttr(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        return "EventRecorder"

    def handle(self, event: BaseEvent, **_: Any) -> None:
        self._told += [repr(event), str(event.model_dump())]


class SpanRecorder(SimpleSpanHandler):
    """Writes down LlamaIndex's spans, with the objects that they pass through."""

    _told: list[str] = PrivateAttr(default_factory=list)

    def new_span(self, id_: str, bound_args: Any, instance: Any = None, *more: Any, **w: Any):
        self._told += [repr(bound_args), repr(instance)]
        return super().new_span(id_, bound_args, instance, *more, **w)

    def prepare_to_drop_span(self, id_: str, bound_args: Any, *more: Any, **w: Any):
        self._told += [repr(bound_args), repr(more), repr(w)]
        return super().prepare_to_drop_span(id_, bound_args, *more, **w)


class PayloadRecorder(LlamaCallbackHandler):
    """Writes down the payloads of LlamaIndex's older callbacks."""

    def __init__(self) -> None:
        super().__init__([], [])
        self.told: list[str] = []

    def on_event_start(self, *args: Any, **words: Any) -> str:
        self.told.append(f"{args!r} {words!r}")
        return "event"

    def on_event_end(self, *args: Any, **words: Any) -> None:
        self.told.append(f"{args!r} {words!r}")

    def start_trace(self, trace_id: str | None = None) -> None:
        """Traces say nothing of a model."""

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        """Traces say nothing of a model."""


@pytest.mark.parametrize("broken", [False, True])
def test_llama_index_tells_nobody(broken):
    events, spans, payloads = EventRecorder(), SpanRecorder(), PayloadRecorder()
    dispatcher = get_dispatcher()
    dispatcher.add_event_handler(events)
    dispatcher.add_span_handler(spans)
    answer = FAILURES["401 that quotes it"] if broken else None
    try:
        with RawServer(
            answer or chat_answer(), answer or STREAM, answer or embedding_answer()
        ) as s:
            words: dict[str, Any] = {
                "api_key": KEY, "base_url": s.base_url, "default_headers": {"x-secret": KEY},
                "callback_manager": CallbackManager([payloads]),
            }  # fmt: skip
            llm, embedding = llama_chat(**words), llama_embedding(**words)
            for act in (
                lambda: llm.chat([ChatMessage("hi")], extra_headers={"x-more": "1"}),
                lambda: list(llm.stream_chat([ChatMessage("hi")])),
                lambda: embedding.get_text_embedding("hi"),
            ):
                failure_of(act) if broken else act()
            assert s.posts == 3
            llm.close()
            embedding.close()
    finally:
        dispatcher.event_handlers.remove(events)
        dispatcher.span_handlers.remove(spans)
    assert not hits(*events._told, *spans._told, *payloads.told)
    assert min(len(events._told), len(spans._told), len(payloads.told)) >= 4


# Other hosts

PICTURE = http_reply(b"\x89PNG\r\n\x1a\n" + bytes(16), headers={"content-type": "image/png"})


def spoken(client: NanoGPTClient) -> bytes:
    return client.speak("hi", model="tts-1").data


def drawn(client: NanoGPTClient) -> bytes:
    picture = client.generate_image("hi", model="hidream").images[0]
    return client.download(picture.url or "")


@pytest.mark.parametrize(
    ("act", "body"),
    [(spoken, {"audioUrl": "URL"}), (drawn, {"data": [{"url": "URL"}]})],
    ids=["speech", "picture"],
)
@pytest.mark.parametrize("follows", [False, True])
def test_other_hosts_never_see_it(act, body, follows):
    with RawServer([PICTURE]) as other:
        url = other.base_url.replace("/api/v1", "/media.png")
        answer = http_reply(json.dumps(body).replace("URL", url).encode())
        with (
            RawServer([answer]) as server,
            httpx.Client(follow_redirects=follows) as http,
            NanoGPTClient(
                KEY, base_url=server.base_url, http_client=http if follows else None,
                allow_private_downloads=True, default_headers={"x-secret": KEY},
            ) as client,
        ):  # fmt: skip
            assert act(client)
            assert hits(*server.requests)
        assert len(other.requests) == 1
        assert not hits(*other.requests)


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.name)
def test_no_call_follows_a_redirect(caller: Caller):
    with RawServer(chat_answer()) as other:
        moved = http_reply(status=308, headers={"location": other.base_url})
        with RawServer([moved]) as server, httpx.Client(follow_redirects=True) as http:
            injected = None if "async" in caller.name or " a" in caller.name else http
            client = NanoGPTClient(KEY, base_url=server.base_url, http_client=injected)
            assert "308" in str(failure_of(lambda: caller.call(client)))
        assert other.requests == []


# What is committed


def test_no_cassette_holds_a_key():
    """`test_vcr_hooks` proves the scrubbing; this looks at what is there."""
    files = [path for path in CASSETTES.rglob("*") if path.is_file()]
    looks_like_one = re.compile(rf"{HITS.pattern}|sk-[\w-]{{12,}}|(?i:bearer\s+[\w-]{{12,}})")
    assert len(files) > 5
    assert not [path.name for path in files if looks_like_one.search(path.read_text("utf-8"))]
