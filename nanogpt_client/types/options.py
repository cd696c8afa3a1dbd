"""What a caller may ask for: one TypedDict per route, shared by endpoints, clients and adapters.

Bounds stand in the annotations, so that `checked` (pydantic) refuses a bad value by name before
anything is sent: those of NanoGPT's documentation, where it allows most. What it clamps, or names
no bound for, is sent as it is. ``None`` always means "not given".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from nanogpt_client.types.progress import OnProgress

__all__ = [
    "ChatOptions",
    "EmbedAllOptions",
    "EmbeddingOptions",
    "ImageOptions",
    "ProgressOptions",
    "ProviderRouting",
    "RequestOptions",
    "SpeechOptions",
    "TranscriptionOptions",
    "VideoOptions",
    "WebSearch",
    "WebSearchOptions",
    "WorkOptions",
    "transcription_options",
]

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
ServiceTier = Literal["auto", "default", "flex", "priority"]
SearchProvider = Literal[  # the last: page web-search, for the route of its own
    "linkup", "tavily", "brave", "sofya", "exa", "kagi", "perplexity", "valyu", "firecrawl"
]
TranscriptSplit = Literal["segment", "speaker"]  # what a transcript is cut into
Fraction = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
MemoryDays = Annotated[int, Field(ge=0)]  # the server clamps them to 1 to 365 (model-suffixes)
# Of tokens; the server clamps what is below 10,000, and takes a text (page chat-completion).
ContextLimit = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d+$")]


def _day(given: Any) -> str:
    """Return the day of a date, or of an ISO text with or without a time, as NanoGPT takes it."""
    try:
        day = given if isinstance(given, date) else datetime.fromisoformat(given)
        return day.isoformat()[:10]
    except (TypeError, ValueError):
        raise PydanticCustomError("day", "it must be a day like 2026-01-31") from None


Day = Annotated[str, BeforeValidator(_day)]


class RequestOptions(TypedDict, total=False):
    """Options that every route takes."""

    extra_body: Mapping[str, Any] | None
    """Keys added to the JSON body as they are; they win over our own."""
    extra_headers: Mapping[str, str] | None
    """Headers added to the request; never the key."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    """Seconds to wait for this one call's whole answer, or for its stream's first event."""


class WebSearch(TypedDict, total=False):
    """Web search of a chat, sent as the body's ``webSearch`` (which beats the ``:online`` suffix).

    A provider's own options may be among its keys, too.
    Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion (web search).
    """

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    enabled: bool
    provider: SearchProvider
    depth: str
    search_context_size: Literal["low", "medium", "high"]
    user_location: dict[str, Any]
    searchType: str
    kagiSource: str


class ProviderRouting(TypedDict, total=False):
    """Which upstream providers may serve the call; choosing one bills pay-as-you-go."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    order: Sequence[str]
    only: Sequence[str]
    ignore: Sequence[str]
    sort: str
    quantizations: Sequence[str]
    min_quantization: str
    max_price: dict[str, float]
    allow_fallbacks: bool
    require_parameters: bool


