"""`POST /v1/chat/completions`: read, check, ask the model, price, answer whole or as a stream."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nanogpt_client.sandbox import catalog, money
from nanogpt_client.sandbox.answers.turn import SearchResult, last_user_text
from nanogpt_client.sandbox.bodies import read_json
from nanogpt_client.sandbox.completion import Choice, Completion, limits_of, shape
from nanogpt_client.sandbox.exchange import CHAT, Exchange, Route
from nanogpt_client.sandbox.http import EVENT_STREAM, Refusal, Reply, json_reply
from nanogpt_client.sandbox.input_media import render
from nanogpt_client.sandbox.media import ImageSpec
from nanogpt_client.sandbox.model_choice import PAY_AS_YOU_GO, Chosen, choose, parse
from nanogpt_client.sandbox.prompt import Prompt, read_prompt
from nanogpt_client.sandbox.prompt_cache import use_cache
from nanogpt_client.sandbox.routes.moderation import preflight
from nanogpt_client.sandbox.search import Search, wanted_search
from nanogpt_client.sandbox.validate import check_chat, check_window

_ON = (True, "true", "True")
_QUOTED_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Asked:
    """A chat request that passed every check."""

    body: dict[str, Any]
    chosen: Chosen
    model: catalog.Model
    provider: str | None
    search: Search | None
    prompt: Prompt
    memory: bool
    covered: bool

    @property
    def extras(self) -> dict[str, Decimal]:
        """Return the USD of the web search and of context memory, where there are any."""
        memory = self.prompt.tokens * money.MEMORY_PER_MILLION / 1_000_000
        prices = {"webSearch": self.search and self.search.price, "memory": self.memory and memory}
        return {name: price for name, price in prices.items() if price}

    @property
    def reasoning(self) -> dict[str, Any]:
        """Return the object `reasoning`, empty where it is absent."""
        return self.body.get("reasoning") or {}


@Route("POST", "v1/chat/completions", variants=CHAT)
@preflight
def complete(exchange: Exchange) -> Reply:
    """Answer a chat request. Raises `Refusal`."""
    asked = read_chat(exchange)
    if not asked.covered:  # refused early, with the code that names the extra
        code = f"{'both' if len(asked.extras) > 1 else ''.join(asked.extras)}_balance_required"
        exchange.world.account.demand(sum(asked.extras.values(), Decimal(0)), code)
    completion, cached = _answer(exchange, asked, exchange.world.account.charge)
    body = asked.body
    if not body.get("stream"):
        return json_reply(completion.whole())
    wants_usage = cached or (body.get("stream_options") or {}).get("include_usage")
    headers = {"content-type": EVENT_STREAM, "cache-control": "no-cache"}
    return Reply(200, headers, tuple(completion.events(with_usage=bool(wants_usage))))


def answer_row(exchange: Exchange, charge: Callable[[money.Charge], Decimal]) -> dict[str, Any]:
    """Answer one row of a batch, its tokens at half the price. Raises `Refusal`."""
    completion, _ = _answer(exchange, read_chat(exchange), charge, money.BATCH_SHARE)
    return completion.whole()


def _answer(
    exchange: Exchange,
    asked: Asked,
    take: Callable[[money.Charge], Decimal],
    share: Decimal = Decimal(1),
) -> tuple[Completion, bool]:
    world, body = exchange.world, asked.body
    results = tuple(asked.search.run(body["messages"])) if asked.search else ()
    choices = [_choice(exchange, asked, results, index) for index in range(body.get("n") or 1)]
    tokens = money.Tokens(
        prompt=asked.prompt.tokens,
        completion=sum(choice.tokens for choice in choices),
        reasoning=sum(choice.reasoning_tokens for choice in choices),
        audio=asked.prompt.audio_tokens,
    )
    tokens, cached = use_cache(world, body, asked.model, asked.prompt, tokens)
    price = share * money.chat_price(money.chat_rates(asked.model, asked.provider), tokens)
    charge = money.Charge(
        asked.model.metadata["name"],
        money.exact(sum(asked.extras.values(), price)),
        tokens.prompt,
        tokens.completion,
        tokens.reasoning,
        covered=asked.covered,
    )
    pricing = money.pricing_block(charge, tokens, take(charge)) | {"requestId": exchange.id}
    completion = Completion(
        id=world.new_id("chatcmpl-"),
        created=int(world.clock()),
        model=asked.chosen.id,
        choices=tuple(choices),
        usage=_usage(asked, tokens, cached=cached),
        extra={"x_nanogpt_pricing": pricing},
        service_tier=body.get("service_tier"),
    )
    return completion, cached


def quote(exchange: Exchange) -> Decimal:
    """Return the USD of a request with the longest answer that it allows, or with 4,096 tokens."""
    asked = read_chat(exchange)
    most = asked.body.get("max_tokens") or asked.body.get("max_completion_tokens") or _QUOTED_TOKENS
    tokens = money.Tokens(asked.prompt.tokens, most * (asked.body.get("n") or 1))
    price = money.chat_price(money.chat_rates(asked.model, asked.provider), tokens)
    return money.exact(sum(asked.extras.values(), price))


def read_chat(exchange: Exchange) -> Asked:
    """Read and check a chat request. Raises `Refusal`."""
    body = read_json(exchange.request, compressed=True)
    headers = exchange.request.headers
    chosen = parse(body.get("model"))
    model = catalog.find("text", chosen.id, strict=exchange.world.settings.strict_models)
    check_chat(body, model)
    provider = choose(body, headers, chosen, model)
    search = wanted_search(body, chosen)
    prompt = read_prompt(exchange, body, model)
    memory = chosen.memory_days is not None or headers.get("memory", "").lower() == "true"
    memory = memory and body.get("memory") is not False
    if not memory:
        check_window(prompt.tokens, model)
    subscribed = exchange.variant == "subscription"
    if subscribed and not model.private.get("subscription"):
        message = f"The model '{model.id}' is not included in the subscription."
        raise Refusal(403, message, code="model_not_allowed", param="model")
    mode = str(body.get("billing_mode") or headers.get("x-billing-mode")).lower()
    paid = provider or chosen.routing or mode in PAY_AS_YOU_GO  # although a subscription covers it
    covered = subscribed and not paid
    return Asked(body, chosen, model, provider, search, prompt, memory, covered)


def _choice(
    exchange: Exchange, asked: Asked, results: tuple[SearchResult, ...], index: int
) -> Choice:
    turn = exchange.ask_model(
        asked.body,
        search_results=results,
        image_descriptions=tuple(asked.prompt.image_descriptions),
        attachments=tuple(asked.prompt.attachments),
        reasoning=_reasons(asked),
        index=index,
    )
    images: list[dict[str, Any]] = []
    if "image" in asked.model.metadata["architecture"]["output_modalities"]:
        prompt = last_user_text(asked.body["messages"])
        png = b64encode(render(ImageSpec(prompt, seed=index, model=asked.model.id))).decode()
        url = f"data:image/png;base64,{png}"
        images = [{"type": "image_url", "index": 0, "image_url": {"url": url}}]
    ids = [exchange.world.new_id("call_") for _ in turn.tool_calls]
    limits = limits_of(asked.body, asked.model.metadata.get("max_output_tokens"))
    hidden = asked.chosen.hide_reasoning or asked.reasoning.get("exclude") in _ON
    delta_field = asked.reasoning.get("delta_field")
    legacy = exchange.variant == "legacy" or delta_field == "reasoning_content"
    name = "reasoning_content" if legacy else "reasoning"
    place = None if hidden else "content" if exchange.variant == "thinking" else name
    return shape(turn, limits, place, ids, images)


def _reasons(asked: Asked) -> bool:
    effort = asked.body.get("reasoning_effort") or asked.reasoning.get("effort")
    mode = asked.model.private.get("reasoning", "never")
    if mode == "always":
        return effort != "none"
    wanted = effort not in (None, "none") or asked.reasoning.get("enabled") is True
    return mode == "asked" and wanted


def _usage(asked: Asked, tokens: money.Tokens, *, cached: bool) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "audio_tokens": tokens.audio},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0}
        | dict.fromkeys(("accepted_prediction_tokens", "rejected_prediction_tokens"), 0),
    }
    if tokens.reasoning:
        usage["reasoning_tokens"] = tokens.reasoning
    if cached:
        usage["cache_creation_input_tokens"] = tokens.cache_written
        usage["cache_read_input_tokens"] = tokens.cache_read
    if asked.search:
        usage["num_search_queries"] = 1
    return usage
