"""The fault matrix, over real sockets: exception, POSTs that arrived, ledger entry, partial."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from types import TracebackType
from typing import Any, NamedTuple

import pytest

from nanogpt_client import Ledger
from nanogpt_client._protocol import policy, retry
from nanogpt_client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    DailyLimitError,
    GatewayError,
    InsufficientBalanceError,
    InvalidResponseError,
    NanoGPTError,
    OriginUnreachableError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    StreamStalledError,
)
from tests.support.driving import DONE, frame, sse
from tests.support.rawserver import (
    EVENT_STREAM,
    EVENT_STREAM_UNTIL_CLOSE,
    LAST_CHUNK,
    End,
    RawServer,
    Script,
    chunked,
    http_head,
    http_reply,
)
from tests.unit.nanogpt_client.clients.shell import BOTH, Shell

ZERO, UNKNOWN = Decimal(0), None
AT_ONCE = {"retry-after": "0"}
OK = json.dumps({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}).encode()


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(policy, "AFTER_FINISH_SECONDS", 0.2)


def status(code: int, body: Any = b"", **headers: str) -> Script:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [http_reply(data, status=code, headers=named)]


def html(code: int, **headers: str) -> Script:
    return status(code, b"<html><h1>Bad gateway</h1></html>", content_type="text/html", **headers)


class Fault(NamedTuple):
    """One fault with ``max_retries=1``; the last script repeats."""

    name: str
    scripts: list[Script]
    error: type[NanoGPTError] | None
    posts: int = 1
    cost: Decimal | None = UNKNOWN
    text: str = ""
    settings: dict[str, Any] = {}  # noqa: RUF012 - never changed


# Faults that an answer in one piece and the opening of a stream share.
SHARED = [
    Fault("reset after the request", [[End.RESET]], OutcomeUnknownError),
    Fault("closed after the request", [[End.CLOSE]], OutcomeUnknownError),
    Fault(
        "401", [status(401, {"error": {"code": "invalid_api_key"}})], AuthenticationError, 1, ZERO
    ),
    Fault(
        "402 openai",
        [status(402, {"error": {"code": "insufficient_balance"}})],
        InsufficientBalanceError,
        1,
        ZERO,
    ),
    Fault(
        "402 anthropic",
        [status(402, {"type": "error", "error": {"type": "insufficient_quota"}})],
        InsufficientBalanceError,
        1,
        ZERO,
    ),
    Fault(
        "402 text",
        [status(402, {"error": "Insufficient balance", "status": 402, "requiredBalance": 1})],
        InsufficientBalanceError,
        1,
        ZERO,
    ),
    Fault(
        "402 x402",
        [
            status(
                402,
                {
                    "error": {"code": "insufficient_quota"},
                    "payment": {"amountUsd": 1},
                    "accepts": [],
                },
            )
        ],
        InsufficientBalanceError,
        1,
        ZERO,
    ),
    Fault(
        "429 wait",
        [status(429, {"error": {"code": "rate_limit_exceeded"}}, retry_after="0.01")],
        RateLimitError,
        1,
        ZERO,
        settings={"rate_limit_wait": 0.0},
    ),
    Fault(
        "429 then better",
        [status(429, retry_after="0.01"), status(200, OK)],
        None,
        2,
        UNKNOWN,
        "Hello",
    ),
    Fault("429 wait an hour", [status(429, retry_after="3600")], RateLimitError, 1, ZERO),
    Fault(
        "429 daily",
        [status(429, {"error": {"code": "daily_usd_limit_exceeded"}}, retry_after="1")],
        DailyLimitError,
        1,
        ZERO,
    ),
    Fault("500", [status(500, {"error": "oops"})], ServerError, 2),
    Fault("502", [status(502, {"error": "oops"})], ServerError, 2),
    Fault("502 html", [html(502)], GatewayError),
    Fault("504 empty", [status(504)], GatewayError),
    Fault("520", [status(520, {"error": "oops"})], GatewayError),
    Fault("524", [status(524, {"error": "oops"})], GatewayError),
    Fault("522", [status(522)], OriginUnreachableError, 2, ZERO),
    Fault(
        "503 then better",
        [status(503, retry_after="0"), status(200, OK)],
        None,
        2,
        UNKNOWN,
        "Hello",
    ),
    Fault("302", [status(302, location="http://127.0.0.1:1/")], APIStatusError),
    Fault("200 html", [html(200)], InvalidResponseError),
    Fault(
        "200 json error",
        [status(200, {"error": "Insufficient balance", "status": 402})],
        InsufficientBalanceError,
    ),
    Fault("200 empty", [status(200)], InvalidResponseError),
    Fault("200 no choices", [status(200, {"choices": []})], InvalidResponseError),
]

WHOLE = [
    *SHARED,
    Fault("read timeout", [[End.HOLD]], APITimeoutError, settings={"timeout": 0.2}),
    Fault(
        "reset within the answer",
        [[http_head(200, {"content-length": "99"}), b"{", 0.3, End.RESET]],
        OutcomeUnknownError,
    ),
    Fault(
        "closed within the answer",
        [[http_head(200, {"content-length": "99"}), b"{", End.CLOSE]],
        OutcomeUnknownError,
    ),
    Fault(
        "silence within the answer",
        [[http_head(200, {"content-length": "99"}), b"{", End.HOLD]],
        APITimeoutError,
        settings={"timeout": 0.2},
    ),
]

HELLO = chunked(sse(frame("Hel"), frame("lo")))
FINISH = chunked(sse(frame(finish="stop", cost=0.25)))
KEEP_ALIVE: list[Any] = [chunked(b": keep-alive\n\n"), 0.05] * 40
BAD = frame(finish="error", error={"status": 503, "message": "overloaded"})
SOON = {"first_event_timeout": 0.8}  # a busy machine needs some for the headers
LATER = {"stream_idle_timeout": 0.3}
PRICE = Decimal("0.25")

STREAMED = [
    *SHARED,
    Fault("no headers", [[End.HOLD]], APITimeoutError, settings=SOON),
    Fault("cut before the first event", [[EVENT_STREAM, End.CLOSE]], StreamInterruptedError),
    Fault("reset before the first event", [[EVENT_STREAM, 0.3, End.RESET]], StreamInterruptedError),
    Fault(
        "ended before the first event",
        [[EVENT_STREAM_UNTIL_CLOSE, End.CLOSE]],
        StreamInterruptedError,
    ),
    Fault("empty", [[EVENT_STREAM, LAST_CHUNK]], StreamInterruptedError),
    Fault(
        "cut within a frame",
        [[EVENT_STREAM, HELLO, chunked(b'data: {"ch'), End.CLOSE]],
        StreamInterruptedError,
        text="Hello",
    ),
    Fault(
        "reset within a frame",
        [[EVENT_STREAM, HELLO, chunked(b'data: {"ch'), 0.3, End.RESET]],
        StreamInterruptedError,
        text="Hello",
    ),
    Fault(
        "ended within a frame",
        [[EVENT_STREAM_UNTIL_CLOSE, sse(frame("Hello")), b'data: {"ch', End.CLOSE]],
        StreamInterruptedError,
        text="Hello",
    ),
    Fault(
        "no finish reason",
        [[EVENT_STREAM, HELLO, LAST_CHUNK]],
        StreamInterruptedError,
        text="Hello",
    ),
    Fault(
        "done without finish reason",
        [[EVENT_STREAM, HELLO, chunked(DONE.encode()), LAST_CHUNK]],
        StreamInterruptedError,
        text="Hello",
    ),
    Fault(
        "error frame",
        [[EVENT_STREAM, HELLO, chunked(sse(BAD, DONE)), LAST_CHUNK]],
        ServerError,
        text="Hello",
    ),
    Fault(
        "error frame with the text",
        [[EVENT_STREAM, chunked(sse(frame("Hello"), BAD, DONE)), LAST_CHUNK]],
        ServerError,
        text="Hello",
    ),
    Fault(
        "error without detail",
        [[EVENT_STREAM, HELLO, chunked(sse(frame(finish="error"), DONE)), LAST_CHUNK]],
        StreamInterruptedError,
        text="Hello",
    ),
    Fault(
        "garbage",
        [[EVENT_STREAM, HELLO, chunked(b"data: <html>\n\n"), LAST_CHUNK]],
        InvalidResponseError,
        text="Hello",
    ),
    Fault(
        "stall before the first event",
        [[EVENT_STREAM, End.HOLD]],
        StreamStalledError,
        settings=SOON,
    ),
    Fault(
        "stall in a stream until close",
        [[EVENT_STREAM_UNTIL_CLOSE, sse(frame("Hello")), End.HOLD]],
        StreamStalledError,
        text="Hello",
        settings=LATER,
    ),
    Fault(
        "stall between events",
        [[EVENT_STREAM, HELLO, End.HOLD]],
        StreamStalledError,
        text="Hello",
        settings=LATER,
    ),
    Fault(
        "stall within an event",
        [[EVENT_STREAM, HELLO, chunked(b"data: {"), End.HOLD]],
        StreamStalledError,
        text="Hello",
        settings=LATER,
    ),
    Fault("only keep-alives", [[EVENT_STREAM, *KEEP_ALIVE]], StreamStalledError, settings=SOON),
    Fault(
        "keep-alives after text",
        [[EVENT_STREAM, HELLO, *KEEP_ALIVE]],
        StreamStalledError,
        text="Hello",
        settings=LATER,
    ),
    Fault(
        "stall after the finish", [[EVENT_STREAM, HELLO, FINISH, End.HOLD]], None, 1, PRICE, "Hello"
    ),
    Fault(
        "keep-alives after the finish",
        [[EVENT_STREAM, HELLO, FINISH, *KEEP_ALIVE]],
        None,
        1,
        PRICE,
        "Hello",
    ),
    Fault(
        "cut after the finish", [[EVENT_STREAM, HELLO, FINISH, End.CLOSE]], None, 1, PRICE, "Hello"
    ),
    Fault(
        "reset after the finish",
        [[EVENT_STREAM, HELLO, FINISH, 0.3, End.RESET]],
        None,
        1,
        PRICE,
        "Hello",
    ),
    Fault("no done", [[EVENT_STREAM, HELLO, FINISH, LAST_CHUNK]], None, 1, PRICE, "Hello"),
    Fault(
        "slow but alive",
        [[EVENT_STREAM, 0.5, HELLO, 0.5, chunked(sse(frame("!"))), 0.5, FINISH, LAST_CHUNK]],
        None,
        1,
        PRICE,
        "Hello!",
        {"first_event_timeout": 1.2, "stream_idle_timeout": 1.2},
    ),
]


def by_name(faults: list[Fault]) -> Any:
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: fault.name)


EITHER = pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)


@EITHER
@by_name(WHOLE)
def test_whole_answers(fault: Fault, shell: Shell):
    text = ""
    with RawServer(*fault.scripts) as server:
        with expected(fault) as ledger:
            settings = settings_for(fault, server, ledger)
            text = shell.use(settings, "chat", "hi", model="m")[0].text
        assert server.posts == fault.posts
    assert text == fault.text
    check_books(fault, ledger)


@EITHER
@by_name(STREAMED)
def test_streams(fault: Fault, shell: Shell):
    texts: list[str] = []
    with RawServer(*fault.scripts) as server:
        with expected(fault) as ledger:
            settings = settings_for(fault, server, ledger)
            shell.stream(settings, lambda item: collect(texts, item), "hi", model="m")
        assert server.posts == fault.posts
    assert "".join(texts) == fault.text
    check_books(fault, ledger)


def collect(texts: list[str], item: Any) -> bool:
    texts.append(item.text)
    return False


class expected:  # noqa: N801 - reads as a sentence
    """Expects the fault's exception, and everything that it must carry."""

    def __init__(self, fault: Fault) -> None:
        self.fault, self.ledger = fault, Ledger()

    def __enter__(self) -> Ledger:
        return self.ledger

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        assert kind is self.fault.error, repr(error)
        if not isinstance(error, NanoGPTError):
            return False
        assert error.sends == self.fault.posts
        assert error.maybe_billed is (error.partial is not None or after_a_200(error))
        if isinstance(error, StreamInterruptedError | StreamStalledError):
            assert error.partial.text == self.fault.text
        assert len(str(error)) <= 500
        return True


