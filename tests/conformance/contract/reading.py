"""Each documented answer, read by the product, beside what its page says it is.

`READERS` hold what the product makes of an answer, by name; `PATHS` say where in the page's JSON
the right value of that name stands. Nothing of the product is used for the second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from nanogpt_client import errors
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints import (
    _jobs,
    account,
    catalog,
    chat,
    embeddings,
    images,
    memory,
    moderation,
    pages,
    search,
    speech,
    transcription,
    video,
    voices,
)
from nanogpt_client.types.catalog import Model
from nanogpt_client.types.chat import ChatCompletion, Usage
from nanogpt_client.types.media import Transcript
from nanogpt_client.types.payments import PaymentChallenge, PaymentOption
from tests.conformance.contract.examples import Example
from tests.support.driving import DONE, Driven, context, drive, first_call, reply, requests_of, sse

Found = dict[str, Any]
Body = dict[str, Any]

SOUND = b"ID3 a sound"


def compared(example: Example, how: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the names of what is read, what the product read, and what is right."""
    if how in {"error", "challenge"}:
        right = expected_error(example)
        found = read_error(example.body, right["status"])
        yield "the message", right["message"] in found["message"], True
        yield "the error", found | {"message": ""}, right | {"message": ""}
    if how == "challenge":
        offered = example.body["payment"]["accepted"]
        options = [expected("payment option", option) for option in offered]
        yield "the options", _options(example.body), options
        yield how, read(how, example.body), expected(how, example.body)
    elif how == "models":
        listed = [expected("model", entry) for entry in example.body["data"]]
        yield "the models", models(example.body), listed
    elif how != "error":
        yield how, read(how, example.body), expected(how, example.body)


# --- where the right value stands: the first path that is there; a number, ``len`` of a list


def filled(body: Any) -> Any:
    """Put a host's name where a page leaves it out."""
    return json.loads(json.dumps(body).replace("https://.../", "https://storage.example.com/"))


def expected(how: str, body: Any) -> Found:
    """Return what a page says of an answer, by the names of its reader."""
    body = filled(body)
    return {name: _value(body, name, paths) for name, paths in PATHS[how].items()}


def _value(body: Any, name: str, paths: str) -> Any:
    found = next((v for path in paths.split() if (v := _at(body, path)) is not None), None)
    if name in _FORMS:
        return _FORMS[name](found)
    return found


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit():
            value = value[int(step)]
        else:
            return None
    return value


