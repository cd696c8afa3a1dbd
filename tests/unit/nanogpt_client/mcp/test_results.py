"""Results, errors and tools as JSON of the protocol."""

from __future__ import annotations

import json
from base64 import b64decode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client import Ledger, LedgerEntry
from nanogpt_client.errors import InvalidArgumentError, JobTimeoutError, OutcomeUnknownError
from nanogpt_client.mcp.results import error_result, tool_definition, tool_result
from nanogpt_client.tools import TOOLS, ToolResult

PNG = b"\x89PNG" + bytes(60)


def file(name: str = "image-1.png", **about: Any) -> dict[str, Any]:
    mime_type = {"png": "image/png", "mp3": "audio/mpeg", "mp4": "video/mp4"}[name[-3:]]
    empty = {"path": None, "url": None, "base64": None}
    return {"name": name, "mime_type": mime_type, "size": len(PNG), **empty, **about}


def result(*files: dict[str, Any], text: str = "Done.") -> ToolResult:
    cost = {"cost": 0.02, "cost_exact": "0.0200", "request_id": "req_1"}
    first = files[0] if files else {}
    return ToolResult(text, {"kind": "image", **cost, **first, "files": list(files)})


def content(*files: dict[str, Any], data: bytes | None = PNG, **options: Any) -> list[Any]:
    """Return what follows the text."""
    made = tool_result(result(*files), Ledger(), bytes_of=lambda _: data, **options)
    rest: list[Any]
    first, *rest = made["content"]
    assert first == {"type": "text", "text": "Done."}
    json.dumps(made)
    return rest


def test_every_tool_has_a_title_a_schema_and_hints():
    for tool in TOOLS.values():
        shown = tool_definition(tool)
        assert shown["name"] == tool.name
        assert shown["title"][0].isupper()
        assert shown["description"]
        assert shown["inputSchema"]["type"] == "object"
        assert shown["inputSchema"]["additionalProperties"] is False


def test_only_what_is_free_may_be_called_unasked():
    read_only = [
        name for name, tool in TOOLS.items() if tool_definition(tool)["annotations"]["readOnlyHint"]
    ]
    assert read_only == ["check_balance", "estimate_cost"]


def test_an_image_is_content():
    (image,) = content(file(path="/tmp/image-1.png"))
    assert (image["type"], image["mimeType"], b64decode(image["data"])) == (
        "image", "image/png", PNG,
    )  # fmt: skip


def test_audio_is_content_where_that_is_wanted_and_else_a_link():
    speech = file("speech-1.mp3", path=str(Path("/tmp/a b.mp3").absolute()))
    assert content(speech, inline=["audio"])[0]["type"] == "audio"
    (link,) = content(speech)
    assert (link["type"], link["mimeType"], link["size"]) == ("resource_link", "audio/mpeg", 64)
    assert link["uri"].startswith("file:///")
    assert link["uri"].endswith("a%20b.mp3")


def test_a_video_is_a_link():
    (link,) = content(file("video-1.mp4", url="https://x.test/v.mp4"), data=None)
    assert (link["type"], link["uri"]) == ("resource_link", "https://x.test/v.mp4")


def test_what_was_not_downloaded_is_a_link():
    missing = file(url="https://x.test/media/i.png") | {
        "name": None,
        "mime_type": None,
        "size": None,
    }
    (link,) = content(missing, data=None)
    assert link == {"type": "resource_link", "uri": "https://x.test/media/i.png", "name": "i.png"}


def test_the_limit_is_for_all_files_together():
    files = [file(f"image-{at}.png", url=f"https://x.test/{at}") for at in range(3)]
    kinds = [part["type"] for part in content(*files, inline_limit=2 * len(PNG))]
    assert kinds == ["image", "image", "resource_link"]


def test_what_lies_nowhere_else_is_embedded_however_large():
    (part,) = content(file("speech-1.mp3"), inline=(), inline_limit=0)
    assert part["type"] == "resource"
    assert part["resource"]["uri"] == "nanogpt-artifact:///speech-1.mp3"
    assert b64decode(part["resource"]["blob"]) == PNG


def test_a_data_url_is_not_a_link():
    (part,) = content(file(url="data:image/png;base64,AAAA"), inline=())
    assert part["type"] == "resource"


def test_the_artifact_and_the_costs_come_along():
    ledger = Ledger()
    ledger.record(LedgerEntry("image", "hidream", "ok", cost=Decimal("0.10")))
    ledger.record(LedgerEntry("search", None, "ok", cost=None, sends=1))
    made = tool_result(result(), ledger, bytes_of=lambda _: None)
    assert made["isError"] is False
    assert made["structuredContent"]["cost_exact"] == "0.0200"
    assert made["_meta"] == {
        "nanogpt-integrations/cost_usd": "0.02",
        "nanogpt-integrations/spent_usd": "0.1",
        "nanogpt-integrations/unknown_costs": 1,
    }


@pytest.mark.parametrize(
    ("error", "sentence", "details"),
    [
        (InvalidArgumentError("no such voice"), "Nothing was sent or spent.", {}),
        (
            JobTimeoutError("the video is not ready", run_id="vid_1"),
            "The run_id is vid_1.",
            {"run_id": "vid_1"},
        ),
        (
            OutcomeUnknownError("the connection was lost", sends=1, maybe_billed=True),
            "It may have been charged.",
            {"maybe_billed": True},
        ),
    ],
)
def test_an_error_is_a_text_for_the_model(error, sentence, details):
    made = error_result(error, Ledger())
    assert made["isError"] is True
    assert sentence in made["content"][0]["text"]
    assert made["_meta"]["nanogpt-integrations/error"] == type(error).__name__
    for name, value in details.items():
        assert made["_meta"][f"nanogpt-integrations/{name}"] == value
