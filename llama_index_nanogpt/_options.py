"""The constructor words of a chat: every option of the core's `ChatOptions` that may be a default.

A word given per call wins over the constructor's; ``None`` takes it back.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from nanogpt_client.wire.options import (
    ChatOptions,
    Count,
    Fraction,
    NotNegative,
    Penalty,
    ProviderRouting,
    ReasoningEffort,
    ServiceTier,
    WebSearch,
)

__all__ = ["CHAT_WORDS", "OptionFields"]


class OptionFields(BaseModel):
    """Sampling, search, memory, routing; see the chat page of NanoGPT's documentation."""

    model_config = ConfigDict(protected_namespaces=())

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Fraction | None = None
    top_k: int | None = None
    top_a: NotNegative | None = None
    min_p: Fraction | None = None
    tfs: Fraction | None = None
    typical_p: Fraction | None = None
    eta_cutoff: NotNegative | None = None
    epsilon_cutoff: NotNegative | None = None
    mirostat_mode: Annotated[int, Field(ge=0, le=2)] | None = None
    mirostat_tau: NotNegative | None = None
    mirostat_eta: NotNegative | None = None
    max_tokens: Count | None = None
    min_tokens: Annotated[int, Field(ge=0)] | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Penalty | None = None
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    prompt_logprobs: bool | int | None = None
    seed: int | None = None
    ignore_eos: bool | None = None
    include_stop_str_in_output: bool | None = None
    custom_token_bans: list[int] | None = None
    user: str | None = None

    reasoning_effort: ReasoningEffort | None = None
    """``"none"`` to ``"xhigh"``."""
    reasoning: dict[str, Any] | None = None
    """E.g. ``{"exclude": True}``, which hides the thoughts (they are still billed)."""
    web_search: bool | str | WebSearch | None = None
    """``True``, a backend such as ``"linkup-deep"``, or a `WebSearch` dict."""
    memory: bool | Annotated[int, Field(ge=1, le=365)] | None = None
    """``True``, or the days to keep it."""
    model_context_limit: Annotated[int, Field(ge=10_000)] | None = None
    provider: str | ProviderRouting | None = None
    """Which upstream providers may serve the call; choosing one bills pay-as-you-go."""
    caching: bool | None = None
    stickyprovider: bool | None = None
    prompt_caching: dict[str, Any] | None = None
    service_tier: ServiceTier | None = None
    billing_mode: str | None = None
    scraping: bool | None = None
    youtube_transcripts: bool | None = None
    extra_body: dict[str, Any] | None = None
    """Keys added to the JSON body as they are."""

    def _given(self) -> dict[str, Any]:
        """Return the constructor's words that say something."""
        values = self.__dict__
        return {word: values[word] for word in CHAT_WORDS if values[word] is not None}


CHAT_WORDS = tuple(
    word for word in ChatOptions.__annotations__ if word in OptionFields.model_fields
)