def money(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


_STATES = {
    "pending": "queued", "processing": "running", "in_progress": "running",
    "completed": "completed", "failed": "failed", "error": "failed",
}  # fmt: skip
_FORMS: dict[str, Callable[[Any], Any]] = {
    "cost": money, "usd": money, "nano": money, "net": money, "refunded": money, "amount": money,
    "minimum": money, "maximum": money, "prompt price": money, "completion price": money,
    "text": lambda text: text or "",
    "reasoning": lambda text: text or "",
    "id": lambda text: text or "",
    "state": lambda word: _STATES[word.lower()],
    "capabilities": lambda flags: {name for name, on in (flags or {}).items() if on},
    "policy": lambda nsfw: "content_policy_violation" if nsfw else None,
    "minutes": lambda minutes: None if minutes is None else round(float(minutes) * 60, 6),
    "words": lambda words: len(words or ()),
    "days": lambda days: len(days or ()),
    "by model": lambda models: len(models or ()),
}  # fmt: skip

_TOKENS = {
    "prompt": "usage.prompt_tokens",
    "completion": "usage.completion_tokens",
    "cached": "usage.cache_read_input_tokens usage.prompt_tokens_details.cached_tokens",
}
_CHAT = {
    "id": "id",
    "reasoning": "choices.0.message.reasoning",
    "finish": "choices.0.finish_reason",
    "cost": "x_nanogpt_pricing.cost",
    "total": "usage.total_tokens",
    **_TOKENS,
}
_MODEL = {
    "id": "id",
    "name": "name id",
    "owner": "owned_by",
    "context": "context_length max_tokens",
    "output": "max_output_tokens",
    "prompt price": "pricing.prompt pricing.per_million_tokens",
    "completion price": "pricing.completion",
    "dimensions": "dimensions",
    "capabilities": "capabilities",
    "policy of distillation": "distillationPolicy.status",
}
_TRANSCRIPT = {
    "text": "text transcription",
    "language": "language metadata.language",
    "cost": "metadata.cost",
    "words": "words",
    "speaker": "diarization.segments.0.speaker",
    "voice": "speakerEmbeddingUrl audioUrls.0",
}

PATHS: dict[str, dict[str, str]] = {
    "completion": {"text": "choices.0.message.content", **_CHAT},
    "chunk": {"text": "choices.0.delta.content", **_CHAT},
    "usage": _TOKENS,
    "beside": {"meta": "meta"},
    "model": _MODEL,
    "vectors": {
        "model": "model", "vector": "data.0.embedding", "prompt": "usage.prompt_tokens",
        "total": "usage.total_tokens",
    },
    "images": {"url": "data.0.url", "cost": "cost"},
    "speech": {"url": "audioUrl", "cost": "cost"},
    "speech ticket": {"run": "runId", "cost": "cost", "state": "status"},
    "speech state": {
        "state": "status", "url": "audioUrl", "error": "error", "code": "code",
    },
    "transcript": {**_TRANSCRIPT, "seconds": "duration", "minutes": "metadata.actualDuration"},
    "transcription ticket": {"run": "runId", "cost": "cost", "state": "status"},
    "transcription state": {"state": "status", "error": "error", **_TRANSCRIPT},
    "video ticket": {"run": "runId", "model": "model", "state": "status"},
    "video state": {
        "state": "data.status status", "url": "data.output.video.url data.output.url videoUrl",
        "cost": "data.cost", "error": "data.userFriendlyError data.error",
        "policy": "data.isNSFWError",
    },
    "recovered videos": {"run": "data.0.runId", "model": "data.0.model", "state": "data.0.status"},
    "voice ticket": {"run": "runId", "model": "model", "cost": "cost", "state": "status"},
    "voice state": {"state": "status", "url": "speakerEmbeddingUrl audioUrls.0"},
    "pages": {
        "url": "results.0.url", "title": "results.0.title", "text": "results.0.markdown",
        "html": "results.0.content", "why": "results.1.error", "cost": "summary.totalCost",
    },
    "transcripts": {
        "url": "transcripts.0.url", "title": "transcripts.0.title",
        "text": "transcripts.0.transcript", "why": "transcripts.1.error",
        "cost": "summary.totalCost",
    },
    "search": {"answer": "data", "cost": "metadata.cost"},
    "moderation": {
        "model": "model", "flagged": "results.0.flagged", "scores": "results.0.category_scores",
        "of the categories": "results.0.categories", **_TOKENS,
    },
    "memory": {"text": "messages.0.content", "role": "messages.0.role", **_TOKENS},
    "balance": {"usd": "usd_balance", "nano": "nano_balance", "address": "nanoDepositAddress"},
    "usage report": {
        "cost": "totals.costUsd", "net": "totals.netCostUsd", "refunded": "totals.refundedUsd",
        "requests": "totals.requests", "days": "byDay", "by model": "byModel",
    },
    "subscription": {
        "active": "active", "of the subscription": "state", "limits": "limits", "daily": "daily",
        "monthly": "monthly",
    },
    "deposit": {
        "id": "txId paymentId", "address": "address", "amount": "amount",
        "of the deposit": "status", "link": "paymentLink",
    },
    "deposit limits": {"minimum": "minimum", "maximum": "maximum"},
    "challenge": {
        "id": "payment.paymentId", "usd": "payment.amountUsd", "complete": "payment.completeUrl",
        "status": "payment.statusUrl", "expires": "payment.expiresAt",
    },
    "payment option": {
        "scheme": "scheme", "formatted": "amountFormatted", "usd": "amountUsd", "to": "payTo",
        "units": "amount", "network": "network", "id": "paymentId", "complete": "completeUrl",
    },
}  # fmt: skip

# --- what the product makes of it


def read(how: str, body: Any) -> Found:
    """Return what the product reads, by name."""
    return READERS[how](filled(body))


def _completion(body: Body) -> Found:
    return _chat(chat.chat("Hi", model="m").parse(reply(body)))


def _chunk(body: Body) -> Found:
    decoder = chat.stream_chat("Hi", model="m").decoder({})
    list(decoder.feed(sse(body, DONE)))
    assert decoder.failure is None
    decoder.end()
    return _chat(decoder.snapshot())


def _chat(answer: ChatCompletion) -> Found:
    return {
        "text": answer.text,
        "id": answer.id,
        "reasoning": answer.reasoning,
        "finish": answer.finish_reason,
        "cost": answer.billing.cost,
        "total": answer.usage.total_tokens if answer.usage else None,
        **_usage_of(answer.usage),
    }


def _usage(body: Body) -> Found:
    usage = Usage.read(body["usage"])
    assert usage is not None
    assert usage.total_tokens == sum(body["usage"][f"{p}_tokens"] for p in ("prompt", "completion"))
    return _usage_of(usage)


def _usage_of(usage: Usage | None) -> Found:
    return {
        "prompt": usage.prompt_tokens if usage else None,
        "completion": usage.completion_tokens if usage else None,
        "cached": usage.cache_read_tokens if usage else None,
    }


def _beside(body: Body) -> Found:
    whole = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], **body}
    return {"meta": chat.chat("Hi", model="m").parse(reply(whole)).raw["meta"]}


