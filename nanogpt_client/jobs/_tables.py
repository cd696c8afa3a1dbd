"""Batches in the containers of engines: columns in, columns added, the same kind out.

None of the libraries is imported here: a table of a library that is not loaded cannot have come.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nanogpt_client.errors import InvalidArgumentError

__all__ = ["column_of", "with_columns"]

Column = NDArray[Any] | list[str | None]
"""Float32 of shape (n, dim), float64 of shape (n,), or texts."""


def _is(batch: object, module: str, *names: str) -> bool:
    """Whether a batch is of a library's class; without importing the library."""
    library = sys.modules.get(module)
    return any(isinstance(batch, getattr(library, name, ())) for name in names)


def column_of(batch: Any, name: str) -> list[Any]:
    """Return the values of a column.

    Raises:
        InvalidArgumentError: the batch is of no supported kind, or has no such column.
    """
    names = _names(batch)
    if name not in names:
        msg = f"the batch has no column {name!r}; it has {', '.join(map(str, names)) or 'none'}"
        raise InvalidArgumentError(msg, param="column")
    if _is(batch, "pyarrow", "Table", "RecordBatch"):
        values: list[Any] = batch.column(name).to_pylist()
        return values
    return list(batch[name].tolist() if hasattr(batch[name], "tolist") else batch[name])


def _names(batch: Any) -> Sequence[str]:
    if _is(batch, "pyarrow", "Table", "RecordBatch"):
        return list(batch.schema.names)
    if _is(batch, "pandas", "DataFrame"):
        return list(batch.columns)
    if isinstance(batch, Mapping):
        return list(batch)
    msg = (
        "a batch must be a dict of arrays, a pyarrow.Table, a pandas.DataFrame, or an iterator of "
        f"these, not {type(batch).__name__}"
    )
    raise InvalidArgumentError(msg, param="batch")


def with_columns(batch: Any, columns: Mapping[str, Column]) -> Any:
    """Return a batch of the same kind with more columns; the given one stays as it is."""
    if _is(batch, "pyarrow", "Table", "RecordBatch"):
        return _with_arrow_columns(batch, columns)
    if _is(batch, "pandas", "DataFrame"):
        return batch.assign(**{name: _for_pandas(value) for name, value in columns.items()})
    return {**batch, **{name: _for_numpy(value) for name, value in columns.items()}}


def _for_numpy(column: Column) -> NDArray[Any]:
    return column if isinstance(column, np.ndarray) else np.array(column, object)


def _for_pandas(column: Column) -> Any:
    """Return a column as pandas has it: a matrix is one array for each row."""
    return list(column) if getattr(column, "ndim", 1) == 2 else column


def _with_arrow_columns(batch: Any, columns: Mapping[str, Column]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - the batch is its table

    for name, column in columns.items():
        if not isinstance(column, np.ndarray):
            values = pa.array(column, pa.string())
        elif column.ndim == 1:
            values = pa.array(column, from_pandas=True)
        else:
            flat = pa.array(np.ascontiguousarray(column).reshape(-1))
            values = pa.FixedSizeListArray.from_arrays(flat, max(column.shape[1], 1))
        at = batch.schema.get_field_index(name)
        is_new = at < 0
        batch = batch.append_column(name, values) if is_new else batch.set_column(at, name, values)
    return batch
