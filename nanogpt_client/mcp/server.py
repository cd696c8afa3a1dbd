"""The tools behind an MCP server, whichever SDK and transport serve them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from nanogpt_client.errors import NanoGPTError
from nanogpt_client.mcp.approval import cannot_ask, is_approved, question
from nanogpt_client.mcp.results import error_result, tool_definition, tool_result
from nanogpt_client.tools import SpendRequest, Toolbox
from nanogpt_client.types.progress import Progress

__all__ = ["Client", "ToolServer"]


class Client(Protocol):
    """What a call needs of the client that sent it."""

    can_ask: bool
    """Whether the client can ask its user (elicitation)."""

    async def ask(self, request: SpendRequest, question: Mapping[str, Any]) -> Any:
        """Return the user's answer, which has an ``action`` and ``content``."""

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Report progress, if the client wants to know of it."""


class ToolServer:
    """Answers what an MCP client asks of a `Toolbox`, in the JSON of the protocol."""

    def __init__(
        self, toolbox: Toolbox, *, inline: Sequence[str] = ("image",), inline_limit: int = 700_000
    ) -> None:
        self.toolbox = toolbox
        self._inline = tuple(inline)
        self._inline_limit = inline_limit

    def definitions(self) -> list[dict[str, Any]]:
        """Return the tools for ``tools/list``."""
        return [tool_definition(tool) for tool in self.toolbox.tools]

    async def call(self, name: str, arguments: Mapping[str, Any], client: Client) -> dict[str, Any]:
        """Run a tool; its errors are results, too, as the protocol wants it."""
        toolbox = self.toolbox
        if toolbox.confirm is None and toolbox.confirm_above_usd is not None:
            toolbox = toolbox.model_copy(update={"confirm": partial(_confirm, client)})
        try:
            result = await toolbox.acall(name, arguments, on_progress=_Reporter(client))
        except NanoGPTError as error:
            return error_result(error, toolbox.ledger)
        return tool_result(
            result,
            toolbox.ledger,
            bytes_of=self._bytes_of,
            inline=self._inline,
            inline_limit=self._inline_limit,
        )

    def _bytes_of(self, name: str) -> bytes | None:
        return self.toolbox.artifacts.get(Path(name).name)


async def _confirm(client: Client, request: SpendRequest) -> bool:
    if not client.can_ask:
        raise cannot_ask(request)
    answer = await client.ask(request, question(request))
    return is_approved(answer.action, answer.content)


class _Reporter:
    """Passes progress on; the protocol wants a number that grows with every report."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reports = 0

    async def __call__(self, progress: Progress) -> None:
        self._reports += 1
        job = f" (run id {progress.run_id})" if progress.run_id else ""
        message = f"{progress.kind}: {progress.status}, {progress.seconds:.0f} s{job}"
        if progress.total > 1:
            message = f"{progress.kind}: {progress.done} of {progress.total}"
        await self._client.report(self._reports, None, message)
