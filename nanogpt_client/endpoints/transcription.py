"""Speech to text: from a file, or from a URL for what is too large to send.

Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions and transcribe-status
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from nanogpt_client._core.call import Call, Reply, Request, Resend
from nanogpt_client._core.flow import Flow, ask
from nanogpt_client._core.watch import Watch
from nanogpt_client.endpoints import _check, _jobs, _offer, _prices, catalog
from nanogpt_client.endpoints._request import post, read_object, without_request_words
from nanogpt_client.endpoints.media import check_address, file_bytes, file_part
from nanogpt_client.wire import _files
from nanogpt_client.wire._read import as_text
from nanogpt_client.wire._surrogates import mended
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.catalog import Model
from nanogpt_client.wire.media import FileSource, Transcript
from nanogpt_client.wire.options import TranscriptionOptions

PATH = "/audio/transcriptions"


def transcribe(
    audio: FileSource, *, model: str, **options: Unpack[TranscriptionOptions]
) -> Flow[Transcript]:
    """Write down what is said; jobs are waited for."""
    known = yield from catalog.known("stt", model)
    request = yield from _request(audio, model, options, known)
    seconds = _files.seconds_of(request.files[0][1].data) if request.files else None
    call = Call(
        request,
        _answer,
        "transcription",
        model,
        Resend.IF_REFUSED,
        billable=True,
        estimate=_prices.reservation(known, {"seconds": seconds}),
    )
    with Watch(options) as watch:
        answer = yield from ask(call)
        run_id = as_text(answer.raw.get("runId"))
        if not run_id:
            return answer
        body = {"runId": run_id, **_jobs.refund_words(answer.raw)}
        question = post("/transcribe/status", body, root="api")
        check = Call(question, _jobs.read_state, "transcription", model)
        state = yield from _jobs.result_of(check, run_id, watch)
    return Transcript.read(state, answer.billing)


def _request(
    audio: FileSource, model: str, options: Mapping[str, Any], known: Model | None
) -> Flow[Request]:
    given = without_request_words(_check.checked(options, TranscriptionOptions))
    body = {"model": _check.check_model(model), **given}
    if _check.is_url(audio) and not str(audio).startswith("data:"):
        yield from check_address(str(audio), "audio")
        _offer.check_remote_recording(known, given)
        return post(PATH, {**body, "file_url": audio}, options)
    name, data = yield from file_bytes(audio, "audio")
    _offer.check_recording(known, data, given)
    form = {**body, **(options.get("extra_body") or {})}
    return Request(
        "POST",
        PATH,
        form={
            key: str(value).lower() if value is True or value is False else mended(str(value))
            for key, value in form.items()
        },
        files=[("file", file_part(name, data))],
        headers=dict(options.get("extra_headers") or {}),
        timeout=options.get("timeout"),
    )


def _answer(reply: Reply) -> Transcript:
    """Read the transcript; the text is empty where only a job's ticket came."""
    if reply.content_type == "text/plain":  # response_format="text"
        return Transcript(reply.text, Billing.read({}, reply.headers))
    body = read_object(reply)
    billing = Billing.read(body, reply.headers)
    if as_text(body.get("runId")):
        return Transcript("", billing, raw=body)
    return Transcript.read(body, billing)
