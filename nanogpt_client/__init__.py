"""NanoGPT for Python: every model behind one client that loses no money, words or errors.

>>> from nanogpt_client import NanoGPTClient
>>> with NanoGPTClient() as client:  # reads NANOGPT_API_KEY
...     answer = client.chat("What is Nano?", model="openai/gpt-5.2", web_search=True)
...     print(answer.text, answer.citations, answer.billing.cost)

Without a key, `nanogpt_client.sandbox` stands in for NanoGPT.
"""

from typing import TYPE_CHECKING

from nanogpt_client._version import __version__
from nanogpt_client.lazy import names_of

if TYPE_CHECKING:
    from nanogpt_client._core.call import Call, Reply, Request, Resend, StreamCall
    from nanogpt_client._core.steps import Sleep, ask
    from nanogpt_client.accumulate import PartialMessage
    from nanogpt_client.async_client import AsyncNanoGPTClient, AsyncStream
    from nanogpt_client.client import NanoGPTClient, Stream
    from nanogpt_client.config import Config
    from nanogpt_client.errors import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        BudgetExceededError,
        ConfigurationError,
        ConflictError,
        ContentPolicyError,
        ContextLengthExceededError,
        DailyLimitError,
        DownloadError,
        GatewayError,
        InsufficientBalanceError,
        JobError,
        JobFailedError,
        JobTimeoutError,
        NanoGPTError,
        NotFoundError,
        OriginUnreachableError,
        OutcomeUnknownError,
        PayloadTooLargeError,
        PermissionDeniedError,
        RateLimitError,
        ResponseFormatError,
        ServerError,
        SpendingRefusedError,
        StreamError,
        StreamInterruptedError,
        StreamStalledError,
    )
    from nanogpt_client.footnotes import with_footnotes
    from nanogpt_client.ledger import AccountingWarning, Budget, Ledger, LedgerEntry, Totals
    from nanogpt_client.model_id import ModelId
    from nanogpt_client.observe import CallEvent
    from nanogpt_client.wire.account import (
        Affordability,
        Balance,
        CostEstimate,
        Deposit,
        DepositLimits,
        SubscriptionUsage,
        UsageReport,
    )
    from nanogpt_client.wire.billing import Billing
    from nanogpt_client.wire.catalog import Model, ModelKind, ModelList, ModelScope
    from nanogpt_client.wire.chat import (
        ChatChunk,
        ChatCompletion,
        Choice,
        Citation,
        Message,
        MessageDict,
        ToolCall,
        ToolCallDelta,
        Usage,
    )
    from nanogpt_client.wire.media import (
        Embeddings,
        FileSource,
        GeneratedImage,
        GeneratedImages,
        PartialEmbeddings,
        Segment,
        Speech,
        Transcript,
        Video,
        VideoJob,
    )
    from nanogpt_client.wire.options import (
        ChatOptions,
        EmbedAllOptions,
        EmbeddingOptions,
        ImageOptions,
        ProgressOptions,
        ProviderRouting,
        RequestOptions,
        SpeechOptions,
        TranscriptionOptions,
        VideoOptions,
        WebSearch,
        WebSearchOptions,
        WorkOptions,
    )
    from nanogpt_client.wire.progress import OnProgress, Progress
    from nanogpt_client.wire.search import SearchHit, WebSearchResult

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AccountingWarning",
    "Affordability",
    "AsyncNanoGPTClient",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "Balance",
    "Billing",
    "Budget",
    "BudgetExceededError",
    "Call",
    "CallEvent",
    "ChatChunk",
    "ChatCompletion",
    "ChatOptions",
    "Choice",
    "Citation",
    "Config",
    "ConfigurationError",
    "ConflictError",
    "ContentPolicyError",
    "ContextLengthExceededError",
    "CostEstimate",
    "DailyLimitError",
    "Deposit",
    "DepositLimits",
    "DownloadError",
    "EmbedAllOptions",
    "EmbeddingOptions",
    "Embeddings",
    "FileSource",
    "GatewayError",
    "GeneratedImage",
    "GeneratedImages",
    "ImageOptions",
    "InsufficientBalanceError",
    "JobError",
    "JobFailedError",
    "JobTimeoutError",
    "Ledger",
    "LedgerEntry",
    "Message",
    "MessageDict",
    "Model",
    "ModelId",
    "ModelKind",
    "ModelList",
    "ModelScope",
    "NanoGPTClient",
    "NanoGPTError",
    "NotFoundError",
    "OnProgress",
    "OriginUnreachableError",
    "OutcomeUnknownError",
    "PartialEmbeddings",
    "PartialMessage",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "Progress",
    "ProgressOptions",
    "ProviderRouting",
    "RateLimitError",
    "Reply",
    "Request",
    "RequestOptions",
    "Resend",
    "ResponseFormatError",
    "SearchHit",
    "Segment",
    "ServerError",
    "Sleep",
    "Speech",
    "SpeechOptions",
    "SpendingRefusedError",
    "Stream",
    "StreamCall",
    "StreamError",
    "StreamInterruptedError",
    "StreamStalledError",
    "SubscriptionUsage",
    "ToolCall",
    "ToolCallDelta",
    "Totals",
    "Transcript",
    "TranscriptionOptions",
    "Usage",
    "UsageReport",
    "Video",
    "VideoJob",
    "VideoOptions",
    "WebSearch",
    "WebSearchOptions",
    "WebSearchResult",
    "WorkOptions",
    "__version__",
    "ask",
    "with_footnotes",
]

__getattr__, __dir__ = names_of(
    __name__,
    {
        "_core.call": "Call Reply Request Resend StreamCall",
        "_core.steps": "Sleep ask",
        "accumulate": "PartialMessage",
        "async_client": "AsyncNanoGPTClient AsyncStream",
        "client": "NanoGPTClient Stream",
        "config": "Config",
        "errors": (
            "APIConnectionError APIStatusError APITimeoutError AuthenticationError BadRequestError "
            "BudgetExceededError ConfigurationError ConflictError ContentPolicyError "
            "ContextLengthExceededError DailyLimitError DownloadError GatewayError "
            "InsufficientBalanceError JobError JobFailedError JobTimeoutError NanoGPTError "
            "NotFoundError "
            "OriginUnreachableError OutcomeUnknownError PayloadTooLargeError "
            "PermissionDeniedError RateLimitError ResponseFormatError "
            "ServerError SpendingRefusedError StreamError StreamInterruptedError "
            "StreamStalledError"
        ),
        "footnotes": "with_footnotes",
        "ledger": "AccountingWarning Budget Ledger LedgerEntry Totals",
        "model_id": "ModelId",
        "observe": "CallEvent",
        "wire.account": (
            "Affordability Balance CostEstimate Deposit DepositLimits SubscriptionUsage UsageReport"
        ),
        "wire.billing": "Billing",
        "wire.catalog": "Model ModelKind ModelList ModelScope",
        "wire.chat": (
            "ChatChunk ChatCompletion Choice Citation Message MessageDict ToolCall ToolCallDelta "
            "Usage"
        ),
        "wire.media": (
            "Embeddings FileSource GeneratedImage GeneratedImages PartialEmbeddings Segment Speech "
            "Transcript Video VideoJob"
        ),
        "wire.options": (
            "ChatOptions EmbedAllOptions EmbeddingOptions ImageOptions ProgressOptions "
            "ProviderRouting RequestOptions SpeechOptions TranscriptionOptions VideoOptions "
            "WebSearch WebSearchOptions WorkOptions"
        ),
        "wire.progress": "OnProgress Progress",
        "wire.search": "SearchHit WebSearchResult",
    },
)
