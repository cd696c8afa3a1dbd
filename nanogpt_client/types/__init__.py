"""The public types of what goes over the wire, by subject.

Replies are parsed leniently into small frozen values that keep the raw dict: only what the contract
names is typed, anything else survives in ``raw``. Options are TypedDicts, so that one declaration
serves the endpoint, both clients and both adapters.
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
from nanogpt_client.types.progress import OnProgress, Progress
from nanogpt_client.types.search import SearchHit, WebSearchResult

__all__ = [
    "Affordability",
    "Balance",
    "CostEstimate",
    "Deposit",
    "DepositLimits",
    "Embeddings",
    "FileSource",
    "GeneratedImage",
    "GeneratedImages",
    "OnProgress",
    "Progress",
    "SearchHit",
    "Segment",
    "Speech",
    "SubscriptionUsage",
    "Transcript",
    "UsageReport",
    "Video",
    "VideoJob",
    "WebSearchResult",
]
