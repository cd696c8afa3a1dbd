"""Videos: submitted and charged at once, polled, recovered, served; real MP4 files."""

from __future__ import annotations

import io
from decimal import Decimal
from io import BytesIO
from typing import Any

import av
import numpy as np
import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.media.video import make_video
from tests.sandbox.asking import ask, code, data_url, download, image

RED = data_url(image())
ROOT = "/api/generate-video"


def submit(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", ROOT, {"model": "veo2-video", "prompt": "a cat"} | body)


def poll(app: SandboxApp, run: str) -> dict[str, Any]:
    found: dict[str, Any] = ask(app, "GET", f"/api/video/status?requestId={run}").json()
    return found


def probe(app: SandboxApp, url: str) -> tuple[int, int, int]:
    """Return width, height and seconds of a video."""
    reply = download(app, url)
    assert reply.headers["content-type"] == "video/mp4"
    with av.open(BytesIO(reply.content), "r") as container:
        stream = container.streams.video[0]
        return stream.width, stream.height, round((container.duration or 0) / av.time_base)


def test_a_video_from_the_order_to_the_file():
    app = SandboxApp()
    reply = submit(app, duration="5", aspect_ratio="9:16")
    run = reply.json()
    assert reply.status == 202
    assert run["runId"] == run["id"]
    assert run["runId"].startswith("vid_")
    assert (run["status"], run["cost"], run["remainingBalance"]) == ("pending", 0.35, 4.65)
    assert float(app.balance) == 4.65
    states = [poll(app, run["runId"])["data"] for _ in range(3)]
    assert [state["status"] for state in states] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert states[2]["cost"] == 0.35
    assert probe(app, states[2]["output"]["video"]["url"]) == (360, 640, 5)


def test_the_status_of_no_video():
    app = SandboxApp()
    assert ask(app, "GET", "/api/video/status?requestId=vid_x").status == 404
    assert ask(app, "GET", "/api/video/status").status == 400


def test_lost_videos_are_recovered():
    app = SandboxApp()
    runs = [submit(app).json()["runId"] for _ in range(3)]
    found = ask(app, "GET", f"{ROOT}/recover").json()["data"]
    assert [item["runId"] for item in found] == runs[::-1]
    assert {item["status"] for item in found} == {"pending"}
    (one,) = ask(app, "GET", f"{ROOT}/recover?limit=1").json()["data"]
    assert one["id"] == runs[2]
    assert ask(app, "GET", f"{ROOT}/recover?model=sora-2").json() == {"data": []}
    assert ask(app, "GET", f"{ROOT}/recover?limit=x").status == 400


def test_a_failed_video_is_refunded_once():
    app = SandboxApp(job_pace=0)
    run = submit(app, model="sandbox/fault/job-failed").json()
    assert app.balance == 5 - Decimal(str(run["cost"]))
    for _ in range(2):
        state = poll(app, run["runId"])["data"]
        assert (state["status"], state["isNSFWError"]) == ("FAILED", True)
        assert app.balance == 5
    (item,) = ask(app, "GET", f"{ROOT}/recover").json()["data"]
    assert item["status"] == "failed"
    totals = ask(app, "GET", "/api/v1/usage").json()["totals"]
    assert (totals["requests"], totals["netCostUsd"]) == (1, 0)
    assert totals["refundedUsd"] == totals["costUsd"] == run["cost"]
    stuck = submit(app, model="sandbox/fault/job-stuck").json()["runId"]
    assert {poll(app, stuck)["data"]["status"] for _ in range(5)} == {"IN_PROGRESS"}


@pytest.mark.parametrize("source", ["imageDataUrl", "imageUrl"])
def test_a_video_of_an_image(source):
    app = SandboxApp(job_pace=0)
    plain = poll(app, submit(app).json()["runId"])["data"]["output"]["video"]["url"]
    shown = poll(app, submit(app, **{source: RED}).json()["runId"])
    assert shown["data"]["output"]["video"]["url"] != plain


BAD, MISSING = (400, "invalid_parameter_value"), (400, "missing_required_parameter")


@pytest.mark.parametrize(("body", "expected"), [
    ({"model": "hidream"}, (404, "model_not_found")), ({"prompt": None}, MISSING),
    ({"prompt": ""}, MISSING), ({"duration": "60"}, BAD), ({"duration": "long"}, BAD),
    ({"aspect_ratio": "2:7"}, BAD), ({"imageUrl": "photo.jpg"}, BAD),
    ({"model": "hunyuan-video", "imageUrl": "https://x.example/y"},
     (400, "image_input_not_supported")),
    ({"model": "kling-v21-standard"}, MISSING),
])  # fmt: skip
def test_refusals_cost_nothing(body, expected):
    app = SandboxApp()
    assert code(submit(app, **body)) == expected
    assert app.balance == 5
    assert submit(SandboxApp(balance="0.1")).status == 402


@pytest.mark.parametrize("body", [
    *({"duration": each, "aspect_ratio": "auto"} for each in (5, "5", "5s", 5.0)),
    {"prompt": "", "imageDataUrl": RED}, {"imageUrl": "https://example.com/photo.jpg"},
])  # fmt: skip
def test_options_that_are_fine(body):
    assert submit(SandboxApp(), **body).status == 202


def frames_of(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data), "r") as source:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in source.decode(video=0)]