def after_a_200(error: NanoGPTError) -> bool:
    """Whether NanoGPT may have worked for it: it accepted the request, or never answered."""
    accepted = getattr(error.response, "status_code", None) == 200
    return accepted or isinstance(error, OutcomeUnknownError)


def settings_for(fault: Fault, server: RawServer, ledger: Ledger) -> dict[str, Any]:
    return {"base_url": server.base_url, "max_retries": 1, "ledger": ledger, **fault.settings}


def check_books(fault: Fault, ledger: Ledger) -> None:
    (entry,) = ledger
    assert entry.outcome == ("ok" if fault.error is None else fault.error.__name__)
    assert (entry.cost, entry.sends) == (fault.cost, fault.posts)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else can meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@EITHER
@pytest.mark.parametrize("act", ["chat", "stream_chat"])
def test_a_refused_connection_is_tried_again(shell: Shell, act: str, closed_port: int):
    books = Ledger()
    settings = {"base_url": f"http://127.0.0.1:{closed_port}", "max_retries": 1, "ledger": books}
    with pytest.raises(APIConnectionError) as caught:
        shell.use(settings, act, "hi", model="m")
    assert (caught.value.sends, caught.value.maybe_billed) == (2, False)
    (entry,) = books
    assert (entry.outcome, entry.cost, entry.sends) == ("APIConnectionError", ZERO, 2)


