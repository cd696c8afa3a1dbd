"""Sound: speech and transcription, at once or as jobs, under `/v1/audio` and the older roots."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.billing import bill, cost_headers
from nanogpt_client.sandbox.bodies import Upload, is_form, read_form, read_json
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.failures import Refusal, Style, invalid, missing
from nanogpt_client.sandbox.media.audio import Transcript
from nanogpt_client.sandbox.messages import Reply, json_reply
from nanogpt_client.sandbox.money import Charge, minutes_price, speech_price
from nanogpt_client.sandbox.routing import Route
from nanogpt_client.sandbox.validate import number
from nanogpt_client.sandbox.world import Exchange, Job

_SUFFIXES = {
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/flac": "flac",
    "audio/wav": "wav",
    "audio/pcm": "pcm",
}
_CHUNK = 4096
_SPEECH_SPEED = 15.0  # characters per second, as the older API guesses a duration


@dataclass(frozen=True, slots=True)
class Spoken:
    """A finished utterance and its bill."""

    model: Model
    text: str
    voice: str
    speed: float
    audio: bytes
    mime: str
    charge: Charge
    remaining: Decimal


def speech(exchange: Exchange) -> Reply:
    """Speak: audio bytes, or for some models a JSON body with a URL or a job ticket."""
    body = read_json(exchange.request)
    spoken = _speak(exchange, body, "input")
    if body.get("stream") and spoken.model.private.get("streaming"):
        pieces = [spoken.audio[at : at + _CHUNK] for at in range(0, len(spoken.audio), _CHUNK)]
        headers = {"content-type": spoken.mime} | cost_headers(spoken.charge, spoken.remaining)
        return Reply(200, headers, (*pieces, b""))
    return _delivered(exchange, spoken)


def older_speech(exchange: Exchange) -> Reply:
    """`POST /api/tts`: the same with `text` for `input`, and no streaming."""
    return _delivered(exchange, _speak(exchange, read_json(exchange.request), "text"))


def speech_status(exchange: Exchange) -> Reply:
    """Poll a speech job."""
    name = exchange.request.query.get("runId")
    if not name or not exchange.request.query.get("model"):
        raise missing("runId" if not name else "model")
    polled = exchange.world.jobs.poll("tts", name)
    if polled is None:
        raise Refusal(404, "Job not found.")
    job, stage = polled
    if stage < job.stages:
        return json_reply(
            {"status": "pending", "runId": job.id, "queuePosition": job.stages - stage}
        )
    if job.outcome == "failed":
        return json_reply({"status": "error", "runId": job.id, "error": "TTS generation failed"})
    return json_reply({"status": "completed", "model": job.model, **job.result})


def transcription(exchange: Exchange) -> Reply:
    """Transcribe a file or a URL of our own: OpenAI's shape, or a job ticket."""
    body, upload = _recording(exchange, "file", ("file_url", "audio_url"))
    model, heard, charge, remaining = _listen(exchange, body, upload)
    if model.private.get("delivery") == "job":
        return _transcription_ticket(
            exchange, model, charge, _report(model, body, upload, heard, charge)
        )
    headers = cost_headers(charge, remaining)
    if body.get("response_format") == "text":
        return Reply(
            200, {"content-type": "text/plain; charset=utf-8", **headers}, (heard.text.encode(),)
        )
    found: dict[str, Any] = {
        "text": heard.text,
        "language": _language(body),
        "duration": round(heard.seconds, 2),
    }
    if body.get("response_format") == "verbose_json":
        found["words"] = [
            {"word": word, "start": start, "end": end} for word, start, end in heard.words
        ]
    return json_reply(found, headers=headers)


def older_transcription(exchange: Exchange) -> Reply:
    """`POST /api/transcribe`: the same with its own field names and reply."""
    body, upload = _recording(exchange, "audio", ("audioUrl", "file_url"))
    model, heard, charge, _ = _listen(exchange, body, upload)
    report = _report(model, body, upload, heard, charge)
    if model.private.get("delivery") == "job":
        return _transcription_ticket(exchange, model, charge, report)
    return json_reply({name: report[name] for name in ("transcription", "metadata")})