def _model(body: Body) -> Found:
    return _facts(Model.read(body))


def _facts(model: Model) -> Found:
    return {
        "id": model.id,
        "name": model.name or None,
        "owner": model.owned_by,
        "context": model.context_length,
        "output": model.max_output_tokens,
        "prompt price": model.prompt_usd,
        "completion price": model.completion_usd,
        "dimensions": model.dimensions,
        "capabilities": model.capabilities,
        "policy of distillation": (model.raw.get("distillationPolicy") or {}).get("status"),
    }


def models(body: Body) -> list[Found]:
    """Return what the product reads of each model of a list."""
    return [_facts(model) for model in catalog.list_models().parse(reply(body))]


def _vectors(body: Body) -> Found:
    answer = embeddings.embed(["text"] * len(body["data"]), model="m").parse(reply(body))
    assert answer.usage is not None
    return {
        "model": answer.model,
        "vector": [round(float(number), 6) for number in answer.vectors[0]],
        "prompt": answer.usage.prompt_tokens,
        "total": answer.usage.total_tokens,
    }


def _images(body: Body) -> Found:
    answer = first_call(images.generate_image("a cat", model="m")).parse(reply(body))
    return {"url": answer.images[0].url, "cost": answer.billing.cost}


def _speech_state(body: Body) -> Found:
    """Read a job's state, and what is then fetched."""
    state = _jobs.read_state(reply(body))
    found = {"state": state.status, "url": None, "error": None, "code": None}
    if state.is_finished:
        driven = _driven(speech.speak("Hi", model="m"), body)
        found |= _failure(driven) or {"url": requests_of(driven)[-1].path}
    return found


def _transcription_state(body: Body) -> Found:
    state = _jobs.read_state(reply(body))
    found = {"state": state.status, "error": None, "text": "", "language": None, "cost": None,
             "words": 0, "speaker": None, "voice": None}  # fmt: skip
    if state.is_finished:
        driven = _driven(transcription.transcribe(SOUND, model="m"), body)
        failure = _failure(driven)
        failure.pop("code", None)
        found |= failure or _heard(driven.result)
    return found


def _driven(flow: Any, final: Body) -> Driven:
    """Perform a job whose ticket has no price, and whose first status is this one."""
    ticket = reply({"runId": "run-1", "status": "pending"}, 202)
    return drive(run_flow(flow, context()), ticket, reply(final), reply(SOUND), spare=True)


def _failure(driven: Driven) -> Found:
    """Return what a job's error tells; its message must stand in it as the page has it."""
    if driven.error is None:
        return {}
    error = driven.failure(errors.JobFailedError)
    assert error.maybe_billed is False  # a failed job is refunded
    return {"error": str(error).partition("failed: ")[2], "code": error.code}


def _transcript(body: Body) -> Found:
    heard = first_call(transcription.transcribe(SOUND, model="m")).parse(reply(body))
    by_metadata = "metadata" in body and "actualDuration" in body["metadata"]
    seconds = None if heard.duration is None else round(heard.duration, 6)
    return {
        **_heard(heard),
        "seconds": None if by_metadata else seconds,
        "minutes": seconds if by_metadata else None,
    }


def _heard(heard: Transcript) -> Found:
    return {
        "text": heard.text,
        "language": heard.language,
        "cost": heard.cost,
        "words": len(heard.words),
        "speaker": next((part.speaker for part in heard.segments), None),
        "voice": heard.voice_url,
    }


