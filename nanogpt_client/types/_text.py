"""A text that is appended to chunk by chunk."""

from __future__ import annotations

__all__ = ["Text"]


class Text:
    """A text built from many parts, in hardly more memory than the text itself."""

    __slots__ = ("_blocks", "_parts")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[str] = []

    def add(self, part: str) -> None:
        """Append a part; every 1,000 are joined, as small strings take much memory."""
        self._parts.append(part)
        if len(self._parts) == 1000:
            self._blocks.append("".join(self._parts))
            self._parts.clear()

    def __str__(self) -> str:
        whole, blocks = "", [*self._blocks, "".join(self._parts)]
        self._blocks.clear()
        self._parts.clear()
        for at, block in enumerate(blocks):
            whole += block  # extended in place, while blocks are freed
            blocks[at] = ""
        if whole:
            self._blocks.append(whole)
        return whole

    def __bool__(self) -> bool:
        return bool(self._parts or self._blocks)
