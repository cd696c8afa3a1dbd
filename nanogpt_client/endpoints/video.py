"""Video: submitted and charged once, then polled until it is finished.

Follows https://docs.nano-gpt.com/api-reference/endpoint/video-generation, video-status-unified,
video-recover and video-extend
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Unpack

from nanogpt_client._protocol.call import Call, Reply, Request, RetrySafety
from nanogpt_client._protocol.job_costs import Submitted
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks, _jobs, _model_limits, _prices, catalog
from nanogpt_client.endpoints._requests import get, post, read_object
from nanogpt_client.endpoints.media import check_address, image_data_url, video_data_url
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
from nanogpt_client.types._coerce import as_text, dicts, first, unwrapped
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.media import FileSource, Video, VideoJob
from nanogpt_client.types.options import RequestOptions, VideoOptions
from nanogpt_client.types.progress import OnProgress

MIDJOURNEY = "midjourney-video"
MIDJOURNEY_VIDEOS = 4  # of one job (page video-extend)

# Fields in which a finished video was seen: data.output.video.url, output.url, videoUrl, ``video``
# as an object, a string or a list, ``videos``, ``output`` as a list (pages video-status-unified and
# video-status, openapi's three status schemas, NanoGPT's skill document, other clients).
_VIDEO_KEYS = ("url", "videoUrl", "video_url", "output", "video", "videos", "data")


def submit_video(
    prompt: str = "",
    *,
    model: str,
    image: FileSource | None = None,
    video: FileSource | None = None,
    **options: Unpack[VideoOptions],
) -> Flow[VideoJob]:
    """Submit a video and return its job; it is charged now and never submitted twice.

    The prompt may be omitted with an image, a source video (but for models that extend or edit), or
    ``extra_body`` (e.g. a ``script``).
    """
    given = _checks.body_options(options, VideoOptions)
    listed = yield from catalog.find_model("video", model)
    _model_limits.check_video(listed, given, image=image is not None, video=video is not None)
    if "duration" in given:  # documented as a string
        given["duration"] = _seconds(given["duration"])
    body: dict[str, Any] = {"model": _checks.check_model(model)}
    instead = options.get("extra_body") or image or (video and not _needs_prompt(model))
    if text := _checks.check_prompt(prompt, instead=instead):
        body["prompt"] = text
    body |= given
    body |= yield from _source(image, "image", image_data_url)
    body |= yield from _source(video, "video", video_data_url)
    request = post("/generate-video", body, options, root="api")
    more = options.get("extra_body") or {}
    reserved = _prices.reservation(listed, {**given, **more, "image": image is not None})
    return (yield from _submit(request, model, reserved))


def submit_video_extension(
    job: VideoJob | Video | str, *, index: int = 0, **options: Unpack[RequestOptions]
) -> Flow[VideoJob]:
    """Submit the extension of one of the 4 videos that Midjourney made in an earlier job.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/video-extend
    """
    _checks.checked(options, RequestOptions)
    run_id = _checks.check_text("job", job if isinstance(job, str) else job.run_id)
    if isinstance(index, bool) or index not in range(MIDJOURNEY_VIDEOS):
        msg = f"index must be 0 to {MIDJOURNEY_VIDEOS - 1}, not {index!r}"
        raise InvalidArgumentError(msg, param="index")
    body = {"runId": run_id, "index": index}
    request = post("/generate-video/extend", body, options, root="api")
    return (yield from _submit(request, MIDJOURNEY, None))


def _submit(
    request: Request, model: str, reserved: Callable[[], Decimal | None] | None
) -> Flow[VideoJob]:
    submission = Call(
        request,
        _submitted,
        "video",
        model,
        RetrySafety.IF_NOT_SENT,
        billable=True,
        estimate=reserved,
    )
    job: VideoJob = yield from ask(submission)
    yield Submitted("video", job.run_id, job.billing, _jobs.estimate_of(submission))
    return job


def _source(
    source: FileSource | None, name: str, data_url: Callable[[FileSource, str], Flow[str]]
) -> Flow[dict[str, str]]:
    """Return the field of an image or a video: its URL, or a ``data:`` URL of its content."""
    if source is None:
        return {}
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        yield from check_address(source, name)
        return {f"{name}Url": source}
    return {f"{name}DataUrl": (yield from data_url(source, name))}


def _needs_prompt(model: str) -> bool:
    """Whether a model needs a prompt beside a source video: those that extend or edit do.

    The lists do not say which these are, but their ids end so (page video-extend).
    """
    return model.lower().endswith(("-extend", "-edit"))


def _seconds(duration: float | str) -> str:
    return f"{duration:g}" if isinstance(duration, float) else str(duration)


def video_status(run_id: str) -> Call[VideoJob]:
    """Return the status of a video job."""
    _checks.check_text("run_id", run_id)
    request = get("/video/status", {"requestId": run_id}, root="api")

    def read(reply: Reply) -> VideoJob:
        return _job(_jobs.read_state(reply).raw, reply, run_id)

    return Call(request, read, "video", run_id=run_id)


def wait_for_video(
    job: VideoJob | str,
    *,
    poll_interval: float = _jobs.POLL_SECONDS,
    poll_timeout: float = _jobs.JOB_TIMEOUT,
    on_progress: OnProgress | None = None,
    progress: bool = False,
) -> Flow[Video]:
    """Wait until a submitted video is finished; ``job`` is a `VideoJob` or a run id."""
    with ProgressReporter({"on_progress": on_progress, "progress": progress}) as reporter:
        return (yield from _watched(job, reporter, poll_interval, poll_timeout))


def _watched(
    video: VideoJob | str, reporter: ProgressReporter, poll_interval: float, poll_timeout: float
) -> Flow[Video]:
    run_id, submitted = (video, None) if isinstance(video, str) else (video.run_id, video)
    job = _jobs.Job("video", run_id, submitted.billing if submitted is not None else Billing())
    final, billing = yield from _jobs.wait(
        video_status(run_id), job, reporter, poll_interval=poll_interval, poll_timeout=poll_timeout
    )
    if not final.url:
        raise job.failed("it is completed, but without a URL", final)
    model = final.model or (submitted.model if submitted is not None else None)
    return Video(final.url, run_id, model, billing, final.raw)


def generate_video(
    prompt: str = "",
    *,
    model: str,
    image: FileSource | None = None,
    video: FileSource | None = None,
    poll_interval: float = _jobs.POLL_SECONDS,
    poll_timeout: float = _jobs.JOB_TIMEOUT,
    **options: Unpack[VideoOptions],
) -> Flow[Video]:
    """Submit a video and wait for it. After a failure resume it with the error's ``run_id``."""
    _jobs.check_waiting(poll_interval, poll_timeout)
    with ProgressReporter(options) as reporter:
        job = yield from submit_video(prompt, model=model, image=image, video=video, **options)
        return (yield from _watched(job, reporter, poll_interval, poll_timeout))


