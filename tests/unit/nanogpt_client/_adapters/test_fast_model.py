"""Copies of a prototype are what validation would have made, and share nothing."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from nanogpt_client._adapters.fast_model import Prototype


class Piece(BaseModel):
    text: str
    extra: dict[str, Any] = Field(default_factory=dict)
    kind: str = "piece"


class Open(Piece):
    model_config = ConfigDict(extra="allow")


def test_an_object_is_like_a_validated_one():
    prototype = Prototype(Piece(text="", extra={}))
    made, validated = prototype.copy_with(text="a", extra={"b": 1}), Piece(text="a", extra={"b": 1})
    assert made == validated
    assert made.model_dump() == validated.model_dump()
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == validated


def test_objects_share_nothing():
    prototype = Prototype(Open(text=""))
    first, second = prototype.copy_with(text="a", extra={}), prototype.copy_with(text="b", extra={})
    first.kind = "another"
    first.more = 1  # type: ignore[attr-defined]
    first.extra["c"] = 2
    assert second == Open(text="b", extra={})
    assert second.model_dump(exclude_unset=True) == {"text": "b", "extra": {}, "kind": "piece"}
    assert second.model_extra == {}
