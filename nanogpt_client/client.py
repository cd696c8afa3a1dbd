"""The blocking client: performs what the endpoints' calls and flows ask for.

Every method is one line: which endpoint, performed how. All rules live elsewhere, and
`async_client` is this file with ``await``.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack, overload

from nanogpt_client import endpoints, types
from nanogpt_client._base_client import BaseClient
from nanogpt_client._media.files import MAX_DOWNLOAD_BYTES
from nanogpt_client._protocol.call import Call, DecoderInUse, StreamCall
from nanogpt_client._protocol.policy import run_flow, send_with_retries, stream_events
from nanogpt_client._protocol.steps import (
    Block,
    CallUser,
    Chunk,
    Connected,
    Flow,
    Gather,
    Open,
    OtherStep,
    Outcome,
    Read,
    Resolve,
    Send,
    Sleep,
    Step,
    Steps,
    Unreachable,
    Yield,
)
from nanogpt_client._transport.concurrency import block, in_threads, invoke
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
    VideoJobOptions,
    VideoOptions,
    WaitOptions,
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
    """A streamed answer: iterate over it; nothing is sent before the first item is asked for.

    `snapshot` is the answer so far, and `get_final` the whole one.

    Leaving the loop early frees the connection; so do `close` and a ``with`` block.

    Raises:
        NanoGPTError: while iterating, if the stream does not end with a finished answer; its
            ``partial`` holds what had arrived.
    """

    def __init__(self, items: Generator[Item, None, None], decoder: DecoderInUse) -> None:
        self._items = items
        self._decoder = decoder

    def __iter__(self) -> Iterator[Item]:
        return self._items

    def __next__(self) -> Item:
        return next(self._items)

    @overload
    def get_final(self: Stream[ChatChunk]) -> ChatCompletion: ...

    @overload
    def get_final(self: Stream[bytes]) -> types.Speech: ...

    def get_final(self) -> Any:
        """Read to the end, and return the whole answer: a `ChatCompletion`, or `Speech` of sound.

        Raises:
            NanoGPTError: the stream does not end with a finished answer, or was closed before;
                ``partial`` holds what had arrived.
        """
        for _ in self._items:
            pass
        return self._decoder.final()

    @property
    def snapshot(self: Stream[ChatChunk]) -> ChatCompletion:
        """The answer as far as the chunks so far bring it; it does not change with later ones."""
        completion: ChatCompletion = self._decoder.snapshot()
        return completion

    def close(self) -> None:
        """Stop reading and free the connection."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()


