"""What an endpoint returns: a `Call`, which describes a request and how to parse the response.

A `Call` is data; nothing is sent until a client performs it.
"""

from __future__ import annotations

import enum
import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import IO, Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import urljoin

from nanogpt_client.errors import NanoGPTError, StreamInterruptedError
from nanogpt_client.types._coerce import loads

T = TypeVar("T")
Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)

Root = Literal["chat", "v1", "api", "direct", "beta"]

# A shorter placeholder key, such as "any", is a normal word in many responses and is not redacted.
MIN_REDACTED_LENGTH = 8


class RetrySafety(enum.Enum):
    """When a call may be sent again automatically."""

    ALWAYS = "nothing is billed or changed: also if no response came"
    IF_REJECTED = "billable: if it never reached NanoGPT, or NanoGPT itself asked to try again"
    IF_NOT_SENT = "submits a job or a payment: only if it never reached NanoGPT"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete response: status, lower-case headers, body; with the attributes of httpx's.

    ``origin`` is the scheme, host and port that relative URLs in it refer to.
    """

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    origin: str = ""

    def absolute(self, url: str) -> str:
        """Return a URL from the response as an absolute URL; other text stays as it is."""
        try:
            return urljoin(self.origin, url)
        except ValueError:  # half an IPv6 address
            return url

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body as JSON; raise `ValueError` if it is not."""
        return loads(self.body)

    def without(self, key: str, *, in_body: bool = True) -> Reply:
        """Return the response with every quotation of the key redacted."""
        if len(key) < MIN_REDACTED_LENGTH:
            return self
        headers = {name: value.replace(key, "***") for name, value in self.headers.items()}
        body = self.body.replace(key.encode(), b"***") if in_body else self.body
        return Reply(self.status_code, headers, body, self.origin)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id") or None


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a multipart form."""

    name: str
    data: bytes = field(repr=False)
    content_type: str = "application/octet-stream"
    stream: IO[bytes] | None = field(default=None, repr=False)
    """An open file to send instead of ``data``, from its start each time."""

    @property
    def content(self) -> bytes | IO[bytes]:
        """What is sent."""
        return self.data if self.stream is None else self.stream


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request: everything that a transport needs."""

    method: str
    path: str
    root: Root = "v1"
    content: bytes | None = field(default=None, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    files: Sequence[tuple[str, FilePart]] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    download_limit: int | None = None
    """Bytes; set for a media download, whose ``path`` is a URL. At most this much is read."""
    sink: IO[bytes] | None = field(default=None, repr=False)
    """An open file that a successful response's body is written to; the reply then has none."""
    addresses: Sequence[str] = ()
    """The addresses of a download's host that were checked: connect to these only."""

    def encoded(self, compress_above: int | None) -> tuple[bytes, dict[str, str]]:
        """Return the JSON body and its headers; larger bodies of chat requests are gzipped."""
        body, headers = self.content or b"", {"Content-Type": "application/json"}
        if compress_above is None or self.root != "chat" or len(body) <= compress_above:
            return body, headers
        # The fastest level: slower ones take longer than the bytes that they save.
        return gzip.compress(body, 1, mtime=0), headers | {"Content-Encoding": "gzip"}

    @property
    def json(self) -> Any:
        """The JSON body, parsed; ``None`` without one."""
        return None if self.content is None else loads(self.content)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and how to parse its response.

    Attributes:
        kind: the category in the ledger: chat, embedding, image, speech, …
        model: the model, if any.
        resend: when it may be sent again automatically.
        billable: whether NanoGPT charges for it, so that a `Budget` applies.
        estimate: returns the estimated cost in USD, ``None`` if unknown; called for a `Budget`.
        run_id: the job whose status it requests; the response is then a `JobStatus`, and its final
            cost corrects the one recorded for the submission.
        refusal: turns an error response into an exception, where another server than NanoGPT
            answers.
        payment_id: the payment that it completes; it is then paid already.
        charged_later: whether NanoGPT charges nothing now, but at the end of the work: the ledger
            has 0, and a `Budget` keeps the estimate until a `Settled` step.
    """

    request: Request
    parse: Callable[[Reply], T]
    kind: str
    model: str | None = None
    resend: RetrySafety = RetrySafety.ALWAYS
    billable: bool = False
    estimate: Callable[[], Decimal | None] | None = None
    run_id: str | None = None
    refusal: Callable[[Reply], NanoGPTError] | None = None
    payment_id: str | None = None
    charged_later: bool = False


class Decoder(Protocol[Item_co]):
    """Turns the bytes of a stream into items, and decides when the stream is complete.

    No method raises: an error is stored in ``failure``, so that the items before it, in the same
    bytes, are not lost.
    """

    @property
    def failure(self) -> NanoGPTError | None:
        """The error that ended the stream; nothing is fed after it."""

    @property
    def events(self) -> int:
        """Number of events so far; comments do not count."""

    @property
    def finished(self) -> bool:
        """Whether the response is complete, though usage may still follow."""

    @property
    def done(self) -> bool:
        """Whether the stream has ended."""

    def feed(self, data: bytes) -> Iterable[Item_co]:
        """Return the items in these bytes; the caller consumes them before it feeds more."""

    def whole(self, reply: Reply) -> Sequence[Item_co]:
        """Read a complete response that came instead of a stream."""

    def eof(self) -> Sequence[Item_co]:
        """Note that the server has closed the stream."""

    def end(self) -> Sequence[Item_co]:
        """Return the items that are only yielded at the end of a finished stream."""

    def snapshot(self) -> Any:
        """Return the call's result so far, from the items consumed."""

    def partial(self) -> Any:
        """Return the call's result so far, from all bytes fed."""


class DecoderInUse:
    """Makes the decoders of one stream, one for each time it is sent; reads from the latest."""

    def __init__(self, make: Callable[[Mapping[str, str]], Decoder[Any]]) -> None:
        self._make = make
        self._decoder = make({})

    def __call__(self, headers: Mapping[str, str]) -> Decoder[Any]:
        self._decoder = self._make(headers)
        return self._decoder

    def snapshot(self) -> Any:
        """Return the result so far, from the items consumed."""
        return self._decoder.snapshot()

    def final(self) -> Any:
        """Return the complete result of a stream that was read to its end.

        Raises:
            NanoGPTError: it failed, or was closed early; ``partial`` is what had arrived.
        """
        partial, decoder = self._decoder.partial(), self._decoder
        if decoder.failure is None and (decoder.done or decoder.finished):
            return partial
        error = decoder.failure or StreamInterruptedError(
            "the stream failed, or was closed, before the response was finished"
        )
        error.partial = partial
        raise error


@dataclass(frozen=True, slots=True)
class StreamCall(Generic[Item]):
    """One request whose response is a stream, with a new decoder for each time it is sent."""

    request: Request
    decoder: Callable[[Mapping[str, str]], Decoder[Item]]
    kind: str
    model: str | None = None
    resend: RetrySafety = RetrySafety.IF_REJECTED
    billable: bool = True
    estimate: Callable[[], Decimal | None] | None = None
    refusal: Callable[[Reply], NanoGPTError] | None = None
    payment_id: str | None = None
