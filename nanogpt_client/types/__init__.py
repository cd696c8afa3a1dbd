"""Public types, by subject: responses, options, progress, ledger entries.

Responses are parsed leniently into small frozen dataclasses: documented fields are typed, and the
whole response is in ``raw``. Options are TypedDicts, declared once for the endpoints, both clients
and both adapters.
"""

from nanogpt_client.types.account import (
    Affordability,
    Balance,
    CostEstimate,
    Deposit,
    DepositLimits,
    SubscriptionUsage,
    UsageReport,
)
from nanogpt_client.types.media import (
    Embeddings,
    FileSource,
    GeneratedImage,
    GeneratedImages,
    Segment,
    Speech,
    Transcript,
    Video,
    VideoJob,
)
from nanogpt_client.types.memory import CompressedMemory
from nanogpt_client.types.moderation import Moderation, ModerationResult
from nanogpt_client.types.pages import ScrapedPage, UrlResults, YoutubeTranscript
from nanogpt_client.types.progress import OnProgress, Progress
from nanogpt_client.types.rerank import RankedDocument, Reranking
from nanogpt_client.types.search import SearchHit, WebSearchResult
from nanogpt_client.types.voices import ClonedVoice, VoiceJob, VoiceProvider

__all__ = [
    "Affordability",
    "Balance",
    "ClonedVoice",
    "CompressedMemory",
    "CostEstimate",
    "Deposit",
    "DepositLimits",
    "Embeddings",
    "FileSource",
    "GeneratedImage",
    "GeneratedImages",
    "Moderation",
    "ModerationResult",
    "OnProgress",
    "Progress",
    "RankedDocument",
    "Reranking",
    "ScrapedPage",
    "SearchHit",
    "Segment",
    "Speech",
    "SubscriptionUsage",
    "Transcript",
    "UrlResults",
    "UsageReport",
    "Video",
    "VideoJob",
    "VoiceJob",
    "VoiceProvider",
    "WebSearchResult",
    "YoutubeTranscript",
]