@EITHER
def test_free_calls_are_repeated_whatever_happened(shell: Shell):
    good = status(200, {"usd_balance": "7"})
    with RawServer([End.RESET], [End.CLOSE], good) as server:
        balance, client = shell.use({"base_url": server.base_url}, "balance")
        assert server.posts == 3
    assert balance.usd == 7
    (entry,) = client.ledger
    assert (entry.outcome, entry.cost, entry.sends) == ("ok", ZERO, 3)


@EITHER
@pytest.mark.parametrize("code", [400, 408, 500, 503, 504])
def test_a_chat_with_an_advisor_has_paid_phases_when_it_fails(shell: Shell, code: int):
    reply = status(code, {"error": {"message": "gone", "code": "advisor_phase_timeout"}})
    with RawServer(reply) as server:
        ledger = Ledger()
        settings = {"base_url": server.base_url, "ledger": ledger}
        with pytest.raises(NanoGPTError) as caught:
            shell.use(settings, "chat", "hi", model="m", extra_body={"advisor": {"model": "a"}})
        assert server.posts == 1
    assert caught.value.maybe_billed is (code != 400)
    assert ledger.totals.unknown_costs == (code != 400)


@EITHER
def test_an_order_is_never_repeated_on_a_status(shell: Shell):
    with RawServer(status(503, retry_after="0")) as server:
        with pytest.raises(ServerError):
            shell.use({"base_url": server.base_url}, "submit_video", "a cat", model="m")
        assert server.posts == 1


@EITHER
def test_a_download_that_is_too_large_is_not_read_on_nor_again(shell: Shell):
    head = http_head(200, {"content-type": "image/png", "content-length": "1000000"})
    with RawServer([head, b"x" * 100_000, End.HOLD]) as server:
        with pytest.raises(NanoGPTError, match="larger than the limit of 1000 bytes"):
            shell.use({"base_url": server.base_url}, "download", "/x.png", max_bytes=1000)
        assert len(server.requests) == 1


@EITHER
def test_retry_after_is_reported_to_the_caller(shell: Shell):
    with RawServer(status(429, retry_after="3600")) as server:
        with pytest.raises(RateLimitError) as caught:
            shell.use({"base_url": server.base_url}, "chat", "hi", model="m")
    assert caught.value.retry_after == 3600.0