def transcription_status(exchange: Exchange) -> Reply:
    """Poll a transcription job."""
    name = read_json(exchange.request).get("runId")
    if not isinstance(name, str):
        raise missing("runId")
    polled = exchange.world.jobs.poll("stt", name)
    if polled is None:
        raise Refusal(404, "Job not found.")
    job, stage = polled
    if stage < job.stages:
        return json_reply({"status": "processing" if stage else "pending"})
    if job.outcome == "failed":
        return json_reply({"status": "failed", "error": "Audio file could not be processed"})
    return json_reply({"status": "completed", **job.result})


def _speak(exchange: Exchange, body: dict[str, Any], text_key: str) -> Spoken:
    from nanogpt_client.sandbox.media.audio import speak  # noqa: PLC0415 - extra

    model = catalog.asked_for("tts", body)
    text = body.get(text_key)
    if not isinstance(text, str) or not text.strip():
        raise missing(text_key)
    most = model.parameters["max_chars"]
    if len(text) > most:
        message = f"{text_key} may have at most {most} characters."
        raise Refusal(
            413 if text_key == "text" else 400, message, code="input_too_long", param=text_key
        )
    voice = _voice(body.get("voice"), model)
    wanted = _format(body.get("response_format"), model)
    speed = number(body, "speed", 0.25, 4) or 1.0
    charge = Charge(model.facts["name"], speech_price(model, len(text)))
    remaining = bill(exchange, charge)
    audio, mime = speak(text, voice=voice, format=wanted, speed=speed)
    return Spoken(model, text, voice, speed, audio, mime, charge, remaining)


def _delivered(exchange: Exchange, spoken: Spoken) -> Reply:
    """Return the audio as the model gives it: a job, a URL, or the bytes."""
    delivery = spoken.model.private.get("delivery")
    if delivery == "job":
        return _ticket(exchange, spoken)
    if delivery == "url":
        return json_reply(_audio_url(exchange, spoken))
    headers = {"content-type": spoken.mime} | cost_headers(spoken.charge, spoken.remaining)
    return Reply(200, headers, (spoken.audio,))


def _voice(wanted: object, model: Model) -> str:
    known = model.parameters["voices"]
    if wanted is None:
        return str(known[0])
    name = wanted.get("id") if isinstance(wanted, dict) else wanted
    if name not in known:
        raise invalid(
            f"The model '{model.id}' has no voice {name!r}; it has {', '.join(known)}.",
            "voice",
            "invalid_voice",
        )
    return str(name)


def _format(wanted: object, model: Model) -> str:
    known = model.private.get("formats", ["mp3"])
    if wanted is None or model.private.get("ignores_format"):
        return str(known[0])
    if wanted not in known:
        raise invalid(
            f"response_format must be one of {', '.join(known)} for '{model.id}'.",
            "response_format",
            "unsupported_format",
        )
    return str(wanted)


def _audio_url(exchange: Exchange, spoken: Spoken) -> dict[str, Any]:
    suffix = _SUFFIXES[spoken.mime]
    url = exchange.world.media.put(spoken.audio, spoken.mime, suffix, exchange.request.origin)
    return {
        "audioUrl": url,
        "contentType": spoken.mime,
        "model": spoken.model.id,
        "text": spoken.text,
        "voice": spoken.voice,
        "speed": spoken.speed,
        "duration": round(len(spoken.text) / _SPEECH_SPEED / spoken.speed, 2),
        "cost": spoken.charge.cost,
        "currency": "USD",
        "paymentSource": "USD",
        "remainingBalance": spoken.remaining,
    }


def _ticket(exchange: Exchange, spoken: Spoken) -> Reply:
    found = _audio_url(exchange, spoken)
    result = {name: found[name] for name in ("audioUrl", "contentType")}
    job = _queue(exchange, "tts", spoken.model, spoken.charge.cost, result)
    return json_reply(_job_body(job) | {"charged": True}, 202)


def _queue(
    exchange: Exchange, kind: str, model: Model, cost: Decimal, result: dict[str, Any]
) -> Job:
    world = exchange.world
    job = Job(world.ids.new("run_"), kind, model.id, cost, world.clock(), result)
    job.outcome = exchange.outcome
    world.jobs.add(job)
    return job


