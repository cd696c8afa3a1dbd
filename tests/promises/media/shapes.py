"""Every shape of an answer that NanoGPT was seen to give, beyond chat: one line of a table each.

A shape says how to ask (a method of the clients), what comes back for each request, and what the
caller must have in the end: facts of the result, or an error. `test_shapes.py` plays all of them
over a raw socket to both clients. Shapes of faults are in `tests/faults/matrix`, whole samples of
single replies in `tests/samples`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client import errors

HERE = "http://HERE"  # stands for the server's own origin in a body

PNG, JPEG = b"\x89PNG\r\n\x1a\nrest", b"\xff\xd8\xff\xe0rest"
WEBP = b"RIFF\x00\x00\x00\x00WEBPrest"
MP3, WAV = b"ID3sound", b"RIFF\x00\x00\x00\x00WAVEsound"
MP4 = b"\x00\x00\x00\x18ftypisomfilm"


@dataclass(frozen=True)
class Answer:
    """One reply: JSON unless the body is bytes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self, origin: str) -> bytes:
        """The body's bytes, with its addresses leading to this server."""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body).replace(HERE, origin).encode()


@dataclass(frozen=True)
class Shape:
    """One shape: the route and what is special, how to ask, the replies, and what must come of it.

    ``facts`` maps an attribute path of the result (``""`` is the result itself, ``bytes.0`` its
    first part) to its value, decimals as text. ``asks`` are the requests, e.g. ``GET /api/x?y=z``.
    """

    route: str
    special: str
    ask: str
    args: Sequence[Any]
    options: Mapping[str, Any]
    replies: Sequence[Answer]
    facts: Mapping[str, Any] = field(default_factory=dict)
    asks: Sequence[str] = ()
    error: type[Exception] | None = None
    says: str = ""
    sent: Mapping[str, Any] = field(default_factory=dict)  # of the last JSON body

    def __str__(self) -> str:
        return f"{self.route}: {self.special}"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sound(data: bytes = MP3, kind: str = "audio/mpeg", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(data, headers={"content-type": kind} | named)


# --- Pictures --------------------------------------------------------------------------------

_DRAW = "POST /api/v1/images/generations"
_MONEY = {"cost": "0.02", "paymentSource": "USD", "remainingBalance": "9.98"}


def drawn(special: str, body: Any, facts: Mapping[str, Any], **more: Any) -> Shape:
    options = {"model": "hidream"} | more.pop("options", {})
    asks = [_DRAW, *more.pop("asks", [])]
    return Shape("images", special, "generate_image", ["a cat"], options, [Answer(body)], facts,
                 asks, **more)  # fmt: skip


IMAGES = [
    drawn("b64_json", {"data": [{"b64_json": b64(PNG)}]},
          {"0.bytes": PNG, "0.mime_type": "image/png", "0.url": None, "billing.cost": None}),
    drawn("url", {"data": [{"url": "https://cdn.example/x.png"}]},
          {"0.url": "https://cdn.example/x.png"}, options={"response_format": "url"}),
    drawn("a url was asked for, base64 comes", {"data": [{"b64_json": b64(PNG)}]},
          {"0.bytes": PNG, "0.url": None}, options={"response_format": "url"},
          sent={"response_format": "url"}),
    drawn("base64 inside a data: URL",
          {"data": [{"b64_json": f"data:image/png;base64,{b64(PNG)}"}]}, {"0.bytes": PNG}),
    drawn("it is a JPEG", {"data": [{"b64_json": b64(JPEG)}]}, {"0.mime_type": "image/jpeg"}),
    drawn("it is a WebP", {"data": [{"b64_json": b64(WEBP)}]}, {"0.mime_type": "image/webp"}),
    drawn("several, of both kinds, with a revised prompt",
          {"data": [{"b64_json": b64(PNG), "revised_prompt": "a nice cat"}, {"url": "/x.png"}]},
          {"0.revised_prompt": "a nice cat", "1.url": f"{HERE}/x.png"}, options={"n": 2}),
    drawn("cost, source and balance", {"data": [{"b64_json": b64(PNG)}], **_MONEY},
          {"billing.cost": "0.02", "billing.payment_source": "USD", "billing.balance": "9.98"}),
    drawn("paid in Nano: no dollars",
          {"data": [{"b64_json": b64(PNG)}],
           "x_nanogpt_pricing": {"amount": 0.5, "currency": "XNO", "paymentSource": "nano"}},
          {"billing.cost": None, "billing.payment_source": "nano"}),
    drawn("covered by the subscription", {"data": [{"b64_json": b64(PNG)}], "cost": 0},
          {"billing.cost": "0"}),
    Shape("images", "a source by URL is fetched and sent along", "generate_image", ["a hat"],
          {"model": "m", "image": f"{HERE}/media/cat.png"},
          [Answer(PNG), Answer({"data": [{"b64_json": b64(PNG)}]})], {"0.bytes": PNG},
          ["GET /media/cat.png", _DRAW],
          sent={"imageDataUrl": f"data:image/png;base64,{b64(PNG)}"}),
    Shape("images", "edits", "edit_image", ["a hat"], {"model": "m", "image": PNG, "mask": PNG},
          [Answer({"data": [{"b64_json": b64(PNG)}]})], {"0.bytes": PNG},
          ["POST /api/v1/images/edits"]),
    Shape("images", "its bytes, by its relative URL", "download", ["/media/x.png"], {},
          [Answer(PNG)], {"": PNG}, ["GET /media/x.png"]),
    Shape("images", "its bytes are gone", "download", ["/media/x.png"], {},
          [Answer({"error": "expired"}, 404)], error=errors.NotFoundError, says="expired",
          asks=["GET /media/x.png"]),
]  # fmt: skip

# --- Speech ----------------------------------------------------------------------------------

_SAY = "POST /api/v1/audio/speech"
_JOB = {"runId": "run_1", "status": "pending", "model": "el", "cost": 0.5, "paymentSource": "USD",
        "isApiRequest": True}  # fmt: skip
_ASK_JOB = "GET /api/tts/status?runId=run_1&model=el&cost=0.5&paymentSource=USD&isApiRequest=true"


def said(special: str, *replies: Answer, **more: Any) -> Shape:
    options = {"model": "tts-1"} | more.pop("options", {})
    facts = more.pop("facts", {"bytes": MP3, "mime_type": "audio/mpeg"})
    asks = [_SAY, *more.pop("asks", [])]
    return Shape("speech", special, "speak", ["hi"], options, replies, facts, asks, **more)


def by_url(special: str, body: Any) -> Shape:
    return said(f"JSON, {special}", Answer(body), sound(), asks=["GET /media/x.mp3"])


def by_job(special: str, *states: Answer, **more: Any) -> Shape:
    asks = [_ASK_JOB] * sum(not isinstance(state.body, bytes) for state in states)
    return said(f"job, {special}", Answer(_JOB, 202), *states,
                asks=[*asks, *more.pop("asks", [])], **more)  # fmt: skip


SPEECH = [
    Shape("speech", "bytes, piece by piece", "stream_speech", ["hi"], {"model": "tts-1"},
          [sound()], {"0": MP3}, [_SAY], sent={"stream": True}),
    said("bytes", sound()),
    said("bytes of another format than asked for", sound(WAV, "audio/mpeg"),
         facts={"bytes": WAV, "mime_type": "audio/wav"}, options={"response_format": "mp3"}),
    said("raw samples, known by their type alone", sound(b"raw", "audio/pcm; rate=24000"),
         facts={"mime_type": "audio/pcm"}, options={"response_format": "pcm"}),
    said("bytes, price in the headers", sound(x_cost="0.01", x_remaining_balance="3"),
         facts={"billing.cost": "0.01", "billing.balance": "3"}),
    by_url("url", {"url": f"{HERE}/media/x.mp3"}),
    by_url("audioUrl", {"audioUrl": f"{HERE}/media/x.mp3"}),
    by_url("data.url", {"data": {"url": f"{HERE}/media/x.mp3"}}),
    by_url("data.audioUrl", {"data": {"audioUrl": f"{HERE}/media/x.mp3"}}),
    by_url("relative", {"audioUrl": "/media/x.mp3"}),
    by_job("pending, then completed", Answer({"status": "pending"}),
           Answer({"status": "completed", "audioUrl": "/media/x.mp3"}), sound(),
           asks=["GET /media/x.mp3"],
           facts={"bytes": MP3, "billing.cost": "0.5", "raw.runId": "run_1"}),
    said("job, with status 200 and nothing but its id", Answer({"runId": 7}),
         Answer({"status": "COMPLETED", "data": {"audioUrl": "/media/x.mp3"}}), sound(),
         asks=["GET /api/tts/status?runId=7&model=tts-1", "GET /media/x.mp3"]),
    by_job("error", Answer({"status": "error", "error": "TTS generation failed."}),
           error=errors.JobFailedError, says="run_1 failed: TTS generation failed."),
    by_job("failed, with an object", Answer({"status": "failed", "error": {"message": "no"}}),
           error=errors.JobFailedError, says="run_1 failed: no"),
    by_job("content policy", Answer({"status": "content_policy_violation", "message": "not this"}),
           error=errors.JobFailedError, says="run_1 failed: not this"),
    by_job("completed without audio", Answer({"status": "completed"}),
           error=errors.JobFailedError, says="without audio"),
]  # fmt: skip

# --- Transcription ---------------------------------------------------------------------------

_HEAR, _ASK_HEARD = "POST /api/v1/audio/transcriptions", "POST /api/transcribe/status"
_WORDS = [{"text": "hi", "start": 0.0, "end": 0.4, "type": "word", "speaker_id": "speaker_0"}]
_TURNS = {"segments": [{"speaker": "Speaker 1", "text": "hi", "start": 0.0, "end": 0.4}]}


def heard(special: str, *replies: Answer, **more: Any) -> Shape:
    audio, facts = more.pop("audio", WAV), more.pop("facts", {"text": "hi"})
    asks = [_HEAR, *more.pop("asks", [])]
    return Shape("transcription", special, "transcribe", [audio], {"model": "Whisper-Large-V3"},
                 replies, facts, asks, **more)  # fmt: skip


_CLONED = {"status": "completed", "speakerEmbeddingUrl": "https://cdn.example/e.safetensors"}

TRANSCRIPTIONS = [
    heard("text", Answer({"text": "hi"})),
    heard("text, language, duration", Answer({"text": "hi", "language": "en", "duration": "1.5"}),
          facts={"text": "hi", "language": "en", "duration": 1.5}),
    heard("transcription and metadata",
          Answer({"transcription": "hi", "metadata": {"language": "en", "cost": 0.01}}),
          facts={"text": "hi", "language": "en", "billing.cost": "0.01"}),
    heard("words", Answer({"transcription": "hi", "words": _WORDS}),
          facts={"text": "hi", "words.0": _WORDS[0]}),
    heard("diarization", Answer({"transcription": "hi", "diarization": _TURNS}),
          facts={"text": "hi", "raw.diarization.segments.0.speaker": "Speaker 1"}),
    heard("nothing was said", Answer({"text": ""}), facts={"text": ""}),
    heard("plain text", Answer(b"hi", headers={"content-type": "text/plain; charset=utf-8"})),
    heard("of a URL", Answer({"text": "hi"}), audio="https://cdn.example/talk.mp3",
          sent={"model": "Whisper-Large-V3", "file_url": "https://cdn.example/talk.mp3"}),
    heard("job, processing, then completed", Answer(_JOB, 202), Answer({"status": "processing"}),
          Answer({"status": "completed", "transcription": "hi", "words": _WORDS}),
          facts={"text": "hi", "words.0.text": "hi", "billing.cost": "0.5"},
          asks=[_ASK_HEARD] * 2,
          sent={"runId": "run_1", "cost": 0.5, "paymentSource": "USD", "isApiRequest": True}),
    heard("job, the final cost", Answer(_JOB, 202),
          Answer({"status": "completed", "transcription": "hi",
                  "metadata": {"cost": 0.7, "currency": "USD", "actualDuration": 0.5}}),
          facts={"text": "hi", "billing.cost": "0.7", "duration": 30.0}, asks=[_ASK_HEARD]),
    heard("job, a cloned voice", Answer(_JOB, 202), Answer(_CLONED), asks=[_ASK_HEARD],
          facts={"text": "", "voice_url": _CLONED["speakerEmbeddingUrl"], "billing.cost": "0.5"}),
    heard("job, failed", Answer(_JOB, 202), Answer({"status": "failed", "error": "too long"}),
          asks=[_ASK_HEARD], error=errors.JobFailedError, says="run_1 failed: too long"),
]  # fmt: skip

# --- Video -----------------------------------------------------------------------------------

_ORDER, _ASK_VIDEO = "POST /api/generate-video", "GET /api/video/status?requestId=vid_1"
_TICKET = {"runId": "vid_1", "id": "vid_1", "status": "pending", "model": "veo", "cost": 0.5,
           "paymentSource": "USD", "remainingBalance": 9.5}  # fmt: skip
_FILM = "https://cdn.example/v.mp4"


def ordered(special: str, reply: Answer, **facts: Any) -> Shape:
    named = {name.replace("__", "."): value for name, value in facts.items()}
    return Shape("video", f"order, {special}", "submit_video", ["a cat"],
                 {"model": "veo", "duration": 5}, [reply], {"run_id": "vid_1"} | named, [_ORDER],
                 sent={"duration": "5"})  # fmt: skip


def state(special: str, body: Any, status: str, url: str | None = None, **facts: Any) -> Shape:
    named = {name.replace("__", "."): value for name, value in facts.items()}
    return Shape("video", f"status, {special}", "video_status", ["vid_1"], {}, [Answer(body)],
                 {"status": status, "url": url, "run_id": "vid_1"} | named,
                 [_ASK_VIDEO])  # fmt: skip


def failing(special: str, body: Any, says: str) -> Shape:
    return Shape("video", f"failed, {special}", "generate_video", ["a cat"],
                 {"model": "veo", "poll_interval": 0.01}, [Answer(_TICKET, 202), Answer(body)],
                 asks=[_ORDER, _ASK_VIDEO], error=errors.JobFailedError, says=says)  # fmt: skip


_STATES = [
    ("IN_QUEUE", "queued"), ("IN_PROGRESS", "running"), ("COMPLETED", "completed"),
    ("FAILED", "failed"), ("CANCELED", "cancelled"), ("CANCELLED", "cancelled"),
    ("pending", "queued"), ("processing", "running"), ("completed", "completed"),
    ("Completed", "completed"), ("succeeded", "completed"), ("Succeeded", "completed"),
    ("failed", "failed"), ("in_progress", "running"),
]  # fmt: skip
_PLACES = [
    ("data.output.video.url",
     {"data": {"status": "COMPLETED", "output": {"video": {"url": _FILM}}}}),
    ("data.output.url", {"data": {"status": "COMPLETED", "output": {"url": _FILM}}}),
    ("output.url", {"status": "completed", "output": {"url": _FILM}}),
    ("output.video.url", {"status": "completed", "output": {"video": {"url": _FILM}}}),
    ("output is a list", {"status": "completed", "output": [{"url": _FILM}]}),
    ("videoUrl", {"status": "completed", "videoUrl": _FILM}),
    ("data.videoUrl", {"data": {"status": "COMPLETED", "videoUrl": _FILM}}),
    ("video.url", {"status": "completed", "video": {"url": _FILM}}),
    ("video", {"status": "completed", "video": _FILM}),
    ("video is a list", {"status": "completed", "video": [{"url": _FILM}]}),
    ("videos", {"status": "completed", "videos": [{"url": _FILM}]}),
    ("data.output, with flags",
     {"status": "COMPLETED", "data": {"isCompleted": True, "output": {"url": _FILM}}}),
]  # fmt: skip

VIDEO = [
    ordered("202", Answer(_TICKET, 202), status="queued", model="veo", billing__cost="0.5",
            billing__balance="9.5", billing__payment_source="USD"),
    ordered("paid in Nano", Answer(_TICKET | {"paymentSource": "XNO"}, 202), billing__cost=None,
            billing__cost_nano="0.5", billing__balance=None, billing__balance_nano="9.5"),
    ordered("200, processing", Answer(_TICKET | {"status": "processing"}), status="running"),
    ordered("its id alone", Answer({"id": "vid_1", "status": "pending"}), billing__cost=None),
    *(state(f"{word} under data", {"data": {"status": word}}, read) for word, read in _STATES),
    *(state(f"{word}, flat", {"status": word}, read) for word, read in _STATES),
    *(state(f"url at {place}", body, "completed", _FILM) for place, body in _PLACES),
    state("a relative url", {"status": "completed", "videoUrl": "/media/v.mp4"}, "completed",
          f"{HERE}/media/v.mp4"),
    state("the final cost", {"data": {"status": "COMPLETED", "output": {"url": _FILM},
                                      "cost": 0.4}}, "completed", _FILM, billing__cost="0.4"),
    failing("with a reason for users",
            {"data": {"status": "FAILED", "error": "E_PROVIDER",
                      "userFriendlyError": "Try another prompt."}}, "Try another prompt."),
    failing("not safe for work",
            {"data": {"status": "FAILED", "isNSFWError": True, "error": "flagged as NSFW"}},
            "flagged as NSFW"),
    failing("flat, with an object", {"status": "failed", "error": {"message": "no GPU"}},
            "no GPU"),
    failing("cancelled", {"data": {"status": "CANCELED"}}, "cancelled"),
    failing("completed without a url", {"data": {"status": "COMPLETED"}}, "without a URL"),
    Shape("video", "ordered, queued, running, completed", "generate_video", ["a cat"],
          {"model": "veo", "poll_interval": 0.01},
          [Answer(_TICKET, 202), Answer({"data": {"status": "IN_QUEUE"}}),
           Answer({"data": {"status": "IN_PROGRESS"}}), Answer(_PLACES[0][1])],
          {"url": _FILM, "run_id": "vid_1", "model": "veo", "billing.cost": "0.5"},
          [_ORDER, *[_ASK_VIDEO] * 3]),
    Shape("video", "its relative url leads to its bytes", "download", ["/media/v.mp4"], {},
          [Answer(MP4)], {"": MP4}, ["GET /media/v.mp4"]),
    Shape("video", "lost jobs, under data", "recover_videos", [], {"limit": 5},
          [Answer({"data": [{"runId": "vid_1", "id": "vid_1", "model": "veo",
                             "status": "completed"}, {"runId": "vid_2", "status": "processing"}]})],
          {"0.run_id": "vid_1", "0.status": "completed", "1.run_id": "vid_2",
           "1.status": "running"}, ["GET /api/generate-video/recover?limit=5"]),
    Shape("video", "no lost jobs", "recover_videos", [], {}, [Answer({"data": []})],
          {"": []}, ["GET /api/generate-video/recover"]),
]  # fmt: skip

# --- Web search ------------------------------------------------------------------------------

_FACTS = {"query": "nano", "provider": "linkup", "timestamp": "2026-01-31T00:00:00Z",
          "cost": 0.006}  # fmt: skip
_SCHEMA = {"type": "object", "properties": {"year": {"type": "integer"}}}


def found(special: str, data: Any, facts: Mapping[str, Any], **options: Any) -> Shape:
    return Shape("search", special, "search_web", ["nano"], options,
                 [Answer({"data": data, "metadata": _FACTS})],
                 {"billing.cost": "0.006"} | dict(facts), ["POST /api/web"])  # fmt: skip


SEARCH = [
    found("searchResults", [{"type": "text", "title": "Nano", "url": "https://a", "content": "x"}],
          {"hits.0.title": "Nano", "hits.0.url": "https://a", "hits.0.content": "x"}),
    found("pictures among the results",
          [{"type": "image", "title": "N", "url": "https://a", "imageUrl": "https://a/x.png"}],
          {"hits.0.type": "image", "hits.0.image_url": "https://a/x.png"}, include_images=True),
    found("nothing found", [], {"hits": ()}),
    found("sourcedAnswer",
          {"answer": "A coin.", "sources": [{"name": "Nano", "url": "https://a", "snippet": "x"}]},
          {"answer": "A coin.", "hits.0.title": "Nano", "hits.0.content": "x"},
          output_type="sourcedAnswer"),
    found("structured", {"year": 2015}, {"structured": {"year": 2015}}, schema=_SCHEMA),
]  # fmt: skip

# --- Account ---------------------------------------------------------------------------------

_BALANCE = {"usd_balance": "129.46956147", "nano_balance": "26.71801147",
            "nanoDepositAddress": "nano_1abc"}  # fmt: skip
_DEPOSIT = {"txId": "tx_1", "address": "bc1q", "amount": "0.001", "status": "New",
            "paymentLink": "https://pay", "createdAt": "2026-01-01T00:00:00Z",
            "expiresAt": "2026-01-01T01:00:00Z"}  # fmt: skip


def cost(special: str, body: Any, usd: str | None) -> Shape:
    return Shape("account", f"estimate, {special}", "estimate_chat_cost", ["hi"], {"model": "m"},
                 [Answer(body)], {"usd": usd, "raw": body},
                 ["POST /api/get-completion-cost"])  # fmt: skip


def deposit(special: str, ticker: str, path: str, body: Any, facts: Mapping[str, Any]) -> Shape:
    return Shape("account", f"deposit, {special}", "create_deposit", [ticker, "5"], {},
                 [Answer(body)], facts, [f"POST /api/transaction/create/{path}"],
                 sent={"amount": 5.0})  # fmt: skip


ACCOUNT = [
    Shape("account", "balance, decimals as strings", "balance", [], {}, [Answer(_BALANCE)],
          {"usd": "129.46956147", "nano": "26.71801147", "nano_deposit_address": "nano_1abc"},
          ["POST /api/check-balance"]),
    Shape("account", "balance, unknown", "balance", [], {}, [Answer({"usd_balance": None})],
          {"usd": None, "nano": None, "nano_deposit_address": None}, ["POST /api/check-balance"]),
    cost("cost", {"cost": 0.0125}, "0.0125"),
    cost("cost as text", {"cost": "0.0125"}, "0.0125"),
    cost("pricing", {"x_nanogpt_pricing": {"costUsd": "0.0125"}}, "0.0125"),
    cost("estimatedCost, under data", {"data": {"estimatedCost": 0.0125}}, "0.0125"),
    cost("free", {"cost": 0}, "0"),
    cost("no dollars named", {"tokens": 12}, None),
    cost("paid in Nano", {"cost": 1, "paymentSource": "XNO"}, None),
    cost("estimated in Nano", {"data": {"estimatedCost": 1, "currency": "nano"}}, None),
    cost("in both", {"cost": 1, "paymentSource": "XNO", "costUsd": "0.0125"}, "0.0125"),
    cost("an amount of Nano", {"x_nanogpt_pricing": {"amount": 1, "currency": "XNO"}}, None),
    Shape("account", "estimate of pictures", "estimate_image_cost", [],
          {"model": "m", "size": "1024x1024", "n": 3}, [Answer({"cost": "0.01"})], {"usd": "0.03"},
          ["POST /api/estimate-image-cost"], sent={"model": "m", "size": "1024x1024"}),
    Shape("account", "affordable", "can_afford", ["hi"], {"model": "m"},
          [Answer({"cost": "0.01"}), Answer(_BALANCE)], {"affordable": True},
          ["POST /api/get-completion-cost", "POST /api/check-balance"]),
    Shape("account", "affordable? not known", "can_afford", ["hi"], {"model": "m"},
          [Answer({}), Answer(_BALANCE)], {"affordable": None},
          ["POST /api/get-completion-cost", "POST /api/check-balance"]),
    deposit("of a coin", "btc", "btc", _DEPOSIT,
            {"id": "tx_1", "address": "bc1q", "amount": "0.001", "status": "New"}),
    deposit("by card", "usd", "usd", {"data": _DEPOSIT}, {"payment_link": "https://pay"}),
    deposit("by Daimo", "sol", "daimo/sol", {"paymentId": "p_1"}, {"id": "p_1", "address": None}),
    deposit("of a stable coin", "usdc", "daimo/usdc", {"transaction": _DEPOSIT}, {"id": "tx_1"}),
    *(Shape("account", f"deposit is {word}", "deposit_status", ["btc", "tx_1"], {},
            [Answer(_DEPOSIT | {"status": word})], {"status": word},
            ["GET /api/transaction/status/btc/tx_1"])
      for word in ("New", "Pending", "Processing", "Paid", "Completed", "Expired", "Failed")),
    Shape("account", "deposit limits", "deposit_limits", ["btc"], {},
          [Answer({"minimum": "0.0001", "maximum": 2})], {"minimum": "0.0001", "maximum": "2"},
          ["GET /api/transaction/limits/btc"]),
    Shape("account", "usage by day and model", "usage", [],
          {"from_date": "2026-01-01", "to_date": "2026-01-31", "group_by": "day,model"},
          [Answer({"totals": {"requests": 3, "costUsd": "0.5"}, "byDay": [{"day": "2026-01-02"}],
                   "byModel": [{"model": "m"}]})],
          {"requests": 3, "cost_usd": "0.5", "by_day.0.day": "2026-01-02", "by_model.0.model": "m"},
          ["GET /api/v1/usage?from=2026-01-01&to=2026-01-31&group_by=day%2Cmodel"]),
    Shape("account", "subscription", "subscription_usage", [], {},
          [Answer({"active": True, "limits": {"daily": 5000}, "state": "active",
                   "daily": {"used": 5, "remaining": 4995, "resetAt": 1738540800000}})],
          {"active": True, "state": "active", "daily.remaining": 4995},
          ["GET /api/subscription/v1/usage"]),
]  # fmt: skip

# --- Embeddings and models ------------------------------------------------------------------

_VECTORS = {"data": [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}],
            "model": "e", "usage": {"prompt_tokens": 2, "total_tokens": 2}}  # fmt: skip