def _speech(body: Body) -> Found:
    answer = first_call(speech.speak("Hi", model="m")).parse(reply(body))
    return {"url": answer.url, "cost": answer.cost}


def _speech_ticket(body: Body) -> Found:
    return _ticket(speech.speak("Hi", model="m"), body)


def _transcription_ticket(body: Body) -> Found:
    return _ticket(transcription.transcribe(SOUND, model="m"), body)


def _ticket(flow: Any, body: Body) -> Found:
    """Take a job's ticket; return what is then asked for, and what it costs."""
    ticket = first_call(flow).parse(reply(body, 202))
    step = flow.send(ticket)
    while not hasattr(step, "request"):
        step = flow.send(None)
    state = _jobs.read_state(reply(body)).status
    return {"run": step.run_id, "cost": ticket.cost, "state": state}


def _video_ticket(body: Body) -> Found:
    job = first_call(video.submit_video("a cat", model="m")).parse(reply(body, 202))
    in_nano = body.get("paymentSource") in {"XNO", "nano"}
    cost = money(body.get("cost"))
    assert (job.cost, job.billing.cost_nano) == ((None, cost) if in_nano else (cost, None))
    return {"run": job.run_id, "model": job.model, "state": job.status}


def _video_state(body: Body) -> Found:
    job = video.video_status("v").parse(reply(body))
    assert job.is_refunded == (job.status == "failed")
    return {"state": job.status, "url": job.url, "cost": job.cost, "error": job.error,
            "policy": job.code}  # fmt: skip


def _recovered(body: Body) -> Found:
    (job,) = video.recover_videos().parse(reply(body))
    return {"run": job.run_id, "model": job.model, "state": job.status}


def _voice_ticket(body: Body) -> Found:
    flow = voices.submit_voice_clone(SOUND, provider="qwen")
    job = first_call(flow).parse(reply(body, 202))
    return {"run": job.run_id, "model": job.model, "cost": job.cost, "state": job.status}


def _voice_state(body: Body) -> Found:
    job = voices.voice_clone_status("run", provider="qwen").parse(reply(body))
    return {"state": job.status, "url": job.url}


def _pages(body: Body) -> Found:
    urls = [item["url"] for item in body["results"]]
    found = pages.scrape_pages(urls).parse(reply(body))
    page, failed = found
    return {"url": page.url, "title": page.title, "text": page.text, "html": page.html,
            "why": failed.error, "cost": found.cost}  # fmt: skip


def _transcripts(body: Body) -> Found:
    urls = [item["url"] for item in body["transcripts"]]
    found = pages.youtube_transcripts(urls).parse(reply(body))
    video_, failed = found
    return {"url": video_.url, "title": video_.title, "text": video_.text,
            "why": failed.error, "cost": found.cost}  # fmt: skip


def _search(body: Body) -> Found:
    found = search.search_web("q").parse(reply(body))
    return {"answer": found.answer, "cost": found.billing.cost}


def _moderation(body: Body) -> Found:
    found = moderation.moderate("text").parse(reply(body))
    (result,) = found
    assert found.flagged == result.flagged
    return {"model": found.model, "flagged": result.flagged, "scores": result.scores,
            "of the categories": result.categories, **_usage_of(found.usage)}  # fmt: skip


def _memory(body: Body) -> Found:
    found = memory.compress_memory("Hi").parse(reply(body))
    (message,) = found.messages
    return {"text": found.text, "role": message["role"], **_usage_of(found.usage)}


def _balance(body: Body) -> Found:
    money_ = account.balance().parse(reply(body))
    return {"usd": money_.usd, "nano": money_.nano, "address": money_.nano_deposit_address}


def _usage_report(body: Body) -> Found:
    report = account.usage().parse(reply(body))
    return {
        "cost": report.cost_usd, "net": report.net_cost_usd, "refunded": report.refunded_usd,
        "requests": report.requests, "days": len(report.by_day), "by model": len(report.by_model),
    }  # fmt: skip


def _subscription(body: Body) -> Found:
    used = account.subscription_usage().parse(reply(body))
    return {"active": used.active, "of the subscription": used.state, "limits": used.limits,
            "daily": used.daily, "monthly": used.monthly}  # fmt: skip


def _deposit(body: Body) -> Found:
    ordered = account.create_deposit("btc", 1).parse(reply(body))
    return {"id": ordered.id or "", "address": ordered.address, "amount": ordered.amount,
            "of the deposit": ordered.status, "link": ordered.payment_link}  # fmt: skip


