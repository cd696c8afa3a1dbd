"""How results show on a terminal and in notebooks: tables, and short reprs."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import Field, fields
from decimal import Decimal
from html import escape
from typing import Any, Final

from nanogpt_client.types.plain import exact

__all__ = ["Readable", "Table"]


class Table:
    """Rows under a header, as text and as HTML. Ids and numbers stay whole, empty columns go.

    Args:
        header: the titles of the columns.
        rows: of numbers, texts, or ``None`` for nothing.
        limit: how many rows to show; the number of the others is noted.
    """

    def __init__(
        self,
        header: Sequence[str],
        rows: Iterable[Sequence[object]],
        limit: int | None = None,
    ) -> None:
        found = list(rows)
        self._more = 0 if limit is None else max(len(found) - limit, 0)
        found = found[: len(found) - self._more]
        kept = [i for i in range(len(header)) if any(row[i] not in {None, ""} for row in found)]
        self._header = [header[i] for i in kept]
        self._rows = [[row[i] for i in kept] for row in found]
        self._is_number = [
            all(row[at] is None or isinstance(row[at], int | Decimal) for row in self._rows)
            for at in range(len(kept))
        ]

    def __str__(self) -> str:
        """Return the table as lines, with two spaces between columns."""
        lines = [self._header, *([_cell(value) for value in row] for row in self._rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = [
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(line, widths, self._is_number, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([*texts, *([f"… and {self._more:,} more"] if self._more else [])])

    def _repr_html_(self) -> str:
        """Show it in notebooks."""
        rows = [f"<tr>{self._html_cells('td', map(_cell, row))}</tr>" for row in self._rows]
        head = f"<thead><tr>{self._html_cells('th', self._header)}</tr></thead>"
        more = f"<p>… and {self._more:,} more</p>" if self._more else ""
        return f"<table>{head}<tbody>{''.join(rows)}</tbody></table>{more}"

    def _html_cells(self, tag: str, texts: Iterable[str]) -> str:
        cells = []
        for text, is_number in zip(texts, self._is_number, strict=True):
            style = f"text-align: {'right' if is_number else 'left'}{'' if ' ' in text else _WHOLE}"
            cells.append(f'<{tag} style="{style}">{escape(text)}</{tag}>')
        return "".join(cells)


_WHOLE: Final = "; white-space: nowrap"


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return exact(value)
    if isinstance(value, int):
        return f"{value:,}"
    return "" if value is None else " ".join(str(value).split())


class _Short(reprlib.Repr):
    """Values as part of a repr: long ones are cut, amounts are plain, files only have a size."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring, self.maxother, self.maxdict = 100, 300, 3

    # Named after the types, as reprlib finds them.
    def repr_Decimal(self, value: Decimal, _: int) -> str:  # noqa: N802
        return exact(value)

    def repr_float(self, value: float, _: int) -> str:
        return exact(Decimal(str(value))) if math.isfinite(value) else str(value)

    def repr_bytes(self, value: bytes, _: int) -> str:
        return f"<{len(value):,} bytes>"

    def repr_ndarray(self, value: Any, _: int) -> str:
        return f"<{value.dtype} of shape {value.shape}>"

    def repr_tuple(self, value: tuple[Any, ...], level: int) -> str:
        return f"<{len(value):,} items>" if len(value) > _FEW else super().repr_tuple(value, level)


_FEW: Final = 3
_short = _Short()


class Readable:
    """Gives a dataclass a short repr, without empty fields and the JSON of the response."""

    __slots__ = ()

    def __repr__(self) -> str:
        values = ((f.name, getattr(self, f.name)) for f in fields(self) if _shows(f))  # type: ignore[arg-type]
        shown = [f"{name}={_short.repr(value)}" for name, value in values if not _is_empty(value)]
        return f"{type(self).__name__}({', '.join(shown)})"


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | tuple | list | dict | frozenset) and not value)


def _shows(field: Field[Any]) -> bool:
    return field.repr and field.name != "raw"
