"""Text to speech, whole and streamed.

Follows https://docs.nano-gpt.com/api-reference/endpoint/speech and tts-status
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from nanogpt_client._core.call import Call, Reply, Resend, StreamCall
from nanogpt_client._core.flow import Flow, ask
from nanogpt_client._core.watch import Watch
from nanogpt_client.endpoints import _check, _jobs, _offer, _prices, catalog
from nanogpt_client.endpoints._request import get, post, read_object, without_request_words
from nanogpt_client.endpoints.media import download, located
from nanogpt_client.errors import NanoGPTError, ResponseFormatError
from nanogpt_client.wire import _files
from nanogpt_client.wire._read import as_dict, as_text, first
from nanogpt_client.wire.billing import Billing
from nanogpt_client.wire.catalog import ModelList
from nanogpt_client.wire.media import Speech
from nanogpt_client.wire.options import SpeechOptions

_AUDIO_KEYS = ("url", "audioUrl")


def speak(text: str, *, model: str, **options: Unpack[SpeechOptions]) -> Flow[Speech]:
    """Speak; whether NanoGPT sends the sound, its URL, or a job's ticket, the sound comes back."""
    known = yield from catalog.known("tts", model)
    _offer.check_speech(known, text, options)
    submit = Call(
        post("/audio/speech", _body(text, model, options), options),
        _answer,
        "speech",
        model,
        Resend.IF_REFUSED,
        billable=True,
        estimate=_prices.reservation(known, {"text": text}),
    )
    with Watch(options) as watch:
        answer = yield from ask(submit)
        if answer.data:
            return answer
        ticket, url = answer.raw, answer.url
        if url is None:
            url = yield from _finished_url(ticket, model, watch)
    absolute, source = yield from located(url)
    try:
        data = yield from download(url)
    except NanoGPTError as error:  # it is paid for, and can be fetched while its URL lives
        error.maybe_billed = True
        error.partial = Speech(b"", "", answer.billing, absolute, ticket, source)
        raise
    return Speech(data, _files.mime_type_of(data), answer.billing, absolute, ticket)


def stream_speech(
    text: str, *, model: str, listed: ModelList | None = None, **options: Unpack[SpeechOptions]
) -> StreamCall[bytes]:
    """Speak, and hand the sound on in pieces as it comes; ``listed`` is what is known of models."""
    body = {**_body(text, model, options), "stream": True}
    known = None if listed is None else listed.get(model)
    _offer.check_speech(known, text, options)
    return StreamCall(
        post("/audio/speech", body, options),
        AudioDecoder,
        "speech",
        model,
        estimate=_prices.reservation(known, {"text": text}),
    )


def _body(text: str, model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    given = without_request_words(_check.checked(options, SpeechOptions))
    return {"model": _check.check_model(model), "input": _check.check_text("text", text), **given}


def _answer(reply: Reply) -> Speech:
    """Read the three forms of the answer; ``data`` is empty where only a URL or a ticket came."""
    kind = reply.content_type
    if "json" not in kind and not kind.startswith("text/"):
        if not reply.body:
            raise ResponseFormatError("NanoGPT answered with an empty sound")
        mime_type = _files.mime_type_of(reply.body, kind)
        return Speech(reply.body, mime_type, Billing.read({}, reply.headers))
    body = read_object(reply)
    url = _url(body)
    if not url and not as_text(body.get("runId")):
        raise ResponseFormatError("NanoGPT answered without a sound, its URL or a run id")
    return Speech(b"", "", Billing.read(body, reply.headers), url or None, body)


def _finished_url(ticket: dict[str, Any], model: str, watch: Watch) -> Flow[str]:
    run_id = as_text(ticket.get("runId"))
    query = {
        "runId": run_id,
        "model": as_text(ticket.get("model")) or model,
        **_jobs.refund_words(ticket),
    }
    check = Call(get("/tts/status", query, root="api"), _jobs.read_state, "speech", model)
    url = _url((yield from _jobs.result_of(check, run_id, watch)))
    if not url:
        raise _jobs.job_failed("speech", run_id, "it is completed, but without a sound")
    return url


def _url(body: Mapping[str, Any]) -> str:
    inner = as_dict(body.get("data"))
    return as_text(first(body, *_AUDIO_KEYS)) or as_text(first(inner, *_AUDIO_KEYS))


class AudioDecoder:
    """Hands a stream's bytes on; the end of the connection is the end of the sound."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.events = 0
        self.done = self.finished = False
        self.failure: NanoGPTError | None = None
        self._headers = headers
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Sequence[bytes]:
        """Hand the bytes on."""
        self.events += 1
        self._pieces.append(data)
        return [data]

    def eof(self) -> Sequence[bytes]:
        """Note the end of the sound."""
        self.done = self.finished = True
        if not self.events:
            self.failure = ResponseFormatError("NanoGPT answered with an empty sound")
        return []

    def whole(self, reply: Reply) -> Sequence[bytes]:
        """Read what came instead of a sound: an error, or JSON that a stream cannot use."""
        try:
            answer = _answer(reply)
        except NanoGPTError as error:
            self.failure = error
            return []
        if not answer.data:
            self.failure = ResponseFormatError(
                "this model answers with a URL or a job, which cannot be streamed; use speak()"
            )
            return []
        return self.feed(answer.data)

    def end(self) -> Sequence[bytes]:
        """Return nothing: no byte is held back."""
        return []

    def partial(self) -> Speech:
        """Return what has arrived of the sound."""
        data = b"".join(self._pieces)
        return Speech(data, _files.mime_type_of(data), Billing.read({}, self._headers))
