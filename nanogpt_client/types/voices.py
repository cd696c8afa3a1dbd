"""Cloned voices: the job, and what it made.

Follows https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from nanogpt_client.types.billing import Billing
from nanogpt_client.types.display import Readable

__all__ = ["ClonedVoice", "VoiceJob", "VoiceProvider"]

VoiceProvider: TypeAlias = Literal["minimax", "qwen"]


@dataclass(frozen=True, slots=True, repr=False)
class VoiceJob(Readable):
    """A submitted clone; it is charged at submission and can be resumed with its ``run_id``.

    ``status`` is queued, running, completed, failed, cancelled, or one that is not documented;
    ``url`` is the result's, once there is one. ``voice_id`` is what was asked for (MiniMax).
    """

    run_id: str
    provider: VoiceProvider
    status: str
    billing: Billing
    model: str | None = None
    voice_id: str | None = None
    url: str | None = None
    error: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    code: str | None = None
    is_refunded: bool = False

    @property
    def cost(self) -> Decimal | None:
        """The cost in USD; ``None`` if not reported."""
        return self.billing.cost

    @property
    def is_finished(self) -> bool:
        """Whether the job has ended."""
        return self.status in {"completed", "failed", "cancelled"}


@dataclass(frozen=True, slots=True, repr=False)
class ClonedVoice(Readable):
    """A voice for speech.

    MiniMax: ``voice_id`` is the ``voice`` of its speech models, and must be used within 7 days to
    be kept; ``url`` is a preview, if a preview text was passed. Qwen: ``url`` is a file with the
    speaker's embedding, the ``speaker_voice_embedding_file_url`` of its speech model; it is hosted
    for 7 days, so download it.
    """

    run_id: str
    provider: VoiceProvider
    billing: Billing
    model: str | None = None
    voice_id: str | None = None
    url: str | None = None
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def cost(self) -> Decimal | None:
        """The cost in USD; ``None`` if not reported."""
        return self.billing.cost
