"""Every method of both clients, over real sockets: which request, which answer, which entry."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from nanogpt_client import AsyncNanoGPTClient, ModelId, NanoGPTClient
from nanogpt_client._protocol.steps import Sleep, ask
from nanogpt_client.endpoints.account import balance
from nanogpt_client.endpoints.chat import stream_chat
from tests.support.driving import DONE, frame, sse
from tests.support.rawserver import (
    EVENT_STREAM,
    LAST_CHUNK,
    End,
    RawServer,
    Script,
    chunked,
    http_reply,
)
from tests.unit.nanogpt_client.clients.shell import BOTH, KEY, Shell

PNG = b"\x89PNG\r\n\x1a\nrest"
IMAGE = {"data": [{"b64_json": base64.b64encode(PNG).decode()}]}
ANSWER = {"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}], "cost": 0.25}
VECTORS = {"data": [{"embedding": [1, 2]}]}
DONE_VIDEO = {"data": {"status": "COMPLETED", "output": {"video": {"url": "/v.mp4"}}}}


def json_reply(body: Any, **headers: str) -> Script:
    return [http_reply(json.dumps(body).encode(), headers=headers)]


def sound(body: bytes = b"ID3") -> Script:
    return [http_reply(body, headers={"content-type": "audio/mpeg"})]


def pcm(body: bytes) -> Script:
    return [http_reply(body, headers={"content-type": "audio/pcm"})]


class Use(NamedTuple):
    act: str
    args: tuple[Any, ...]
    options: dict[str, Any]
    scripts: list[Script]
    requests: list[str]
    check: Callable[[Any], bool]


USES = [
    Use(
        "generate_images",
        (["a cat", "a dog"],),
        {"model": "m", "max_concurrency": 1},
        [json_reply(IMAGE), json_reply(IMAGE)],
        ["POST /api/v1/images/generations"] * 2,
        lambda r: [images[0].bytes for images in r] == [PNG, PNG],
    ),
    Use(
        "speak_long",
        ("Hi. " * 1500,),
        {"model": "m", "response_format": "pcm", "max_concurrency": 1},
        [json_reply({"data": []}), pcm(b"ab"), pcm(b"cd")],
        ["GET /api/v1/audio-models?type=tts", *["POST /api/v1/audio/speech"] * 2],
        lambda r: r.bytes == b"abcd",
    ),
    Use(
        "transcribe_all",
        ([b"ID3", b"ID3"],),
        {"model": "m", "max_concurrency": 1},
        [json_reply({"text": "one"}), json_reply({"text": "two"})],
        ["POST /api/v1/audio/transcriptions"] * 2,
        lambda r: [heard.text for heard in r] == ["one", "two"],
    ),
    Use(
        "estimate_media_cost",
        ("video",),
        {"model": "m", "seconds": 5},
        [json_reply({"data": [{"id": "m", "pricing": {"per_second": 0.1}}]})],
        ["GET /api/v1/video-models"],
        lambda r: r.usd == Decimal("0.5"),
    ),
    Use(
        "chat",
        ("hi",),
        {"model": "m"},
        [json_reply(ANSWER)],
        ["POST /api/v1/chat/completions"],
        lambda r: r.text == "Hello",
    ),
    Use(
        "embed",
        (["a"],),
        {"model": "m"},
        [json_reply(VECTORS)],
        ["POST /api/v1/embeddings"],
        lambda r: r.vectors.tolist() == [[1, 2]],
    ),
    Use(
        "embed_all",
        (["a", "b"],),
        {"model": "m", "batch_size": 1, "max_concurrency": 1},
        [json_reply(VECTORS), json_reply(VECTORS)],
        ["POST /api/v1/embeddings"] * 2,
        lambda r: r.tolist() == [[1, 2], [1, 2]],
    ),
    Use(
        "generate_image",
        ("a cat",),
        {"model": "m", "image": PNG},
        [json_reply(IMAGE)],
        ["POST /api/v1/images/generations"],
        lambda r: r[0].bytes == PNG,
    ),
    Use(
        "edit_image",
        ("a hat",),
        {"model": "m", "image": PNG},
        [json_reply(IMAGE)],
        ["POST /api/v1/images/edits"],
        lambda r: r[0].bytes == PNG,
    ),
    Use(
        "speak",
        ("hi",),
        {"model": "m"},
        [sound()],
        ["POST /api/v1/audio/speech"],
        lambda r: r.data == b"ID3",
    ),
    Use(
        "speak",
        ("hi",),
        {"model": "m"},
        [json_reply({"url": "/media/x.mp3?sig=1"}), sound()],
        ["POST /api/v1/audio/speech", "GET /media/x.mp3?sig=1"],
        lambda r: r.data == b"ID3",
    ),
    Use(
        "stream_speech",
        ("hi",),
        {"model": "m"},
        [sound()],
        ["POST /api/v1/audio/speech"],
        lambda r: b"".join(r) == b"ID3",
    ),
    Use(
        "transcribe",
        (b"RIFF",),
        {"model": "m"},
        [json_reply({"text": "hi"})],
        ["POST /api/v1/audio/transcriptions"],
        lambda r: r.text == "hi",
    ),
    Use(
        "submit_video",
        ("a cat",),
        {"model": "m"},
        [json_reply({"runId": "v"})],
        ["POST /api/generate-video"],
        lambda r: r.run_id == "v",
    ),
    Use(
        "video_status",
        ("v",),
        {},
        [json_reply(DONE_VIDEO)],
        ["GET /api/video/status?requestId=v"],
        lambda r: r.is_finished,
    ),
    Use(
        "wait_for_video",
        ("v",),
        {},
        [json_reply(DONE_VIDEO)],
        ["GET /api/video/status?requestId=v"],
        lambda r: r.url.endswith("/v.mp4") and r.url.startswith("http"),
    ),
    Use(
        "generate_video",
        ("a cat",),
        {"model": "m", "poll_interval": 0.01},
        [json_reply({"runId": "v"}), json_reply({"status": "pending"}), json_reply(DONE_VIDEO)],
        ["POST /api/generate-video", *["GET /api/video/status?requestId=v"] * 2],
        lambda r: r.run_id == "v",
    ),
    Use(
        "recover_videos",
        (),
        {"limit": 2},
        [json_reply({"data": []})],
        ["GET /api/generate-video/recover?limit=2"],
        lambda r: r == [],
    ),
    Use("download", ("/media/x",), {}, [sound(b"data")], ["GET /media/x"], lambda r: r == b"data"),
    Use(
        "search_web",
        ("nano",),
        {},
        [json_reply({"data": []})],
        ["POST /api/web"],
        lambda r: r.hits == (),
    ),
    Use(
        "list_models",
        (),
        {},
        [json_reply({"data": []})],
        ["GET /api/v1/models?detailed=true"],
        lambda r: len(r) == 0,
    ),
    Use(
        "balance",
        (),
        {},
        [json_reply({"usd_balance": "1"})],
        ["POST /api/check-balance"],
        lambda r: r.usd == 1,
    ),
    Use(
        "usage",
        (),
        {"group_by": "day"},
        [json_reply({})],
        ["GET /api/v1/usage?group_by=day"],
        lambda r: r.requests is None,
    ),
    Use(
        "subscription_usage",
        (),
        {},
        [json_reply({"active": True})],
        ["GET /api/subscription/v1/usage"],
        lambda r: r.active,
    ),
    Use(
        "estimate_chat_cost",
        ("hi",),
        {"model": "m"},
        [json_reply({"cost": 1})],
        ["POST /api/get-completion-cost"],
        lambda r: r.usd == 1,
    ),
    Use(
        "estimate_image_cost",
        (),
        {"model": "m", "n": 2},
        [json_reply({"cost": 1})],
        ["POST /api/estimate-image-cost"],
        lambda r: r.usd == 2,
    ),
    Use(
        "can_afford",
        ("hi",),
        {"model": "m"},
        [json_reply({"cost": 1}), json_reply({"usd_balance": "2"})],
        ["POST /api/get-completion-cost", "POST /api/check-balance"],
        bool,
    ),
    Use(
        "create_deposit",
        ("btc", "0.1"),
        {},
        [json_reply({"address": "a"})],
        ["POST /api/transaction/create/btc"],
        lambda r: r.address == "a",
    ),
    Use(
        "deposit_limits",
        ("btc",),
        {},
        [json_reply({"minimum": 1})],
        ["GET /api/transaction/limits/btc"],
        lambda r: r.minimum == 1,
    ),
    Use(
        "deposit_status",
        ("btc", "t"),
        {},
        [json_reply({"status": "Paid"})],
        ["GET /api/transaction/status/btc/t"],
        lambda r: r.status == "Paid",
    ),
    Use(
        "send",
        (balance(),),
        {},
        [json_reply({"usd_balance": "1"})],
        ["POST /api/check-balance"],
        lambda r: r.usd == 1,
    ),
]


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
@pytest.mark.parametrize("use", USES, ids=lambda use: use.act)
def test_every_method(shell: Shell, use: Use):
    with RawServer(*use.scripts) as server:
        result, client = shell.use({"base_url": server.base_url}, use.act, *use.args, **use.options)
        requests = server.requests
    assert use.check(result)
    assert [f"{r.method} {r.target}" for r in requests] == use.requests
    for request in requests:
        api = request.target.startswith("/api/")
        assert request.headers.get("authorization") == (f"Bearer {KEY}" if api else None)
        assert request.headers.get("x-api-key") == (KEY if api else None)
    assert [entry.outcome for entry in client.ledger] == ["ok"] * len(requests)


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
class TestBoth:
    """What holds for each shell."""

    def test_a_streamed_chat(self, shell: Shell):
        frames = sse(frame("Hel"), frame("lo ✓"), frame(finish="stop", cost=0.25), DONE)
        pieces = [chunked(frames[i : i + 7]) for i in range(0, len(frames), 7)]
        with RawServer([EVENT_STREAM, *pieces, LAST_CHUNK]) as server:
            items, client = shell.use({"base_url": server.base_url}, "stream_chat", "hi", model="m")
            assert server.posts == 1
            sent = json.loads(server.requests[0].body)
        assert "".join(item.text for item in items) == "Hello ✓"
        assert (items[-1].finish_reason, str(items[-1].billing.cost)) == ("stop", "0.25")
        assert (sent["stream"], sent["stream_options"]) == (True, {"include_usage": True})
        (entry,) = client.ledger
        assert (entry.outcome, str(entry.cost), entry.sends) == ("ok", "0.25", 1)

    def test_items_come_as_soon_as_they_are_sent(self, shell: Shell):
        script: Script = [EVENT_STREAM, chunked(sse(frame("a"))), 30.0]
        seen: list[str] = []

        def at_first(item: Any) -> bool:
            seen.append(item.text)
            return True

        with RawServer(script) as server:
            settings = {"base_url": server.base_url}
            client = shell.stream(settings, at_first, "hi", model="m")
        assert seen == ["a"]
        (entry,) = client.ledger
        assert (entry.outcome, entry.cost) == ("abandoned", None)

    def test_an_abandoned_stream_frees_its_connection(self, shell: Shell):
        script: Script = [
            EVENT_STREAM,
            chunked(sse(frame("a"))),
            0.05,
            chunked(sse(frame("b"))),
            30.0,
        ]
        with RawServer(script) as server:
            shell.stream({"base_url": server.base_url}, bool, "hi", model="m")  # at the first
            assert server.posts == 1

    def test_chat_goes_to_the_variant_and_the_rest_to_v1(self, shell: Shell):
        with RawServer(json_reply(ANSWER)) as server:
            base = server.base_url.replace("/v1", "/subscription/v1")
            shell.use({"base_url": base}, "chat", "hi", model="m")
            assert server.requests[0].target == "/api/subscription/v1/chat/completions"
        with RawServer(json_reply(VECTORS)) as server:
            base = server.base_url.replace("/v1", "/subscription/v1")
            shell.use({"base_url": base}, "embed", "hi", model="m")
            assert server.requests[0].target == "/api/v1/embeddings"

    def test_headers(self, shell: Shell):
        with RawServer(json_reply(ANSWER)) as server:
            settings = {"base_url": server.base_url, "default_headers": {"X-A": "1", "X-B": "1"}}
            shell.use(settings, "chat", "hi", model="m", extra_headers={"X-B": "2"})
            headers = server.requests[0].headers
        assert (headers["x-a"], headers["x-b"]) == ("1", "2")
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("nanogpt-integrations/")

    def test_a_form_arrives_whole(self, shell: Shell, tmp_path):
        path = tmp_path / "talk.wav"
        path.write_bytes(b"RIFFsound")
        with RawServer(json_reply({"text": "hi"})) as server:
            shell.use({"base_url": server.base_url}, "transcribe", path, model="m", language="en")
            request = server.requests[0]
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        for part in (
            b'name="file"; filename="talk.wav"',
            b"RIFFsound",
            b'name="language"\r\n\r\nen',
        ):
            assert part in request.body

    def test_a_flow_of_tomorrow(self, shell: Shell):
        def flow():
            first = yield from ask(balance())
            yield Sleep(0.01)
            second = yield from ask(balance())
            return (first.usd, second.usd)

        with RawServer(json_reply({"usd_balance": "2"})) as server:
            total, client = shell.use({"base_url": server.base_url}, "run", flow())
        assert (total, len(client.ledger)) == ((2, 2), 2)

    def test_a_stream_call_of_tomorrow(self, shell: Shell):
        script: Script = [EVENT_STREAM, chunked(sse(frame("a", finish="stop"), DONE)), LAST_CHUNK]
        with RawServer(script) as server:
            call = stream_chat("hi", model=str(ModelId("m").with_memory()))
            items, _ = shell.use({"base_url": server.base_url}, "stream", call)
            assert json.loads(server.requests[0].body)["model"] == "m:memory"
        assert items[0].text == "a"

    def test_connections_are_used_again(self, shell: Shell):
        def flow():
            for _ in range(3):
                yield from ask(balance())

        with RawServer(json_reply({"usd_balance": "2"})) as server:
            shell.use({"base_url": server.base_url}, "run", flow())
            assert server.connections == 1

    def test_connections_are_used_again_after_streams(self, shell: Shell):
        whole = chunked(sse(frame("a", finish="stop"), DONE))
        late: Script = [EVENT_STREAM, whole, 0.05, LAST_CHUNK]
        held: Script = [EVENT_STREAM, whole, End.HOLD]  # nobody waits for its end for long
        with RawServer(late, late, held, late) as server:
            client = shell.streams({"base_url": server.base_url}, 4)
            assert (server.posts, server.connections) == (4, 2)
            assert [entry.outcome for entry in client.ledger] == ["ok"] * 4

    def test_cookies_are_not_kept(self, shell: Shell):
        def flow():
            yield from ask(balance())
            yield from ask(balance())

        with RawServer(json_reply({"usd_balance": "2"}, **{"set-cookie": "a=b"})) as server:
            shell.use({"base_url": server.base_url}, "run", flow())
            assert [request.headers.get("cookie") for request in server.requests] == [None, None]


@pytest.mark.parametrize("shell", BOTH, ids=lambda shell: shell.name)
def test_an_image_is_fetched_from_where_its_answer_came_from_when_that_is_asked_for(shell: Shell):
    answer = http_reply(b'{"data": [{"url": "/media/x.png"}]}')
    with RawServer([answer], [http_reply(PNG, headers={"content-type": "image/png"})]) as server:
        settings = {"base_url": server.base_url}
        (picture,), _ = shell.use(settings, "generate_image", "a hat", model="m")
        assert picture.url == server.base_url.removesuffix("/api/v1") + "/media/x.png"
        fetched, _ = shell.use(settings, "download", picture)
    assert (fetched.bytes, fetched.url) == (PNG, picture.url)


@pytest.mark.parametrize("client", [NanoGPTClient, AsyncNanoGPTClient])
def test_a_stream_that_is_printed_says_how_to_read_it(client):
    assert "get_final()" in repr(client("k").stream_chat("hi", model="m"))
