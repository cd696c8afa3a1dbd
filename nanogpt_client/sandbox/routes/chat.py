"""`POST /v1/chat/completions`: read, check, ask the model, price, answer whole or as a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox import catalog
from nanogpt_client.sandbox.answers.turn import SearchResult
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.catalog import Model
from nanogpt_client.sandbox.chat_search import Search, plain_text, wanted_search
from nanogpt_client.sandbox.completion import Choice, Extras, Manner, limits_of, shape
from nanogpt_client.sandbox.failures import Refusal
from nanogpt_client.sandbox.frames import Answer, chunks, whole
from nanogpt_client.sandbox.media.drawing import Drawing
from nanogpt_client.sandbox.messages import EVENT_STREAM, Reply, json_reply
from nanogpt_client.sandbox.model_name import Chosen, parse
from nanogpt_client.sandbox.money import (
    MEMORY_PER_MILLION,
    Charge,
    Tokens,
    chat_price,
    chat_rates,
    exact,
    pricing_block,
)
from nanogpt_client.sandbox.pictures import drawn_data_url
from nanogpt_client.sandbox.prompt import Prompt, read_prompt
from nanogpt_client.sandbox.prompt_cache import CacheUse, ask_user
from nanogpt_client.sandbox.providers import choose, is_paygo
from nanogpt_client.sandbox.routing import CHAT, Route
from nanogpt_client.sandbox.validate import check_chat, check_window
from nanogpt_client.sandbox.world import Exchange

Body = dict[str, Any]
_MOST_LOGPROBS = 20
_ON = (True, "true", "True")


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat request that passed every check."""

    body: Body
    chosen: Chosen
    model: Model
    provider: str | None
    search: Search | None
    prompt: Prompt
    memory: bool
    covered: bool


def complete(exchange: Exchange) -> Reply:
    """Answer a chat request. Raises `Refusal`."""
    asked = _read(exchange)
    _demand_balance(exchange, asked)
    found = tuple(asked.search.run(asked.body["messages"])) if asked.search else ()
    choices = [_choice(exchange, asked, found, index) for index in range(asked.body.get("n") or 1)]
    cache = ask_user(exchange.world, asked.body, asked.model, asked.prompt)
    tokens = _tokens(asked, choices, cache)
    charge = Charge(
        asked.model.facts["name"],
        _price(asked, tokens),
        tokens.prompt,
        tokens.completion,
        tokens.reasoning,
        covered=asked.covered,
    )
    remaining = exchange.world.account.charge(charge)
    answer = Answer(
        id=exchange.world.ids.new("chatcmpl-"),
        created=int(exchange.world.clock()),
        model=asked.chosen.id,
        choices=tuple(choices),
        manner=_manner(exchange.variant, asked),
        usage=_usage(asked, tokens, cache),
        pricing=pricing_block(charge, tokens, remaining) | {"requestId": exchange.id},
        service_tier=asked.body.get("service_tier"),
    )
    if asked.body.get("stream"):
        wants_usage = cache.reported or bool(
            (asked.body.get("stream_options") or {}).get("include_usage")
        )
        headers = {"content-type": EVENT_STREAM, "cache-control": "no-cache"}
        return Reply(200, headers, tuple(chunks(answer, with_usage=wants_usage)))
    return json_reply(whole(answer))


def _read(exchange: Exchange) -> Asked:
    body = read_json(exchange.request, compressed=True)
    headers = exchange.request.headers
    chosen = parse(body.get("model"))
    model = catalog.find("text", chosen.id, strict=exchange.world.strict_models)
    check_chat(body, model)
    provider = choose(body, headers, chosen, model)
    search = wanted_search(body, chosen)
    prompt = read_prompt(exchange, body, model)
    memory = _wants_memory(body, headers, chosen)
    if not memory:
        check_window(prompt.tokens, model)
    covered = exchange.variant == "subscription" and not is_paygo(body, headers, provider)
    if exchange.variant == "subscription" and not model.private.get("subscription"):
        raise Refusal(
            403,
            f"The model '{model.id}' is not included in the subscription.",
            code="model_not_allowed",
            param="model",
        )
    return Asked(body, chosen, model, provider, search, prompt, memory, covered)


