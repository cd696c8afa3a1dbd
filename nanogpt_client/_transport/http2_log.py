"""Keeps the key out of what the HTTP/2 library logs at level DEBUG.

Its encoder redacts ``authorization``, but logs every other header in clear and then the whole
encoded block, from which any header can be decoded again.
"""

from __future__ import annotations

import logging

__all__ = ["redact_http2_log"]

_SECRET = {b"authorization", b"proxy-authorization", b"x-api-key"}
_REDACTED = b"SENSITIVE_REDACTED"


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without what is secret in it."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        if str(record.msg).startswith("Encoded header block"):
            record.args = (_REDACTED,) * len(arguments)
        elif _SECRET.intersection(each for each in arguments if isinstance(each, bytes)):
            name, _value, *rest = arguments
            record.args = (name, _REDACTED, *rest)
        return True


_redacting = _Redacting()


def redact_http2_log() -> None:
    """Make sure of it; a second time does nothing."""
    for name in ("hpack.hpack", "hpack.table"):
        logging.getLogger(name).addFilter(_redacting)