def _job_body(job: Job) -> dict[str, Any]:
    return {
        "runId": job.id,
        "status": "pending",
        "model": job.model,
        "cost": job.cost,
        "paymentSource": "USD",
        "isApiRequest": True,
    }


def _recording(
    exchange: Exchange, file_field: str, url_fields: tuple[str, ...]
) -> tuple[dict[str, Any], Upload]:
    """Return the request's fields and the recording, uploaded or from a URL of our own."""
    if is_form(exchange.request):
        form = read_form(exchange.request)
        files = form.files.get(file_field) or form.files.get("file") or form.files.get("audio")
        if not files:
            raise missing(file_field)
        return dict(form.fields), files[0]
    body = read_json(exchange.request)
    url = next((body[name] for name in url_fields if body.get(name)), None)
    if not isinstance(url, str):
        raise missing(url_fields[0])
    stored = exchange.world.media.of_url(url, exchange.request.origin)
    if stored is None:
        message = (
            f"The file at {url} could not be downloaded (the sandbox reads only its own URLs)."
        )
        raise invalid(message, url_fields[0], "file_download_failed")
    return body, Upload(url.rpartition("/")[2], stored.content, stored.mime)


def _listen(
    exchange: Exchange, body: dict[str, Any], upload: Upload
) -> tuple[Model, Transcript, Charge, Decimal]:
    from nanogpt_client.sandbox.media.audio import transcribe  # noqa: PLC0415 - extra

    model = catalog.asked_for("stt", body)
    most = model.parameters["max_request_body_mb"]
    if is_form(exchange.request) and len(upload.content) > most * 1024 * 1024:
        raise Refusal(
            413,
            f"Uploads may be at most {most} MB; submit larger files by URL.",
            code="file_too_large",
            param="file",
        )
    try:
        heard = transcribe(upload.content)
    except ValueError:
        raise invalid("The file is not readable audio.", "file", "invalid_audio") from None
    charge = Charge(model.facts["name"], minutes_price(model, round(heard.seconds, 2)))
    return model, heard, charge, bill(exchange, charge)


def _report(
    model: Model, body: dict[str, Any], upload: Upload, heard: Transcript, charge: Charge
) -> dict[str, Any]:
    """Return the older API's report of a transcription, with words and one speaker."""
    minutes = round(heard.seconds / 60, 4)
    return {
        "transcription": heard.text,
        "metadata": {
            "fileName": upload.name,
            "fileSize": len(upload.content),
            "chargedDuration": minutes,
            "actualDuration": minutes,
            "language": _language(body),
            "cost": charge.cost,
            "currency": "USD",
            "model": model.id,
        },
        "words": [
            {"text": word, "start": start, "end": end, "type": "word", "speaker_id": "speaker_0"}
            for word, start, end in heard.words
        ],
        "diarization": {
            "segments": [
                {
                    "speaker": "Speaker 1",
                    "text": heard.text,
                    "start": 0.0,
                    "end": round(heard.seconds, 2),
                }
            ]
        },
    }


def _transcription_ticket(
    exchange: Exchange, model: Model, charge: Charge, report: dict[str, Any]
) -> Reply:
    job = _queue(exchange, "stt", model, charge.cost, report)
    metadata = report["metadata"]
    about = {name: metadata[name] for name in ("fileName", "fileSize", "chargedDuration")}
    return json_reply(_job_body(job) | about, 202)


def _language(body: dict[str, Any]) -> str:
    language = body.get("language")
    return language if isinstance(language, str) and language not in {"", "auto"} else "en"


ROUTES = [
    Route("POST", "v1/audio/speech", speech),
    Route("POST", "v1/speech", speech),
    Route("POST", "tts", older_speech, style=Style.SIMPLE),
    Route("GET", "tts/status", speech_status, style=Style.SIMPLE, polled=True),
    Route("POST", "v1/audio/transcriptions", transcription),
    Route("POST", "transcribe", older_transcription, style=Style.SIMPLE),
    Route("POST", "transcribe/status", transcription_status, style=Style.SIMPLE, polled=True),
]
