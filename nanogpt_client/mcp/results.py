"""What MCP's messages say: tools, results and errors as the JSON of the protocol, without I/O."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nanogpt_client.errors import NanoGPTError
from nanogpt_client.ledger import Ledger
from nanogpt_client.tools import Tool, ToolResult, describe_for_model
from nanogpt_client.types.plain import exact

__all__ = ["META", "error_result", "tool_definition", "tool_result"]

# The prefix of our keys in `_meta`, as the protocol asks for one.
META = "nanogpt-integrations"

# Clients may call these unasked: they change nothing and cost nothing.
_READ_ONLY = ("check_balance", "estimate_cost")

# What the artifacts of all tools have in common; more keys depend on the kind.
_OUTPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string"},
        "cost": {"type": ["number", "null"], "description": "USD; null if unknown."},
        "cost_exact": {"type": ["string", "null"], "description": "The same, with all digits."},
        "request_id": {"type": ["string", "null"]},
    },
    "required": ["kind", "cost", "cost_exact", "request_id"],
}


def tool_definition(tool: Tool) -> dict[str, Any]:
    """Return a tool for ``tools/list``."""
    return {
        "name": tool.name,
        "title": tool.name.replace("_", " ").capitalize(),
        "description": tool.description,
        "inputSchema": tool.args.model_json_schema(),
        "outputSchema": _OUTPUT_SCHEMA,
        "annotations": {
            "readOnlyHint": tool.name in _READ_ONLY,
            "destructiveHint": False,
            "openWorldHint": True,
        },
    }


def tool_result(
    result: ToolResult,
    ledger: Ledger,
    *,
    bytes_of: Callable[[str], bytes | None],
    inline: Sequence[str] = ("image",),
    inline_limit: int = 700_000,
) -> dict[str, Any]:
    """Return a tool's result: its text, its files, and the artifact as structured content.

    A file comes as content of its kind where ``inline`` names that and it is not larger than
    ``inline_limit`` bytes in all, else as a link. One that lies nowhere else is part of the result
    in any case: it is paid for.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": result.text}]
    left = inline_limit
    for file in _files(result.artifact):
        data, kind = bytes_of(file["name"] or ""), (file["mime_type"] or "").partition("/")[0]
        if data is not None and kind in inline and len(data) <= left:
            left -= len(data)
            content.append({"type": kind, "data": _base64(data), "mimeType": file["mime_type"]})
        elif (link := _link(file)) is not None:
            content.append(link)
        elif data is not None:
            content.append(_embedded(file, data))
    return {
        "content": content,
        "structuredContent": result.artifact,
        "isError": False,
        "_meta": _costs(ledger) | {f"{META}/cost_usd": exact(result.cost)},
    }


def error_result(error: NanoGPTError, ledger: Ledger) -> dict[str, Any]:
    """Return an error of a tool, with a text for the model that called it."""
    details = {
        "error": type(error).__name__,
        "maybe_billed": error.maybe_billed,
        "retry_after_seconds": error.retry_after,
        "run_id": getattr(error, "run_id", None),
    }
    return {
        "content": [{"type": "text", "text": describe_for_model(error)}],
        "isError": True,
        "_meta": _costs(ledger) | {f"{META}/{name}": value for name, value in details.items()},
    }


def _costs(ledger: Ledger) -> dict[str, Any]:
    """Return what all calls of the server cost so far."""
    totals = ledger.totals
    return {f"{META}/spent_usd": exact(totals.cost), f"{META}/unknown_costs": totals.unknown_costs}


def _files(artifact: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what the artifact says of each file."""
    for file in artifact.get("files") or [artifact]:
        if "mime_type" in file:
            yield file


def _link(file: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a link to where the file is saved, or from where it can be fetched."""
    uri = Path(file["path"]).as_uri() if file["path"] else file["url"]
    if not uri or not uri.startswith(("file:", "http:", "https:")):
        return None
    link = {"type": "resource_link", "uri": uri, "name": file["name"] or uri.rpartition("/")[2]}
    about = {"mimeType": file["mime_type"], "size": file["size"]}
    return link | {name: value for name, value in about.items() if value is not None}


def _embedded(file: Mapping[str, Any], data: bytes) -> dict[str, Any]:
    resource = {
        "uri": f"nanogpt-artifact:///{file['name']}",
        "mimeType": file["mime_type"],
        "blob": _base64(data),
    }
    return {"type": "resource", "resource": resource}


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
