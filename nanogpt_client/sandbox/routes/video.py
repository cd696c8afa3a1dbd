"""Videos: submit (charged at once), the status routes, recovery of lost jobs, content."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.billing import bill, cost_fields
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, invalid, missing
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import Charge, VideoOrder, video_price
from nanogpt_client.sandbox.pictures import picture_of
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.world import Exchange, Job

_STATES = ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
_PLAIN = {
    "IN_QUEUE": "pending",
    "IN_PROGRESS": "processing",
    "COMPLETED": "completed",
    "FAILED": "failed",
}
_SOURCES = ("imageDataUrl", "imageUrl", "image_url", "image")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*s?")
_MAX_LISTED = 50
_ASPECT = "16:9"  # of the models that have no choice
_SWITCHES = ("generateAudio", "generate_audio", "sound")


def submit(exchange: Exchange) -> Reply:
    """Queue a film and charge for it. Raises `Refusal`."""
    from nanogpt_client.sandbox.media.video import make_video  # noqa: PLC0415 - extra

    body = read_json(exchange.request)
    model = catalog.asked_for("video", body)
    source = next((body[key] for key in _SOURCES if body.get(key)), None)
    prompt = body.get("prompt") or ""
    if not isinstance(prompt, str) or not (prompt.strip() or source):
        raise missing("prompt")
    seconds = _duration(body, model)
    aspect = _choice(body, ("aspect_ratio", "aspectRatio"), model.options("aspect_ratio"))
    resolution = _choice(body, ("resolution",), model.options("resolution"))
    _check_source(source, model)
    image = picture_of(exchange, source, "imageUrl") if source else None
    order = VideoOrder(
        seconds,
        resolution,
        sound=_sound(body, model),
        source="image_to_video" if source else "text_to_video",
    )
    charge = Charge(model.facts["name"], video_price(model, order))
    remaining = bill(exchange, charge)
    seed = body.get("seed")
    made = make_video(
        prompt,
        seconds=seconds,
        aspect_ratio=aspect or _ASPECT,
        image=image,
        seed=seed if isinstance(seed, int) else 0,
        model=model.id,
    )
    world = exchange.world
    url = world.media.put(made, "video/mp4", "mp4", exchange.request.origin)
    job = Job(world.ids.new("vid_"), "video", model.id, charge.cost, world.clock(), {"url": url})
    job.outcome = exchange.outcome
    if isinstance(body.get("conversationUUID"), str):
        job.result["conversationUUID"] = body["conversationUUID"]
    world.jobs.add(job)
    ticket = {"runId": job.id, "id": job.id, "status": "pending", "model": model.id}
    return json_reply(ticket | cost_fields(charge, remaining) | {"prechargeLabel": "sandbox"}, 202)


def status(exchange: Exchange) -> Reply:
    """Poll a film: the unified route, by `requestId` or `runId`."""
    job, data = _poll(exchange, "requestId")
    return json_reply({"requestId": job.id, "model": job.model, "data": data})


def older_status(exchange: Exchange) -> Reply:
    """Poll a film by the deprecated route; asked by `requestId`, it adds the flat fields."""
    by_request = "requestId" in exchange.request.query
    if not by_request and not exchange.request.query.get("model"):
        raise missing("model")
    job, data = _poll(exchange, "request_id")
    found: dict[str, Any] = {"data": data}
    if by_request:
        found |= {"requestId": job.id, "status": _PLAIN[data["status"]]}
        if "output" in data:
            found["videoUrl"] = data["output"]["video"]["url"]
        if "error" in data:
            found["error"] = data["error"]
    return json_reply(found)


def oldest_status(exchange: Exchange) -> Reply:
    """Poll a film under `/v1/video/status`."""
    _, data = _poll(exchange, "request_id")
    state = data["status"]
    finished = state in {"COMPLETED", "FAILED"}
    held: dict[str, Any] = {"isCompleted": finished, "isSuccess": state == "COMPLETED"}
    if "output" in data:
        held["output"] = {"url": data["output"]["video"]["url"]}
    words = {"IN_QUEUE": "PENDING", "IN_PROGRESS": "PROCESSING"}
    return json_reply({"status": words.get(state, state), "data": held})


def recover(exchange: Exchange) -> Reply:
    """List the account's films, newest first, whatever became of the submitting client."""
    query = exchange.request.query
    limit = query.get("limit", "10")
    if not limit.isdecimal():
        raise invalid("limit must be a number.", "limit")
    jobs = [
        job
        for job in exchange.world.jobs.listed("video")
        if query.get("model") in {None, job.model}
        and query.get("conversationUUID") in {None, job.result.get("conversationUUID")}
    ]
    return json_reply(
        {"data": [_recovered(exchange, job) for job in jobs[: min(int(limit), _MAX_LISTED)]]}
    )


