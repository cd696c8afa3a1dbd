"""Many pydantic objects that differ in a few fields, without validating each.

A stream makes thousands of the frameworks' message objects from values that are known to fit.
Validating them takes several times as long as all else that an adapter does for a chunk.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel

__all__ = ["Prototype"]

Model = TypeVar("Model", bound=BaseModel)

# The four slots of every model, set directly: a model's own ``__setattr__`` would validate.
_FIELDS, _GIVEN, _EXTRA, _PRIVATE = (
    vars(BaseModel)[slot].__set__
    for slot in (
        "__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"
    )
)  # fmt: skip


class Prototype(Generic[Model]):
    """Makes objects like an example, which was validated and gives the fields not named later.

    It does what `pydantic.BaseModel.model_construct` does, in a tenth of the time, because which
    fields there are need not be found out again. To pydantic every field of them was given.
    """

    __slots__ = ("_cls", "_fields", "_given", "_takes_extra")

    def __init__(self, example: Model) -> None:
        self._cls = type(example)
        self._fields = dict(example.__dict__)
        # All share this set, as it has every field already and what is set later adds none; sets of
        # their own would be as many more objects for the garbage collector to walk over.
        self._given = set(self._fields)
        self._takes_extra = example.model_extra is not None

    def copy_with(self, **fields: Any) -> Model:
        """Return a new object; name every field that holds a list or a dict, or it is shared."""
        made = object.__new__(self._cls)
        _FIELDS(made, self._fields | fields)
        _GIVEN(made, self._given)
        _EXTRA(made, {} if self._takes_extra else None)
        _PRIVATE(made, None)
        return made
