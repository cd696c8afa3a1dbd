"""Prompt caching: what is written, what is read, what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from nanogpt_client.sandbox import SandboxApp
from tests.sandbox.asking import HELLO, MODEL, chat, frames

CLAUDE = "anthropic/claude-sonnet-4.6"
LONG = "All the rules of the house, one by one. " * 200
MARK = {"type": "ephemeral"}


def marked(text: str = LONG, control: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    part = {"type": "text", "text": text, "cache_control": control or MARK}
    return [{"role": "system", "content": [part]}, *HELLO]


def counts(app: SandboxApp, talk: list[dict[str, Any]], **body: Any) -> tuple[int, int]:
    """Tokens written and read, as `usage` says."""
    reply = chat(app, talk, **{"model": CLAUDE} | body)
    usage = reply.json()["usage"]
    assert usage["prompt_tokens"] >= usage["prompt_tokens_details"]["cached_tokens"]
    return usage.get("cache_creation_input_tokens", 0), usage.get("cache_read_input_tokens", 0)


def test_a_marked_prefix_is_written_then_read():
    app = SandboxApp()
    written, read = counts(app, marked())
    assert (written > 1024, read) == (True, 0)
    assert counts(app, marked()) == (0, written)
    longer = [*marked(), {"role": "assistant", "content": "Hi."}, *HELLO]
    assert counts(app, longer) == (0, written)


@pytest.mark.parametrize(
    "extra",
    [
        {"prompt_caching": {"enabled": True, "cut_after_message_index": 0}},
        {"promptCaching": {"enabled": True, "cutAfterMessageIndex": 0}},
        {"prompt_caching": True},
        {"cache_control": {"enabled": True}},
    ],
)
def test_the_helper_marks_too(extra):
    app = SandboxApp()
    talk = [{"role": "system", "content": LONG}, *HELLO]
    written, _ = counts(app, talk, **extra)
    assert written > 1024
    assert counts(app, talk, **extra) == (0, written)


def test_explicit_control_adds_no_marks():
    app = SandboxApp()
    extra = {"prompt_caching": {"enabled": True, "explicit_cache_control": True}}
    talk = [{"role": "system", "content": LONG}, *HELLO]
    assert counts(app, talk, **extra) == (0, 0)
    assert counts(app, marked(), **extra)[0] > 0


def test_without_a_mark_nothing_is_cached():
    app = SandboxApp()
    talk = [{"role": "system", "content": LONG}, *HELLO]
    for _ in range(2):
        usage = chat(app, talk, model=CLAUDE).json()["usage"]
        assert "cache_read_input_tokens" not in usage


def test_a_short_prefix_is_not_cached():
    app = SandboxApp()
    assert counts(app, marked("short")) == (0, 0)
    assert counts(app, marked("short")) == (0, 0)


def test_another_text_or_model_does_not_hit():
    app = SandboxApp()
    counts(app, marked())
    assert counts(app, marked(LONG + "!"))[1] == 0
    assert counts(app, marked(), model="anthropic/claude-opus-4.6")[1] == 0


@pytest.mark.parametrize(("control", "seconds"), [(MARK, 300), (MARK | {"ttl": "1h"}, 3600)])
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
    talk = [{"role": "system", "content": LONG}, *HELLO]
    replies = [
        chat(app, talk, model=CLAUDE),
        chat(app, marked(), model=CLAUDE),
        chat(app, marked(), model=CLAUDE),
    ]
    plain, writing, reading = (reply.json()["x_nanogpt_pricing"]["cost"] for reply in replies)
    assert reading < plain < writing
    hour = chat(SandboxApp(), marked(control=MARK | {"ttl": "1h"}), model=CLAUDE)
    pricing = hour.json()["x_nanogpt_pricing"]
    assert pricing["cost"] > writing
    assert pricing["cacheTTL"] == "1h"
    assert pricing["cacheCreationInputTokens"] > 1024


def test_other_models_cache_by_themselves():
    app = SandboxApp()
    talk = [{"role": "system", "content": LONG}, *HELLO]
    first, second = (chat(app, talk).json()["usage"] for _ in range(2))
    assert first["prompt_tokens_details"]["cached_tokens"] == 0
    cached = second["prompt_tokens_details"]["cached_tokens"]
    assert cached >= 1024
    assert cached % 128 == 0
    assert second["cache_read_input_tokens"] == cached


def test_caching_brings_usage_into_a_stream():
    app = SandboxApp()
    last = frames(chat(app, marked(), model=CLAUDE, stream=True))[-1]
    assert last["usage"]["cache_creation_input_tokens"] > 0
    assert "usage" not in frames(chat(app, model=MODEL, stream=True))[-1]


def test_marked_tools_are_a_prefix_of_their_own():
    tool = {
        "type": "function",
        "function": {"name": "look", "description": LONG},
        "cache_control": MARK,
    }
    app = SandboxApp()
    written, _ = counts(app, HELLO, tools=[tool])
    assert written > 1024
    assert counts(app, [{"role": "user", "content": "Else?"}], tools=[tool]) == (0, written)
