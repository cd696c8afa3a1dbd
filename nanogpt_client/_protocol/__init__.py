"""Decisions, without I/O: calls, flows (policy as generators), retry rules, stream decoding."""