class ChatOptions(RequestOptions, total=False):
    """Everything a chat may be asked with, besides its messages and its model.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    temperature: Annotated[float, Field(ge=0, le=2)] | None
    """0 to 2: how freely tokens are chosen; by default the model's own."""
    top_p: Fraction | None
    """0 to 1: choose among the likeliest tokens that have this share of the probability."""
    top_k: int | None
    """Choose among so many of the likeliest tokens."""
    min_p: Fraction | None
    """0 to 1: the least probability of a token."""
    max_tokens: Count | None
    """Tokens to generate, at most."""
    min_tokens: Annotated[int, Field(ge=0)] | None
    """Tokens before a stop sequence counts; few providers support it."""
    stop: str | Sequence[str] | None
    """Texts that end the response."""
    stop_token_ids: Sequence[int] | None
    """Token ids that end the response; few providers support it."""
    frequency_penalty: Penalty | None
    """-2 to 2: lowers tokens the more, the more often they have appeared."""
    presence_penalty: Penalty | None
    """-2 to 2: lowers tokens that have appeared."""
    repetition_penalty: Penalty | None
    """-2 to 2: above 1, repetition is discouraged."""
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] | None
    """Tokens in a row that may not repeat; few providers support it."""
    logit_bias: Mapping[str, Annotated[float, Field(ge=-100, le=100)]] | None
    """Token ids, and what is added to their logits, -100 to 100."""
    logprobs: StrictBool | Annotated[int, Field(ge=0)] | None
    """Return the log probability of each token: ``True``, or of how many alternatives (up to 5)."""
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None
    """0 to 20: alternatives of each token to return with ``logprobs=True``."""
    seed: int | None
    """Make sampling repeatable, as far as the model supports it."""
    user: str | None
    """An id of your end user."""

    reasoning_effort: ReasoningEffort | None
    """How much to reason: ``"none"`` to ``"xhigh"``."""
    reasoning: Mapping[str, Any] | None
    """E.g. ``{"exclude": True}``, which hides the reasoning (it is still billed)."""
    web_search: StrictBool | str | WebSearch | None
    """``True`` for the default search, a backend such as ``"linkup-deep"``, or a `WebSearch`."""
    memory: StrictBool | MemoryDays | None
    """NanoGPT's context memory: ``True``, or the days to keep it, which are clamped to 1 to 365."""
    model_context_limit: ContextLimit | None
    """Tokens that context memory may fill; below 10,000 counts as 10,000."""
    provider: str | ProviderRouting | None
    """Which upstream providers may serve the call; choosing one bills pay-as-you-go."""
    caching: bool | None
    """Use only a provider that caches prompts; the call fails where there is none."""
    stickyprovider: bool | None
    """With ``caching``: prefer the provider of earlier calls."""
    prompt_caching: StrictBool | Mapping[str, Any] | None
    """Mark leading messages for the prompt cache (Claude): ``True``, or its settings."""
    service_tier: ServiceTier | None
    """``"flex"`` is cheaper and may wait, ``"priority"`` is dearer and faster."""
    billing_mode: str | None
    """``"paygo"`` bills pay-as-you-go also what a subscription includes."""
    scraping: bool | None
    """Read web pages whose addresses stand in the messages."""
    youtube_transcripts: bool | None
    """Read the transcripts of YouTube videos whose addresses stand in the messages."""

    tools: Sequence[Mapping[str, Any]] | None
    """Tools that the model may call, in OpenAI's form."""
    tool_choice: str | Mapping[str, Any] | None
    """``"auto"``, ``"none"``, ``"required"``, or one tool in OpenAI's form."""
    parallel_tool_calls: bool | None
    """Whether one response may hold several tool calls."""
    response_format: Mapping[str, Any] | None
    """A JSON schema, or ``{"type": "json_object"}``, that the response is to follow."""
    n: Count | None
    """Number of responses to generate."""
    stream_options: Mapping[str, Any] | None
    """Options of a stream; usage is always asked for."""

    top_a: Finite | None
    """Top-a sampling, for models whose description asks for it."""
    tfs: Fraction | None
    """0 to 1: tail free sampling; 1 turns it off."""
    typical_p: Fraction | None
    """0 to 1: typical sampling."""
    eta_cutoff: Finite | None
    """Cut off the tokens below this threshold of the tail."""
    epsilon_cutoff: Finite | None
    """Cut off the tokens below this probability."""
    mirostat_mode: Annotated[int, Field(ge=0, le=2)] | None
    """1 or 2 turn Mirostat sampling on."""
    mirostat_tau: Finite | None
    """Mirostat's target entropy."""
    mirostat_eta: Finite | None
    """Mirostat's learning rate."""
    prompt_logprobs: StrictBool | int | None
    """Return the log probabilities of the prompt's tokens as well."""
    ignore_eos: bool | None
    """Go on where the model would end."""
    include_stop_str_in_output: bool | None
    """Keep the stop sequence in the text; few providers support it."""
    custom_token_bans: Sequence[int] | None
    """Token ids that may not appear."""


