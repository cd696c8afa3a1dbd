"""The machinery without I/O: calls, flows (policy as generators), retry rules, the SSE decoder."""
