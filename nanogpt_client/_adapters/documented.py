"""Descriptions in JSON schemas, from the docstrings under a model's fields.

pydantic's ``use_attribute_docstrings`` reads the source whenever a class is made, subclasses too:
0.1 seconds of the import of LangChain's adapter, 0.2 of LlamaIndex's. Here it is read only when a
schema is requested.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, PydanticOmit

from nanogpt_client.types._docs import attribute_docs_in

__all__ = ["DocumentedModel", "attribute_docs"]


class _JsonFields(GenerateJsonSchema):
    """Leaves out fields without a JSON form: clients, budgets, callbacks."""

    def handle_invalid_for_json_schema(
        self,
        schema: CoreSchema,  # noqa: ARG002
        error_info: str,  # noqa: ARG002
    ) -> JsonSchemaValue:
        raise PydanticOmit


class _Signature:
    """What ``inspect.signature`` and editors show of a class, which is built for it if need be."""

    def __get__(self, _: object, owner: type[BaseModel]) -> Any:
        owner.model_rebuild()
        return owner.__signature__


class DocumentedModel(BaseModel):
    """A model whose JSON schema has the docstrings under its fields as descriptions.

    Validators are built when a class is first used: those of bases never, and a program pays only
    for the classes that it uses.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        if not cls.__pydantic_complete__:
            cls.__signature__ = _Signature()  # type: ignore[assignment]

    @classmethod
    def model_json_schema(cls, *args: Any, **options: Any) -> dict[str, Any]:
        """Return the JSON schema, without the fields that have no JSON form."""
        return super().model_json_schema(*args, **{"schema_generator": _JsonFields} | options)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        docs = attribute_docs(cls)
        for name, field in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if name in docs:
                field.setdefault("description", docs[name])
        return schema


@cache
def attribute_docs(cls: type) -> dict[str, str]:
    """Return the docstrings under the attributes of a class and its documented bases."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base is cls or issubclass(base, DocumentedModel):
            docs |= _own_docs(base)
    return docs


@cache
def _own_docs(cls: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # built in, or made at a prompt
        return {}
    return attribute_docs_in(getattr(tree.body[0], "body", []))
