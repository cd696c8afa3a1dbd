"""NanoGPT's documented examples: what each is, and so what the product must do with it.

The file is no part of this repository: it lies beside the checkout (``../shared/nanogpt``). Every
example is in exactly one class: a request that we must `Sent`, an answer that we must `Read`, or
`Left` out with a reason. `verdict` decides by the first rule that fits, of the tables below; an
example that no rule takes is an error, so that a new one cannot slip through.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.support.paths import REFERENCE

EXAMPLES = REFERENCE / "examples.json"
ABSENT = "NanoGPT's examples.json does not lie beside the checkout"

# Headers that every request has; those of payment without an account are the policy's, and tested
# with it (`tests/unit/nanogpt_client/_protocol/test_payments.py`).
_OF_EVERY_REQUEST = {"content-type", "authorization", "x-api-key", "accept", "x-x402", "x-payment"}


@dataclass(frozen=True)
class Sent:
    """A request of a route that we cover; ``how`` names its sender in `sending`."""

    how: str


@dataclass(frozen=True)
class Read:
    """An answer, or a part of one; ``how`` names its reader in `reading`."""

    how: str


@dataclass(frozen=True)
class Left:
    """Neither; ``reason`` says why."""

    reason: str


Verdict = Sent | Read | Left


@dataclass(frozen=True)
class Example:
    """One example: where it stands, what it says, and where it is sent to, if the page tells."""

    page: str
    line: int
    under: str
    body: Any
    route: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def examples() -> tuple[Example, ...]:
    """Return all examples in their order; none where the file is absent."""
    if not EXAMPLES.exists():
        return ()
    return tuple(map(_example, json.loads(EXAMPLES.read_text("utf-8"))))


def _example(item: dict[str, Any]) -> Example:
    page = re.sub(r"\.(mdx|md|txt)$", "", item["page"])
    headers = {name.lower(): value for name, value in (item.get("headers") or {}).items()}
    return Example(
        re.sub(r"^api-reference/|endpoint/|miscellaneous/", "", page),
        item["line"],
        item["under"],
        item["json"] if "json" in item else item["body"],
        re.sub(r"^(POST |\$\{BASE_URL\}|https://[^/]+)?(/api)?(/v1)?", "", item.get("route") or ""),
        {name: value for name, value in headers.items() if name not in _OF_EVERY_REQUEST},
    )


def verdict(example: Example) -> Verdict:
    """Return what is to be done with an example.

    Raises:
        LookupError: no rule takes it.
    """
    if example.route:
        return _of_route(example)
    if isinstance(example.body, dict) and "accepted" in (example.body.get("payment") or ()):
        return Read("challenge")
    if is_error(example.body):
        return Read("error")
    if example.page in _OTHER_PRODUCTS:
        return Left(_OTHER_PRODUCTS[example.page])
    for where, keys, found in _RULES:
        if _stands(example, where) and _has(example.body, keys):
            return found
    raise LookupError(f"no rule takes {example}: {json.dumps(example.body)[:200]}")


def is_error(body: Any) -> bool:
    """Whether this is an error in one of NanoGPT's envelopes, not a job that failed."""
    if not isinstance(body, dict) or isinstance(body.get("status"), str):
        return False
    return (
        bool(body.get("error") and body.keys() <= _OF_ERRORS) or {"code", "message"} <= body.keys()
    )


_OF_ERRORS = set(
    """error status type code requiredBalance payment accepts x402Version refundMessage
    moderation""".split()
)


def _of_route(example: Example) -> Verdict:
    for route, found in _ROUTES:
        if example.route.startswith(route):
            return found
    raise LookupError(f"no rule takes the route {example.route} of {example}")


def _stands(example: Example, where: str) -> bool:
    page, _, under = where.partition("#")
    return page in {"*", example.page} and under in example.under


def _has(body: Any, keys: str) -> bool:
    """Whether a body has all these keys, each with its value where one is named."""
    if not isinstance(body, dict):
        return keys == "[]"
    wanted = (key.partition("=") for key in keys.split())
    return all(key in body and value in ("", body[key]) for key, _, value in wanted)


_OLDER = Left("an older route than the one we use")
_RESPONSES = Left("Responses API: not covered")
_MESSAGES = Left("Anthropic's Messages API: not covered")
_IMAGES = Left("/v1/images and its lists: we use /v1/images/generations")
_DATA = Left("Data API: not covered")
_VOICES = Left("a list of voices that only a session of the web page may read or write")
_KEYS = Left("keys of other providers, kept at NanoGPT: not covered")
_PROVIDERS = Left("a model's providers and the account's preferences: not covered")
_X402 = Left("x402: older forms of the quote, and the receipt of an exact payment")
_EVALS = Left("evals: not covered")
_PARTNERS = Left("partners' logins: not covered")
_LOGIN = Left("logins of command lines and OAuth: not covered")
_CONFIG = Left("a configuration file of another program")
_NSFW = Left("classifiers of texts and pictures: not covered")
_CODE = Left("no JSON of NanoGPT's: a program's own data, or headers")
_PRICES = Left("prices of coins: not covered")
REFUSED = "documented as a conflict: we refuse it before it is sent"