class NanoGPTClient(BaseClient):
    """NanoGPT for blocking code.

    Every call is sent at most once unless sending it again provably cannot bill twice, and leaves
    an entry in `ledger`. Use it as a context manager, or `close` it. Safe to share between threads.

    Args:
        api_key: NanoGPT's key; by default the variable ``NANOGPT_API_KEY``.
        base_url: by default the variable ``NANOGPT_BASE_URL``, or NanoGPT itself.
        timeout: seconds to wait for a whole answer; ``None`` waits for ever.
        max_retries: how often a call may be sent again when that cannot bill twice.
        max_connections: connections open at the same time, by default 1,000 or half of the file
            descriptors of the process; further calls queue for one, unsent, and none of their
            timeouts runs meanwhile. A stream keeps its own until it has ended or is closed: who
            makes further calls within streams needs more connections than such streams.
        requests_per_second: a pace for all calls, such as NanoGPT's 25; by default the client finds
            one from the first time that NanoGPT asks it to wait (429).
        rate_limit_wait: seconds that a call may wait in all because NanoGPT asks it to, by default
            its timeout; such waits take none of ``max_retries``.
        retry_after_cap: seconds; if a failing server asks to wait longer, the error is raised at
            once.
        stream_idle_timeout: seconds of silence allowed between a stream's events.
        first_event_timeout: seconds allowed until a stream's first event.
        http_client: an httpx client to send with (proxies, HTTP/2, …); yours to close.
        default_headers: headers for every request.
        budget: refuses calls once its limit is reached; may be shared between clients.
        ledger: where calls are booked; may be shared between clients.
        allow_private_downloads: fetch media from addresses inside private networks, too.
        compress_above: bytes; larger bodies of chats are sent gzipped; ``None`` for never.
        pickle_api_key: let pickles of the client hold the key, in clear, for worker processes
            without ``NANOGPT_API_KEY``. By default they hold none, and the environment where a
            pickle is read has the key; copies within the process always keep it.
        on_request: called with a `CallEvent` for each request, likewise ``on_response`` for each
            answer and ``on_retry`` before a request is sent again.

    Raises:
        ConfigurationError: no key is to be found, or a setting makes no sense.
    """

    _transport_class = "Transport"
    _transport: Transport

    def chat(
        self, messages: str | Sequence[MessageDict], *, model: str, **options: Unpack[ChatOptions]
    ) -> ChatCompletion:
        """Answer, whole. ``messages`` is a conversation, or just the user's text.

        Raises:
            InvalidArgumentError: an argument is wrong; nothing was sent.
            NanoGPTError: see `nanogpt_client.errors`.
        """
        return self.send(chat.chat(messages, model=model, **options))

    def stream_chat(
        self, messages: str | Sequence[MessageDict], *, model: str, **options: Unpack[ChatOptions]
    ) -> Stream[ChatChunk]:
        """Answer in pieces; the last one brings finish reason, usage and billing."""
        return self.stream(chat.stream_chat(messages, model=model, **options))

    def embed(
        self, texts: str | Sequence[str], *, model: str, **options: Unpack[EmbeddingOptions]
    ) -> types.Embeddings:
        """Return ``.vectors``, float32 of shape (n, dim), for up to 2048 texts."""
        return self.send(endpoints.embeddings.embed(texts, model=model, **options))

    def embed_all(
        self,
        texts: Iterable[str],
        *,
        model: str,
        **options: Unpack[EmbeddingBatchOptions],
    ) -> NDArray[np.float32]:
        """Return the vectors of any number of texts, float32 of shape (n, dim), in their order.

        They are sent in batches of at most ``batch_size`` texts (2,048) and ``max_batch_bytes``
        bytes (800,000), ``max_concurrency`` (4) at a time; ``on_progress`` receives each batch.

        Raises:
            InvalidArgumentError: an item is not a text, or a limit is out of range; unsent.
            NanoGPTError: a batch failed, and no further one was begun. What had arrived, or was on
                its way, is paid for: ``partial``, a `PartialEmbeddings`, has it.
        """
        return self.run(endpoints.embeddings.embed_all(texts, model=model, **options))

    def stream_speech(
        self, text: str, *, model: str, **options: Unpack[SpeechOptions]
    ) -> Stream[bytes]:
        """Speak a text, the sound's bytes in pieces as they come."""
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
        """Draw, or change the given pictures (bytes, path or URL)."""
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
        """Generate images for several prompts, in order; an error's ``partial`` has the rest."""
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
        """Change a picture through the edits route; a mask limits where."""
        return self.run(
            endpoints.images.edit_image(prompt, model=model, image=image, mask=mask, **options)
        )

    def speak(self, text: str, *, model: str, **options: Unpack[SpeechOptions]) -> types.Speech:
        """Speak a text; jobs are waited for and URLs fetched."""
        return self.run(endpoints.speech.speak(text, model=model, **options))

    def speak_long(
        self, text: str, *, model: str, max_concurrency: int = 4, **options: Unpack[SpeechOptions]
    ) -> types.Speech:
        """Speak a text of any length, cut at its sentences and joined into one file."""
        return self.run(
            endpoints.batch.speak_long(
                text, model=model, max_concurrency=max_concurrency, **options
            )
        )

    def transcribe(
        self, audio: types.FileSource, *, model: str, **options: Unpack[TranscriptionOptions]
    ) -> types.Transcript:
        """Write down what is said in a file (bytes, path) or under a URL; jobs are waited for."""
        return self.run(endpoints.transcription.transcribe(audio, model=model, **options))

    def transcribe_all(
        self,
        recordings: Sequence[types.FileSource],
        *,
        model: str,
        max_concurrency: int = 4,
        **options: Unpack[TranscriptionOptions],
    ) -> list[types.Transcript]:
        """Transcribe several, in their order; an error's ``partial`` has those finished."""
        return self.run(
            endpoints.batch.transcribe_all(
                recordings, model=model, max_concurrency=max_concurrency, **options
            )
        )

    def submit_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | None = None,
        **options: Unpack[VideoOptions],
    ) -> types.VideoJob:
        """Order a video; it is charged now, and found again by the ticket's ``run_id``."""
        return self.run(endpoints.video.submit_video(prompt, model=model, image=image, **options))

    def video_status(self, run_id: str) -> types.VideoJob:
        """Ask how far a video is."""
        return self.send(endpoints.video.video_status(run_id))

    def wait_for_video(
        self, job: types.VideoJob | str, **options: Unpack[WaitOptions]
    ) -> types.Video:
        """Wait for a submitted video: ``poll_timeout`` (900) seconds, asking every 3 seconds."""
        return self.run(endpoints.video.wait_for_video(job, **options))

    def generate_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | None = None,
        **options: Unpack[VideoJobOptions],
    ) -> types.Video:
        """Order a video and wait for it; if that fails, the error's ``run_id`` finds it again."""
        return self.run(endpoints.video.generate_video(prompt, model=model, image=image, **options))

    def recover_videos(
        self, *, model: str | None = None, limit: int | None = None
    ) -> list[types.VideoJob]:
        """List this account's recent videos, e.g. after a crash."""
        return self.send(endpoints.video.recover_videos(model=model, limit=limit))

    @overload
    def download(self, file: str, *, max_bytes: int = ...) -> bytes: ...

    @overload
    def download(self, file: Downloadable, *, max_bytes: int = ...) -> Downloadable: ...

    def download(self, file: Any, *, max_bytes: int = MAX_DOWNLOAD_BYTES) -> Any:
        """Fetch a URL's bytes; or return an image, video or speech with its bytes, fetched if need.

        The key goes to NanoGPT's API alone.

        Raises:
            NanoGPTError: it cannot be fetched (any more); a result's URL stands in the message.
        """
        if isinstance(file, str):
            return self.run(endpoints.media.download(file, max_bytes=max_bytes))
        return self.run(endpoints.media.download_file(file, max_bytes=max_bytes))

    def search_web(self, query: str, **options: Unpack[WebSearchOptions]) -> types.WebSearchResult:
        """Search the web without a model: hits, a sourced answer, or a structured one."""
        return self.send(endpoints.search.search_web(query, **options))

    def list_models(self, kind: ModelKind = "text", *, scope: ModelScope = "all") -> ModelList:
        """List models with prices and capabilities."""
        return self.run(catalog.models(kind, scope=scope))

    def balance(self) -> types.Balance:
        """Ask what is on the account, and for its Nano deposit address."""
        return self.send(endpoints.account.balance())

    def usage(
        self,
        *,
        from_date: str | None = None,
        to_date: str | None = None,
        group_by: str | None = None,
    ) -> types.UsageReport:
        """Ask what this key spent between two days (``YYYY-MM-DD``, UTC), by day and model."""
        return self.send(
            endpoints.account.usage(from_date=from_date, to_date=to_date, group_by=group_by)
        )

    def subscription_usage(self) -> types.SubscriptionUsage:
        """Ask how much of the subscription's allowance is used."""
        return self.send(endpoints.account.subscription_usage())

    def estimate_chat_cost(
        self, messages: str | Sequence[MessageDict], *, model: str
    ) -> types.CostEstimate:
        """Ask what a chat would cost in USD."""
        return self.send(endpoints.account.estimate_chat_cost(messages, model=model))

    def estimate_image_cost(
        self, *, model: str, size: str | None = None, n: int = 1
    ) -> types.CostEstimate:
        """Ask what ``n`` pictures of a size would cost in USD."""
        return self.send(endpoints.account.estimate_image_cost(model=model, size=size, n=n))

    def estimate_media_cost(
        self, kind: ModelKind, *, model: str, **work: Unpack[WorkOptions]
    ) -> types.CostEstimate:
        """Return what speech (``tts``), ``stt``, ``video`` or ``image`` work would cost in USD."""
        return self.run(endpoints.account.estimate_media_cost(kind, model=model, **work))

    def can_afford(
        self,
        messages: str | Sequence[MessageDict] | None = None,
        *,
        model: str,
        **work: Unpack[WorkOptions],
    ) -> types.Affordability:
        """Compare the balance with the cost of a chat, a text to speak, seconds, or pictures."""
        return self.run(endpoints.account.can_afford(messages, model=model, **work))

    def create_deposit(self, ticker: str, amount: Decimal | float | str) -> types.Deposit:
        """Order an address or a payment link for a deposit, e.g. ``("btc", "0.001")``."""
        return self.send(endpoints.account.create_deposit(ticker, amount))

    def deposit_limits(self, ticker: str) -> types.DepositLimits:
        """Ask for the smallest and largest deposit in a coin."""
        return self.send(endpoints.account.deposit_limits(ticker))

    def deposit_status(self, ticker: str, deposit_id: str) -> types.Deposit:
        """Ask how far a deposit is."""
        return self.send(endpoints.account.deposit_status(ticker, deposit_id))

    def send(self, call: Call[T]) -> T:
        """Perform one call, e.g. one that this class has no method for."""
        return self._run_steps(send_with_retries(call, self._context))

    def run(self, flow: Flow[T]) -> T:
        """Perform a flow: a generator that yields calls and receives their answers."""
        return self._run_steps(run_flow(flow, self._context))

    def stream(self, call: StreamCall[Item]) -> Stream[Item]:
        """Perform a call whose answer comes in pieces."""
        decoder = DecoderInUse(call.decoder)
        return Stream(self._iterate(replace(call, decoder=decoder)), decoder)

    def close(self) -> None:
        """Free the connections that this client opened; an injected client stays open."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _run_steps(self, steps: Steps[T]) -> T:
        """Act out a generator's steps and return what it returns."""
        self._transport.ready()
        try:
            step = next(steps)
            while True:
                step = steps.send(self._execute(step))
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            steps.close()  # a cancelled call ends here, and books itself as abandoned

    def _iterate(self, call: StreamCall[Item]) -> Generator[Item, None, None]:
        """Act out a stream's steps, handing its items on; close what was opened, come what may."""
        self._transport.ready()
        steps = stream_events(call, self._context)
        connection: Any = None
        try:
            step = next(steps)
            while True:
                if isinstance(step, Yield):
                    for item in step.items:  # noqa: UP028 - the async twin cannot `yield from`
                        yield item
                    step = next(steps)
                    continue
                outcome = self._execute(step)
                if isinstance(outcome, Connected):
                    connection = outcome.connection
                step = steps.send(outcome)
        except StopIteration:
            pass
        finally:
            steps.close()
            if connection is not None:
                connection.close()

    def _execute(self, step: Step) -> Outcome:
        match step:
            case Send(request):
                return self._transport.send(request)
            case Open(request, limit):
                return self._transport.open(request, limit)
            case Read(connection, limit):
                chunk: Chunk | Unreachable = connection.read(limit)
                return chunk
            case _:
                return self._execute_other(step)

    def _execute_other(self, step: OtherStep) -> Outcome:
        match step:
            case Resolve(url):
                return self._transport.resolve(url)
            case CallUser():
                return invoke(step)
            case Block():
                return block(step)
            case Gather(flows, max_concurrency):
                return in_threads(self.run, flows, max_concurrency)
            case Sleep(seconds):
                time.sleep(seconds)
                return None
