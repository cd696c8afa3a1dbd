"""Prompt caching: what is written, what is read, what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, chat, chunks

CLAUDE, OPUS = "anthropic/claude-sonnet-4.6", "anthropic/claude-opus-4.6"
LONG = "All the rules of the house, one by one. " * 200
MARK = {"type": "ephemeral"}
HOUR = MARK | {"ttl": "1h"}
PLAIN: list[dict[str, Any]] = [{"role": "system", "content": LONG}, *HELLO]


def marked(text: str = LONG, control: Any = MARK) -> list[dict[str, Any]]:
    part = {"type": "text", "text": text, "cache_control": control}
    return [{"role": "system", "content": [part]}, *HELLO]


def counts(app: SandboxApp, talk: list[dict[str, Any]], **body: Any) -> tuple[int, int]:
    """Return the tokens written and read, as `usage` says."""
    usage = chat(app, talk, **{"model": CLAUDE} | body).json()["usage"]
    assert usage["prompt_tokens"] >= usage["prompt_tokens_details"]["cached_tokens"]
    return usage.get("cache_creation_input_tokens", 0), usage.get("cache_read_input_tokens", 0)


@pytest.mark.parametrize(("talk", "extra"), [
    (marked(), {}),
    (PLAIN, {"prompt_caching": {"enabled": True, "cut_after_message_index": 0}}),
    (PLAIN, {"prompt_caching": True}),
    (HELLO, {"tools": [{"type": "function", "cache_control": MARK,
                        "function": {"name": "look", "description": LONG}}]}),
])  # fmt: skip
def test_a_marked_prefix_is_written_then_read(talk, extra):
    app = SandboxApp()
    written, read = counts(app, talk, **extra)
    assert (written > 1024, read) == (True, 0)
    assert counts(app, talk, **extra) == (0, written)


def test_a_longer_conversation_reads_its_prefix_and_another_does_not():
    app = SandboxApp()
    written, _ = counts(app, marked())
    longer = [*marked(), {"role": "assistant", "content": "Hi."}, *HELLO]
    assert counts(app, longer) == (0, written)
    assert counts(app, marked(LONG + "!"))[1] == 0
    assert counts(app, marked(), model=OPUS)[1] == 0


@pytest.mark.parametrize(("talk", "extra"), [
    (PLAIN, {}), (marked("short"), {}),
    (PLAIN, {"prompt_caching": {"enabled": True, "explicit_cache_control": True}}),
])  # fmt: skip
def test_what_is_not_cached(talk, extra):
    app = SandboxApp()
    assert [counts(app, talk, **extra) for _ in range(2)] == [(0, 0)] * 2


@pytest.mark.parametrize(("control", "seconds"), [(MARK, 300), (HOUR, 3600)])
def test_entries_expire(control, seconds):
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0])
    written, _ = counts(app, marked(control=control))
    now[0] = seconds - 1
    assert counts(app, marked(control=control)) == (0, written)  # and lives on from here
    now[0] += seconds + 1
    assert counts(app, marked(control=control)) == (written, 0)


def test_writing_costs_more_and_reading_less():
    app = SandboxApp()
    replies = [chat(app, talk, model=CLAUDE) for talk in (PLAIN, marked(), marked())]
    plain, writing, reading = (reply.json()["x_nanogpt_pricing"]["cost"] for reply in replies)
    assert reading < plain < writing
    hour = chat(SandboxApp(), marked(control=HOUR), model=CLAUDE).json()["x_nanogpt_pricing"]
    assert (hour["cost"] > writing, hour["cacheTTL"]) == (True, "1h")
    assert hour["cacheCreationInputTokens"] > 1024


def test_other_models_cache_by_themselves():
    app = SandboxApp()
    first, second = (chat(app, PLAIN).json()["usage"] for _ in range(2))
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["prompt_tokens_details"]["cached_tokens"]
    assert (cached >= 1024, cached % 128) == (True, 0)
    assert second["cache_read_input_tokens"] == cached


def test_caching_brings_usage_into_a_stream():
    last = chunks(chat(SandboxApp(), marked(), model=CLAUDE, stream=True))[-1]
    assert last["usage"]["cache_creation_input_tokens"] > 0