def _wants_memory(body: Body, headers: Mapping[str, str], chosen: Chosen) -> bool:
    if body.get("memory") is False:
        return False
    return chosen.memory_days is not None or headers.get("memory", "").lower() == "true"


def _demand_balance(exchange: Exchange, asked: Asked) -> None:
    """Refuse early, with the code that names the extra the balance does not cover."""
    extras = {
        "webSearch": asked.search.price if asked.search else Decimal(0),
        "memory": _memory_price(asked),
    }
    if asked.covered:
        return
    wanted = [name for name, price in extras.items() if price]
    code = "both_balance_required" if len(wanted) > 1 else f"{''.join(wanted)}_balance_required"
    exchange.world.account.demand(sum(extras.values(), Decimal(0)), code)


def _choice(
    exchange: Exchange, asked: Asked, found: tuple[SearchResult, ...], index: int
) -> Choice:
    turn = exchange.ask_model(
        asked.body,
        search_results=found,
        image_descriptions=tuple(asked.prompt.image_descriptions),
        attachments=tuple(asked.prompt.attachments),
        reasoning=_reasons(asked),
        index=index,
    )
    images: tuple[str, ...] = ()
    if asked.model.gives("image"):
        images = (drawn_data_url(Drawing(prompt=_last_words(asked.body), seed=index)),)
    extras = Extras(tuple(exchange.world.ids.new("call_") for _ in turn.tool_calls), images)
    limits = limits_of(asked.body, asked.model.facts.get("max_output_tokens"))
    return shape(turn, limits, extras)


def _reasons(asked: Asked) -> bool:
    options = asked.body.get("reasoning") or {}
    effort = asked.body.get("reasoning_effort") or options.get("effort")
    mode = asked.model.private.get("reasoning", "never")
    if mode == "always":
        return effort != "none"
    wanted = effort not in (None, "none") or options.get("enabled") is True
    return mode == "asked" and wanted


def _manner(variant: str, asked: Asked) -> Manner:
    body = asked.body
    options = body.get("reasoning") or {}
    legacy = (
        variant == "legacy"
        or "reasoning_content" in (options.get("delta_field"), body.get("reasoning_delta_field"))
        or body.get("reasoning_content_compat") in _ON
    )
    hidden = asked.chosen.hide_reasoning or options.get("exclude") in _ON
    name = None if hidden else "reasoning_content" if legacy else "reasoning"
    wanted = body.get("logprobs")
    top = body.get("top_logprobs") or (wanted if isinstance(wanted, int) else 0)
    return Manner(
        name,
        inline=variant == "thinking",
        logprobs=min(int(top), _MOST_LOGPROBS) if wanted else None,
    )


def _tokens(asked: Asked, choices: list[Choice], cache: CacheUse) -> Tokens:
    return Tokens(
        prompt=asked.prompt.tokens,
        completion=sum(choice.tokens for choice in choices),
        reasoning=sum(choice.reasoning_tokens for choice in choices),
        cache_read=cache.read,
        cache_written=cache.written,
        cache_ttl=cache.ttl,
        audio=asked.prompt.audio_tokens,
    )


def _price(asked: Asked, tokens: Tokens) -> Decimal:
    price = chat_price(chat_rates(asked.model, asked.provider), tokens) + _memory_price(asked)
    return exact(price + asked.search.price) if asked.search else exact(price)


def _memory_price(asked: Asked) -> Decimal:
    return asked.prompt.tokens * MEMORY_PER_MILLION / 1_000_000 if asked.memory else Decimal(0)


def _usage(asked: Asked, tokens: Tokens, cache: CacheUse) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "audio_tokens": tokens.audio},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if tokens.reasoning:
        usage["reasoning_tokens"] = tokens.reasoning
    if cache.reported:
        usage["cache_creation_input_tokens"] = tokens.cache_written
        usage["cache_read_input_tokens"] = tokens.cache_read
    if asked.search:
        usage["num_search_queries"] = 1
    return usage


def _last_words(body: Body) -> str:
    asked = [plain_text(entry) for entry in body["messages"] if entry["role"] == "user"]
    return asked[-1] if asked else ""


ROUTES = [Route("POST", "v1/chat/completions", complete, variants=CHAT)]
