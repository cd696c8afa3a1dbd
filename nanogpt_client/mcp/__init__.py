"""The tools as a server of the Model Context Protocol (extra ``mcp``): the command ``nanogpt mcp``.

Claude Desktop, editors and other agents use it by its command; your own program serves a `Toolbox`
with its settings by

>>> from nanogpt_client.mcp import ToolServer, create_server, serve_stdio
>>> tools = ToolServer(Toolbox(output_dir="out", budget=Budget(2), confirm_above_usd="0.10"))
>>> asyncio.run(serve_stdio(create_server(tools)))

A call above ``confirm_above_usd`` is put to the user by the client (elicitation), and refused where
the client cannot do that. Results carry the artifact of the tool as structured content, and in
``_meta`` what the call and all calls so far cost. Works with the SDK's versions 1 and 2.
"""

from nanogpt_client.mcp.http import serve_http
from nanogpt_client.mcp.sdk import create_server
from nanogpt_client.mcp.server import ToolServer
from nanogpt_client.mcp.stdio import serve_stdio

__all__ = ["ToolServer", "create_server", "serve_http", "serve_stdio"]
