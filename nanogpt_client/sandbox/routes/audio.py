"""Speech, transcription and voice clones, at once or as jobs.

No voice is cloned: a preview is the text in the sandbox's own voice, a speaker's embedding a file
without tensors.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.bodies import Upload, is_form, number, read_form, string
from nanogpt_client.sandbox.exchange import Exchange, Route
from nanogpt_client.sandbox.http import Refusal, Reply, invalid, json_reply, missing, require
from nanogpt_client.sandbox.money import minutes_price, speech_price
from nanogpt_client.sandbox.world import Job

if TYPE_CHECKING:  # it loads PyAV
    from nanogpt_client.sandbox.media.audio import Transcript

_CHUNK = 4096
_SPEECH_SPEED = 15.0  # characters per second, as the older API guesses a duration


@Route("POST", "v1/audio/speech")
def speech(exchange: Exchange) -> Reply:
    """Synthesize speech: audio bytes, or for some models a JSON body with a URL or a job."""
    from nanogpt_client.sandbox.media.audio import synthesize  # noqa: PLC0415 - an extra

    body = exchange.json()
    model = catalog.asked_for("tts", body)
    text, most = string(body, "input"), model.parameters["max_chars"]
    require(
        len(text) <= most, f"input may have at most {most} characters.", "input", "input_too_long"
    )
    voice = _voice(body.get("voice"), model)
    wanted = _format(body.get("response_format"), model)
    speed = number(body, "speed", 0.25, 4) or 1.0
    bill = exchange.bill(model, speech_price(model, len(text)))
    audio, mime = synthesize(text, voice=voice, format=wanted, speed=speed)
    delivery = model.private.get("delivery")
    streams = body.get("stream") and model.private.get("streaming")
    if streams or delivery not in ("job", "url"):
        chunks = (audio[at : at + _CHUNK] for at in range(0, len(audio), _CHUNK))
        headers = {"content-type": mime} | bill.headers
        return Reply(200, headers, (*chunks, b"") if streams else (audio,))
    suffix = "mp3" if mime == "audio/mpeg" else mime.removeprefix("audio/")
    file = {"audioUrl": exchange.store(audio, mime, suffix), "contentType": mime}
    if delivery == "job":
        job = exchange.queue("tts", model.id, bill.cost, file)
        return json_reply(_job_fields(job) | {"charged": True}, 202)
    spoken = {"model": model.id, "text": text, "voice": voice, "speed": speed}
    duration = round(len(text) / _SPEECH_SPEED / speed, 2)
    return json_reply(file | spoken | {"duration": duration, "currency": "USD"} | bill.fields)


@Route("GET", "tts/status", simple=True, polled=True)
def speech_status(exchange: Exchange) -> Reply:
    """Poll a speech job."""
    query = exchange.request.query
    string(query, "model")
    job, stage = exchange.world.poll("tts", string(query, "runId"), _no_job())
    if stage < job.stages:
        waiting = {"status": "pending", "runId": job.id, "queuePosition": job.stages - stage}
        return json_reply(waiting)
    if job.outcome == "failed":
        return json_reply({"status": "error", "runId": job.id, "error": "TTS generation failed"})
    return json_reply({"status": "completed", "model": job.model, **job.result})


def _voice(wanted: object, model: catalog.Model) -> str:
    voices = model.parameters["voices"]
    name = wanted.get("id") if isinstance(wanted, dict) else wanted
    message = f"The model '{model.id}' has no voice {name!r}; it has {', '.join(voices)}."
    require(wanted is None or name in voices, message, "voice", "invalid_voice")
    return str(voices[0] if wanted is None else name)


def _format(wanted: object, model: catalog.Model) -> str:
    formats = model.private.get("formats", ["mp3"])
    if wanted is None or model.private.get("ignores_format"):
        return str(formats[0])
    message = f"response_format must be one of {', '.join(formats)} for '{model.id}'."
    require(wanted in formats, message, "response_format", "unsupported_format")
    return str(wanted)


def _no_job() -> Refusal:
    return Refusal(404, "Job not found.")


def _job_fields(job: Job) -> dict[str, Any]:
    payment = {"cost": job.cost, "paymentSource": "USD", "isApiRequest": True}
    return {"runId": job.id, "status": "pending", "model": job.model} | payment


@Route("POST", "v1/audio/transcriptions")
def transcription(exchange: Exchange) -> Reply:
    """Transcribe a file or a URL of our own: OpenAI's format, or a job."""
    from nanogpt_client.sandbox.media.audio import transcribe  # noqa: PLC0415 - an extra

    body, upload = _recording(exchange, "file", "file_url")
    model = catalog.asked_for("stt", body)
    most = model.parameters["max_request_body_mb"]
    if is_form(exchange.request) and len(upload.content) > most * 1024 * 1024:
        message = f"Uploads may be at most {most} MB; submit larger files by URL."
        raise Refusal(413, message, code="file_too_large", param="file")
    try:
        transcript = transcribe(upload.content)
    except ValueError:
        raise invalid("The file is not readable audio.", "file", "invalid_audio") from None
    bill = exchange.bill(model, minutes_price(model, round(transcript.seconds, 2)))
    given = body.get("language")
    language = given if isinstance(given, str) and given not in {"", "auto"} else "en"
    if model.private.get("delivery") == "job":
        report = _report(transcript)
        metadata = {**_file(upload), "language": language, "cost": bill.cost, "model": model.id}
        metadata["chargedDuration"] = round(transcript.seconds / 60, 4)
        job = exchange.queue("stt", model.id, bill.cost, report | {"metadata": metadata})
        duration = {"chargedDuration": metadata["chargedDuration"]}
        return json_reply(_job_fields(job) | _file(upload) | duration, 202)
    wanted = body.get("response_format")
    if wanted == "text":
        headers = {"content-type": "text/plain; charset=utf-8", **bill.headers}
        return Reply(200, headers, (transcript.text.encode(),))
    found: dict[str, Any] = {"text": transcript.text, "language": language}
    found["duration"] = round(transcript.seconds, 2)
    if wanted == "verbose_json":
        found["words"] = [
            {"word": word, "start": start, "end": end} for word, start, end in transcript.words
        ]
    return json_reply(found, headers=bill.headers)


