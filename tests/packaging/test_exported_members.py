"""The public surface: sorted, documented, and complete."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient, NanoGPTError, errors

PACKAGES = [
    "nanogpt_client",
    "nanogpt_client.tools",
    "langchain_nanogpt",
    "llama_index_nanogpt",
]


def modules() -> Iterator[ModuleType]:
    """Import every module of the three packages but the programs (``__main__``)."""
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def documented(member: object) -> bool:
    """Whether `member` says what it is; values other than classes and functions need not."""
    if not (inspect.isclass(member) or inspect.isroutine(member)):
        return True
    return bool((member.__doc__ or "").strip())


def test_every_all_is_sorted_and_names_what_exists():
    for module in modules():
        names = list(getattr(module, "__all__", []))
        assert names == sorted(set(names)), module.__name__
        assert [name for name in names if not hasattr(module, name)] == [], module.__name__


def test_every_public_name_is_documented():
    undocumented = [
        f"{module.__name__}.{name}"
        for module in modules()
        for name in getattr(module, "__all__", [])
        if not documented(getattr(module, name))
    ]
    assert not undocumented


@pytest.mark.parametrize("client", [NanoGPTClient, AsyncNanoGPTClient])
def test_every_method_of_the_clients_is_documented(client):
    methods = {name for name in dir(client) if not name.startswith("_")}
    assert methods >= {"chat", "stream_chat", "embed", "run", "send"}
    assert [name for name in sorted(methods) if not documented(getattr(client, name))] == []


def test_every_error_is_exported_and_has_one_root():
    package = importlib.import_module("nanogpt_client")
    for name, value in vars(errors).items():
        if inspect.isclass(value) and issubclass(value, Exception) and not name.startswith("_"):
            assert name in package.__all__
            assert issubclass(value, NanoGPTError)


def test_the_version_is_that_of_the_distribution():
    package = importlib.import_module("nanogpt_client")
    assert package.__version__ == importlib.metadata.version("nanogpt-integrations")
