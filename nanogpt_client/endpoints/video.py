"""Video: submitted once and charged then, asked about until it is there.

Follows https://docs.nano-gpt.com/api-reference/endpoint/video-generation, video-status-unified and
video-recover
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from nanogpt_client._core.call import Call, Reply, Resend
from nanogpt_client._core.flow import Flow, ask
from nanogpt_client._core.watch import Watch
from nanogpt_client.endpoints import _check, _jobs, _offer, _prices, catalog
from nanogpt_client.endpoints._request import get, post, read_object, without_request_words
from nanogpt_client.endpoints.media import check_address, image_data_url, located
from nanogpt_client.errors import ResponseFormatError
from nanogpt_client.wire._read import as_dict, as_list, as_text, dicts, first
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.media import FileSource, Video, VideoJob
from nanogpt_client.wire.options import VideoOptions
from nanogpt_client.wire.progress import OnProgress

_URL_KEYS = ("url", "videoUrl", "video_url")


def submit_video(
    prompt: str, *, model: str, image: FileSource | None = None, **options: Unpack[VideoOptions]
) -> Flow[VideoJob]:
    """Order a video and return its ticket; it is charged now and never ordered twice."""
    given = without_request_words(_check.checked(options, VideoOptions))
    known = yield from catalog.known("video", model)
    _offer.check_video(known, given, source=image is not None)
    if "duration" in given:  # documented as a text
        given["duration"] = _seconds(given["duration"])
    body = {
        "model": _check.check_model(model),
        "prompt": _check.check_text("prompt", prompt),
        **given,
    }
    if isinstance(image, str) and image.startswith(("http://", "https://")):
        yield from check_address(image, "image")
        body["imageUrl"] = image
    elif image is not None:
        body["imageDataUrl"] = yield from image_data_url(image, "image")
    request = post("/generate-video", body, options, root="api")
    more = options.get("extra_body") or {}
    reserved = _prices.reservation(known, {**given, **more, "image": image is not None})
    order = Call(
        request, _ticket, "video", model, Resend.IF_UNSENT, billable=True, estimate=reserved
    )
    return (yield from ask(order))


def _seconds(duration: float | str) -> str:
    return f"{duration:g}" if isinstance(duration, float) else str(duration)


def video_status(run_id: str) -> Call[VideoJob]:
    """Ask how far a video is."""
    _check.check_text("run_id", run_id)
    request = get("/video/status", {"requestId": run_id}, root="api")
    return Call(request, lambda reply: _job(_jobs.read_state(reply), reply, run_id), "video")


def wait_for_video(
    job: VideoJob | str,
    *,
    interval: float = _jobs.POLL_SECONDS,
    timeout: float = _jobs.JOB_TIMEOUT,
    on_progress: OnProgress | None = None,
    progress: bool = False,
) -> Flow[Video]:
    """Wait until a submitted video is there; ``job`` is its ticket or its run id."""
    with Watch({"on_progress": on_progress, "progress": progress}) as watch:
        return (yield from _watched(job, watch, interval, timeout))


def _watched(job: VideoJob | str, watch: Watch, interval: float, timeout: float) -> Flow[Video]:
    run_id = job if isinstance(job, str) else job.run_id
    final = yield from _jobs.wait(
        video_status(run_id), lambda state: state.status, run_id, watch,
        interval=interval, timeout=timeout,
    )  # fmt: skip
    if final.status != "completed":
        raise _jobs.job_failed("video", run_id, final.error or final.status)
    if not final.url:
        raise _jobs.job_failed("video", run_id, "it is completed, but without a URL")
    ticket = final if isinstance(job, str) else job
    url, source = yield from located(final.url)
    return Video(url, run_id, final.model or ticket.model, ticket.billing, final.raw, source)


def generate_video(
    prompt: str,
    *,
    model: str,
    image: FileSource | None = None,
    interval: float = _jobs.POLL_SECONDS,
    wait_timeout: float = _jobs.JOB_TIMEOUT,
    **options: Unpack[VideoOptions],
) -> Flow[Video]:
    """Order a video and wait for it. After a failure the error's ``run_id`` finds it again."""
    _jobs.check_waiting(interval, wait_timeout)
    with Watch(options) as watch:
        job = yield from submit_video(prompt, model=model, image=image, **options)
        return (yield from _watched(job, watch, interval, wait_timeout))


def recover_videos(*, model: str | None = None, limit: int | None = None) -> Call[list[VideoJob]]:
    """List the recent videos of this account, e.g. after a crash between order and delivery."""
    request = get("/generate-video/recover", {"model": model, "limit": limit}, root="api")
    return Call(request, _jobs_of, "video")


def _jobs_of(reply: Reply) -> list[VideoJob]:
    body = read_object(reply)
    items = dicts(body.get("data")) or dicts(body.get("runs"))
    return [_job(item, reply, as_text(first(item, "runId", "id"))) for item in items]


def _ticket(reply: Reply) -> VideoJob:
    body = read_object(reply)
    run_id = as_text(first(body, "runId", "id"))
    if not run_id:
        raise ResponseFormatError("NanoGPT accepted the video but named no run id")
    return _job(body, reply, run_id)


def _job(body: dict[str, Any], reply: Reply, run_id: str) -> VideoJob:
    """Read a job in any of its shapes: flat, under ``data``, upper or lower case."""
    inner = as_dict(body.get("data")) or body
    error = first(inner, "userFriendlyError", "error")
    return VideoJob(
        run_id=run_id,
        status=_jobs.job_state(as_text(first(inner, "status", "state")) or "pending"),
        model=as_text(first(inner, "model") or first(body, "model")) or None,
        billing=Billing.read({**body, **inner}, reply.headers),
        url=_url(inner) or None,
        error=as_text(error) or as_text(as_dict(error).get("message")) or None,
        raw=body,
    )


def _url(inner: Mapping[str, Any]) -> str:
    """Find the video's URL where one of the routes puts it."""
    output = inner.get("output")
    candidates = [inner, *map(as_dict, [output, *as_list(output)])]
    candidates += [as_dict(candidate.get("video")) for candidate in candidates]
    found = (first(candidate, *_URL_KEYS) for candidate in candidates)
    return next((text for url in found if (text := as_text(url))), "")