def _report(transcript: Transcript) -> dict[str, Any]:
    """Return what a job reports, with the time of each word and one speaker."""
    text, end = transcript.text, round(transcript.seconds, 2)
    segment = {"speaker": "Speaker 1", "text": text, "start": 0.0, "end": end}
    words = [
        {"text": word, "start": start, "end": end, "type": "word", "speaker_id": "speaker_0"}
        for word, start, end in transcript.words
    ]
    return {"transcription": text, "words": words, "diarization": {"segments": [segment]}}


def _file(upload: Upload) -> dict[str, Any]:
    return {"fileName": upload.name, "fileSize": len(upload.content)}


@Route("POST", "transcribe/status", simple=True, polled=True)
def transcription_status(exchange: Exchange) -> Reply:
    """Poll a transcription job."""
    polled = exchange.world.poll("stt", string(exchange.json(), "runId"), _no_job())
    return json_reply(_state(*polled, "Audio file could not be processed"))


def _recording(
    exchange: Exchange, file_field: str, url_field: str
) -> tuple[dict[str, Any], Upload]:
    """Return the fields of a request and its recording: a file, or a URL of our own."""
    if is_form(exchange.request):
        form = read_form(exchange.request)
        if file_field not in form.files:
            raise missing(file_field)
        return dict(form.fields), form.files[file_field][0]
    body = exchange.json()
    url = string(body, url_field)
    stored = exchange.stored(url)
    if stored is None:
        message = f"The file at {url} could not be downloaded (the sandbox reads its own URLs)."
        raise invalid(message, url_field, "file_download_failed")
    return body, Upload(url.rpartition("/")[2], stored.content)


_VOICE_ID = re.compile(r"[A-Za-z][A-Za-z0-9]{7,}")
_MODELS = {
    "minimax": ("MiniMax-Voice-Clone", Decimal("1.00")),
    "qwen": ("qwen-voice-clone", Decimal("0.25")),
}
_NOTE = json.dumps({"__metadata__": {"note": "made by the NanoGPT sandbox"}}).encode()
_EMBEDDING = len(_NOTE).to_bytes(8, "little") + _NOTE  # a safetensors file of nothing but a note


@Route("POST", "voice-clone/{provider}", simple=True)
def submit(exchange: Exchange) -> Reply:
    """Queue a clone and charge for it. Raises `Refusal`."""
    provider = exchange.params["provider"]
    model, usd = _model(provider)
    body, upload = _recording(exchange, "audio", "audioUrl")
    require(upload.content, "The audio file is empty.", "audio")
    if provider == "minimax":
        voice = string(body, "customVoiceId")
        message = "customVoiceId must match ^[A-Za-z][A-Za-z0-9]{7,}$."
        require(_VOICE_ID.fullmatch(voice), message, "customVoiceId")
        result: dict[str, Any] = {"audioUrls": _previews(exchange, body.get("text"))}
    else:
        url = exchange.store(_EMBEDDING, "application/octet-stream", "safetensors")
        result = {"speakerEmbeddingUrl": url}
    exchange.bill(model, usd)
    job = exchange.queue(f"voice-{provider}", model, usd, result)
    return json_reply(_job_fields(job) | _file(upload), 202)


@Route("POST", "voice-clone/{provider}/status", simple=True, polled=True)
def status(exchange: Exchange) -> Reply:
    """Poll a clone."""
    provider = exchange.params["provider"]
    model, _ = _model(provider)
    unknown, run = Refusal(400, "Invalid runId"), string(exchange.json(), "runId")
    polled = exchange.world.poll(f"voice-{provider}", run, unknown)
    state = _state(*polled, "The voice could not be cloned")
    return json_reply(state | {"metadata": {"model": model}})


def _state(job: Job, stage: int, failure: str) -> dict[str, Any]:
    if stage < job.stages:
        return {"status": "processing" if stage else "pending"}
    if job.outcome == "failed":
        return {"status": "failed", "error": failure}
    return {"status": "completed", **job.result}


def _model(provider: str) -> tuple[str, Decimal]:
    if provider not in _MODELS:
        raise Refusal(404, f"No voice clone provider '{provider}'.", code="not_found")
    return _MODELS[provider]


def _previews(exchange: Exchange, text: object) -> list[str]:
    from nanogpt_client.sandbox.media.audio import synthesize  # noqa: PLC0415 - an extra

    if not isinstance(text, str) or not text.strip():
        return []
    audio, mime = synthesize(text, voice="nova", format="mp3", speed=1.0)
    return [exchange.store(audio, mime, "mp3")]
