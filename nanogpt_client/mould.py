"""Many pydantic objects that differ in a few fields, without validating each.

A stream makes thousands of the frameworks' message objects from values that are known to fit.
Validating them takes several times as long as all else that an adapter does for a chunk.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel

__all__ = ["Mould"]

Model = TypeVar("Model", bound=BaseModel)

_put = object.__setattr__  # a model's own would validate


class Mould(Generic[Model]):
    """Makes objects like an example, which was validated and gives the fields not named later.

    It does what `pydantic.BaseModel.model_construct` does, in a fifth of the time, because which
    fields there are need not be found out again.
    """

    __slots__ = ("_cls", "_fields", "_given", "_takes_extra")

    def __init__(self, example: Model) -> None:
        self._cls = type(example)
        self._fields = dict(example.__dict__)
        self._given = example.model_fields_set
        self._takes_extra = example.model_extra is not None

    def cast(self, **fields: Any) -> Model:
        """Return a new object; name every field that holds a list or a dict, or it is shared."""
        made = object.__new__(self._cls)
        _put(made, "__dict__", self._fields | fields)
        _put(made, "__pydantic_fields_set__", self._given.copy())
        _put(made, "__pydantic_extra__", {} if self._takes_extra else None)
        _put(made, "__pydantic_private__", None)
        return made