@pytest.mark.parametrize(("seconds", "ratio", "size"), [
    (3, "16:9", (640, 360)), (5, "9:16", (360, 640)), (7.5, "1:1", (640, 640)),
    (10, "21:9", (640, 274)),
])  # fmt: skip
def test_a_video_has_the_length_and_the_shape_asked_for(seconds, ratio, size):
    data = make_video("a red rocket 🚀 \ud800", seconds=seconds, aspect_ratio=ratio)
    assert make_video("a red rocket 🚀 \ud800", seconds=seconds, aspect_ratio=ratio) == data
    with av.open(io.BytesIO(data), "r") as source:
        context = source.streams.video[0].codec_context
        assert source.duration == seconds * 1_000_000
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert source.metadata["title"] == "a red rocket 🚀 ?"
    first, second, third = frames_of(data)
    assert first.shape[:2] == size[::-1]
    assert np.abs(first - second).mean() > 2
    assert np.abs(second - third).mean() > 2


def test_a_given_image_is_in_each_frame():
    source = image("#14dc3c", (200, 100))
    for frame in frames_of(make_video("a blue boat", seconds=1, image=source)):
        assert frame[40:200].mean(axis=(0, 1)).argmax() == 1
    with pytest.raises(ValueError, match="no image"):
        make_video("x", seconds=1, image=b"none")


SOURCE = "https://example.com/source.mp4"


def test_an_upscaler_takes_a_video_and_no_prompt():
    app = SandboxApp()
    body = {"model": "video-upscaler", "videoUrl": SOURCE, "resolution": "1080p"}
    reply = ask(app, "POST", ROOT, body)
    assert (reply.status, reply.json()["cost"]) == (202, 0.05)
    missing = ask(app, "POST", ROOT, {"model": "video-upscaler", "prompt": "x"})
    assert (missing.status, missing.json()["error"]["param"]) == (400, "videoUrl")
    refused = submit(app, videoUrl=SOURCE)
    assert code(refused) == (400, "video_input_not_supported")


def test_a_model_that_extends_needs_a_prompt_as_well():
    app = SandboxApp()
    body = {"model": "wan-wavespeed-22-spicy-extend", "videoUrl": SOURCE, "duration": 5}
    assert ask(app, "POST", ROOT, body | {"prompt": "on"}).status == 202
    refused = ask(app, "POST", ROOT, body)
    assert (refused.status, refused.json()["error"]["param"]) == (400, "prompt")


def test_a_video_of_midjourney_is_extended():
    app = SandboxApp()
    run = submit(app, model="midjourney-video").json()["runId"]
    longer = ask(app, "POST", f"{ROOT}/extend", {"runId": run, "index": 0})
    assert longer.status == 202
    assert longer.json()["message"] == "Extending video 1 by 5 seconds..."
    assert longer.json()["taskId"] == longer.json()["runId"] != run
    assert app.balance == Decimal("5.00") - 2 * Decimal("0.30")
    states = [poll(app, longer.json()["runId"])["data"] for _ in range(3)]
    assert states[2]["output"]["video"]["url"]


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"runId": "vid_0", "index": 0}, 404), ({"runId": 7, "index": 0}, 404),
     ({"index": 4}, 400), ({"index": True}, 400), ({"index": None}, 400), ({"index": 0}, 400)],
)  # fmt: skip
def test_other_extensions_are_refused(body, status):
    app = SandboxApp()
    run = submit(app).json()["runId"]  # not of Midjourney
    given = body if not body or "runId" in body else {"runId": run, **body}
    assert ask(app, "POST", f"{ROOT}/extend", given).status == status
    assert app.balance == Decimal("4.65")
