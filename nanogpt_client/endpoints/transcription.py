"""Speech to text: from a file, or from a URL for what is too large to send.

Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions and transcribe-status
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from nanogpt_client._media import files
from nanogpt_client._protocol.call import Call, Reply, Request, RetrySafety
from nanogpt_client._protocol.job_costs import Submitted
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks, _jobs, _model_limits, _prices, catalog
from nanogpt_client.endpoints._requests import post, post_form, read_object
from nanogpt_client.endpoints.media import check_address, file_bytes, file_part
from nanogpt_client.types._coerce import as_text, unwrapped
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.catalog import Model
from nanogpt_client.types.media import FileSource, Transcript, holds_transcript
from nanogpt_client.types.options import TranscriptionOptions

PATH = "/audio/transcriptions"

# Fields of the submission to send with a poll (page transcribe-status); the first three let
# NanoGPT refund it.
_SENT_BACK = ("cost", "paymentSource", "isApiRequest",
              "fileName", "fileSize", "chargedDuration", "diarize")  # fmt: skip
# Fields of a status that describe the job; anything else is a result.
_OF_ANY_STATE = frozenset(
    "status state runId id requestId model data metadata cost currency paymentSource"
    " isApiRequest remainingBalance fileName fileSize chargedDuration diarize".split()
)

# Media types of a transcript that is no JSON: response_format="text", "vtt" and "srt". OpenAI sends
# the first for all of them; what NanoGPT sends has no witness.
_TEXTS = frozenset({"text/plain", "text/vtt", "text/srt", "application/x-subrip"})


def transcribe(
    audio: FileSource, *, model: str, **options: Unpack[TranscriptionOptions]
) -> Flow[Transcript]:
    """Transcribe audio; jobs are waited for."""
    listed = yield from catalog.find_model("stt", model)
    request = yield from _request(audio, model, options, listed)
    seconds = files.seconds_of(request.files[0][1].data) if request.files else None
    call = Call(
        request,
        _answer,
        "transcription",
        model,
        RetrySafety.IF_REJECTED,
        billable=True,
        estimate=_prices.reservation(listed, {"seconds": seconds}),
    )
    with ProgressReporter(options) as reporter:
        answer = yield from ask(call)
        run_id = _run_id(answer.raw)
        if answer.text or not run_id or _is_completed(answer.raw):
            return answer
        yield Submitted("transcription", run_id, answer.billing, _jobs.estimate_of(call))
        return (yield from _finished(answer, run_id, model, reporter))


def _finished(
    submitted: Transcript, run_id: str, model: str, reporter: ProgressReporter
) -> Flow[Transcript]:
    """Wait for a job. A completed one is paid for, so its result is returned even without text."""
    job = _jobs.Job("transcription", run_id, submitted.billing)
    body = {"runId": run_id, **_jobs.sent_back(submitted.raw, *_SENT_BACK)}
    question = post("/transcribe/status", body, root="api")
    check = Call(question, _jobs.read_state, "transcription", model, run_id=run_id)
    state, billing = yield from _jobs.wait(check, job, reporter)
    if not holds_transcript(state.raw) and not state.fields.keys() - _OF_ANY_STATE:
        raise job.failed("it is completed, but without a transcription", state)
    return Transcript.read(state.raw, billing, lenient=True)


def _request(
    audio: FileSource, model: str, options: Mapping[str, Any], listed: Model | None
) -> Flow[Request]:
    given = _checks.body_options(options, TranscriptionOptions)
    body = {"model": _checks.check_model(model), **given}
    if _checks.is_url(audio) and not str(audio).startswith("data:"):
        yield from check_address(str(audio), "audio")
        _model_limits.check_remote_recording(listed, given)
        return post(PATH, {**body, "file_url": audio}, options)
    name, data = yield from file_bytes(audio, "audio")
    _model_limits.check_recording(listed, data, given)
    return post_form(PATH, body, [("file", file_part(name, data))], options)


def _answer(reply: Reply) -> Transcript:
    """Read the transcript; its text is empty if NanoGPT returned a job."""
    if reply.content_type in _TEXTS:
        return Transcript(reply.text, Billing.read({}, reply.headers))
    body = read_object(reply)
    billing = Billing.read(unwrapped(body), reply.headers)
    return Transcript.read(body, billing, lenient=bool(_run_id(body)))


def _is_completed(body: Mapping[str, Any]) -> bool:
    return _jobs.job_state(as_text(unwrapped(body).get("status"))) == "completed"


def _run_id(body: Mapping[str, Any]) -> str:
    return as_text(unwrapped(body).get("runId"))
