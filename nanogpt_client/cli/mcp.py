"""The command `mcp`: the tools as a server of the Model Context Protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError

from nanogpt_client._transport.http import httpx
from nanogpt_client.cli.base import SANDBOX_NOTE, SANDBOX_URL, Command, Session, session
from nanogpt_client.errors import ConfigurationError
from nanogpt_client.extras import needs
from nanogpt_client.tools import TOOLS, Toolbox

if TYPE_CHECKING:
    from nanogpt_client.mcp import ToolServer

# Shorter than a minute, after which many clients give up on a call, and on what it paid for.
_VIDEO_WAIT = 45.0
_FOLDER = click.Path(file_okay=False, path_type=Path)
_NUMBER = click.FloatRange(min=0)


@click.command(
    cls=Command,
    examples=[
        "nanogpt mcp --budget 2 --confirm-above 0.10 --output-dir ~/Pictures/nanogpt",
        "nanogpt mcp --tool search_web --tool check_balance",
        "nanogpt mcp --http --port 8788 --sandbox",
    ],
)
@click.option("--http", is_flag=True, help="Serve streamable HTTP instead of stdin and stdout.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="With --http: the address.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=8788, show_default=True,
              metavar="N", help="With --http: the port; 0 picks a free one.")  # fmt: skip
@click.option("--allow-host", "allowed_hosts", multiple=True, metavar="NAME",
              help="With --http: another name under which clients may reach it.")  # fmt: skip
@click.option("--token", envvar="NANOGPT_MCP_TOKEN", show_envvar=True, metavar="TOKEN",
              help="With --http: clients must send it as a bearer token.")  # fmt: skip
@click.option("--tool", "include", multiple=True, type=click.Choice(list(TOOLS)),
              help="Offer only this tool; may be repeated.")  # fmt: skip
@click.option("--output-dir", type=_FOLDER, help="Save images, audio and videos here.")
@click.option("--readable-dir", "readable_dirs", multiple=True, type=_FOLDER,
              help="Let tools read files of this folder; may be repeated.")  # fmt: skip
@click.option("--no-urls", is_flag=True, help="Refuse web addresses as input.")
@click.option("--confirm-above", "confirm_above_usd", type=_NUMBER, metavar="USD",
              help="Ask the user before a call that may cost more.")  # fmt: skip
@click.option("--refuse-above", "refuse_above_usd", type=_NUMBER, default=1.0, show_default=True,
              metavar="USD", help="Refuse a call that costs more by the price list.")  # fmt: skip
@click.option("--image-model", metavar="ID", help="Model for images.")
@click.option("--speech-model", metavar="ID", help="Model for speech.")
@click.option("--voice", metavar="NAME", help="Voice, if the agent names none.")
@click.option("--transcription-model", metavar="ID", help="Model for transcripts.")
@click.option("--video-model", metavar="ID", help="Model for videos.")
@click.option("--video-wait", "video_poll_timeout", type=_NUMBER, default=_VIDEO_WAIT,
              show_default=True, metavar="SECONDS",
              help="Longest wait for a video; the agent fetches a later one by its run id, free "
                   "of charge.")  # fmt: skip
@click.option("--inline", multiple=True, type=click.Choice(["image", "audio"]), default=["image"],
              show_default=True,
              help="Put such files into the result itself; langchain-mcp-adapters cannot read "
                   "audio.")  # fmt: skip
@click.option("--inline-limit", type=click.IntRange(min=0), default=700_000, show_default=True,
              metavar="BYTES", help="Larger files are only linked: some clients refuse results "
                                    "above 1 MB.")  # fmt: skip
@session
def mcp(run: Session, /, *, inline: Sequence[str], inline_limit: int, **options: Any) -> None:
    """Serve the tools to MCP clients: Claude Desktop, editors, agents.

    --budget is for all calls of all clients until the server ends. The client starts the command
    and speaks through stdin and stdout; with --http, clients connect to its address.
    """
    with needs("mcp", "nanogpt mcp"):
        from nanogpt_client.mcp import ToolServer  # noqa: PLC0415 - its libraries are optional
    http = {name: options.pop(name) for name in ("host", "port", "allowed_hosts", "token")}
    over_http = options.pop("http")
    toolbox = _toolbox(run, **options)
    tools = ToolServer(toolbox, inline=inline, inline_limit=inline_limit)
    with suppress(KeyboardInterrupt):  # how it is meant to end
        asyncio.run(_serve(run, tools, http if over_http else None))


async def _serve(run: Session, tools: ToolServer, http: dict[str, Any] | None) -> None:
    from nanogpt_client.mcp import create_server, serve_http, serve_stdio  # noqa: PLC0415

    server = create_server(tools)
    try:
        if http is None:
            await serve_stdio(server)
        else:
            await serve_http(server, **http, on_start=lambda url: run.note(f"listening on {url}"))
    finally:
        await tools.toolbox.aclose()


def _toolbox(run: Session, /, *, no_urls: bool, **options: Any) -> Toolbox:
    settings = {name: value for name, value in options.items() if value not in (None, ())}
    settings |= run.settings() | {"allow_urls": not no_urls}
    if run.sandbox:
        settings |= _emulator(run)
    try:
        toolbox = Toolbox(**settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigurationError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    toolbox._shared_client()  # noqa: SLF001 - a missing key is an error now, not at the first call
    return toolbox


def _emulator(run: Session) -> dict[str, Any]:
    from nanogpt_client.sandbox import AsyncSandboxTransport, SandboxApp  # noqa: PLC0415 - large

    run.note(SANDBOX_NOTE)
    app = SandboxApp()
    http_client = httpx.AsyncClient(transport=AsyncSandboxTransport(app))
    return {"api_key": app.api_key, "base_url": SANDBOX_URL, "http_async_client": http_client}