_ROUTES: tuple[tuple[str, Verdict], ...] = (
    ("/chat/completions", Sent("chat")),
    ("/embeddings", Sent("embeddings")),
    ("/images/generations", Sent("image")),
    ("/images/edit", Sent("image edit")),
    ("/images", _IMAGES),
    ("/audio/speech", Sent("speech")),
    ("/audio/transcriptions", Sent("transcription")),
    ("/transcribe/status", Sent("transcription status")),
    ("/transcribe", _OLDER),
    ("/tts", _OLDER),
    ("/talk-to-gpt", _OLDER),
    ("/generate-video", Sent("video")),
    ("/web", Sent("search")),
    ("/transaction/create/", Sent("deposit")),
    ("/get-completion-cost", Sent("chat estimate")),
    ("/estimate-image-cost", Sent("image estimate")),
    ("/responses", _RESPONSES),
    ("/messages", _MESSAGES),
    ("/data/web/search", Sent("paid search")),
    ("/data/url/scrape", Sent("paid pages")),
    ("/data", _DATA),
    ("/googlemaps", _DATA),
    ("/files", Sent("batch file")),
    ("/batches", Sent("batch")),
    ("/beta/batches", Sent("inline batch")),
    ("/moderations", Sent("moderation")),
    ("/memory", Sent("memory")),
    ("/scrape-urls", Sent("pages")),
    ("/youtube-transcribe", Sent("transcripts")),
    ("/evals", _EVALS),
    ("/nsfw", _NSFW),
    ("/ai-detection", _NSFW),
    ("/user/provider-keys", _KEYS),
    ("/partners", _PARTNERS),
    ("/cli-login", _LOGIN),
    ("/invitations", Left("invitations: not covered")),
)

_OTHER_PRODUCTS = {
    "ai-detection": _NSFW.reason,
    "nsfw-image": _NSFW.reason,
    "characters": "characters: not covered",
    "data-api": _DATA.reason,
    "data-extraction": _DATA.reason,
    "evals": _EVALS.reason,
    "invitations-create": "invitations: not covered",
    "messages": _MESSAGES.reason,
    "messages-count-tokens": _MESSAGES.reason,
    "responses": _RESPONSES.reason,
    "hosted-tool-search": _RESPONSES.reason,
    "talk-to-gpt": _OLDER.reason,
    "teams": "teams: not covered",
    "oauth-pkce": _LOGIN.reason,
    "integrations/cli-login": _LOGIN.reason,
    "partner-auth": _PARTNERS.reason,
    "mcp-server": "NanoGPT's MCP server: not covered",
    "integrations/mcp": "NanoGPT's MCP server: not covered",
    "essentials/settings": _CONFIG.reason,
    "integrations/claude-code": _CONFIG.reason,
    "integrations/clawdbot": _CONFIG.reason,
    "integrations/droid": _CONFIG.reason,
    "integrations/openclaw": _CONFIG.reason,
    "integrations/opencode": _CONFIG.reason,
    "image-api-generate": _IMAGES.reason,
    "image-api-models": _IMAGES.reason,
    "image-api-model-endpoints": _IMAGES.reason,
    "image-generation": _IMAGES.reason,
}

