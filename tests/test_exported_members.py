"""The public surface: sorted, documented, and complete."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

ERRORS = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "ConfigurationError",
    "ConflictError",
    "ContentPolicyError",
    "ContextLengthExceededError",
    "DailyLimitError",
    "DownloadError",
    "InsufficientBalanceError",
    "JobError",
    "JobFailedError",
    "JobTimeoutError",
    "NanoGPTError",
    "NotFoundError",
    "OutcomeUnknownError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResponseFormatError",
    "ServerError",
    "SpendingRefusedError",
    "StreamError",
    "StreamInterruptedError",
    "StreamStalledError",
]

METHODS = [
    "balance",
    "can_afford",
    "chat",
    "create_deposit",
    "deposit_limits",
    "deposit_status",
    "edit_image",
    "embed",
    "embed_all",
    "estimate_chat_cost",
    "estimate_image_cost",
    "estimate_media_cost",
    "generate_image",
    "generate_images",
    "generate_video",
    "list_models",
    "recover_videos",
    "run",
    "search_web",
    "send",
    "speak",
    "speak_long",
    "stream_chat",
    "stream_speech",
    "submit_video",
    "subscription_usage",
    "transcribe",
    "transcribe_all",
    "usage",
    "video_status",
    "wait_for_video",
]

PUBLIC = {
    "nanogpt_client": [
        *ERRORS,
        *["AsyncNanoGPTClient", "Budget", "Ledger", "ModelId", "NanoGPTClient", "PartialMessage"],
        "__version__",
    ],
    "nanogpt_client.toolbox": ["TOOLS", "Tool", "ToolResult", "Toolbox", "explain"],
    "langchain_nanogpt": [
        "ChatNanoGPT",
        "NanoGPTAudioParser",
        "NanoGPTBalanceTool",
        "NanoGPTCostCallbackHandler",
        "NanoGPTCostEstimateTool",
        "NanoGPTEmbeddings",
        "NanoGPTImageEditTool",
        "NanoGPTImageTool",
        "NanoGPTSpeechTool",
        "NanoGPTToolkit",
        "NanoGPTTranscriptionTool",
        "NanoGPTVideoTool",
        "NanoGPTWebSearchRetriever",
        "NanoGPTWebSearchTool",
    ],
    "llama_index_nanogpt": [
        *["NanoGPT", "NanoGPTAudioReader", "NanoGPTCostHandler", "NanoGPTEmbedding"],
        *["NanoGPTToolSpec", "NanoGPTWebSearchRetriever"],
    ],
}


def modules() -> Iterator[ModuleType]:
    """Import every module of the three packages but the programs (``__main__``)."""
    for package in PUBLIC:
        root = importlib.import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def documented(member: object) -> bool:
    """Whether `member` says what it is; values other than classes and functions need not."""
    if not (inspect.isclass(member) or inspect.isroutine(member)):
        return True
    return bool((member.__doc__ or "").strip())


@pytest.mark.parametrize(("package", "names"), PUBLIC.items())
def test_public_names_are_there(package, names):
    assert set(names) <= set(importlib.import_module(package).__all__)


def test_every_all_is_sorted_and_names_what_exists():
    for module in modules():
        names = list(getattr(module, "__all__", []))
        assert names == sorted(set(names)), module.__name__
        assert [name for name in names if not hasattr(module, name)] == [], module.__name__


def test_every_public_name_is_documented():
    undocumented = [
        f"{module.__name__}.{name}"
        for module in modules()
        for name in getattr(module, "__all__", [])
        if not documented(getattr(module, name))
    ]
    assert not undocumented


@pytest.mark.parametrize("shell", ["NanoGPTClient", "AsyncNanoGPTClient"])
def test_both_clients_have_every_method_documented(shell):
    client = getattr(importlib.import_module("nanogpt_client"), shell)
    closing = "aclose" if shell.startswith("Async") else "close"
    missing = [
        name for name in [*METHODS, closing] if not documented(getattr(client, name, object))
    ]
    assert not missing


def test_errors_have_one_root():
    package = importlib.import_module("nanogpt_client")
    assert all(issubclass(getattr(package, name), package.NanoGPTError) for name in ERRORS)


def test_the_version_is_that_of_the_distribution():
    package = importlib.import_module("nanogpt_client")
    assert package.__version__ == importlib.metadata.version("nanogpt-integrations")
