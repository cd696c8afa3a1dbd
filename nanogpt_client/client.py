"""The blocking client. Each method names the endpoint that builds its request.

The rules are elsewhere: in `endpoints` and `_protocol.policy`. `async_client` is this file with
``await``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack, overload

from nanogpt_client import endpoints, types
from nanogpt_client._media.files import MAX_DOWNLOAD_BYTES
from nanogpt_client._methods.base_client import BaseClient
from nanogpt_client._methods.batches import Batches
from nanogpt_client._methods.pages import PageMethods
from nanogpt_client._methods.payments import PaymentMethods
from nanogpt_client._methods.texts import TextMethods
from nanogpt_client._methods.video import VideoMethods
from nanogpt_client._methods.voices import VoiceMethods
from nanogpt_client._protocol.call import Call, DecoderInUse, StreamCall
from nanogpt_client._protocol.steps import Flow
from nanogpt_client._transport.runner import Runner
from nanogpt_client.endpoints import catalog, chat
from nanogpt_client.types.catalog import ModelKind, ModelList, ModelScope
from nanogpt_client.types.chat import ChatChunk, ChatCompletion, MessageDict
from nanogpt_client.types.media import Downloadable
from nanogpt_client.types.options import (
    ChatOptions,
    EmbeddingBatchOptions,
    EmbeddingOptions,
    ImageOptions,
    SpeechOptions,
    TranscriptionOptions,
    WebSearchOptions,
    WorkOptions,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nanogpt_client._transport.http import Transport

__all__ = ["NanoGPTClient", "Stream"]

T = TypeVar("T")
Item = TypeVar("Item")


class Stream(Generic[Item]):
    """A streamed response. Iterate over it; the request is sent when the first item is asked for.

    `snapshot` is the response so far, `get_final` the complete one. Leaving the loop early closes
    the connection, as do `close` and a ``with`` block.

    Raises:
        NanoGPTError: while iterating, if the stream ends before the response is finished;
            ``partial`` is what had arrived.
    """

    def __init__(self, items: Generator[Item, None, None], decoder: DecoderInUse) -> None:
        self._items = items
        self._decoder = decoder

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: iterate over it; get_final() is the whole response>"

    def __iter__(self) -> Iterator[Item]:
        return self._items

    def __next__(self) -> Item:
        return next(self._items)

    @overload
    def get_final(self: Stream[ChatChunk]) -> ChatCompletion: ...

    @overload
    def get_final(self: Stream[bytes]) -> types.Speech: ...

    def get_final(self) -> Any:
        """Read to the end and return the complete response: a `ChatCompletion`, or a `Speech`.

        Raises:
            NanoGPTError: the stream ended, or was closed, before the response was finished;
                ``partial`` is what had arrived.
        """
        for _ in self._items:
            pass
        return self._decoder.final()

    @property
    def snapshot(self: Stream[ChatChunk]) -> ChatCompletion:
        """The response so far; later chunks do not change the returned object."""
        completion: ChatCompletion = self._decoder.snapshot()
        return completion

    def close(self) -> None:
        """Stop reading and close the connection."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class NanoGPTClient(
    PaymentMethods,
    TextMethods,
    VideoMethods,
    PageMethods,
    VoiceMethods,
    BaseClient,
):
    """Client for NanoGPT's API, for blocking code.

    A call is sent again only where that cannot be billed twice, and each call leaves an entry in
    `ledger`. Use the client as a context manager, or `close` it. Threads may share it.

    Args:
        api_key: NanoGPT API key; default: the environment variable ``NANOGPT_API_KEY``.
        base_url: default: the environment variable ``NANOGPT_BASE_URL``, else NanoGPT's address.
        timeout: seconds to wait for a whole response; ``None`` for no limit.
        max_retries: how often a call may be sent again where that cannot be billed twice.
        max_connections: connections open at the same time; default: 1,000, or half of the file
            descriptors that the process may open. Further calls wait in a queue, unsent, without
            their timeouts running. A stream keeps its connection until it has ended or is closed,
            so calls made while reading streams need more connections than there are streams.
        requests_per_second: rate limit for all calls, e.g. NanoGPT's documented 25. Without it,
            the client finds a rate from the first 429 on.
        rate_limit_wait: seconds for which a call may wait in total because of 429 responses;
            default: its timeout, from when NanoGPT last accepted a call of the client. These waits
            use none of ``max_retries``.
        retry_after_cap: seconds; if a failing server asks to wait longer, the error is raised.
        stream_idle_timeout: seconds allowed between two events of a stream; ``None`` for no limit.
        first_event_timeout: seconds allowed until a stream's first event; ``None`` for no limit.
        http_client: an ``httpx.Client`` (proxies, …), not closed here, or a function that makes it.
        default_headers: headers added to every request.
        budget: refuses calls once its limit is reached; clients may share it.
        ledger: records the calls; clients may share it.
        account: limits, budget and ledger that workers share; see `nanogpt_client.account`.
        allow_private_downloads: also download media from private networks.
        compress_above: bytes; larger bodies of chat requests are gzipped; ``None`` for never.
        pickle_api_key: include the key, in clear, in pickles of the client. Otherwise an
            unpickled client takes the key from its environment. Copies in the same process, and
            what `multiprocessing` sends to its workers, keep the key.
        pay: pays for each call by itself, without an account: a function, or a `Payer` with limits.
            There is no key then, and ``NANOGPT_API_KEY`` is not read.
        on_request: called with a `CallEvent` before each request.
        on_response: called with a `CallEvent` after each response.
        on_retry: called with a `CallEvent` before a request is sent again.

    Raises:
        ConfigurationError: there is no key, or a setting is invalid.
    """

    _transport_class, _runner_class, _batches_class = "Transport", Runner, Batches
    _transport: Transport
    _runner: Runner
    batches: Batches

    def chat(
        self, messages: str | Sequence[MessageDict], *, model: str, **options: Unpack[ChatOptions]
    ) -> ChatCompletion:
        """Generate a chat completion and return it whole.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/chat-completion

        Args:
            messages: a list of message dicts, or the text of one user message.
            model: model id, with suffixes such as ``:online`` if wanted.
            options: see `ChatOptions`.

        Raises:
            InvalidArgumentError: an argument is invalid; nothing was sent.
            NanoGPTError: the call failed; see `nanogpt_client.errors`.
        """
        return self.send(chat.chat(messages, model=model, **options))

    def stream_chat(
        self, messages: str | Sequence[MessageDict], *, model: str, **options: Unpack[ChatOptions]
    ) -> Stream[ChatChunk]:
        """Generate a chat completion as a `Stream`; takes the arguments of `chat`.

        The last chunk has the finish reason, usage and billing.
        """
        return self.stream(chat.stream_chat(messages, model=model, **options))

    def embed(
        self, texts: str | Sequence[str], *, model: str, **options: Unpack[EmbeddingOptions]
    ) -> types.Embeddings:
        """Embed up to 2,048 texts; ``vectors`` of the result is a float32 array of shape (n, dim).

        Follows https://docs.nano-gpt.com/api-reference/endpoint/embeddings
        """
        return self.send(endpoints.embeddings.embed(texts, model=model, **options))

    def embed_all(
        self,
        texts: Iterable[str],
        *,
        model: str,
        **options: Unpack[EmbeddingBatchOptions],
    ) -> NDArray[np.float32]:
        """Embed any number of texts; return a float32 array of shape (n, dim), in their order.

        They are sent in batches of at most ``batch_size`` texts (2,048) and ``max_batch_bytes``
        bytes (800,000), ``max_concurrency`` (4) at a time. ``on_progress`` is called after each.

        Raises:
            InvalidArgumentError: an item is not a text, or a limit is out of range; unsent.
            NanoGPTError: a batch failed, and no further one was begun. What had arrived, or was on
                its way, is paid for: ``partial``, a `PartialEmbeddings`, has it.
        """
        return self.run(endpoints.embeddings.embed_all(texts, model=model, **options))

    def stream_speech(
        self, text: str, *, model: str, **options: Unpack[SpeechOptions]
    ) -> Stream[bytes]:
        """Synthesize speech and yield the audio's bytes as they arrive.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/speech
        """
        listed = self._context.model_cache.get("tts")
        call = endpoints.speech.stream_speech(text, model=model, listed=listed, **options)
        return self.stream(call)

    def generate_image(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | Sequence[types.FileSource] | None = None,
        mask: types.FileSource | None = None,
        **options: Unpack[ImageOptions],
    ) -> types.GeneratedImages:
        """Generate images from a prompt, or from given images (bytes, path or URL).

        Follows https://docs.nano-gpt.com/api-reference/endpoint/image-generation-openai

        Raises:
            InvalidArgumentError: an argument is invalid, or the model does not support it;
                nothing was sent.
            NanoGPTError: the call failed; see `nanogpt_client.errors`.
        """
        return self.run(
            endpoints.images.generate_image(prompt, model=model, image=image, mask=mask, **options)
        )

    def generate_images(
        self,
        prompts: Sequence[str],
        *,
        model: str,
        max_concurrency: int = 4,
        **options: Unpack[ImageOptions],
    ) -> list[types.GeneratedImages]:
        """Generate images for several prompts, ``max_concurrency`` at a time, in their order.

        After a failure no further request is sent; the error's ``partial`` has what arrived.
        """
        flow = endpoints.batch.generate_images(
            prompts, model=model, max_concurrency=max_concurrency, **options
        )
        return self.run(flow)

    def edit_image(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | Sequence[types.FileSource],
        mask: types.FileSource | None = None,
        **options: Unpack[ImageOptions],
    ) -> types.GeneratedImages:
        """Edit images (bytes, path or URL); a mask restricts the edit to a region.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/image-edits
        """
        return self.run(
            endpoints.images.edit_image(prompt, model=model, image=image, mask=mask, **options)
        )

    def speak(self, text: str, *, model: str, **options: Unpack[SpeechOptions]) -> types.Speech:
        """Synthesize speech and return the audio; waits for jobs and downloads URLs.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/speech
        """
        return self.run(endpoints.speech.speak(text, model=model, **options))

    def speak_long(
        self, text: str, *, model: str, max_concurrency: int = 4, **options: Unpack[SpeechOptions]
    ) -> types.Speech:
        """Synthesize a text of any length: split at sentences, joined into one audio file.

        Only WAV, PCM, MP3 and AAC can be joined; another ``response_format`` is refused, unsent.
        """
        return self.run(
            endpoints.batch.speak_long(
                text, model=model, max_concurrency=max_concurrency, **options
            )
        )

    def transcribe(
        self, audio: types.FileSource, *, model: str, **options: Unpack[TranscriptionOptions]
    ) -> types.Transcript:
        """Transcribe an audio file (bytes, path or URL); waits for jobs.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/audio-transcriptions
        """
        return self.run(endpoints.transcription.transcribe(audio, model=model, **options))

    def transcribe_all(
        self,
        recordings: Sequence[types.FileSource],
        *,
        model: str,
        max_concurrency: int = 4,
        **options: Unpack[TranscriptionOptions],
    ) -> list[types.Transcript]:
        """Transcribe several files, ``max_concurrency`` at a time, in their order.

        After a failure no further request is sent; the error's ``partial`` has what arrived.
        """
        return self.run(
            endpoints.batch.transcribe_all(
                recordings, model=model, max_concurrency=max_concurrency, **options
            )
        )

    @overload
    def download(self, file: str, *, max_bytes: int = ...) -> bytes: ...

    @overload
    def download(self, file: Downloadable, *, max_bytes: int = ...) -> Downloadable: ...

    def download(self, file: Any, *, max_bytes: int = MAX_DOWNLOAD_BYTES) -> Any:
        """Return a URL's bytes; or an image, video or speech with its bytes, downloaded if needed.

        The key is sent to NanoGPT's API only. More than ``max_bytes`` bytes are refused.

        Raises:
            NanoGPTError: the download failed, e.g. because the URL has expired.
        """
        if isinstance(file, str):
            return self.run(endpoints.media.download(file, max_bytes=max_bytes))
        return self.run(endpoints.media.download_file(file, max_bytes=max_bytes))

    def search_web(self, query: str, **options: Unpack[WebSearchOptions]) -> types.WebSearchResult:
        """Search the web without a model; returns hits, a sourced answer or structured data.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/web-search
        """
        return self.send(endpoints.search.search_web(query, **options))

    def list_models(self, kind: ModelKind = "text", *, scope: ModelScope = "all") -> ModelList:
        """List the models of a kind, with prices and capabilities.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/models
        """
        return self.run(catalog.models(kind, scope=scope))

    def balance(self) -> types.Balance:
        """Return the account's balance and its Nano deposit address.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/check-balance
        """
        return self.send(endpoints.account.balance())

    def usage(
        self,
        *,
        from_date: str | None = None,
        to_date: str | None = None,
        group_by: str | None = None,
    ) -> types.UsageReport:
        """Return what this key spent between two days (``YYYY-MM-DD``, UTC), by day and model.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/usage
        """
        return self.send(
            endpoints.account.usage(from_date=from_date, to_date=to_date, group_by=group_by)
        )

    def subscription_usage(self) -> types.SubscriptionUsage:
        """Return how much of the subscription's allowance is used.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/subscription-usage
        """
        return self.send(endpoints.account.subscription_usage())

    def estimate_chat_cost(
        self, messages: str | Sequence[MessageDict], *, model: str
    ) -> types.CostEstimate:
        """Return NanoGPT's estimate of a chat's cost in USD."""
        return self.send(endpoints.account.estimate_chat_cost(messages, model=model))

    def estimate_image_cost(
        self, *, model: str, size: str | None = None, n: int = 1
    ) -> types.CostEstimate:
        """Return NanoGPT's estimate of the cost of ``n`` images in USD."""
        return self.send(endpoints.account.estimate_image_cost(model=model, size=size, n=n))

    def estimate_media_cost(
        self, kind: ModelKind, *, model: str, **work: Unpack[WorkOptions]
    ) -> types.CostEstimate:
        """Estimate the cost of speech (``tts``), ``stt``, ``video`` or ``image`` in USD.

        Computed from the prices of the model list; free.
        """
        return self.run(endpoints.account.estimate_media_cost(kind, model=model, **work))

    def can_afford(
        self,
        messages: str | Sequence[MessageDict] | None = None,
        *,
        model: str,
        **work: Unpack[WorkOptions],
    ) -> types.Affordability:
        """Compare the balance with the estimated cost of a chat, or of media (`WorkOptions`)."""
        return self.run(endpoints.account.can_afford(messages, model=model, **work))

    def create_deposit(self, ticker: str, amount: Decimal | float | str) -> types.Deposit:
        """Create an address or a payment link for a deposit, e.g. ``("btc", "0.001")``.

        Follows https://docs.nano-gpt.com/api-reference/endpoint/crypto-deposits
        """
        return self.send(endpoints.account.create_deposit(ticker, amount))

    def deposit_limits(self, ticker: str) -> types.DepositLimits:
        """Return the smallest and the largest deposit in a currency."""
        return self.send(endpoints.account.deposit_limits(ticker))

    def deposit_status(self, ticker: str, deposit_id: str) -> types.Deposit:
        """Return the current status of a deposit."""
        return self.send(endpoints.account.deposit_status(ticker, deposit_id))

    def send(self, call: Call[T]) -> T:
        """Perform one call, e.g. to a route that this class has no method for."""
        return self._runner.send(call)

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow: a generator that yields calls and receives their parsed responses."""
        return self._runner.run(flow)

    def stream(self, call: StreamCall[Item]) -> Stream[Item]:
        """Perform a call whose response is streamed."""
        decoder = DecoderInUse(call.decoder)
        return Stream(self._runner.stream(replace(call, decoder=decoder)), decoder)

    def close(self) -> None:
        """Close the connections that this client opened; ``http_client`` stays open."""
        self._transport.close()
        if self._made is not None:
            self._renewed().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
