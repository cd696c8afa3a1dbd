"""The rules of the tree, read from the source: import direction, sizes, independence, docstrings.

Imports are parsed, not run, so an import inside a function or under ``TYPE_CHECKING`` counts too.
"""

from __future__ import annotations

import ast
import graphlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.paths import ROOT

CORE = "nanogpt_client"
ADAPTERS = ("langchain_nanogpt", "llama_index_nanogpt")
PACKAGES = (CORE, *ADAPTERS)
TOP_LEVEL = {*PACKAGES, "tests", "cookbook"}
GENERATED = {"out", "dist", "build", "__pycache__"}  # as .gitignore has them

# Which parts of the core a part may import, itself and those in its own row aside:
# types, errors <- account <- _protocol <- endpoints <- clients <- tools, mcp, jobs <- adapters, cli
VALUES = frozenset(
    "types errors extras config model_id ledger budget hooks citations bundled_models "
    "_media _ledger_file _version".split()
)
ENDPOINTS = VALUES | {"account", "_protocol", "endpoints"}
CLIENTS = ENDPOINTS | {"_transport", "_methods", "client", "async_client"}
MAY_IMPORT: dict[frozenset[str], frozenset[str]] = {
    VALUES: frozenset(),
    frozenset({"account"}): VALUES,
    frozenset({"_protocol"}): VALUES | {"account"},
    frozenset({"endpoints", "messages"}): ENDPOINTS,
    frozenset({"_transport"}): VALUES | {"_protocol"},
    frozenset({"_methods", "client", "async_client"}): CLIENTS,
    frozenset({"_adapters", "jobs"}): CLIENTS | {"messages"},
    frozenset({"tools", "mcp"}): ENDPOINTS | {"_adapters"},
    frozenset({"tracing"}): VALUES,
    frozenset({"__init__"}): CLIENTS,
    frozenset({"cli", "__main__"}): (CLIENTS | {"messages", "sandbox", "tools", "mcp", "jobs"}),
    frozenset({"sandbox"}): frozenset({"_transport", "extras"}),  # a second reading of the API
}
PLACE = {part: row for row in MAY_IMPORT for part in row}

HTTP_LIBRARIES = {"httpx", "httpx2"}
FORBIDDEN = {"openai", "langchain_openai", "tiktoken", "requests", "aiohttp"}
# What an adapter leaves to the other one.
FRAMEWORKS = {"langchain_nanogpt": "langchain_core", "llama_index_nanogpt": "llama_index"}

MODULE_LINES = 500
MEDIAN_MODULE_LINES = 150
FUNCTION_LINES = 40


class Module(NamedTuple):
    name: str
    path: Path

    @property
    def tree(self) -> ast.Module:
        return _parse(self.path)

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def part(self) -> str:
        """The first name below the package: ``_protocol`` for ``nanogpt_client._protocol.sse``."""
        return self.name.split(".")[1] if "." in self.name else "__init__"


class Import(NamedTuple):
    importer: Module
    target: str  # a dotted module, or a module and a name in it
    line: int

    def __str__(self) -> str:
        return f"{self.importer.path.relative_to(ROOT)}:{self.line} imports {self.target}"


@cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found.append(Module(".".join(parts).removesuffix(".__init__"), path))
    return tuple(found)


def imports_of(module: Module) -> Iterator[Import]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            # Relative imports are banned by ruff, so `module` is always the whole name.
            for alias in node.names:
                yield Import(module, f"{node.module}.{alias.name}", node.lineno)


def all_imports(*folders: str) -> Iterator[Import]:
    for module in modules(*folders):
        yield from imports_of(module)


def head(dotted: str) -> str:
    return dotted.partition(".")[0]


def part_of(dotted: str) -> str:
    """The part of the core that an import reaches; names of ``nanogpt_client`` itself: __init__."""
    name = dotted.split(".")[1] if "." in dotted else ""
    return name if name in PLACE else "__init__"


def report(offenders: list[Import]) -> None:
    assert not offenders, "\n".join(map(str, offenders))


def test_every_part_of_the_core_has_its_place():
    parts = {module.part for module in modules(CORE)}
    assert parts == PLACE.keys(), "say in MAY_IMPORT where these stand"
    assert len(MAY_IMPORT) <= 12
    assert len(list((ROOT / CORE).glob("*.py"))) <= 17


def test_imports_in_the_core_point_left():
    def points_right(found: Import) -> bool:
        row, target = PLACE[found.importer.part], part_of(found.target)
        return head(found.target) == CORE and target not in row | MAY_IMPORT[row]

    report([found for found in all_imports(CORE) if points_right(found)])


