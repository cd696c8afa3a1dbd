"""NanoGPT's sample replies on a loopback socket, and what every client is asked over them.

Shared by the tables of both frameworks. It runs in the peers' environment as well, so it imports
the standard library alone. Every client gets the same bytes: the samples, filled with fields that
some client refuses to do without, so that one such field does not hide all that it keeps.

    with serving("stream-cut") as server:
        ChatOpenAI(base_url=server.base_url, ...)
        assert server.posts == 1
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.paths import SAMPLES
from tests.support.rawserver import EVENT_STREAM_UNTIL_CLOSE, End, RawServer, Script, http_reply

MODEL = "openai/gpt-5.2"
KEY = "sk-nano-of-the-comparison"
QUESTION = "What is Nano?"

# NanoGPT documents neither as certain; `langchain_openrouter` refuses answers without them.
FILLED = {"created": 1771500000, "system_fingerprint": "fp_sample"}

_DAILY_LIMIT = b'{"error": {"message": "daily limit", "code": "daily_usd_limit_exceeded"}}'
# Named like samples: the request arrives, and then ...
BROKEN: dict[str, Script] = {
    "dropped": [End.RESET],  # ... no answer comes: nobody knows whether it is billed
    "daily-limit": [http_reply(_DAILY_LIMIT, status=429)],  # ... waiting does not help today
}


def is_stream(sample: str) -> bool:
    """Whether a sample is the answer to a request for a stream."""
    return (SAMPLES / sample / "stream.sse").exists()


def script_of(sample: str) -> Script:
    """Return how the server answers with a sample; ``"plain"`` is one that nothing is added to."""
    if sample in BROKEN:
        return BROKEN[sample]
    if sample == "plain":
        return [http_reply((SAMPLES / "chat-plain" / "reply.json").read_bytes())]
    folder = SAMPLES / sample
    if is_stream(sample):
        lines = (folder / "stream.sse").read_text("utf-8").split("\n")
        return [EVENT_STREAM_UNTIL_CLOSE, "\n".join(map(_filled, lines)).encode(), End.CLOSE]
    status = json.loads((folder / "expected.json").read_text("utf-8")).get("status", 200)
    if (folder / "reply.html").exists():
        html = (folder / "reply.html").read_bytes()
        return [http_reply(html, status=status, headers={"content-type": "text/html"})]
    text = (folder / "reply.json").read_text("utf-8")
    return [http_reply(_filled(text).encode(), status=status)]


def _filled(text: str) -> str:
    """Add what `FILLED` names to an answer or a frame, unless it has it or is an error."""
    head, brace, rest = text.partition("{")
    try:
        body = json.loads(brace + rest)
    except ValueError:
        return text
    if "choices" not in body:
        return text
    return head + json.dumps(FILLED | {"model": MODEL} | body, ensure_ascii=False)


@contextmanager
def serving(sample: str) -> Iterator[RawServer]:
    """Answer every request with a sample, and count them."""
    with RawServer(script_of(sample)) as server:
        yield server