def _deposit_limits(body: Body) -> Found:
    limits = account.deposit_limits("btc").parse(reply(body))
    return {"minimum": limits.minimum, "maximum": limits.maximum}


def _challenge(body: Body) -> Found:
    quoted = PaymentChallenge.read(body)
    expires = datetime.fromtimestamp(quoted.expires_at or 0, UTC).isoformat(timespec="milliseconds")
    return {"id": quoted.payment_id, "usd": quoted.usd, "complete": quoted.complete_url,
            "status": quoted.status_url, "expires": expires.replace("+00:00", "Z")}  # fmt: skip


def _payment_option(body: Body) -> Found:
    return _option(PaymentOption.read(body))


def _options(body: Body) -> list[Found]:
    return [_option(option) for option in PaymentChallenge.read(body).options]


def _option(option: PaymentOption) -> Found:
    return {
        "scheme": option.scheme, "formatted": option.amount_formatted, "usd": option.usd,
        "to": option.pay_to, "units": option.amount, "network": option.network,
        "id": option.payment_id or "", "complete": option.complete_url,
    }  # fmt: skip


READERS: Mapping[str, Callable[[Any], Found]] = {
    "completion": _completion,
    "chunk": _chunk,
    "usage": _usage,
    "beside": _beside,
    "model": _model,
    "vectors": _vectors,
    "images": _images,
    "speech": _speech,
    "speech ticket": _speech_ticket,
    "speech state": _speech_state,
    "transcript": _transcript,
    "transcription ticket": _transcription_ticket,
    "transcription state": _transcription_state,
    "video ticket": _video_ticket,
    "video state": _video_state,
    "recovered videos": _recovered,
    "voice ticket": _voice_ticket,
    "voice state": _voice_state,
    "pages": _pages,
    "transcripts": _transcripts,
    "search": _search,
    "moderation": _moderation,
    "memory": _memory,
    "balance": _balance,
    "usage report": _usage_report,
    "subscription": _subscription,
    "deposit": _deposit,
    "deposit limits": _deposit_limits,
    "challenge": _challenge,
    "payment option": _payment_option,
}

# --- errors

_BY_STATUS = {
    400: errors.BadRequestError, 401: errors.AuthenticationError,
    402: errors.InsufficientBalanceError, 404: errors.NotFoundError, 429: errors.RateLimitError,
    500: errors.ServerError, 503: errors.ServerError,
}  # fmt: skip
_BY_CODE = {
    "content_policy_violation": errors.ContentPolicyError,
    "daily_rpd_limit_exceeded": errors.DailyLimitError,
}
# What pages do not say beside the example, but in the text around it.
_STATUS_BY_WORDS = {
    "balance": 402, "Payment required": 402, "Rate limit": 429, "Too many": 429, "Daily": 429,
    "session": 401, "Unauthorized": 401, "not found": 404, "Internal Server Error": 500,
}  # fmt: skip


def expected_error(example: Example) -> Found:
    """Return status, class and fields of an error as its page has them; 400 where it is silent."""
    body = example.body
    error = body["error"] if isinstance(body.get("error"), dict) else body
    message = error.get("message") or error.get("error")
    code = error.get("code") if isinstance(error.get("code"), str) else None
    stated = re.findall(r"\b[45]\d\d\b", example.under.rpartition(" > ")[2])
    by_words = (n for words, n in _STATUS_BY_WORDS.items() if words in message)
    named = (error.get("status"), body.get("status"), error.get("code"), *map(int, stated))
    status = next((n for n in named if isinstance(n, int)), None) or next(by_words, 400)
    required = body.get("requiredBalance") or (body.get("payment") or {}).get("amountUsd")
    return {
        "status": status,
        "class": _BY_CODE.get(code or "") or _BY_STATUS[status],
        "message": message,
        "code": code,
        "type": error.get("type"),
        "param": error.get("param") or error.get("parameter"),
        "required": money(required),
    }


def read_error(body: Body, status: int) -> Found:
    """Return what the product makes of an error that comes with this status."""
    error = errors.error_from_reply(reply(body, status))
    return {
        "status": error.status_code,
        "class": type(error),
        "message": str(error).partition(": ")[2],
        "code": error.code,
        "type": error.type,
        "param": error.param,
        "required": getattr(error, "required_usd", None),
    }