def test_modules_import_no_circles():
    known = {module.name for module in modules(*PACKAGES)}
    graph = {
        module.name: {
            target
            for found in imports_of(module)
            # `from package import module` reaches the module, not the package's own code.
            for target in (found.target, found.target.rpartition(".")[0])
            if target in known and not found.target.startswith(f"{module.name}.")
        }
        for module in modules(*PACKAGES)
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_underscored_modules_stay_inside_their_package():
    def trespasses(found: Import) -> bool:
        package, _, rest = found.target.partition(".")
        shared = {"__version__", *(["_adapters"] if found.importer.package in ADAPTERS else [])}
        return (
            package in PACKAGES
            and package != found.importer.package
            and any(name.startswith("_") for name in rest.split(".") if name not in shared)
        )

    report([found for found in all_imports(*PACKAGES, "cookbook") if trespasses(found)])


def test_adapters_never_import_each_other_or_the_other_framework():
    report(
        [
            found
            for adapter, other in (ADAPTERS, ADAPTERS[::-1])
            for found in all_imports(adapter)
            if head(found.target) in {other, FRAMEWORKS[other]}
        ]
    )


def test_the_core_imports_no_adapter_and_no_framework():
    foreign = {*ADAPTERS, *FRAMEWORKS.values(), "langchain", "langgraph"}
    report([found for found in all_imports(CORE) if head(found.target) in foreign])


def test_one_file_imports_the_http_library():
    importers = {
        found.importer.name
        for found in all_imports(*PACKAGES)
        if head(found.target) in HTTP_LIBRARIES
    }
    assert importers == {f"{CORE}._transport.http"}


def test_no_package_imports_another_client_library():
    report([found for found in all_imports(*PACKAGES) if head(found.target) in FORBIDDEN])


def test_only_the_configuration_reads_the_environment():
    readers = {
        module.name
        for module in modules(*PACKAGES)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == {f"{CORE}.config"}


def test_every_module_says_what_it_is_for():
    silent = [m.name for m in modules(*sorted(TOP_LEVEL)) if not ast.get_docstring(m.tree)]
    assert not silent


def lines_of(module: Module) -> int:
    return len(module.path.read_text(encoding="utf-8").splitlines())


def test_modules_are_short():
    sizes = {module.name: lines_of(module) for module in modules(*PACKAGES)}
    assert not {name: size for name, size in sizes.items() if size > MODULE_LINES}
    assert statistics.median(sizes.values()) <= MEDIAN_MODULE_LINES


def function_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, without the docstring."""
    size = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        size -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return size


def test_functions_are_short():
    long = {
        f"{module.name}.{node.name}": size
        for module in modules(*PACKAGES)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := function_lines(node)) > FUNCTION_LINES
    }
    assert not long


def test_top_level_folders_are_the_five():
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    visible = {name for name in folders if not name.startswith(".") and name not in GENERATED}
    assert visible == TOP_LEVEL


IMPORT_ALONE = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name + " is blocked", name=name)

sys.meta_path.insert(0, Blocker())
import {package}
for name in {package}.__all__:
    getattr({package}, name)
"""


@pytest.mark.parametrize(
    ("package", "blocked"),
    [
        (
            CORE,
            {"langchain_core", "llama_index", "starlette", "uvicorn", "PIL", "av", "rich", "click"},
        ),
        ("langchain_nanogpt", {"llama_index", "starlette", "uvicorn", "PIL", "av"}),
        ("llama_index_nanogpt", {"langchain_core", "starlette", "uvicorn", "av"}),  # it brings PIL
    ],
)
def test_a_package_works_without_what_its_extra_does_not_bring(package, blocked):
    run_python(IMPORT_ALONE.format(package=package, blocked=blocked))


def loaded_by(code: str) -> set[str]:
    return set(run_python(f"import sys; {code}; print(*sys.modules)").split())


def test_importing_the_core_loads_no_framework():
    loaded = loaded_by(f"import {CORE}")
    assert f"{CORE}.client" in loaded
    heavy = {*FRAMEWORKS.values(), *ADAPTERS, "langchain", "starlette", "uvicorn", "PIL", "av"}
    assert not heavy & {head(name) for name in loaded}


def test_httpx_and_numpy_load_at_their_first_use():
    assert not {"httpx", "numpy"} & loaded_by(f"import {CORE}, {CORE}.tools")
    assert "httpx" in loaded_by(f"import {CORE}; {CORE}.NanoGPTClient('key')")


def test_of_langchain_only_what_a_chat_model_needs_loads_at_once():
    parts = ("callbacks", "embeddings", "loaders", "parsers", "retrievers", "tools")
    late = {f"langchain_nanogpt.{name}" for name in parts}
    eager = loaded_by("import langchain_nanogpt")
    assert "langchain_nanogpt.chat_models" in eager
    assert not (late | {"numpy", f"{CORE}.tools"}) & eager
    names = "import langchain_nanogpt as p; [getattr(p, name) for name in p.__all__]"
    assert late <= loaded_by(names)


def run_python(code: str) -> str:
    """Run `code` in a fresh interpreter and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
