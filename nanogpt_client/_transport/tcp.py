"""What the kernel knows of a connection: whether the other side can have read what was sent.

The end of a connection (FIN) says up to which byte the other side had received. Where that is none
of a request, its program had closed the connection before, and cannot have read any of it later.
A reset proves nothing: it comes also from a server that has read the request and then died.
Only Linux tells; elsewhere nothing is known.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from typing import Any, NamedTuple

__all__ = ["TCPState", "errno_of", "tcp_state"]

# ``struct tcp_info`` of <linux/tcp.h>: the state is its first byte, ``tcpi_bytes_acked`` a 64-bit
# number at byte 120.
_SIZE, _ACKED = 128, struct.Struct("=Q")
_CLOSED, _CLOSE_WAIT, _LAST_ACK = 7, 8, 9
_OPTION = getattr(socket, "TCP_INFO", None) if sys.platform == "linux" else None


class TCPState(NamedTuple):
    """``acked``: bytes that the other side has received; ``ended``: it had closed before those."""

    acked: int
    ended: bool
    reset: bool


def tcp_state(connection: Any) -> TCPState | None:
    """Return the state of a socket; ``None`` if nothing is known."""
    if _OPTION is None or connection is None:
        return None
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, _OPTION, _SIZE)
        if len(info) < _SIZE:
            return None
        state, error = info[0], 0
        if state == _CLOSED:
            # A reset after the end is told as EPIPE, one without as ECONNRESET.
            error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    except (OSError, ValueError, AttributeError):  # closed meanwhile, or no TCP
        return None
    ended = state in {_CLOSE_WAIT, _LAST_ACK} or error == errno.EPIPE
    return TCPState(_ACKED.unpack_from(info, 120)[0], ended, error == errno.ECONNRESET)


def errno_of(error: BaseException | None) -> set[int]:
    """Return the numbers of the operating system's errors behind an exception."""
    found: set[int] = set()
    seen: list[BaseException | None] = [error]
    for one in seen:
        if one is None:
            continue
        if isinstance(one, OSError) and one.errno is not None:
            found.add(one.errno)
        if isinstance(one, BaseExceptionGroup):
            seen += one.exceptions
        seen += [e for e in (one.__cause__, one.__context__) if e is not None and e not in seen]
    return found
