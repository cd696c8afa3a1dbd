"""Voice cloning: submitted and charged once, then polled until it is finished.

Follows https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Unpack, get_args

from nanogpt_client._protocol.call import Call, Reply, Request, RetrySafety
from nanogpt_client._protocol.job_costs import Submitted
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks, _jobs
from nanogpt_client.endpoints._requests import post, post_form, read_object
from nanogpt_client.endpoints.media import check_address, file_bytes, file_part
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError
from nanogpt_client.types._coerce import as_text, unwrapped
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.media import FileSource
from nanogpt_client.types.options import VoiceCloneOptions
from nanogpt_client.types.progress import OnProgress
from nanogpt_client.types.voices import ClonedVoice, VoiceJob, VoiceProvider

# The options of each provider, and their names in the request.
_OPTIONS: Mapping[str, Mapping[str, str]] = {
    "minimax": {
        "voice_id": "customVoiceId",
        "clone_model": "voiceCloneModel",
        "reduce_noise": "needNoiseReduction",
        "normalize_volume": "needVolumeNormalization",
        "accuracy": "accuracy",
        "preview_text": "text",
    },
    "qwen": {"reference_text": "referenceText"},
}
_USD = {"minimax": Decimal("1.00"), "qwen": Decimal("0.25")}
_VOICE_ID = re.compile(r"[A-Za-z][A-Za-z0-9]{7,}")
_URL_KEYS = ("speakerEmbeddingUrl", "audioUrls", "audioUrl")


def submit_voice_clone(
    audio: FileSource, *, provider: VoiceProvider, **options: Unpack[VoiceCloneOptions]
) -> Flow[VoiceJob]:
    """Submit a reference recording and return the job; it is charged now, never submitted twice."""
    fields = _fields(provider, options)
    request = yield from _request(audio, f"/voice-clone/{provider}", fields, options)
    call = Call(
        request, lambda reply: _submitted(reply, provider), "voice", None, RetrySafety.IF_NOT_SENT,
        billable=True, estimate=lambda: _USD[provider],
    )  # fmt: skip
    job = yield from ask(call)
    job = replace(job, voice_id=fields.get("customVoiceId"))
    yield Submitted("voice", job.run_id, job.billing, _jobs.estimate_of(call))
    return job


def voice_clone_status(
    job: VoiceJob | str, *, provider: VoiceProvider | None = None
) -> Call[VoiceJob]:
    """Return the status of a job; with its run id alone, ``provider`` is required."""
    submitted = _job_of(job, provider)
    body = {"runId": submitted.run_id, **_jobs.refund_fields(submitted.raw)}
    request = post(f"/voice-clone/{submitted.provider}/status", body, root="api")

    def read(reply: Reply) -> VoiceJob:
        found = _job(_jobs.read_state(reply).raw, reply, submitted.run_id, submitted.provider)
        model = found.model or submitted.model
        return replace(found, model=model, voice_id=found.voice_id or submitted.voice_id)

    return Call(request, read, "voice", run_id=submitted.run_id)


def wait_for_voice_clone(
    job: VoiceJob | str,
    *,
    provider: VoiceProvider | None = None,
    poll_interval: float = _jobs.POLL_SECONDS,
    poll_timeout: float = _jobs.JOB_TIMEOUT,
    on_progress: OnProgress | None = None,
    progress: bool = False,
) -> Flow[ClonedVoice]:
    """Wait until a submitted clone is finished; ``job`` is a `VoiceJob` or a run id."""
    submitted = _job_of(job, provider)
    with ProgressReporter({"on_progress": on_progress, "progress": progress}) as reporter:
        return (yield from _watched(submitted, reporter, poll_interval, poll_timeout))


def clone_voice(
    audio: FileSource,
    *,
    provider: VoiceProvider,
    poll_interval: float = _jobs.POLL_SECONDS,
    poll_timeout: float = _jobs.JOB_TIMEOUT,
    **options: Unpack[VoiceCloneOptions],
) -> Flow[ClonedVoice]:
    """Submit a recording and wait. After a failure resume with the error's ``run_id``."""
    _jobs.check_waiting(poll_interval, poll_timeout)
    with ProgressReporter(options) as reporter:
        job = yield from submit_voice_clone(audio, provider=provider, **options)
        return (yield from _watched(job, reporter, poll_interval, poll_timeout))


