"""Text to speech, whole and streamed.

Follows https://docs.nano-gpt.com/api-reference/endpoint/speech and tts-status
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from nanogpt_client._media import files
from nanogpt_client._protocol.call import Call, Reply, RetrySafety, StreamCall
from nanogpt_client._protocol.job_costs import Submitted
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client._protocol.steps import Flow, ask
from nanogpt_client.endpoints import _checks, _jobs, _model_limits, _prices, catalog
from nanogpt_client.endpoints._requests import get, post, read_object
from nanogpt_client.endpoints.media import download
from nanogpt_client.errors import InvalidResponseError, NanoGPTError
from nanogpt_client.types._coerce import as_text, unwrapped
from nanogpt_client.types.billing import Billing
from nanogpt_client.types.catalog import ModelList
from nanogpt_client.types.media import Speech
from nanogpt_client.types.options import SpeechOptions

# ``audioUrls`` is on the page voice-cloning; ``output`` was seen of videos alone.
_AUDIO_KEYS = ("url", "audioUrl", "audioUrls", "output", "data")


def speak(text: str, *, model: str, **options: Unpack[SpeechOptions]) -> Flow[Speech]:
    """Synthesize speech; its audio is returned, also if NanoGPT returns a URL or a job."""
    listed = yield from catalog.find_model("tts", model)
    _model_limits.check_speech(listed, text, options)
    submit = Call(
        post("/audio/speech", _body(text, model, options), options),
        _answer,
        "speech",
        model,
        RetrySafety.IF_REJECTED,
        billable=True,
        estimate=_prices.reservation(listed, {"text": text}),
    )
    with ProgressReporter(options) as reporter:
        answer = yield from ask(submit)
        if answer.data:
            return answer
        url, billing = answer.url, answer.billing
        if url is None:
            yield Submitted("speech", _run_id(answer.raw), billing, _jobs.estimate_of(submit))
            url, billing = yield from _finished(answer, model, reporter)
    try:
        data = yield from download(url)
    except NanoGPTError as error:  # it is paid for, and its URL is valid for some time
        error.maybe_billed = True
        error.partial = Speech(b"", "", billing, url, answer.raw)
        raise
    return Speech(data, files.mime_type_of(data), billing, url, answer.raw)


def stream_speech(
    text: str, *, model: str, listed: ModelList | None = None, **options: Unpack[SpeechOptions]
) -> StreamCall[bytes]:
    """Synthesize speech as a stream of chunks; ``listed`` is the cached list of models."""
    body = {**_body(text, model, options), "stream": True}
    entry = None if listed is None else listed.get(model)
    _model_limits.check_speech(entry, text, options)
    return StreamCall(
        post("/audio/speech", body, options),
        AudioDecoder,
        "speech",
        model,
        estimate=_prices.reservation(entry, {"text": text}),
    )


def _body(text: str, model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    given = _checks.body_options(options, SpeechOptions)
    return {"model": _checks.check_model(model), "input": _checks.check_text("text", text), **given}


def _answer(reply: Reply) -> Speech:
    """Read the three forms of the response; ``data`` is empty for a URL or a job."""
    kind = reply.content_type
    if "json" not in kind and not kind.startswith("text/"):
        if not reply.body:
            raise InvalidResponseError("NanoGPT answered with empty audio")
        mime_type = files.mime_type_of(reply.body, kind)
        return Speech(reply.body, mime_type, Billing.read({}, reply.headers))
    body = read_object(reply)
    url = _url(body)
    if url:
        url = reply.absolute(url)
    if not url and not _run_id(body):
        raise InvalidResponseError("NanoGPT answered without audio, its URL or a run id")
    return Speech(b"", "", Billing.read(unwrapped(body), reply.headers), url or None, body)


def _finished(
    submitted: Speech, model: str, reporter: ProgressReporter
) -> Flow[tuple[str, Billing]]:
    """Wait for a job; return the URL of its audio and its final bill."""
    job = _jobs.Job("speech", _run_id(submitted.raw), submitted.billing)
    query = {
        "runId": job.run_id,
        "model": as_text(unwrapped(submitted.raw).get("model")) or model,
        **_jobs.refund_fields(submitted.raw),
    }
    request = get("/tts/status", query, root="api")
    check = Call(request, _jobs.read_state, "speech", model, run_id=job.run_id)
    state, billing = yield from _jobs.wait(check, job, reporter)
    url = _url(state.raw)
    if not url:
        raise job.failed("it is completed, but without audio", state)
    return url, billing


def _run_id(body: Mapping[str, Any]) -> str:
    return as_text(unwrapped(body).get("runId"))


def _url(body: Mapping[str, Any]) -> str:
    return _jobs.find_url(body, *_AUDIO_KEYS)


class AudioDecoder:
    """Passes a stream's bytes through; the end of the connection is the end of the audio."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.events = 0
        self.done = self.finished = False
        self.failure: NanoGPTError | None = None
        self._headers = headers
        self._chunks: list[bytes] = []

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Return the bytes."""
        self.events += 1
        self._chunks.append(data)
        return [data]

    def eof(self) -> Sequence[bytes]:
        """Record the end of the audio."""
        self.done = self.finished = True
        if not self.events:
            self.failure = InvalidResponseError("NanoGPT answered with empty audio")
        return []

    def whole(self, reply: Reply) -> Sequence[bytes]:
        """Read an error, or JSON, that NanoGPT sent instead of audio."""
        try:
            answer = _answer(reply)
        except NanoGPTError as error:
            self.failure = error
            return []
        if not answer.data:
            self.failure = InvalidResponseError(
                "this model returns a URL or a job, which cannot be streamed; use speak()"
            )
            return []
        return self.feed(answer.data)

    def end(self) -> Sequence[bytes]:
        """Return nothing: no byte is buffered."""
        return []

    def partial(self) -> Speech:
        """Return the audio so far."""
        data = b"".join(self._chunks)
        return Speech(data, files.mime_type_of(data), Billing.read({}, self._headers))

    snapshot = partial
