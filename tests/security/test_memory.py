"""A small answer that unpacks to a large one is refused before it is large."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from nanogpt_client import InvalidResponseError, NanoGPTClient, NanoGPTError, batch_row
from nanogpt_client._protocol.sse import MAX_EVENT_BYTES
from nanogpt_client._transport import response_body
from nanogpt_client.endpoints import media
from nanogpt_client.endpoints._batch_rows import prepare
from nanogpt_client.types.batches import Batch
from tests.security.ways import KEY
from tests.support.rawserver import LAST_CHUNK, RawServer, chunked, http_head, http_reply
from tests.unit.nanogpt_client.clients.shell import BOTH

MB = 1 << 20


def bomb(size: int = 50 * MB, start: bytes = b"\x89PNG\r\n\x1a\n") -> bytes:
    """Return gzip that unpacks to that many zeros."""
    packer, zeros = zlib.compressobj(9, wbits=31), b"\0" * MB
    parts = [packer.compress(start)]
    parts += [packer.compress(zeros) for _ in range(size // MB)]
    return b"".join([*parts, packer.flush()])


ONCE = bomb()
TWICE = gzip.compress(ONCE, 9)


@pytest.fixture
def peak():
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def packed(data: bytes, encoding: str, kind: str = "image/png") -> list[bytes]:
    return [http_reply(data, headers={"content-type": kind, "content-encoding": encoding})]


def test_the_rows_of_a_batch_may_be_larger_than_the_memory(peak):
    text = "x" * MB
    rows = (batch_row(text, model="m", max_tokens=9) for _ in range(40))
    prepared = prepare(rows, model=None, endpoint=None)
    assert (prepared.rows, prepared.bytes > 40 * MB) == (40, True)
    prepared.file.close()
    assert peak() < 20 * MB


def test_the_results_of_a_batch_may_be_larger_than_the_memory(peak):
    line = (
        b'{"custom_id": "%d", "response": {"status_code": 200, "body": {"choices": [{"message":'
        b'{"content": "%s"}, "finish_reason": "stop"}]}}}\n'
    )
    head = http_head(200, {"content-type": "application/jsonl", "transfer-encoding": "chunked"})
    parts = [chunked(line % (at, b"x" * MB)) for at in range(40)]
    batch = Batch("batch_1", "completed", output_file_id="file_out")
    with RawServer([head, *parts, LAST_CHUNK]) as server:
        before = peak()
        results = NanoGPTClient(KEY, base_url=server.base_url).batches.results(batch)
        assert sum(len(result.unwrap().text) for result in results) == 40 * MB
    results.close()
    assert peak() - before < 20 * MB


@pytest.mark.parametrize(
    ("data", "encoding", "says"),
    [
        (ONCE, "gzip", "larger than the limit of 3145728 bytes"),
        (TWICE, "gzip, gzip", "compressed several times"),
        (ONCE, "br", "its encoding was not requested"),
        (ONCE, "zstd", "its encoding was not requested"),
    ],
)
def test_an_image_is_no_larger_than_nanogpt_accepts(way, peak, data, encoding, says):
    with RawServer(packed(data, encoding)) as evil, RawServer([http_reply(b"{}")]) as nano:
        url = f"http://127.0.0.1:{evil.server_address[1]}/x.png"
        client = NanoGPTClient(KEY, base_url=nano.base_url, allow_private_downloads=True)
        seen = way.call(client, "edit_image", {"prompt": "x", "image": url})
        assert (len(evil.requests), nano.posts) == (1, 0)
    assert says in seen.text
    assert peak() < 20 * MB


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_a_file_that_is_too_large_is_read_once(shell, peak):
    with RawServer(packed(bomb(start=b"text"), "gzip")) as server:
        with pytest.raises(InvalidResponseError, match="larger than the limit"):
            shell.use({"base_url": server.base_url}, "download", "/media/x.png", max_bytes=20 * MB)
    assert peak() < 30 * MB  # it is not read as JSON, to find a cost


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_an_answer_of_nanogpt_is_bounded_too(shell, peak, monkeypatch):
    monkeypatch.setattr(response_body, "MAX_RESPONSE_BYTES", MB)
    with RawServer(packed(bomb(start=b'{"id": "'), "gzip", "application/json")) as server:
        with pytest.raises(InvalidResponseError, match="larger than 1 MB") as caught:
            shell.use({"base_url": server.base_url}, "chat", "hi", model="m")
        assert server.posts == 1
    assert caught.value.maybe_billed
    assert peak() < 10 * MB


@pytest.mark.parametrize("size", [60, 80])  # below the limit of an event, and above
@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_so_is_a_stream(shell, size, peak):
    data = bomb(size * MB, start=b"data: ")
    with RawServer(packed(data, "gzip", "text/event-stream")) as server:
        with pytest.raises(NanoGPTError):
            shell.use({"base_url": server.base_url}, "stream_chat", "hi", model="m")
    assert peak() < 2.5 * MAX_EVENT_BYTES  # a large event is copied once


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_an_answer_may_be_packed_once(shell):
    with RawServer(packed(gzip.compress(b'{"usd_balance": "7"}'), "gzip", "application/json")) as s:
        balance, _ = shell.use({"base_url": s.base_url}, "balance")
        assert s.requests[0].headers["accept-encoding"] == "gzip, deflate"
    assert balance.usd == 7


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_images_of_one_request_share_a_limit(shell, monkeypatch):
    monkeypatch.setattr(media, "MAX_IMAGES_BYTES", 2000)
    png = b"\x89PNG\r\n\x1a\n" + b"x" * 1000
    with RawServer([http_reply(b"{}")]) as server:
        with pytest.raises(NanoGPTError, match="the images are too large: NanoGPT accepts"):
            shell.use(
                {"base_url": server.base_url}, "generate_image", "x", model="m", image=[png] * 2
            )
        assert server.requests == []
