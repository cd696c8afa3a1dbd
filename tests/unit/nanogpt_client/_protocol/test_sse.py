"""The SSE decoder: the same events wherever the bytes are cut and however lines end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nanogpt_client._protocol import sse
from nanogpt_client._protocol.sse import SSEDecoder
from nanogpt_client.errors import InvalidResponseError

LINE = st.binary(max_size=12).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b""))
NOISE = st.sampled_from([b": keep-alive", b":", b"event: message", b"id: 7", b"retry: 10", b"x"])
EVENT = st.tuples(st.lists(LINE, min_size=1, max_size=3), st.lists(NOISE, max_size=2))
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def decode(*pieces: bytes) -> list[bytes]:
    decoder = SSEDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


@given(
    events=st.lists(EVENT, max_size=5),
    end=ENDS,
    space=st.booleans(),
    last_blank=st.booleans(),
    places=st.lists(st.integers(min_value=0), max_size=12),
)
def test_valid_streams_give_their_events_wherever_they_are_cut(
    events, end, space, last_blank, places
):
    blocks = [
        b"".join(
            line + end for line in [*noise, *((b"data: " if space else b"data:") + d for d in data)]
        )
        for data, noise in events
    ]
    stream = b"".join(block + end for block in blocks)
    if not last_blank and blocks:
        stream = stream[: -len(end)]
    expected = [
        b"\n".join(d if space else d.removeprefix(b" ") for d in data) for data, _ in events
    ]
    assert decode(*cut(stream, places)) == expected


@given(
    stream=st.lists(st.sampled_from([b"\r", b"\n", b"data:", b" ", b"x", b":"])).map(b"".join),
    places=st.lists(st.integers(min_value=0), max_size=8),
)
@example(stream=b"data: a\r\r\ndata: b\n\r\n", places=[8, 9])
@example(stream=b"data: a\r\n\r\ndata: b\r\n\r\n", places=[8, 9, 10, 11])
def test_any_bytes_mean_the_same_in_one_chunk_and_in_many(stream, places):
    assert decode(*cut(stream, places)) == decode(stream)
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == decode(stream)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b": only a comment\n\n", []),
        (b"event: ping\n\n", []),
        (b"data\n\n", []),
        (b"data:\n\n", [b""]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        (b"\n\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n: comment\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\r\ndata: b\rdata: c\n\r\n", [b"a\nb\nc"]),
        (b"data: a", [b"a"]),
        (b"data: a\n", [b"a"]),
        (b"data: a\xe2\x80\xa8b\x0bc\n\n", [b"a\xe2\x80\xa8b\x0bc"]),  # no line ends in SSE
        (b"<html>\n\n</html>", []),
    ],
)
def test_events_of(stream, events):
    assert decode(stream) == events


def test_an_event_is_out_as_soon_as_its_blank_line_is_in():
    decoder = SSEDecoder()
    assert decoder.feed(b"data: a\r\n") == []
    assert decoder.feed(b"\r") == [b"a"]  # the LF may come late
    assert decoder.feed(b"\ndata: b\n\n") == [b"b"]
    assert decoder.feed(b"") == []
    assert decoder.close() == []


def test_an_event_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 100)
    decoder = SSEDecoder()
    assert decoder.feed(b"data: " + b"x" * 200 + b"\n\n") == [b"x" * 200]  # whole already
    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(InvalidResponseError, match="larger than") as caught:
        decoder.feed(b"x" * 10)
    assert caught.value.maybe_billed


def test_an_event_may_have_a_large_picture_twice():
    picture = b"x" * 30_000_000  # base64 of 4K, which the last event of a stream may repeat
    decoder = SSEDecoder()
    assert decoder.feed(b"data: " + picture) == decoder.feed(picture) == []
    assert list(map(len, decoder.feed(b"\n\n"))) == [2 * len(picture)]


@pytest.mark.timeout(5)
def test_a_large_event_in_small_chunks_takes_linear_time():
    data = b"x" * 2_000_000
    stream = b"data: " + data + b"\n\n"
    assert decode(*(stream[i : i + 50] for i in range(0, len(stream), 50))) == [data]
