"""Options of calls: one TypedDict per route, shared by endpoints, clients and adapters.

The annotations have the bounds of NanoGPT's documentation (the widest, where pages differ), so that
a bad value raises before anything is sent. A value that NanoGPT clamps, or documents no bound for,
is sent unchanged. ``None`` always means "not set".
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
    "MemoryOptions",
    "ProgressOptions",
    "ProviderRouting",
    "RequestOptions",
    "RerankOptions",
    "SpeechOptions",
    "TranscriptionOptions",
    "VideoOptions",
    "VoiceCloneOptions",
    "WebSearch",
    "WebSearchOptions",
    "WorkOptions",
    "transcription_options",
]

# The last is in no page, but among the `reasoning_efforts` of live lists; other clients send it.
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ServiceTier = Literal["auto", "default", "flex", "priority"]
SearchProvider = Literal[  # the last is for `search_web` only (page web-search)
    "linkup", "tavily", "brave", "sofya", "exa", "kagi", "perplexity", "valyu", "firecrawl"
]
TranscriptSplit = Literal["segment", "speaker"]  # how to split a transcript
Fraction = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
MemoryDays = Annotated[int, Field(ge=0)]  # the server clamps them to 1 to 365 (model-suffixes)
# Of tokens; the server clamps what is below 10,000, and takes a text (page chat-completion).
ContextLimit = Annotated[int, Field(ge=0)] | Annotated[str, Field(pattern=r"^\d+$")]


Moderate = StrictBool | Annotated[str, Field(min_length=1)]


def _day(given: Any) -> str:
    """Return the day of a date, or of an ISO string with or without a time, as YYYY-MM-DD."""
    try:
        day = given if isinstance(given, date) else datetime.fromisoformat(given)
        return day.isoformat()[:10]
    except (TypeError, ValueError):
        raise PydanticCustomError("day", "it must be a day like 2026-01-31") from None


Day = Annotated[str, BeforeValidator(_day)]


class RequestOptions(TypedDict, total=False):
    """Options that every route takes."""

    extra_body: Mapping[str, Any] | None
    """Keys added to the JSON body unchanged; they override our own."""
    extra_headers: Mapping[str, str] | None
    """Headers added to the request; never the key."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    """Seconds to wait for this one call's whole answer, or for its stream's first event."""


class WebSearch(TypedDict, total=False):
    """Web search of a chat, sent as the body's ``webSearch``; it overrides the ``:online`` suffix.

    A provider's own options are allowed as further keys.
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
    """All options of a chat, besides its messages and model.

    Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    temperature: Annotated[float, Field(ge=0, le=2)] | None
    """0 to 2: sampling temperature; by default the model's own."""
    top_p: Fraction | None
    """0 to 1: choose among the likeliest tokens that together have this probability."""
    top_k: int | None
    """Choose among this many of the likeliest tokens."""
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
    """An id for your end user."""

    reasoning_effort: ReasoningEffort | None
    """How much to reason: ``"none"`` to ``"xhigh"``, or ``"max"``, as far as the model lists it."""
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
    moderation: Moderate | None
    """Check the input first, for a price: ``True``, or the id of a moderation model."""
    service_tier: ServiceTier | None
    """``"flex"`` is cheaper and may wait, ``"priority"`` costs more and is faster."""
    billing_mode: str | None
    """``"paygo"`` bills pay-as-you-go even what a subscription includes."""
    scraping: bool | None
    """Read the web pages whose addresses are in the messages."""
    youtube_transcripts: bool | None
    """Read the transcripts of the YouTube videos whose addresses are in the messages."""

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
    """Continue where the model would end."""
    include_stop_str_in_output: bool | None
    """Keep the stop sequence in the text; few providers support it."""
    custom_token_bans: Sequence[int] | None
    """Token ids that may not appear."""


