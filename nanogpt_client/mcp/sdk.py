"""Both generations of the MCP SDK: a server of theirs that hands everything to a `ToolServer`.

Their protocols are the same but for the names: 1.x keeps a table of handlers and asks the client
while a call runs, 2.x takes functions and, by the protocol's version of July 2026, ends a call with
a question. The messages are built from JSON, so that only this file knows either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp import types
from mcp.server.lowlevel import Server

from nanogpt_client._version import __version__
from nanogpt_client.mcp.approval import InputNeededError, key_of, question
from nanogpt_client.mcp.server import ToolServer
from nanogpt_client.tools import SpendRequest

__all__ = ["create_server"]

NAME = "nanogpt"
INSTRUCTIONS = (
    "NanoGPT's images, speech, transcription, video and web search, paid per call. Every result "
    "says what it cost; estimate_cost says it ahead. A call that is refused or fails says whether "
    "anything was spent."
)

# mypy knows the SDK that is installed alone.
_types: Any = types
_Server: Any = Server
_IS_V1 = hasattr(Server, "list_tools")


def create_server(tools: ToolServer) -> Any:
    """Return the SDK's low-level ``Server`` with the tools."""
    return _server_v1(tools) if _IS_V1 else _server_v2(tools)


def _listed(tools: ToolServer) -> Any:
    return _types.ListToolsResult.model_validate({"tools": tools.definitions()})


def _server_v1(tools: ToolServer) -> Any:
    server = _Server(NAME, version=__version__, instructions=INSTRUCTIONS)

    async def list_tools(_: Any) -> Any:
        return _types.ServerResult(_listed(tools))

    async def call_tool(request: Any) -> Any:
        client = _SessionClient(server.request_context)
        answer = await tools.call(request.params.name, request.params.arguments or {}, client)
        return _types.ServerResult(_types.CallToolResult.model_validate(answer))

    # Not by its decorators: they check arguments first, and their messages are none for a model.
    server.request_handlers[_types.ListToolsRequest] = list_tools
    server.request_handlers[_types.CallToolRequest] = call_tool
    return server


def _server_v2(tools: ToolServer) -> Any:
    async def list_tools(_: Any, __: Any) -> Any:
        return _listed(tools)

    async def call_tool(context: Any, params: Any) -> Any:
        client = _SessionClient(context, params.input_responses)
        try:
            answer = await tools.call(params.name, params.arguments or {}, client)
        except InputNeededError as needed:
            asked = {"method": "elicitation/create", "params": question(needed.request)}
            return _types.InputRequiredResult.model_validate({"inputRequests": {needed.key: asked}})
        return _types.CallToolResult.model_validate(answer)

    return _Server(
        NAME,
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


class _SessionClient:
    """The client of a call, through the SDK's context of the request."""

    def __init__(self, context: Any, answers: Mapping[str, Any] | None = None) -> None:
        self._context = context
        self._session = context.session
        self._answers = answers or {}
        asks = _types.ClientCapabilities(elicitation=_types.ElicitationCapability())
        self.can_ask: bool = self._session.check_client_capability(asks)

    async def ask(self, request: SpendRequest, question: Mapping[str, Any]) -> Any:
        if getattr(self._session, "can_send_request", True):
            asked = question["message"], question["requestedSchema"]
            return await self._session.elicit(*asked, related_request_id=self._context.request_id)
        if (answer := self._answers.get(key_of(request))) is None:
            raise InputNeededError(request)
        return answer

    async def report(self, done: float, total: float | None, message: str) -> None:
        token = _progress_token(self._context.meta)
        if token is not None:
            await self._session.send_progress_notification(
                token, done, total, message, related_request_id=self._context.request_id
            )


def _progress_token(meta: Any) -> Any:
    if isinstance(meta, Mapping):  # 2.x
        return meta.get("progress_token")
    return getattr(meta, "progressToken", None)
