"""What tools give a program is JSON, so that conversations with it can be stored."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, message_to_dict

from nanogpt_client.tools import TOOLS, ToolResult
from nanogpt_client.tools.results import MAX_DEPTH

ASKED: dict[str, dict[str, Any]] = {
    "generate_image": {"prompt": "a cat", "size": "256x256"},
    "edit_image": {"prompt": "blue", "image": "{name}"},
    "speak": {"text": "Hello."},
    "transcribe": {"audio": "{name}"},
    "generate_video": {"prompt": "a cat", "duration": 5},
    "search_web": {"query": "Nano"},
    "fetch_page": {"url": "https://example.com/nano"},
    "youtube_transcript": {"url": "https://youtu.be/kJQP7kiw5Fk"},
    "check_balance": {},
    "estimate_cost": {"kind": "image"},
}


@pytest.mark.parametrize("saved", [True, False])
@pytest.mark.parametrize("tool", ASKED)
def test_every_artifact_is_json(way, client, tool, saved, tmp_path):
    assert list(ASKED) == list(TOOLS)
    settings: dict[str, Any] = {
        "video_poll_interval": 0.01,
        "audio_format": "wav",
        "readable_dirs": [tmp_path],
    }
    if saved:
        settings["output_dir"] = tmp_path / "out"
    before = {"edit_image": "generate_image", "transcribe": "speak"}.get(tool)
    arguments = dict(ASKED[tool])
    if before is not None:
        first = way.call(client, before, ASKED[before], **settings, include_base64=True)
        (tmp_path / first.artifact["name"]).write_bytes(base64.b64decode(first.artifact["base64"]))
        arguments = {k: v.format(name=first.artifact["name"]) for k, v in arguments.items()}
    seen = way.call(client, tool, arguments, **settings)
    assert not seen.failed, seen.text
    assert json.loads(json.dumps(seen.artifact, allow_nan=False)) == seen.artifact
    if isinstance(seen.message, BaseMessage):
        assert json.loads(json.dumps(message_to_dict(seen.message)))
        assert seen.message.model_dump_json()
    exact = seen.artifact["cost_exact"]
    assert seen.artifact["cost"] == (None if exact is None else float(exact))


def test_odd_values_become_json():
    deep: list = []
    for _ in range(2000):
        deep = [deep]
    artifact = {
        "cost_exact": "0.10", "nan": float("nan"), "half": "\ud83d", "deep": deep, "bytes": b"x",
        "pair": (1, True), "odd": Decimal(1),
    }  # fmt: skip
    result = ToolResult("text", artifact).finished(99)
    text = json.dumps(result.artifact, allow_nan=False)
    assert result.artifact["half"] == "?"
    assert (result.artifact["nan"], result.artifact["pair"]) == (None, [1, True])
    assert (text.count("["), result.artifact["bytes"]) == (MAX_DEPTH, None)
    assert result.cost == Decimal("0.10")