class EmbeddingOptions(RequestOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    dimensions: Count | None
    """Length of the vectors, for models that can shorten them."""
    encoding_format: Literal["float", "base64"] | None
    """How vectors are sent; by default ``"base64"``, which is smaller."""
    user: str | None
    """An id for your end user."""


class ProgressOptions(RequestOptions, total=False):
    """Options of long-running calls."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    on_progress: OnProgress | None
    """Called with a `Progress` at every step."""
    progress: bool | None
    """Draw a progress bar."""


class EmbedAllOptions(EmbeddingOptions, ProgressOptions, total=False):
    """Options of each request of ``embed_all``, and of its progress."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]


class EmbeddingBatchOptions(EmbedAllOptions, total=False):
    """Limits of a batch, and the number of concurrent requests."""

    batch_size: int
    """Texts in one request, at most."""
    max_batch_bytes: int
    """Bytes of UTF-8 in one request, at most."""
    max_concurrency: int
    """Concurrent requests, at most."""


class RerankOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/rerank."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    top_n: Count | None
    """How many of the best documents to return; by default all."""
    return_documents: bool | None
    """Return the texts as well."""


class MemoryOptions(RequestOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/memory."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    expiration_days: MemoryDays | None
    """Days for which NanoGPT keeps what it compressed; 1 to 365, by default 30."""
    model_context_limit: ContextLimit | None
    """Tokens of the context to compress for; by default 128,000, at least 10,000."""


class RerankAllOptions(RerankOptions, total=False):
    """Options of a ranking of any number of documents."""

    max_concurrency: int
    """Concurrent requests, at most, for more than 1,024 documents."""


class PollOptions(TypedDict, total=False):
    """How to wait for a job."""

    poll_interval: float
    """Seconds between two polls."""
    poll_timeout: float
    """Seconds until waiting ends; the job goes on."""


class WaitOptions(PollOptions, total=False):
    """How to wait for a job, and its progress."""

    on_progress: OnProgress | None
    """Called with a `Progress` at every step."""
    progress: bool
    """Draw a progress bar."""


class WorkOptions(TypedDict, total=False):
    """Media whose cost is to be estimated: speech, a recording, a video or images."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    text: str | None
    """The text for speech."""
    seconds: NotNegative | None
    """Duration of a video, or of a recording to transcribe."""
    resolution: str | None
    """Of a video, e.g. ``"720p"``; by default the model's own, as for the next two."""
    mode: str | None
    """One of the video model's modes, or ``"image_to_video"``."""
    audio: StrictBool | None
    """Whether the video has audio."""
    size: str | None
    """Of images, e.g. ``"1024x1024"``."""
    n: Count | None
    """Number of images."""


class ImageOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/image-generation-openai."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    n: Count | None
    """Number of images."""
    size: str | None
    """``"WIDTHxHEIGHT"`` in pixels, or a name that the model lists."""
    response_format: Literal["b64_json", "url"] | None
    """Whether the response has the images, or URLs that are valid for an hour."""
    strength: Fraction | None
    """0 to 1: how much to change a given image."""
    guidance_scale: NotNegative | None
    """How closely to follow the prompt."""
    num_inference_steps: Count | None
    """More steps give more detail and take longer."""
    seed: int | None
    """Make the result repeatable, as far as the model supports it."""
    quality: str | None
    """A name that the model lists, e.g. ``"high"``."""
    resolution: str | None
    """A name that the model lists, e.g. ``"2k"``."""
    aspect_ratio: str | None
    """E.g. ``"16:9"``."""
    negative_prompt: str | None
    """What must not appear."""
    output_format: str | None
    """File type, e.g. ``"png"``, where the model has a choice."""
    user: str | None
    """An id for your end user."""
    moderation: Moderate | None
    """Check prompt and images first, for a price: ``True``, or the id of a moderation model."""


class SpeechOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/speech and tts."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    voice: str | None
    """One of the model's voices, e.g. ``"alloy"``."""
    response_format: Literal["mp3", "wav", "opus", "flac", "aac", "pcm"] | None
    """The requested file type; some models return another."""
    speed: Annotated[float, Field(ge=0.1, le=5)] | None
    """0.1 to 5, as in openapi's TTSRequest; models support less, e.g. 0.25 to 4."""
    instructions: str | None
    """How to speak, e.g. ``"slowly and calmly"``, for models that support it."""
    language: str | None
    """Language of the text, e.g. ``"en"``."""


class TranscriptionOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    language: str | None
    """Language of the recording, e.g. ``"en"``; by default it is detected."""
    prompt: str | None
    """Names and terms that occur in it."""
    diarize: bool | None
    """Tell speakers apart, where the model can."""
    response_format: str | None
    """E.g. ``"verbose_json"``, with times."""
    temperature: Fraction | None
    """0 to 1: randomness."""


def transcription_options(split: TranscriptSplit | None) -> TranscriptionOptions:
    """Return the options with which a transcript can be split so."""
    match split:
        case "speaker":
            return {"diarize": True}
        case "segment":
            return {"response_format": "verbose_json"}
    return {}


class VideoOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/video-generation."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    duration: int | float | str | None
    """Seconds."""
    aspect_ratio: str | None
    """E.g. ``"16:9"``."""
    resolution: str | None
    """E.g. ``"720p"``."""
    negative_prompt: str | None
    """What must not appear."""
    seed: int | None
    """Make the result repeatable, as far as the model supports it."""
    moderation: Moderate | None
    """Check the input first, for a price: ``True``, or the id of a moderation model."""


class VoiceCloneOptions(ProgressOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning.

    MiniMax takes all but the last, and requires ``voice_id``; Qwen takes the last alone.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    voice_id: str | None
    """The name of the voice, which you choose: a letter, then at least 7 letters or digits."""
    clone_model: str | None
    """E.g. ``"speech-02-hd"``."""
    reduce_noise: bool | None
    """Reduce the noise of the recording."""
    normalize_volume: bool | None
    """Normalize the volume of the recording."""
    accuracy: Fraction | None
    """0 to 1: how well the recording must match its text; NanoGPT's default is 0.7."""
    preview_text: str | None
    """A text to be read in the new voice, for a preview."""
    reference_text: str | None
    """What is said in the recording."""


class VideoJobOptions(VideoOptions, PollOptions, total=False):
    """Options of a video, and how to wait for it."""


class VoiceCloneJobOptions(VoiceCloneOptions, PollOptions, total=False):
    """Options of a voice, and how to wait for it."""


class WebSearchOptions(RequestOptions, total=False):
    """Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    provider: SearchProvider | None
    """The search engine; by default NanoGPT's choice."""
    depth: str | None
    """``"standard"`` or ``"deep"``, which costs more; some providers have further ones."""
    output_type: Literal["searchResults", "sourcedAnswer", "structured"] | None
    """Results, an answer with its sources, or an object that follows ``schema``."""
    schema: Mapping[str, Any] | None
    """JSON schema of a structured answer."""
    include_images: bool | None
    """Find images as well."""
    from_date: Day | None
    """First day of the pages: an ISO string, or a `datetime.date`."""
    to_date: Day | None
    """Last day of the pages, likewise."""
    include_domains: Sequence[str] | None
    """Search these domains only."""
    exclude_domains: Sequence[str] | None
    """Search all but these domains."""
    max_results: Count | None
    """Number of results, at most."""
