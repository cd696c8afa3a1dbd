"""Videos: submitted and charged at once, polled, recovered, served."""

from __future__ import annotations

import base64
from decimal import Decimal
from io import BytesIO
from typing import Any

import av
import pytest
from PIL import Image

from nanogpt_client.sandbox import Reply, Request, SandboxApp
from tests.sandbox.asking import ask, code


def submit(app: SandboxApp, **body: Any) -> Reply:
    return ask(
        app, "POST", "/api/generate-video", {"model": "veo2-video", "prompt": "a cat"} | body
    )


def poll(app: SandboxApp, run: str, path: str = "/api/video/status?requestId=") -> dict[str, Any]:
    found: dict[str, Any] = ask(app, "GET", f"{path}{run}").json()
    return found


def url(colour: str = "red") -> str:
    target = BytesIO()
    Image.new("RGB", (64, 64), colour).save(target, "PNG")
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode()


def film(app: SandboxApp, address: str) -> Any:
    reply = app.handle(Request("GET", address.removeprefix("http://sandbox.invalid")))
    assert reply.headers["content-type"] == "video/mp4"
    with av.open(BytesIO(reply.content)) as container:
        stream = container.streams.video[0]
        assert stream.duration
        assert stream.time_base
        return stream.width, stream.height, round(float(stream.duration * stream.time_base))


def test_a_film_from_ticket_to_file():
    app = SandboxApp()
    reply = submit(app, duration="5", aspect_ratio="9:16")
    ticket = reply.json()
    assert reply.status == 202
    assert ticket["runId"] == ticket["id"]
    assert ticket["runId"].startswith("vid_")
    assert (ticket["status"], ticket["cost"], ticket["remainingBalance"]) == ("pending", 0.35, 4.65)
    assert float(app.balance) == 4.65
    states = [poll(app, ticket["runId"])["data"] for _ in range(3)]
    assert [state["status"] for state in states] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert states[2]["cost"] == 0.35
    assert film(app, states[2]["output"]["video"]["url"]) == (360, 640, 5)


def test_time_finishes_a_film_too():
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0], job_pace=10)
    run = submit(app).json()["runId"]
    now[0] = 10
    assert poll(app, run)["data"]["status"] == "IN_PROGRESS"
    now[0] = 20
    assert poll(app, run)["data"]["status"] == "COMPLETED"


def test_the_deprecated_route_has_both_shapes():
    app = SandboxApp()
    run = submit(app).json()["runId"]
    path = "/api/generate-video/status?requestId="
    assert poll(app, run, path)["status"] == "pending"
    assert poll(app, run, path)["status"] == "processing"
    done = poll(app, run, path)
    assert (done["status"], done["data"]["status"]) == ("completed", "COMPLETED")
    assert done["videoUrl"] == done["data"]["output"]["video"]["url"]
    older = poll(app, run, "/api/generate-video/status?model=veo2-video&runId=")
    assert set(older) == {"data"}
    assert older["data"]["request_id"] == run
    reply = ask(app, "GET", f"/api/generate-video/status?runId={run}")
    assert code(reply) == (400, "missing_required_parameter")


def test_lost_films_are_recovered():
    app = SandboxApp()
    runs = [submit(app, conversationUUID=str(number)).json()["runId"] for number in range(3)]
    found = ask(app, "GET", "/api/generate-video/recover").json()["data"]
    assert [item["runId"] for item in found] == runs[::-1]
    assert {item["status"] for item in found} == {"pending"}
    for query in ("limit=1", "conversationUUID=2"):
        (one,) = ask(app, "GET", f"/api/generate-video/recover?{query}").json()["data"]
        assert one["id"] == runs[2]
    assert ask(app, "GET", "/api/generate-video/recover?model=sora-2").json() == {"data": []}
    assert ask(app, "GET", "/api/generate-video/recover?limit=x").status == 400


@pytest.mark.parametrize(
    ("fault", "last"), [("job-failed", "FAILED"), ("job-stuck", "IN_PROGRESS")]
)
def test_films_that_do_not_finish(fault, last):
    app = SandboxApp()
    run = submit(app, model=f"sandbox/fault/{fault}").json()["runId"]
    state = [poll(app, run)["data"] for _ in range(5)][-1]
    assert state["status"] == last
    if last == "FAILED":
        assert state["isNSFWError"]
        assert poll(app, run, "/api/generate-video/status?requestId=")["error"]
        (item,) = ask(app, "GET", "/api/generate-video/recover").json()["data"]
        assert item["status"] == "failed"


def test_a_failed_film_is_refunded_once():
    app = SandboxApp(job_pace=0)
    before = app.balance
    run = submit(app, model="sandbox/fault/job-failed").json()
    assert app.balance == before - Decimal(str(run["cost"]))
    for _ in range(2):
        assert poll(app, run["runId"])["data"]["status"] == "FAILED"
        assert app.balance == before
    totals = ask(app, "GET", "/api/v1/usage").json()["totals"]
    assert (totals["requests"], totals["netCostUsd"]) == (1, 0)
    assert totals["refundedUsd"] == totals["costUsd"] == run["cost"]


def test_a_picture_needs_no_prompt_to_move():
    app = SandboxApp(job_pace=0)
    assert submit(app, prompt="", imageDataUrl=url()).status == 202
    assert submit(app, prompt="").status == 400


@pytest.mark.parametrize("source", ["imageDataUrl", "imageUrl", "image"])
def test_a_film_of_a_picture(source):
    app = SandboxApp(job_pace=0)
    plain = poll(app, submit(app).json()["runId"])["data"]["output"]["video"]["url"]
    shown = poll(app, submit(app, **{source: url()}).json()["runId"])
    assert shown["data"]["output"]["video"]["url"] != plain
    assert submit(app, imageUrl="https://example.com/photo.jpg").status == 202


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"model": "hidream"}, (404, "model_not_found")),
        ({"prompt": None}, (400, "missing_required_parameter")),
        ({"duration": "60"}, (400, "invalid_parameter_value")),
        ({"duration": "long"}, (400, "invalid_parameter_value")),
        ({"aspect_ratio": "2:7"}, (400, "invalid_parameter_value")),
        ({"imageUrl": "photo.jpg"}, (400, "invalid_parameter_value")),
        (
            {"model": "hunyuan-video", "imageUrl": "https://x.example/y"},
            (400, "image_input_not_supported"),
        ),
        ({"model": "kling-v21-standard"}, (400, "missing_required_parameter")),
    ],
)
def test_refusals_cost_nothing(body, expected):
    app = SandboxApp()
    assert code(submit(app, **body)) == expected
    assert app.balance == 5


@pytest.mark.parametrize("duration", [5, "5", "5s", 5.0])
def test_a_duration_may_be_written_in_several_ways(duration):
    assert submit(SandboxApp(), duration=duration, aspectRatio="auto").status == 202


def test_a_film_the_balance_does_not_cover():
    assert submit(SandboxApp(balance="0.1")).status == 402


def test_an_unknown_film():
    assert ask(SandboxApp(), "GET", "/api/video/status?requestId=vid_x").status == 404
    assert ask(SandboxApp(), "GET", "/api/video/status").status == 400