def listed(kind: str, scope: str, target: str, model: Mapping[str, Any], **facts: Any) -> Shape:
    return Shape("models", f"{kind}, {scope}", "list_models", [kind], {"scope": scope},
                 [Answer({"data": [model]})], {"models.0.id": model["id"]} | facts,
                 [f"GET {target}"])  # fmt: skip


CATALOGUE = [
    Shape("embeddings", "out of order", "embed", [["a", "b"]], {"model": "e"}, [Answer(_VECTORS)],
          {"vectors.tolist": [[1.0, 0.0], [0.0, 1.0]], "usage.prompt_tokens": 2},
          ["POST /api/v1/embeddings"]),
    Shape("embeddings", "base64 of float32", "embed", ["a"],
          {"model": "e", "encoding_format": "base64"},
          [Answer({"data": [{"index": 0, "embedding": "AACAPwAAAAA="}], "model": "e"})],
          {"vectors.tolist": [[1.0, 0.0]], "usage": None}, ["POST /api/v1/embeddings"]),
    listed("text", "all", "/api/v1/models?detailed=true",
           {"id": "m", "context_length": None, "capabilities": None,
            "pricing": {"prompt": 0.5, "completion": "2"}}),
    listed("text", "subscription", "/api/subscription/v1/models?detailed=true", {"id": "m"}),
    listed("text", "paid", "/api/paid/v1/models?detailed=true", {"id": "m"}),
    listed("image", "all", "/api/v1/image-models",
           {"id": "hidream", "pricing": {"per_image": {"1024*1024": 0.005}}}),
    listed("video", "all", "/api/v1/video-models", {"id": "veo2-video", "pricing": None}),
    listed("tts", "all", "/api/v1/audio-models?type=tts", {"id": "tts-1"}),
    listed("stt", "all", "/api/v1/audio-models?type=stt", {"id": "Whisper-Large-V3"}),
    listed("embedding", "all", "/api/v1/embedding-models", {"id": "e", "dimensions": 1536}),
]  # fmt: skip

SHAPES = [*IMAGES, *SPEECH, *TRANSCRIPTIONS, *VIDEO, *SEARCH, *ACCOUNT, *CATALOGUE]