class EmbeddingOptions(RequestOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    dimensions: Count | None
    encoding_format: Literal["float", "base64"] | None
    user: str | None


class ProgressOptions(RequestOptions, total=False):
    """Words of work that takes long: ``on_progress`` receives a `Progress` at every step.

    With ``progress=True`` a bar is drawn.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    on_progress: OnProgress | None
    progress: bool | None


class EmbedAllOptions(EmbeddingOptions, ProgressOptions, total=False):
    """What each request of ``embed_all`` is sent with, and how the whole reports its progress."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]


class EmbeddingBatchOptions(EmbedAllOptions, total=False):
    """How many texts, and bytes of UTF-8, go into a request, and how many requests run at once."""

    batch_size: int
    max_batch_bytes: int
    max_concurrency: int


class WaitOptions(TypedDict, total=False):
    """Seconds between two questions about a job and until it is given up, and its progress."""

    poll_interval: float
    poll_timeout: float
    on_progress: OnProgress | None
    progress: bool


class WorkOptions(TypedDict, total=False):
    """A piece of work whose cost is asked for: a text, a time, or pictures.

    text: what is to be spoken.
    seconds: how long a video is to be, or a recording to transcribe is.
    resolution, mode, audio: of a video, e.g. ``"720p"``; ``mode`` is a word of the model's own, or
        ``"image_to_video"``; ``audio`` is whether it has sound. By default the model's own.
    size, n: of pictures.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    text: str | None
    seconds: NotNegative | None
    resolution: str | None
    mode: str | None
    audio: StrictBool | None
    size: str | None
    n: Count | None


class ImageOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/image-generation-openai.

    ``size`` is ``"WIDTHxHEIGHT"`` in pixels or a word the model lists.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    n: Count | None
    size: str | None
    response_format: Literal["b64_json", "url"] | None
    strength: Fraction | None
    guidance_scale: NotNegative | None
    num_inference_steps: Count | None
    seed: int | None
    quality: str | None
    resolution: str | None
    aspect_ratio: str | None
    negative_prompt: str | None
    output_format: str | None
    user: str | None


class SpeechOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/speech and tts.

    ``speed`` is 0.1 to 5, what openapi's TTSRequest allows; models take less, e.g. 0.25 to 4.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    voice: str | None
    response_format: Literal["mp3", "wav", "opus", "flac", "aac", "pcm"] | None
    speed: Annotated[float, Field(ge=0.1, le=5)] | None
    instructions: str | None
    language: str | None


class TranscriptionOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    language: str | None
    prompt: str | None
    diarize: bool | None
    response_format: str | None
    temperature: Fraction | None


def transcription_options(split: TranscriptSplit | None) -> TranscriptionOptions:
    """Return the words that let a model tell what it takes to cut its transcript so."""
    match split:
        case "speaker":
            return {"diarize": True}
        case "segment":
            return {"response_format": "verbose_json"}
    return {}


class VideoOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/video-generation.

    ``duration`` is in seconds. ``image`` is the first frame: bytes, a path, or an http(s) URL.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    duration: int | float | str | None
    aspect_ratio: str | None
    resolution: str | None
    negative_prompt: str | None
    seed: int | None


class VideoJobOptions(VideoOptions, total=False):
    """What a video is ordered with, and the seconds between questions and until it is given up."""

    poll_interval: float
    poll_timeout: float


class WebSearchOptions(RequestOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search.

    Dates are sent as ``YYYY-MM-DD``, of any ISO text or `datetime.date`; ``schema`` is the JSON
    schema of a structured answer.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    provider: SearchProvider | None
    depth: str | None
    output_type: Literal["searchResults", "sourcedAnswer", "structured"] | None
    schema: Mapping[str, Any] | None
    include_images: bool | None
    from_date: Day | None
    to_date: Day | None
    include_domains: Sequence[str] | None
    exclude_domains: Sequence[str] | None
    max_results: Count | None
