"""A text that is joined in time, as a stream brings it."""

from __future__ import annotations

__all__ = ["Text"]


class Text:
    """A text that comes in pieces, kept in hardly more memory than it has itself."""

    __slots__ = ("_blocks", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._blocks: list[str] = []

    def add(self, piece: str) -> None:
        """Append a piece; pieces are joined in time, as each is many times larger than a word."""
        self._pieces.append(piece)
        if len(self._pieces) == 1000:
            self._blocks.append("".join(self._pieces))
            self._pieces.clear()

    def __str__(self) -> str:
        whole, blocks = "", [*self._blocks, "".join(self._pieces)]
        self._blocks.clear()
        self._pieces.clear()
        for at, block in enumerate(blocks):
            whole += block  # lengthened in place, while what has been read is let go
            blocks[at] = ""
        if whole:
            self._blocks.append(whole)
        return whole

    def __bool__(self) -> bool:
        return bool(self._pieces or self._blocks)
