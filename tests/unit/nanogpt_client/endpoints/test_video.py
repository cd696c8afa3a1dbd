"""Video: ordered once, asked about until it is there, found again by its run id."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import Reply, RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client._protocol.steps import Unreachable
from nanogpt_client.endpoints.video import (
    generate_video,
    recover_videos,
    submit_video,
    submit_video_extension,
    video_status,
    wait_for_video,
)
from nanogpt_client.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    JobError,
    JobFailedError,
    JobTimeoutError,
    NanoGPTError,
    OutcomeUnknownError,
    ServerError,
)
from tests.support.driving import ODD_VALUES, answer, context, drive, first_call, reply, requests_of
from tests.support.typed import as_declared

PNG = b"\x89PNG\r\n\x1a\nrest"
TICKET = {
    "runId": "vid_1",
    "id": "vid_1",
    "status": "pending",
    "model": "veo",
    "cost": 0.5,
    "paymentSource": "USD",
}
DONE = {
    "data": {"status": "COMPLETED", "output": {"video": {"url": "https://cdn/v.mp4"}}, "cost": 0.5}
}


def ordered(*args: Any, **options: Any) -> Any:
    driven = drive(run_flow(submit_video(*args, **options), context()), reply(TICKET, 202))
    assert driven.result.run_id == "vid_1"
    (request,) = requests_of(driven)
    assert (request.method, request.root, request.path) == ("POST", "api", "/generate-video")
    return json.loads(request.content or b"")


def test_the_order():
    body = ordered("a cat", model="veo2-video", duration=5, aspect_ratio="16:9", seed=7)
    assert body == {
        "model": "veo2-video",
        "prompt": "a cat",
        "duration": "5",
        "aspect_ratio": "16:9",
        "seed": 7,
    }


@pytest.mark.parametrize(
    ("image", "more"),
    [
        ("https://cdn/x.png", {}),
        (None, {"videoUrl": "https://cdn/v.mp4"}),
        (None, {"script": "A cat wakes."}),
    ],
)
@pytest.mark.parametrize("prompt", ["", None])
def test_a_prompt_may_be_left_out_beside_a_source(prompt, image, more):
    body = ordered(prompt, model="upscaler", image=image, extra_body=more)
    assert body == {"model": "upscaler", **more} | ({"imageUrl": image} if image else {})
    with pytest.raises(InvalidArgumentError, match="prompt must be"):
        answer(submit_video(model="upscaler"))


@pytest.mark.parametrize(
    ("image", "sent"),
    [
        ("https://cdn/x.png", {"imageUrl": "https://cdn/x.png"}),
        (PNG, {"imageDataUrl": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}),
        ("data:image/png;base64,eA==", {"imageDataUrl": "data:image/png;base64,eA=="}),
    ],
)
def test_a_first_frame(image, sent):
    assert ordered("a cat", model="m", image=image) == {"model": "m", "prompt": "a cat", **sent}


def test_an_order_is_sent_again_only_if_it_never_arrived():
    call: Any = first_call(submit_video("a cat", model="m"))
    assert (call.kind, call.resend, call.billable) == ("video", RetrySafety.IF_NOT_SENT, True)
    refused = Unreachable(sent=False, reason="refused")
    assert answer(submit_video("a cat", model="m"), refused, reply(TICKET)).run_id == "vid_1"
    for outcome, cls in [
        (Reply(503), ServerError),
        (Unreachable(True, "lost"), OutcomeUnknownError),
    ]:
        with pytest.raises(cls):
            answer(submit_video("a cat", model="m"), outcome)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"prompt": " "}, "prompt must be"),
        ({"model": ""}, "model must be"),
        ({"image": b"x"}, "not a PNG"),
        ({"length": 5}, "unknown option 'length'"),
        ({"poll_interval": 0}, "poll_interval must be > 0"),
        ({"poll_interval": -1}, "poll_interval must be > 0"),
        ({"poll_interval": float("nan")}, "poll_interval must be > 0"),
        ({"poll_timeout": -1}, "timeout"),
        ({"poll_timeout": float("inf")}, "timeout"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_charged(options, match):
    options = {"prompt": "a cat", "model": "m"} | options
    with pytest.raises(InvalidArgumentError, match=match):
        answer(generate_video(options.pop("prompt"), **options))


@pytest.mark.parametrize(
    ("body", "status", "url"),
    [
        (DONE, "completed", "https://cdn/v.mp4"),
        ({"status": "completed", "videoUrl": "/v.mp4"}, "completed", "/v.mp4"),
        ({"status": "succeeded", "output": {"url": "u"}}, "completed", "u"),
        ({"status": "Success", "output": ["odd", {"video_url": "u"}]}, "completed", "u"),
        ({"data": {"status": "COMPLETED", "output": [{"video": {"url": "u"}}]}}, "completed", "u"),
        ({"status": "completed", "video": "https://cdn/v.mp4"}, "completed", "https://cdn/v.mp4"),
        ({"status": "completed", "video": "/v.mp4"}, "completed", "/v.mp4"),
        ({"status": "completed", "videos": [{"url": "u"}]}, "completed", "u"),
        ({"status": "completed", "videos": ["https://u"]}, "completed", "https://u"),
        ({"status": "completed", "video": [{"url": "u"}, {"url": "v"}]}, "completed", "u"),
        ({"status": "completed", "output": "https://u"}, "completed", "https://u"),
        ({"status": "completed", "output": ["https://u"]}, "completed", "https://u"),
        ({"data": {"status": "COMPLETED", "output": {"videos": [{"url": "u"}]}}}, "completed", "u"),
        ({"data": {"status": "COMPLETED", "videos": [{"url": "u"}]}}, "completed", "u"),
        (
            {"data": {"status": "COMPLETED", "output": {"video": "https://u"}}},
            "completed",
            "https://u",
        ),
        (
            {
                "status": "COMPLETED",
                "data": {"isCompleted": True, "isSuccess": True, "output": {"url": "u"}},
            },
            "completed",
            "u",
        ),
        ({"data": {"isCompleted": True, "output": {"url": "u"}}}, "completed", "u"),
        ({"status": "PROCESSING", "data": {"isCompleted": False}}, "running", None),
        (
            {"status": "COMPLETED", "data": {"isCompleted": True, "isSuccess": False}},
            "failed",
            None,
        ),
        ({"status": "FAILED", "data": {"isCompleted": True}}, "failed", None),
        ({"status": "completed", "data": [{"url": "u"}]}, "completed", "u"),
        ({"status": "completed", "output": {"video": "no address"}}, "completed", None),
        ({"status": "generating"}, "running", None),
        ({"data": {"status": "IN_QUEUE"}}, "queued", None),
        ({"data": {"status": "IN_PROGRESS"}}, "running", None),
        ({"status": "processing"}, "running", None),
        ({"state": "pending"}, "queued", None),
        ({"data": {"status": "CANCELED"}}, "cancelled", None),
        ({"status": "Dreaming"}, "dreaming", None),
        ({}, "queued", None),
        ({"status": 7}, "7", None),
        ({"status": "failed", "error": "NSFW"}, "failed", None),
    ],
)
def test_every_shape_of_a_state(body, status, url):
    job = video_status("vid_1").parse(reply(body))
    assert (job.run_id, job.status, job.url) == ("vid_1", status, url)
    assert job.raw == body


@pytest.mark.parametrize(
    ("inner", "error"),
    [
        ({"error": "NSFW", "userFriendlyError": "Please be nice"}, "Please be nice"),
        ({"error": {"message": "NSFW", "type": "X"}}, "NSFW"),
        ({"error": "NSFW"}, "NSFW"),
        ({}, None),
    ],
)
@pytest.mark.parametrize("wrap", [lambda b: b, lambda b: {"data": b}])
def test_a_failed_job_says_why(inner, error, wrap):
    body = wrap({"status": "FAILED", **inner})
    assert video_status("v").parse(reply(body)).error == error
    with pytest.raises(JobFailedError, match=f"video job v failed: {error or 'failed'}") as caught:
        answer(wait_for_video("v"), reply(body))
    assert (caught.value.run_id, caught.value.maybe_billed) == ("v", False)  # refunded
    assert caught.value.cost == 0
    assert caught.value.raw == body


def test_a_status_is_asked_by_run_id():
    call = video_status("a b")
    assert (call.request.path, call.request.root) == ("/video/status", "api")
    assert call.request.query == {"requestId": "a b"}
    assert (call.resend, call.billable) == (RetrySafety.ALWAYS, False)
    with pytest.raises(InvalidArgumentError, match="run_id must be"):
        video_status("")


def test_an_answer_that_is_no_state_is_an_error():
    with pytest.raises(NanoGPTError, match="Invalid"):
        video_status("v").parse(reply({"error": {"message": "Invalid", "status": 401}}))
    with pytest.raises(InvalidResponseError):
        video_status("v").parse(reply(b"<html>"))


def test_waiting():
    busy = reply({"data": {"status": "IN_PROGRESS"}})
    driven = drive(
        run_flow(wait_for_video("vid_1", poll_interval=2), context()), busy, busy, reply(DONE)
    )
    assert driven.sleeps == [2, 2]
    assert (driven.result.url, driven.result.run_id) == ("https://cdn/v.mp4", "vid_1")


def test_waiting_comes_to_an_end():
    busy = reply({"data": {"status": "IN_PROGRESS"}})
    driven = drive(
        run_flow(wait_for_video("vid_1", poll_interval=2, poll_timeout=4), context()),
        busy,
        busy,
        busy,
    )
    error = driven.failure(JobTimeoutError)
    assert (error.run_id, error.maybe_billed) == ("vid_1", True)
    assert "still running after 4 seconds" in str(error)


def test_without_patience_it_is_asked_about_once():
    busy = reply({"data": {"status": "IN_PROGRESS"}})
    driven = drive(run_flow(wait_for_video("v", poll_timeout=0), context()), busy)
    driven.failure(JobTimeoutError)


def test_waiting_without_pause_is_refused():
    with pytest.raises(InvalidArgumentError, match="poll_interval must be > 0"):
        answer(wait_for_video("v", poll_interval=0))


def test_a_completed_video_without_url_has_failed():
    with pytest.raises(JobFailedError, match="without a URL"):
        answer(wait_for_video("v"), reply({"data": {"status": "COMPLETED"}}))


def test_polls_survive_trouble_and_then_name_the_run():
    lost = Unreachable(sent=True, reason="reset")
    assert answer(wait_for_video("v"), lost, Reply(503), reply(DONE)).url == "https://cdn/v.mp4"
    with pytest.raises(JobError, match="job v could not be read") as caught:
        answer(wait_for_video("v"), lost, lost, lost)
    assert (type(caught.value), caught.value.run_id) == (JobError, "v")


def test_a_job_that_nanogpt_does_not_know_is_called_so():
    unknown = reply({"error": {"message": "No such job"}}, 404)
    with pytest.raises(JobError, match=r"NanoGPT knows no video job typo: .*No such job"):
        answer(wait_for_video("typo"), unknown)


def test_order_and_wait_in_one():
    driven = drive(
        run_flow(generate_video("a cat", model="m"), context()), reply(TICKET, 202), reply(DONE)
    )
    video = driven.result
    assert (video.url, video.run_id, video.model) == ("https://cdn/v.mp4", "vid_1", "veo")
    assert str(video.billing.cost) == "0.5"


def test_a_ticket_may_be_an_id():
    assert answer(submit_video("a cat", model="m"), reply({"id": 7})).run_id == "7"


@pytest.mark.parametrize("body", [{}, {"runId": None}, {"runId": {}}, [], b""])
def test_an_order_without_ticket_is_an_error(body):
    with pytest.raises(InvalidResponseError) as caught:
        answer(submit_video("a cat", model="m"), reply(body))
    assert caught.value.maybe_billed


@pytest.mark.parametrize("key", ["data", "runs"])
def test_recovering(key):
    call = recover_videos(model="veo", limit=5)
    assert call.request.query == {"model": "veo", "limit": "5"}
    jobs = call.parse(
        reply({key: [{"runId": "a", "status": "completed", "videoUrl": "u"}, {"id": "b"}, 7]})
    )
    assert [(job.run_id, job.status, job.url) for job in jobs] == [
        ("a", "completed", "u"),
        ("b", "queued", None),
    ]
    assert recover_videos().request.query == {}


KEYS = st.sampled_from(
    [
        "runId",
        "id",
        "status",
        "state",
        "data",
        "output",
        "video",
        "url",
        "videoUrl",
        "error",
        "model",
        "runs",
    ]
)
STATE = st.recursive(
    st.sampled_from([*ODD_VALUES, "COMPLETED", "failed"]),
    lambda inner: st.dictionaries(KEYS, inner) | st.lists(inner, max_size=2),
)


@pytest.mark.unwatched
@given(STATE)
def test_any_json_is_an_answer_or_an_error(body):
    for read in (
        lambda: answer(submit_video("a cat", model="m"), reply(body)),
        lambda: video_status("v").parse(reply(body)),
        lambda: recover_videos().parse(reply(body)),
        lambda: answer(wait_for_video("v", poll_timeout=0), reply(body)),
    ):
        with suppress(NanoGPTError):
            result = read()
            for job in result if isinstance(result, list) else [result]:
                as_declared(job)


MP4 = b"\0\0\0\x18ftypmp42rest"


@pytest.mark.parametrize(
    ("video", "sent"),
    [
        ("https://cdn/v.mp4", {"videoUrl": "https://cdn/v.mp4"}),
        (MP4, {"videoDataUrl": f"data:video/mp4;base64,{base64.b64encode(MP4).decode()}"}),
        ("data:video/mp4;base64,AAAA", {"videoDataUrl": "data:video/mp4;base64,AAAA"}),
    ],
)
def test_a_source_video(video, sent):
    body = ordered("more of it", model="veo3-1-extend", video=video)
    assert body == {"model": "veo3-1-extend", "prompt": "more of it", **sent}


def test_an_upscaler_needs_no_prompt_but_what_extends_or_edits_does():
    body = ordered(model="video-upscaler", video="https://cdn/v.mp4", resolution="1080p")
    assert body == {
        "model": "video-upscaler", "videoUrl": "https://cdn/v.mp4", "resolution": "1080p",
    }  # fmt: skip
    for model in ("veo3-1-extend", "wan-wavespeed-video-edit"):
        with pytest.raises(InvalidArgumentError, match="prompt must be"):
            answer(submit_video(model=model, video="https://cdn/v.mp4"))
        assert ordered(model=model, video="https://cdn/v.mp4", extra_body={"script": "x"})


@pytest.mark.parametrize(
    ("video", "match"),
    [
        (PNG, "video is not an MP4 or WebM video"),
        (MP4 + b"\0" * 3_200_000, "up to 4 MB as base64; pass its URL instead"),
        ("nowhere.mp4", "cannot read"),
    ],
)
def test_what_is_no_source_video_is_not_sent(video, match):
    with pytest.raises(InvalidArgumentError, match=match):
        answer(submit_video(model="video-upscaler", video=video))


def test_a_video_of_midjourney_is_extended_by_its_job():
    extended = {"success": True, "runId": "vid_2", "taskId": "vid_2", "status": "pending",
                "model": "midjourney-video", "eta": 60}  # fmt: skip
    made = answer(submit_video("a cat", model="midjourney-video"), reply(TICKET, 202))
    for job in ("vid_1", made):
        flow = submit_video_extension(job, index=3, timeout=5.0)
        driven = drive(run_flow(flow, context()), reply(extended, 202))
        (request,) = requests_of(driven)
        assert (request.path, request.json) == (
            "/generate-video/extend", {"runId": "vid_1", "index": 3},
        )  # fmt: skip
        assert (driven.result.run_id, driven.result.status) == ("vid_2", "queued")
        assert driven.result.cost is None
    call = first_call(submit_video_extension("vid_1"))
    assert (call.resend, call.billable, call.model) == (
        RetrySafety.IF_NOT_SENT, True, "midjourney-video",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("job", "index", "match"),
    [("", 0, "job must be"), ("v", 4, "0 to 3, not 4"), ("v", -1, "0 to 3"), ("v", True, "0 to 3")],
)
def test_an_extension_of_nothing_is_not_sent(job, index, match):
    with pytest.raises(InvalidArgumentError, match=match):
        answer(submit_video_extension(job, index=index))
