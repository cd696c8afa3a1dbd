"""Server-sent events without I/O: chunks of bytes in, the ``data`` of complete events out.

The part of https://html.spec.whatwg.org/multipage/server-sent-events.html that chat streams use:
``event``, ``id``, ``retry`` and comments are ignored. A last event without its blank line counts,
as NanoGPT's streams may end so.
"""

from __future__ import annotations

from nanogpt_client.errors import InvalidResponseError

# A picture of 4K has up to 30 MB and comes in one event, which may have it twice: a last event may
# repeat the whole message.
MAX_EVENT_BYTES = 64 * 1024 * 1024


class SSEDecoder:
    """Splits a byte stream into events. Line ends may be LF, CRLF or CR, also mixed."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of each event that these bytes complete.

        Raises:
            InvalidResponseError: one event is larger than 64 MiB.
        """
        buffer = self._buffer
        searched = max(len(buffer) - 1, 0)
        buffer += self._unix(data) if b"\r" in data or self._after_cr else data
        if buffer.find(b"\n\n", searched) < 0:
            if len(buffer) > MAX_EVENT_BYTES:
                msg = f"one event of the stream is larger than {MAX_EVENT_BYTES // 2**20} MiB"
                raise InvalidResponseError(msg, maybe_billed=True)
            return []
        *blocks, rest = bytes(buffer).split(b"\n\n")
        self._buffer = bytearray(rest)
        return [event for event in map(_data, blocks) if event is not None]

    def close(self) -> list[bytes]:
        """Return the last event if its blank line is missing."""
        block, self._buffer = bytes(self._buffer), bytearray()
        event = _data(block)
        return [] if event is None else [event]

    def _unix(self, data: bytes) -> bytes:
        """Replace every line end by LF; a CR at the end may be the first half of a CRLF."""
        second_half = self._after_cr and data.startswith(b"\n")
        if data:
            self._after_cr = data.endswith(b"\r")
        return data[second_half:].replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _data(block: bytes) -> bytes | None:
    """Join the data lines of one event; ``None`` if it has none."""
    if block.startswith(b"data: ") and b"\n" not in block:  # nearly every event, and large ones
        return block[6:]
    lines = [
        line[5:].removeprefix(b" ")
        for line in block.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None