def recover_videos(*, model: str | None = None, limit: int | None = None) -> Call[list[VideoJob]]:
    """List the recent video jobs of this account, e.g. after a crash while one was running."""
    request = get("/generate-video/recover", {"model": model, "limit": limit}, root="api")
    return Call(request, _jobs_of, "video")


def _jobs_of(reply: Reply) -> list[VideoJob]:
    body = read_object(reply)
    items = dicts(body.get("data")) or dicts(body.get("runs"))
    return [_job(item, reply, as_text(first(item, "runId", "id"))) for item in items]


def _submitted(reply: Reply) -> VideoJob:
    body = read_object(reply)
    run_id = as_text(first(unwrapped(body), "runId", "id"))
    if not run_id:
        raise InvalidResponseError("NanoGPT accepted the video but returned no run id")
    return _job(body, reply, run_id)


def _job(body: dict[str, Any], reply: Reply, run_id: str) -> VideoJob:
    state, url = _jobs.JobState.read(body, reply.headers), _jobs.find_url(body, *_VIDEO_KEYS)
    return VideoJob(
        run_id=run_id,
        status=state.status or "queued",
        model=as_text(state.fields.get("model")) or None,
        billing=state.billing,
        url=reply.absolute(url) if url else None,
        error=state.error,
        raw=body,
        code=state.code if state.status == "failed" else None,
        is_refunded=state.is_refunded,
    )