def content(exchange: Exchange) -> Reply:
    """Tell where a finished Sora film is."""
    query = exchange.request.query
    if query.get("model") != "sora-2":
        raise invalid("model must be sora-2.", "model")
    _, data = _poll(exchange, "request_id")
    if "output" not in data:
        raise Refusal(400, "The video is not ready yet.", code="not_ready")
    return json_reply(
        {"url": data["output"]["video"]["url"], "variant": query.get("variant", "video")}
    )


def _poll(exchange: Exchange, id_key: str) -> tuple[Job, dict[str, Any]]:
    query = exchange.request.query
    name = query.get("requestId") or query.get("runId")
    if not name:
        raise missing("requestId")
    polled = exchange.world.jobs.poll("video", name)
    if polled is None:
        raise Refusal(404, f"No video job '{name}'.", code="not_found", param="requestId")
    job, stage = polled
    return job, {"status": _STATES[stage], id_key: job.id} | _outcome(job, stage)


def _outcome(job: Job, stage: int) -> dict[str, Any]:
    if stage < job.stages:
        return {}
    if job.outcome == "failed":
        return {
            "status": "FAILED",
            "error": "Content policy violation",
            "isNSFWError": True,
            "userFriendlyError": "Content flagged as inappropriate. Please modify your prompt.",
        }
    return {"output": {"video": {"url": job.result["url"]}}, "cost": job.cost}


def _recovered(exchange: Exchange, job: Job) -> dict[str, Any]:
    created = datetime.fromtimestamp(job.created, UTC).isoformat(timespec="milliseconds")
    stage = job.reached(exchange.world.clock(), exchange.world.jobs.pace)
    state = _STATES[stage] if job.outcome != "failed" or stage < job.stages else "FAILED"
    return {
        "runId": job.id,
        "id": job.id,
        "model": job.model,
        "status": _PLAIN[state],
        "createdAt": created.replace("+00:00", "Z"),
        "conversationUUID": job.result.get("conversationUUID"),
    }


def _duration(body: dict[str, Any], model: Model) -> float:
    """Return the seconds asked for, which the model must offer; its default by default."""
    offered = model.options("duration") or [str(model.pricing["fixed_duration_seconds"])]
    given = body.get("duration", body.get("seconds"))
    if given is None:
        return float(offered[0])
    match = _SECONDS.fullmatch(str(given).strip())
    if match is None or float(match[1]) not in map(float, offered):
        known = ", ".join(offered)
        raise invalid(f"duration must be one of {known} seconds for '{model.id}'.", "duration")
    return float(match[1])


def _choice(body: dict[str, Any], names: tuple[str, ...], offered: list[str]) -> str | None:
    """Return what is asked for, which the model must offer, by default the first of the offered.

    What a model has no choice of is ignored.
    """
    if not offered:
        return None
    given = next((body[name] for name in names if body.get(name)), offered[0])
    if given not in offered and given != "auto":
        raise invalid(f"{names[0]} must be one of {', '.join(offered)}.", names[0])
    return offered[0] if given == "auto" else str(given)


def _sound(body: dict[str, Any], model: Model) -> bool:
    """Tell whether the film is to have sound; the list's default holds where nobody says."""
    defaults = (model.switched_on(name) for name in _SWITCHES)
    default = next((on for on in defaults if on is not None), False)
    return bool(next((body[name] for name in _SWITCHES if name in body), default))


def _check_source(source: object, model: Model) -> None:
    if source and not model.can("image_to_video"):
        raise Refusal(
            400,
            f"The model '{model.id}' does not accept image input.",
            code="image_input_not_supported",
            param="imageUrl",
        )
    if not source and not model.can("text_to_video"):
        raise missing("imageUrl")


ROUTES = [
    Route("POST", "generate-video", submit),
    Route("GET", "video/status", status, polled=True),
    Route("GET", "generate-video/status", older_status, polled=True),
    Route("GET", "v1/video/status", oldest_status, polled=True),
    Route("GET", "generate-video/recover", recover),
    Route("GET", "generate-video/content", content),
]
