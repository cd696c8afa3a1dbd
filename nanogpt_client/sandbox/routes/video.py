"""Videos: submit (charged at once), the status routes, recovery of lost jobs."""

from __future__ import annotations

from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.bodies import integer
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import Refusal, Reply, invalid, iso, json_reply, missing, require
from nanogpt_client.sandbox.input_media import image_of
from nanogpt_client.sandbox.money import VideoOrder, video_price
from nanogpt_client.sandbox.routes.moderation import preflight
from nanogpt_client.sandbox.world import Job

_STATES = ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
_SIMPLE = ("pending", "processing", "completed")
_FAILURE = {
    "status": "FAILED",
    "error": "Content policy violation",
    "isNSFWError": True,
    "userFriendlyError": "Content flagged as inappropriate. Please modify your prompt.",
}
_MIDJOURNEY, _MADE = "midjourney-video", 4  # videos of one job (page video-extend)
_EXTENDED = 5.0  # seconds
_MAX_LISTED = 50
_ASPECT = "16:9"  # of the models that have no choice
_SWITCHES = ("generateAudio", "generate_audio", "sound")


@Route("POST", "generate-video")
@preflight
def submit(exchange: Exchange) -> Reply:
    """Queue a video and charge for it. Raises `Refusal`."""
    from nanogpt_client.sandbox.media.video import make_video  # noqa: PLC0415 - an extra

    body = exchange.json()
    model = catalog.asked_for("video", body)
    source, mode = _source(body, model)
    prompt = _prompt(body, model, source)
    seconds = _duration(body, model)
    aspect = _option(body, "aspect_ratio", model)
    resolution = _option(body, "resolution", model)
    image = image_of(exchange, source, "imageUrl") if mode == "image_to_video" else None
    order = VideoOrder(seconds, resolution, audio=_audio(body, model), source=mode)
    bill = exchange.bill(model, video_price(model, order))
    seed = body["seed"] if isinstance(body.get("seed"), int) else 0
    aspect = aspect or _ASPECT
    video = make_video(
        prompt, seconds=seconds, aspect_ratio=aspect, image=image, seed=seed, model=model.id
    )
    result = {"url": exchange.store(video, "video/mp4", "mp4")}
    job = exchange.queue("video", model.id, bill.cost, result)
    return json_reply(_submitted(job) | bill.fields | {"prechargeLabel": "sandbox"}, 202)


@Route("POST", "generate-video/extend")
def extend(exchange: Exchange) -> Reply:
    """Queue the extension of one of a Midjourney job's videos, and charge for it."""
    body = exchange.json()
    name, index = body.get("runId"), integer(body, "index", 0, _MADE - 1)
    if not name or index is None:
        raise missing("runId" if index is not None else "index")
    job = exchange.world.jobs.get(str(name))
    if job is None or job.kind != "video":
        raise _no_job(name, "runId")
    model = catalog.find("video", job.model)
    require(model.id == _MIDJOURNEY, f"Only videos of {_MIDJOURNEY} are extended so.", "runId")
    bill = exchange.bill(model, video_price(model, VideoOrder(_EXTENDED, None)))
    longer = exchange.queue("video", model.id, bill.cost, dict(job.result))
    more = {"success": True, "taskId": longer.id, "eta": 60}
    more["message"] = f"Extending video {index + 1} by 5 seconds..."
    return json_reply(_submitted(longer) | more | bill.fields, 202)


def _no_job(name: object, param: str) -> Refusal:
    return Refusal(404, f"No video job '{name}'.", code="not_found", param=param)


def _submitted(job: Job) -> dict[str, Any]:
    return {"runId": job.id, "id": job.id, "status": "pending", "model": job.model}


def _source(body: dict[str, Any], model: catalog.Model) -> tuple[Any, str]:
    """Return the image or video to start from, and the mode. Raises `Refusal` (400)."""
    video = body.get("videoUrl") or body.get("videoDataUrl")
    image = body.get("imageUrl") or body.get("imageDataUrl")
    mode = "video_to_video" if video else "image_to_video" if image else "text_to_video"
    if model.can(mode):
        return video or image, mode
    if mode == "text_to_video":
        raise missing("videoUrl" if model.can("video_to_video") else "imageUrl")
    kind = "video" if video else "image"
    message = f"The model '{model.id}' does not accept {kind} input."
    raise Refusal(400, message, code=f"{kind}_input_not_supported", param=f"{kind}Url")


def _prompt(body: dict[str, Any], model: catalog.Model, source: Any) -> str:
    """Return the prompt; what only has a source shows its address. Raises `Refusal` (400)."""
    prompt = body.get("prompt") or ""
    is_needed = source is None or model.id.endswith("-extend")
    if not isinstance(prompt, str) or (is_needed and not prompt.strip()):
        raise missing("prompt")
    return prompt or f"{model.id}: {str(source)[:80]}"


@Route("GET", "video/status", polled=True)
@Route("GET", "generate-video/status", polled=True)
def status(exchange: Exchange) -> Reply:
    """Poll a video by its `requestId` or `runId`; the older route answers alike."""
    query = exchange.request.query
    name = query.get("requestId") or query.get("runId")
    if not name:
        raise missing("requestId")
    job, stage = exchange.world.poll("video", name, _no_job(name, "requestId"))
    data: dict[str, Any] = {"status": _STATES[stage], "requestId": job.id}
    if stage == job.stages:
        done = {"output": {"video": {"url": job.result["url"]}}, "cost": job.cost}
        data |= _FAILURE if job.outcome == "failed" else done
    return json_reply({"requestId": job.id, "model": job.model, "data": data})


@Route("GET", "generate-video/recover")
def recover(exchange: Exchange) -> Reply:
    """List the account's videos, newest first, whatever became of the submitting client."""
    query = exchange.request.query
    limit = query.get("limit", "10")
    require(limit.isdecimal(), "limit must be a number.", "limit")
    found = []
    for job in reversed(list(exchange.world.jobs.values())):
        if job.kind == "video" and query.get("model") in {None, job.model}:
            stage = job.reached(exchange.world.clock(), exchange.world.settings.job_pace)
            failed = job.outcome == "failed" and stage == job.stages
            about = {
                "status": "failed" if failed else _SIMPLE[stage],
                "createdAt": iso(job.created),
            }
            found.append(_submitted(job) | about)
    return json_reply({"data": found[: min(int(limit), _MAX_LISTED)]})


def _duration(body: dict[str, Any], model: catalog.Model) -> float:
    offered = model.options("duration") or [str(model.pricing["fixed_duration_seconds"])]
    given = str(body.get("duration") or offered[0]).strip().removesuffix("s")
    for each in offered:
        if given in (each, f"{float(each):.1f}"):
            return float(each)
    choices = ", ".join(offered)
    raise invalid(f"duration must be one of {choices} seconds for '{model.id}'.", "duration")


def _option(body: dict[str, Any], name: str, model: catalog.Model) -> str | None:
    """Return what is asked for, by default the first of a model's values; None if it has none."""
    offered = model.options(name)
    given = body.get(name) or "auto"
    if offered and given not in (*offered, "auto"):
        raise invalid(f"{name} must be one of {', '.join(offered)}.", name)
    return given if given in offered else next(iter(offered), None)


def _audio(body: dict[str, Any], model: catalog.Model) -> bool:
    """Tell whether the video is to have audio; the list's default holds where nobody says."""
    for said in (body, model.parameters.get("defaults", {})):
        for name in _SWITCHES:
            if name in said:
                return bool(said[name])
    return False