# Where it stands ("*": anywhere; behind # a part of the heading), which keys it has, what it is.
_RULES: tuple[tuple[str, str, Verdict], ...] = (
    # Answers of chats.
    ("*", "choices object=text_completion", _OLDER),
    ("*", "choices object=chat.completion.chunk", Read("chunk")),
    ("*", "choices", Read("completion")),
    ("prompt-caching", "usage", Read("usage")),
    ("distillation-policy", "meta", Read("beside")),
    # Lists of models.
    ("embeddings", "object=list data", Read("vectors")),
    ("*", "object=list data", Read("models")),
    ("*", "object=model id", Read("model")),
    ("models", "architecture", Read("model")),
    ("video-input", "architecture", Read("model")),
    ("distillation-policy", "provider", _PROVIDERS),
    ("*", "distillationPolicy", Read("model")),
    ("provider-selection", "providers", _PROVIDERS),
    ("provider-selection", "preferredProviders", _PROVIDERS),
    ("personalized-models", "visibleTextModels", Left("settings of the web page: not covered")),
    ("public/fulltext", "models", _OLDER),
    # Requests of chats, whole and in part.
    ("*", "prompt model messages", _OLDER),
    ("video-input#Anthropic", "", _MESSAGES),
    ("tee-verification", "messages", Sent("chat")),
    ("tee-verification", "", Left("attestation of enclaves: not covered")),
    ("*", "model messages", Sent("chat")),
    ("chat-completion", "role", Sent("message")),
    ("chat-completion", "type=text", Sent("part")),
    ("text-generation", "type=text", Sent("part")),
    ("chat-completion", "linkup", Sent("fragment")),
    ("chat-completion", "model provider", Sent("fragment")),
    ("provider-selection", "provider", Sent("fragment")),
    ("byok", "byok", Sent("fragment")),
    ("extended-thinking", "reasoning", Sent("fragment")),
    ("extended-thinking", "reasoning_effort", Sent("fragment")),
    ("prompt-caching", "promptCaching", Sent("fragment")),
    ("prompt-caching", "enabled ttl", Sent("caching")),
    ("streaming-protocol", "stream stream_options", Sent("fragment")),
    # A provider's name cannot be told from a part of a model's, so this one is NanoGPT's to refuse.
    ("model-suffixes#Conflict", "model=zai-org/glm-5:fast:cerebras", Sent("fragment")),
    ("model-suffixes#Conflict", "model", Left(REFUSED)),
    ("text-generation", "model prompt max_tokens", _OLDER),
    ("text-generation", "model input", _RESPONSES),
    ("streaming-protocol", "model input", _RESPONSES),
    ("video-input", "model input", _RESPONSES),
    ("public/fulltext", "model input tools", _RESPONSES),
    # Embeddings, pictures.
    ("embeddings", "model input", Sent("embeddings")),
    ("skills/nanogpt/skills#Embeddings", "model input", Sent("embeddings")),
    ("embeddings", "text embedding", _CODE),
    ("image-generation-openai", "model prompt", Sent("image")),
    ("inline-moderation", "referenceImages", Sent("image")),
    ("skills/nanogpt/skills#Image Generation", "model prompt", Sent("image")),
    ("image-edits", "model prompt", Sent("image edit")),
    ("image-edits", "data", Read("images")),
    ("skills/nanogpt/skills#Image Generation", "data", Read("images")),
    ("public/fulltext", "image cost", _OLDER),
    # Speech and transcriptions.
    ("music-generation", "model input", Sent("speech")),
    ("skills/nanogpt/skills#Text-to-Speech", "model input", Sent("speech")),
    ("tts", "status runId", Read("speech ticket")),
    ("tts", "audioUrl", Read("speech")),
    ("tts", "text", _OLDER),
    ("tts-status", "runId model", Sent("speech status")),
    ("tts-status", "status", Read("speech state")),
    ("text-to-speech", "text", _OLDER),
    ("audio-transcriptions", "file_url", Sent("transcription")),
    ("audio-transcriptions", "text", Read("transcript")),
    ("skills/nanogpt/skills#Transcription", "text", Read("transcript")),
    ("transcribe", "runId status", Read("transcription ticket")),
    ("transcribe", "transcription", Read("transcript")),
    ("transcribe", "model", _OLDER),
    ("speech-to-text", "", _OLDER),
    ("transcribe-status", "status", Read("transcription state")),
    ("voice-cloning", "status runId", Read("voice ticket")),
    ("voice-cloning", "status", Read("voice state")),
    ("voice-cloning", "runId cost", Sent("voice status")),
    ("voice-cloning", "audioUrl", Sent("voice")),
    ("voice-cloning", "text model", _OLDER),
    ("voice-cloning", "", _VOICES),
    # Videos.
    ("video-extend", "runId index", Sent("video extension")),
    ("video-extend", "runId", Read("video ticket")),
    ("video-extend", "model prompt", Sent("video")),
    ("video-generation", "runId status", Read("video ticket")),
    ("video-generation", "data", Read("video state")),
    ("video-generation", "model prompt", Sent("video")),
    ("skills/nanogpt/skills#Video Generation", "runId", Read("video ticket")),
    ("skills/nanogpt/skills#Video Generation", "status", Read("video state")),
    ("skills/nanogpt/skills#Video Generation", "model prompt", Sent("video")),
    ("public/fulltext", "runId status", Read("video ticket")),
    ("public/fulltext", "status data", Read("video state")),
    ("video-status-unified", "data", Read("video state")),
    ("video-status", "data", Read("video state")),
    ("video-status", "runId model", _OLDER),
    ("video-recover", "data", Read("recovered videos")),
    # Moderation, memory.
    ("moderations", "results", Read("moderation")),
    ("moderations", "input", Sent("moderation")),
    ("memory", "messages usage", Read("memory")),
    ("memory", "messages", Sent("memory")),
    # Pages, transcripts, search, account.
    ("scrape-urls", "urls", Sent("pages")),
    ("scrape-urls", "results summary", Read("pages")),
    ("youtube-transcribe", "urls", Sent("transcripts")),
    ("youtube-transcribe", "transcripts summary", Read("transcripts")),
    ("youtube-transcribe", "Content-Type", _CODE),
    ("web-search", "data metadata", Read("search")),
    ("*", "usd_balance", Read("balance")),
    ("usage", "totals", Read("usage report")),
    ("public/fulltext", "totals", Read("usage report")),
    ("subscription-usage", "limits", Read("subscription")),
    ("crypto-deposits", "txId", Read("deposit")),
    ("crypto-deposits", "paymentId", Read("deposit")),
    ("crypto-deposits", "paymentLink", Read("deposit")),
    ("crypto-deposits", "minimum", Read("deposit limits")),
    ("crypto-deposits", "", _PRICES),
    ("public/fulltext", "received_blocks", Left("receiving Nano by hand: not covered")),
    ("x402", "scheme amountFormatted", Read("payment option")),
    ("x402", "", _X402),
)
