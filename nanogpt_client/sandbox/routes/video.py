"""Videos: submit (charged at once), the status routes, recovery of lost jobs."""

from __future__ import annotations

import re
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.errors import Refusal, invalid, missing, require
from nanogpt_client.sandbox.input_media import image_of
from nanogpt_client.sandbox.messages import Reply, iso, json_reply
from nanogpt_client.sandbox.money import VideoOrder, video_price
from nanogpt_client.sandbox.routes.moderation import preflight
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.world import Exchange, Job

_STATES = ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
_SIMPLE = ("pending", "processing", "completed", "failed")
_SIMPLE_STATES = dict(zip((*_STATES, "FAILED"), _SIMPLE, strict=True))
_FAILURE = {
    "status": "FAILED",
    "error": "Content policy violation",
    "isNSFWError": True,
    "userFriendlyError": "Content flagged as inappropriate. Please modify your prompt.",
}
_SOURCES = ("imageDataUrl", "imageUrl", "image_url", "image")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*s?")
_MAX_LISTED = 50
_ASPECT = "16:9"  # of the models that have no choice
_SWITCHES = ("generateAudio", "generate_audio", "sound")


def submit(exchange: Exchange) -> Reply:
    """Queue a video and charge for it. Raises `Refusal`."""
    from nanogpt_client.sandbox.media.video import make_video  # noqa: PLC0415 - an extra

    body = read_json(exchange.request)
    model = catalog.asked_for("video", body)
    source = next((body[key] for key in _SOURCES if body.get(key)), None)
    prompt = body.get("prompt") or ""
    if not isinstance(prompt, str) or not (prompt.strip() or source):
        raise missing("prompt")
    seconds = _duration(body, model)
    aspect = _option(body, ("aspect_ratio", "aspectRatio"), model.options("aspect_ratio"))
    resolution = _option(body, ("resolution",), model.options("resolution"))
    mode = "image_to_video" if source else "text_to_video"
    if not model.can(mode):
        if not source:
            raise missing("imageUrl")
        message = f"The model '{model.id}' does not accept image input."
        raise Refusal(400, message, code="image_input_not_supported", param="imageUrl")
    image = image_of(exchange, source, "imageUrl") if source else None
    order = VideoOrder(seconds, resolution, audio=_audio(body, model), source=mode)
    bill = exchange.bill(model, video_price(model, order))
    seed = body["seed"] if isinstance(body.get("seed"), int) else 0
    aspect = aspect or _ASPECT
    video = make_video(
        prompt, seconds=seconds, aspect_ratio=aspect, image=image, seed=seed, model=model.id
    )
    result = {"url": exchange.store(video, "video/mp4", "mp4")}
    if isinstance(body.get("conversationUUID"), str):
        result["conversationUUID"] = body["conversationUUID"]
    job = exchange.queue("video", model.id, bill.cost, result)
    submitted = {"runId": job.id, "id": job.id, "status": "pending", "model": model.id}
    return json_reply(submitted | bill.fields | {"prechargeLabel": "sandbox"}, 202)


def status(exchange: Exchange) -> Reply:
    """Poll a video: the unified route, by `requestId` or `runId`."""
    job, data = _poll(exchange, "requestId")
    return json_reply({"requestId": job.id, "model": job.model, "data": data})


def older_status(exchange: Exchange) -> Reply:
    """Poll a video by the deprecated route; asked by `requestId`, it adds the flat fields."""
    by_request = "requestId" in exchange.request.query
    if not by_request and not exchange.request.query.get("model"):
        raise missing("model")
    job, data = _poll(exchange, "request_id")
    found: dict[str, Any] = {"data": data}
    if by_request:
        found |= {"requestId": job.id, "status": _SIMPLE_STATES[data["status"]]}
        if "output" in data:
            found["videoUrl"] = data["output"]["video"]["url"]
        if "error" in data:
            found["error"] = data["error"]
    return json_reply(found)


def recover(exchange: Exchange) -> Reply:
    """List the account's videos, newest first, whatever became of the submitting client."""
    query = exchange.request.query
    limit = query.get("limit", "10")
    require(limit.isdecimal(), "limit must be a number.", "limit")
    jobs = [
        _recovered(exchange, job)
        for job in reversed(list(exchange.world.jobs.values()))
        if job.kind == "video"
        and query.get("model") in {None, job.model}
        and query.get("conversationUUID") in {None, job.result.get("conversationUUID")}
    ]
    return json_reply({"data": jobs[: min(int(limit), _MAX_LISTED)]})


def _poll(exchange: Exchange, id_key: str) -> tuple[Job, dict[str, Any]]:
    query = exchange.request.query
    name = query.get("requestId") or query.get("runId")
    if not name:
        raise missing("requestId")
    polled = exchange.world.poll("video", name)
    if polled is None:
        raise Refusal(404, f"No video job '{name}'.", code="not_found", param="requestId")
    job, stage = polled
    data: dict[str, Any] = {"status": _STATES[stage], id_key: job.id}
    if stage == job.stages:
        done = {"output": {"video": {"url": job.result["url"]}}, "cost": job.cost}
        data |= _FAILURE if job.outcome == "failed" else done
    return job, data


def _recovered(exchange: Exchange, job: Job) -> dict[str, Any]:
    stage = job.reached(exchange.world.clock(), exchange.world.job_pace)
    failed = job.outcome == "failed" and stage == job.stages
    state = _SIMPLE_STATES["FAILED" if failed else _STATES[stage]]
    asked = {"model": job.model, "conversationUUID": job.result.get("conversationUUID")}
    return {"runId": job.id, "id": job.id, "status": state, "createdAt": iso(job.created), **asked}


def _duration(body: dict[str, Any], model: catalog.Model) -> float:
    offered = model.options("duration") or [str(model.pricing["fixed_duration_seconds"])]
    given = body.get("duration", body.get("seconds"))
    match = _SECONDS.fullmatch(str(offered[0] if given is None else given).strip())
    if match is None or float(match[1]) not in map(float, offered):
        choices = ", ".join(offered)
        raise invalid(f"duration must be one of {choices} seconds for '{model.id}'.", "duration")
    return float(match[1])


def _option(body: dict[str, Any], names: tuple[str, ...], offered: list[str]) -> str | None:
    """Return what is asked for, which the model must support, by default the first of its values.

    What a model has no choice of is ignored.
    """
    if not offered:
        return None
    given = next((body[name] for name in names if body.get(name)), "auto")
    if given not in offered and given != "auto":
        raise invalid(f"{names[0]} must be one of {', '.join(offered)}.", names[0])
    return str(given) if given in offered else offered[0]


def _audio(body: dict[str, Any], model: catalog.Model) -> bool:
    """Tell whether the video is to have audio; the list's default holds where nobody says."""
    defaults = (model.switched_on(name) for name in _SWITCHES)
    default = next((on for on in defaults if on is not None), False)
    return bool(next((body[name] for name in _SWITCHES if name in body), default))


ROUTES = [
    Route("POST", "generate-video", preflight(submit)),
    Route("GET", "video/status", status, polled=True),
    Route("GET", "generate-video/status", older_status, polled=True),
    Route("GET", "generate-video/recover", recover),
]
