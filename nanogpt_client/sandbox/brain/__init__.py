"""The brain of the sandbox: a chat model made of rules, deterministic and without weights.

`respond` reads a chat request and decides what the assistant says next: it answers from the
context it is given, calls tools, fills JSON schemas, cites web results and says what is in a
picture. It is pure: the same request always gets the same `Turn`.
"""

from __future__ import annotations

from nanogpt_client.sandbox.brain.respond import respond
from nanogpt_client.sandbox.brain.turn import Cited, PlannedCall, Seen, Turn
from nanogpt_client.sandbox.brain.types import Hit

__all__ = ["Cited", "Hit", "PlannedCall", "Seen", "Turn", "respond"]
