"""What an endpoint returns: a description of how to ask (`Call`) and how to read the answer.

A `Call` is data. Nothing is sent until a client performs it.
"""

from __future__ import annotations

import enum
import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Literal, Protocol, TypeVar
from urllib.parse import urljoin

from nanogpt_client.errors import NanoGPTError, StreamInterruptedError
from nanogpt_client.types._coerce import loads

T = TypeVar("T")
Item = TypeVar("Item")
Item_co = TypeVar("Item_co", covariant=True)

Root = Literal["chat", "v1", "api"]

# A stand-in for a key that is shorter, such as "any", is an ordinary word of many answers.
SHORTEST_KEY = 8


class RetrySafety(enum.Enum):
    """When a call may be sent a second time without the caller asking for it."""

    ALWAYS = "nothing is charged or changed: whenever no answer came, too"
    IF_REJECTED = "billable: if it never reached NanoGPT, or NanoGPT itself answered 'try again'"
    IF_NOT_SENT = "submits a job or a payment: only if it never reached NanoGPT"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: status, lower-case headers, body. Has the attributes of httpx's response.

    ``origin`` is where it came from, and where the relative URLs in it lead.
    """

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    origin: str = ""

    def absolute(self, url: str) -> str:
        """Return a URL of the answer as an absolute one; what is no URL stays what it is."""
        try:
            return urljoin(self.origin, url)
        except ValueError:  # half an IPv6 address
            return url

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Parse the body; a `ValueError` if it is no JSON."""
        return loads(self.body)

    def without(self, key: str, *, in_body: bool = True) -> Reply:
        """Return the answer with a key blotted out that the server quotes."""
        if len(key) < SHORTEST_KEY:
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


@dataclass(frozen=True, slots=True)
class Request:
    """How to ask: everything a transport needs."""

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
    """Set for a media download: ``path`` is then a URL, and this many bytes at most are read."""
    addresses: Sequence[str] = ()
    """Addresses of a download's host that were found to be public: connect to these alone."""

    def encoded(self, compress_above: int | None) -> tuple[bytes, dict[str, str]]:
        """Return the JSON body and its headers; a chat's larger than that many bytes is gzipped."""
        body, headers = self.content or b"", {"Content-Type": "application/json"}
        if compress_above is None or self.root != "chat" or len(body) <= compress_above:
            return body, headers
        # The fastest level: what the slower ones save more is not worth their time on any network.
        return gzip.compress(body, 1, mtime=0), headers | {"Content-Encoding": "gzip"}

    @property
    def json(self) -> Any:
        """The JSON body as it is sent, parsed again; ``None`` without one."""
        return None if self.content is None else loads(self.content)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request and the reading of its answer.

    Attributes:
        kind: what the ledger books it under: chat, embedding, image, speech, …
        model: the model asked, if any.
        resend: when it may be sent again.
        billable: whether NanoGPT charges for it, so that a `Budget` guards it.
        estimate: what it may cost in USD, asked only if there is a `Budget`; ``None`` is unknown.
        run_id: the job whose status it asks for; the answer then is a `JobStatus`, and its final
            cost corrects what the job's submission was recorded with.
        refusal: turns an answer with an error status into an exception, where it is not NanoGPT
            that answers.
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


class Decoder(Protocol[Item_co]):
    """Turns the bytes of a stream into items, and knows when the stream is whole.

    No method raises: what goes wrong stands in ``failure``, so that items which came before it in
    the same bytes are not lost.
    """

    @property
    def failure(self) -> NanoGPTError | None:
        """What broke the stream; nothing is fed after it."""

    @property
    def events(self) -> int:
        """How many events have come; comments are none."""

    @property
    def finished(self) -> bool:
        """Whether the answer is whole, though the stream may still say something."""

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""

    def feed(self, data: bytes) -> Iterable[Item_co]:
        """Return what these bytes bring; all of it is asked for before more is fed."""

    def whole(self, reply: Reply) -> Sequence[Item_co]:
        """Read an answer that came in one piece instead of a stream."""

    def eof(self) -> Sequence[Item_co]:
        """Note that the server has closed the stream."""

    def end(self) -> Sequence[Item_co]:
        """Return the items that a finished stream held back for its end."""

    def snapshot(self) -> Any:
        """Return what the items that were asked for add up to, as the call's whole result."""

    def partial(self) -> Any:
        """Return all that has arrived, as the call's whole result."""


class DecoderInUse:
    """Makes the decoders of one stream, and asks the newest for what has arrived."""

    def __init__(self, make: Callable[[Mapping[str, str]], Decoder[Any]]) -> None:
        self._make = make
        self._decoder = make({})

    def __call__(self, headers: Mapping[str, str]) -> Decoder[Any]:
        self._decoder = self._make(headers)
        return self._decoder

    def snapshot(self) -> Any:
        """Return what the items so far add up to."""
        return self._decoder.snapshot()

    def final(self) -> Any:
        """Return the whole result of a stream that was read to its end.

        Raises:
            NanoGPTError: it failed, or was closed before its end; ``partial`` has what arrived.
        """
        partial, decoder = self._decoder.partial(), self._decoder
        if decoder.failure is None and (decoder.done or decoder.finished):
            return partial
        error = decoder.failure or StreamInterruptedError(
            "the stream failed, or was closed, before the answer was finished"
        )
        error.partial = partial
        raise error


@dataclass(frozen=True, slots=True)
class StreamCall(Generic[Item]):
    """One request whose answer is a stream, with a fresh decoder for each time it is sent."""

    request: Request
    decoder: Callable[[Mapping[str, str]], Decoder[Item]]
    kind: str
    model: str | None = None
    resend: RetrySafety = RetrySafety.IF_REJECTED
    billable: bool = True
    estimate: Callable[[], Decimal | None] | None = None
    refusal: Callable[[Reply], NanoGPTError] | None = None
