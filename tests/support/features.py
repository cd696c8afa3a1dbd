"""What is used for each section of NanoGPT's skill, and for its API beyond that.

``python -m tests.support.features`` writes it.

The table goes into a guide; `tests.packaging.test_features` imports and uses every name in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nanogpt_client.account import Account
from tests.support import tables

TABLE = "features"
HEAD = ("NanoGPT", "`nanogpt_client`", "`langchain_nanogpt`", "`llama_index_nanogpt`")


@dataclass(frozen=True)
class Cell:
    """A name and one use of it.

    ``name`` is a class, ``Class.method`` or ``Class(word=…)``. A class is made with ``words``; then
    its method is called with ``args`` and ``options``, by default the method that is usual for it.
    """

    name: str
    args: Sequence[Any] = ()
    options: dict[str, Any] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    good: Callable[[Any], Any] = bool


@dataclass(frozen=True)
class Row:
    """A section of the document, or a part of one, and what it is called in each package."""

    section: str
    what: str
    core: Sequence[Cell]
    langchain: Sequence[Cell]
    llama_index: Sequence[Cell]

    def cells(self) -> Iterator[tuple[str, Cell]]:
        for package in ("core", "langchain", "llama_index"):
            for cell in getattr(self, package):
                yield package, cell


CHAT = "openai/gpt-5.2"
VISION = "google/gemini-3-flash-preview"
PICTURE = "PICTURE"  # the test puts a picture and a recording in the place of these
RECORDING = "RECORDING"
PAGE_URL, VIDEO_URL = "https://docs.example.com/nano", "https://youtu.be/kJQP7kiw5Fk"
SOURCE = "https://example.com/source.mp4"
RUN_ID = "RUN_ID"
ADD = "ADD"
WALLET = "WALLET"
LLM, STATE, FOUND, MESSAGES = "LLM", "STATE", "FOUND", "MESSAGES"  # a framework's own, likewise
MODEL = "MODEL"  # the framework's, over the sandbox
BEYOND = "More"
NUMBER = r"^\d+\. "  # of a section, which says nothing to a reader of the table

core, lc, li = "NanoGPTClient", "ChatNanoGPT", "NanoGPT"
SPEC = "NanoGPTToolSpec"


def client(method: str, *args: Any, good: Callable[[Any], Any] = bool, **options: Any) -> Cell:
    return Cell(f"{core}.{method}", args, options, good=good)


def tool(name: str, **arguments: Any) -> Cell:
    return Cell(name, options=arguments, good=lambda message: message.status == "success")


def spec(method: str, **arguments: Any) -> Cell:
    return Cell(f"{SPEC}.{method}", options=arguments, good=lambda content: content.text)


def is_none(result: Any) -> bool:
    return result is None


def url_of(result: Any) -> Any:
    return result.url


def setting(word: str, value: Any = None) -> tuple[list[Cell], ...]:
    """Return the three cells of a constructor's word; without a value the sandbox's is passed."""
    own = {} if value is None else {word: value}
    return (
        [Cell(f"{core}({word}=…)", ["Hi"], {"model": CHAT}, own, lambda r: r.text)],
        [Cell(f"{lc}({word}=…)", ["Hi"], {}, {"model": CHAT} | own, lambda r: r.text)],
        [Cell(f"{li}({word}=…)", ["Hi"], {}, {"model": CHAT} | own, lambda r: r.text)],
    )


ROWS = (
    Row("Base URL", "address", *setting("base_url")),
    Row("Authentication", "key", *setting("api_key")),
    Row(
        "Pricing",
        "what was spent",
        [Cell("Ledger.totals")],
        [Cell("NanoGPTCostCallbackHandler.ledger", good=lambda ledger: ledger is not None)],
        [Cell("NanoGPTCostHandler.ledger", good=lambda ledger: ledger is not None)],
    ),
    Row(
        "1. Chat Completions (Text Generation)",
        "chat",
        [client("chat", "Hi", model=CHAT)],
        [Cell(f"{lc}.invoke", ["Hi"], words={"model": CHAT})],
        [Cell(f"{li}.complete", ["Hi"], words={"model": CHAT})],
    ),
    Row(
        "1. Chat Completions (Text Generation)",
        "streaming",
        [client("stream_chat", "Hi", model=CHAT, good=list)],
        [Cell(f"{lc}.stream", ["Hi"], words={"model": CHAT}, good=list)],
        [Cell(f"{li}.stream_complete", ["Hi"], words={"model": CHAT}, good=list)],
    ),
    Row(
        "1. Chat Completions (Text Generation)",
        "tools",
        [client("chat", "What is 2 plus 3?", model=CHAT, tools=ADD)],
        [Cell(f"{lc}.bind_tools", [ADD], words={"model": CHAT})],
        [Cell(f"{li}.chat_with_tools", [ADD, "What is 2 plus 3?"], words={"model": CHAT})],
    ),
    Row(
        "2. Image Generation",
        "images",
        [
            client("generate_image", "a cat", model="hidream", size="256x256"),
            client("generate_images", ["a cat", "a dog"], model="hidream", size="256x256"),
        ],
        [tool("NanoGPTImageTool", prompt="a cat", size="256x256")],
        [spec("generate_image", prompt="a cat", size="256x256")],
    ),
    Row(
        "2. Image Generation",
        "from an image",
        [client("edit_image", "make it blue", model="hidream", image=PICTURE)],
        [tool("NanoGPTImageEditTool", prompt="make it blue", image=PICTURE)],
        [spec("edit_image", prompt="make it blue", image=PICTURE)],
    ),
    Row(
        "3. Video Generation",
        "videos",
        [client("generate_video", "a cat", model="veo2-video", poll_interval=0.01)],
        [tool("NanoGPTVideoTool", prompt="a cat")],
        [spec("generate_video", prompt="a cat")],
    ),
    Row(
        "3. Video Generation",
        "waiting, also after a crash",
        [client("wait_for_video", RUN_ID, poll_interval=0.01), client("recover_videos")],
        [tool("NanoGPTVideoTool", run_id=RUN_ID)],
        [spec("generate_video", run_id=RUN_ID)],
    ),
    Row(
        "3. Video Generation",
        "from an image",
        [client("generate_video", "a cat", model="veo2-video", image=PICTURE, poll_interval=0.01)],
        [tool("NanoGPTVideoTool", prompt="a cat", image=PICTURE)],
        [spec("generate_video", prompt="a cat", image=PICTURE)],
    ),
    Row(
        "3. Video Generation",
        "from a video: upscaled, extended",
        *[[client("generate_video", model="video-upscaler", video=SOURCE, poll_interval=0.01)]] * 3,
    ),
    Row(
        "4. Text-to-Speech (TTS)",
        "speech",
        [
            client("speak", "Hi.", model="tts-1"),
            client("speak_long", "Hi.", model="tts-1"),
            client("stream_speech", "Hi.", model="tts-1", good=list),
        ],
        [tool("NanoGPTSpeechTool", text="Hi.")],
        [spec("speak", text="Hi.")],
    ),
    Row(
        "4. Text-to-Speech (TTS)",
        "cloned voices",
        *[[client("clone_voice", RECORDING, provider="qwen", poll_interval=0.01)]] * 3,
    ),
    Row(
        "5. Speech-to-Text (Transcription)",
        "transcripts",
        [
            client("transcribe", RECORDING, model="Whisper-Large-V3"),
            client("transcribe_all", [RECORDING], model="Whisper-Large-V3"),
        ],
        [
            tool("NanoGPTTranscriptionTool", audio=RECORDING),
            Cell("NanoGPTAudioParser.lazy_parse", [RECORDING], good=list),
        ],
        [
            spec("transcribe", audio=RECORDING),
            Cell("NanoGPTAudioReader.load_data", [RECORDING]),
        ],
    ),
    Row(
        "6. Embeddings",
        "embeddings",
        [client("embed", ["a"], model="text-embedding-3-small")],
        [
            Cell(
                "NanoGPTEmbeddings.embed_documents",
                [["a"]],
                words={"model": "text-embedding-3-small"},
            )
        ],
        [
            Cell(
                "NanoGPTEmbedding.get_text_embedding",
                ["a"],
                words={"model_name": "text-embedding-3-small"},
            )
        ],
    ),
    Row(
        "7. Balance and Payments",
        "balance, Nano address",
        [client("balance", good=lambda r: r.nano_deposit_address)],
        [tool("NanoGPTBalanceTool")],
        [spec("check_balance")],
    ),
    Row(
        "7. Balance and Payments",
        "deposits in other coins",
        *[
            [
                client("create_deposit", "btc", "0.001"),
                client("deposit_limits", "btc"),
            ]
        ]
        * 3,
    ),
    Row(
        "7. Balance and Payments",
        "pay per call, without an account",
        *setting("pay", value=WALLET),
    ),
    Row(
        "7. Balance and Payments",
        "costs ahead",
        [
            client("estimate_chat_cost", "Hi", model=CHAT),
            client("estimate_image_cost", model="hidream"),
            client("estimate_media_cost", "tts", model="tts-1", text="Hi"),
        ],
        [tool("NanoGPTCostEstimateTool", kind="speech", text="Hi")],
        [spec("estimate_cost", kind="speech", text="Hi")],
    ),
    Row(
        "8. Model Discovery",
        "models",
        [client("list_models", "image")],
        [Cell(f"{lc}.list_models", ["image"], words={"model": CHAT})],
        [client("list_models", "image")],
    ),
    Row(
        "9. Web Search via AI",
        "chat that searches",
        [client("chat", "What is Nano?", model=CHAT, web_search=True)],
        *setting("web_search", value=True)[1:],
    ),
    Row(
        "9. Web Search via AI",
        "search without a model",
        [client("search_web", "What is Nano?")],
        [
            tool("NanoGPTWebSearchTool", query="What is Nano?"),
            Cell("NanoGPTWebSearchRetriever.invoke", ["What is Nano?"]),
        ],
        [
            spec("search_web", query="What is Nano?"),
            Cell("NanoGPTWebSearchRetriever.retrieve", ["What is Nano?"]),
        ],
    ),
    Row(
        "9. Web Search via AI",
        "pages as Markdown",
        [client("scrape", PAGE_URL)],
        [
            tool("NanoGPTFetchPageTool", url=PAGE_URL),
            Cell("NanoGPTWebLoader.load", words={"urls": PAGE_URL}),
        ],
        [spec("fetch_page", url=PAGE_URL), Cell("NanoGPTWebReader.load_data", [PAGE_URL])],
    ),
    Row(
        "9. Web Search via AI",
        "transcripts of YouTube",
        [client("transcribe_youtube", VIDEO_URL)],
        [
            tool("NanoGPTYoutubeTranscriptTool", url=VIDEO_URL),
            Cell("NanoGPTYoutubeLoader.load", words={"urls": VIDEO_URL}),
        ],
        [
            spec("youtube_transcript", url=VIDEO_URL),
            Cell("NanoGPTYoutubeReader.load_data", [VIDEO_URL]),
        ],
    ),
    Row("10. Rate Limits", "retries", *setting("max_retries", value=1)),
    Row("10. Rate Limits", "one limit for many workers", *setting("account", value=Account())),
    Row("Error Handling", "errors", *[[Cell("NanoGPTError", ["it broke"], good=str)]] * 3),
    Row(
        "Generate an image and get the URL",
        "in one call",
        [
            client(
                "generate_image",
                "a cat",
                model="hidream",
                response_format="url",
                good=lambda images: images[0].url,
            )
        ],
        [tool("NanoGPTImageTool", prompt="a cat")],
        [spec("generate_image", prompt="a cat")],
    ),
    Row(
        "Generate text with streaming",
        "in one call",
        [client("stream_chat", "Hi", model=CHAT, good=list)],
        [Cell(f"{lc}.stream", ["Hi"], words={"model": CHAT}, good=list)],
        [Cell(f"{li}.stream_complete", ["Hi"], words={"model": CHAT}, good=list)],
    ),
    Row(
        "Text-to-speech",
        "to a file",
        [client("speak", "Hi.", model="tts-1", good=lambda r: r.save)],
        [Cell("NanoGPTSpeechTool(output_dir=…)", options={"text": "Hi."})],
        [Cell(f"{SPEC}.speak", options={"text": "Hi."}, good=lambda content: content.text)],
    ),
    Row(
        "Generate a video",
        "its URL",
        [
            client(
                "generate_video",
                "a cat",
                model="veo2-video",
                poll_interval=0.01,
                good=lambda r: r.url,
            )
        ],
        [tool("NanoGPTVideoTool", prompt="a cat")],
        [spec("generate_video", prompt="a cat")],
    ),
    Row(
        "Check if you can afford a request",
        "in one call",
        [client("can_afford", "Hi", model=CHAT)],
        [tool("NanoGPTCostEstimateTool", kind="image")],
        [spec("estimate_cost", kind="image")],
    ),
    Row(
        "Deposit Nano to fund account",
        "the address",
        [client("balance", good=lambda r: r.nano_deposit_address)],
        [tool("NanoGPTBalanceTool")],
        [spec("check_balance")],
    ),
    Row(
        BEYOND,
        "reranking",
        [client("rerank", "Nano", ["Nano", "a cat"], model="nvidia/Nemotron-3.5-Rerank-8B-BF16")],
        [Cell("NanoGPTRerank.compress_documents", [FOUND, "Nano"])],
        [Cell("NanoGPTRerank.postprocess_nodes", [FOUND], {"query_str": "Nano"})],
    ),
    Row(
        BEYOND,
        "moderation of input",
        [client("moderate", "Hi", good=lambda found: not found.flagged)],
        [Cell("NanoGPTModerationMiddleware.before_model", [STATE, None], good=is_none)],
        [Cell("NanoGPTModerator.check", [MESSAGES], good=is_none)],
    ),
    Row(
        BEYOND,
        "moderation within a call",
        [client("chat", "Hi", model=CHAT, moderation=True, good=lambda r: r.billing.moderation)],
        *setting("moderation", value=True)[1:],
    ),
    Row(
        BEYOND,
        "context memory",
        [client("compress_memory", "Hi", good=lambda memory: memory.text)],
        [
            Cell(
                "NanoGPTMemoryCompressionMiddleware.before_model",
                [STATE, None],
                words={"model": LLM},
                good=is_none,
            )
        ],
        [Cell("NanoGPTMemoryBlock.aput", [MESSAGES], good=is_none)],
    ),
    Row(
        BEYOND,
        "batches at half the token price",
        [Cell(f"{core}.batches", good=lambda found: found.list().raw)],
        [Cell("batch_api", [MODEL, ["Hi"]], good=lambda job: job.id)],
        [Cell("batch_api", [MODEL, ["Hi"]], good=lambda job: job.id)],
    ),
)


def rendered() -> str:
    """Return the table."""
    return tables.markdown(
        HEAD,
        [
            [
                f"{re.sub(NUMBER, '', row.section)}: {row.what}",
                *(_names(cells) for cells in (row.core, row.langchain, row.llama_index)),
            ]
            for row in ROWS
        ],
    )


def _names(cells: Sequence[Cell]) -> str:
    return ", ".join(f"`{cell.name}`" for cell in cells)


if __name__ == "__main__":
    tables.write(TABLE, rendered())