def _watched(
    submitted: VoiceJob, reporter: ProgressReporter, poll_interval: float, poll_timeout: float
) -> Flow[ClonedVoice]:
    job = _jobs.Job("voice", submitted.run_id, submitted.billing)
    final, billing = yield from _jobs.wait(
        voice_clone_status(submitted),
        job,
        reporter,
        poll_interval=poll_interval,
        poll_timeout=poll_timeout,
    )
    if final.provider == "qwen" and not final.url:
        raise job.failed("it is completed, but without the URL of the voice", final)
    return ClonedVoice(
        final.run_id, final.provider, billing, final.model, final.voice_id, final.url, final.raw
    )


def _fields(provider: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provider's fields of the request."""
    names = _OPTIONS[_provider(provider)]
    given = _checks.body_options(options, VoiceCloneOptions)
    for name in given.keys() - names.keys():
        msg = f"{provider} has no option {name}; it has {', '.join(names)}"
        raise InvalidArgumentError(msg, param=name)
    voice_id = given.get("voice_id", "")
    if provider == "minimax" and not _VOICE_ID.fullmatch(voice_id):
        msg = (
            "minimax needs a voice_id that you choose: a letter, then at least 7 letters or "
            f"digits, such as 'MyVoice001', not {voice_id!r}"
        )
        raise InvalidArgumentError(msg, param="voice_id")
    return {names[name]: value for name, value in given.items()}


def _request(
    audio: FileSource, path: str, fields: Mapping[str, Any], options: Mapping[str, Any]
) -> Flow[Request]:
    if _checks.is_url(audio) and not str(audio).startswith("data:"):
        yield from check_address(str(audio), "audio")
        return post(path, {"audioUrl": audio, **fields}, options, root="api")
    name, data = yield from file_bytes(audio, "audio")
    return post_form(path, fields, [("audio", file_part(name, data))], options, root="api")


def _submitted(reply: Reply, provider: VoiceProvider) -> VoiceJob:
    body = read_object(reply)
    run_id = as_text(unwrapped(body).get("runId"))
    if not run_id:
        msg = "NanoGPT accepted the recording but returned no run id"
        raise InvalidResponseError(msg, maybe_billed=True)
    return _job(body, reply, run_id, provider)


def _job(body: dict[str, Any], reply: Reply, run_id: str, provider: VoiceProvider) -> VoiceJob:
    state = _jobs.JobState.read(body, reply.headers)
    url = _jobs.find_url(state.fields, *_URL_KEYS)
    return VoiceJob(
        run_id=run_id,
        provider=provider,
        status=state.status or "queued",
        billing=state.billing,
        model=as_text(state.fields.get("model")) or None,
        url=reply.absolute(url) if url else None,
        error=state.error,
        raw=body,
        code=state.code if state.status == "failed" else None,
        is_refunded=state.is_refunded,
    )


def _job_of(job: Any, provider: VoiceProvider | None) -> VoiceJob:
    """Return a job as it is, or made of its run id."""
    if isinstance(job, VoiceJob):
        return job
    run_id = _checks.check_text("run_id", job)
    return VoiceJob(run_id, _provider(provider), "", Billing())


def _provider(provider: Any) -> VoiceProvider:
    if provider not in get_args(VoiceProvider):
        msg = f"provider must be {' or '.join(get_args(VoiceProvider))}, not {provider!r}"
        raise InvalidArgumentError(msg, param="provider")
    return provider  # type: ignore[no-any-return]
