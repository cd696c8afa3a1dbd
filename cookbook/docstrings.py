"""Read the docstrings of an installed package, as documents for retrieval.

The sources are parsed with `ast` and never imported, so reading them has no side effects and
needs none of the package's optional dependencies. Each public module, class, function and method
that is really documented becomes one short text: its name and the part of its docstring that
describes it. Objects that only repeat another one are left out: overrides of a documented method,
async versions, deprecated names.
"""

from __future__ import annotations

import ast
import re
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 40  # characters: a shorter docstring of a module or method repeats its name
SHORTEST_TOP = 15  # of a class or function, whose short docstring still says what it is for
LONGEST = 300  # words: no framework's default splitter cuts such a text

_CODE = re.compile(r"^[ ]*```(?s:.*?)^[ ]*```[ ]*$|^[ ]*>>>.*$", re.MULTILINE)
_HIDDEN = {"tests", "testing"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Documented = ast.Module | ast.ClassDef | _Function


class Docstring(NamedTuple):
    """One documented object; `source` is path:line below the directory of installed packages."""

    name: str
    text: str
    source: str
    package: str


class _Object(NamedTuple):
    """A documented object: its qualified name, where it is, and the class it belongs to, if any."""

    name: str
    node: _Documented
    doc: str
    source: str
    owner: ast.ClassDef | None


def load_docstrings(package: str) -> list[Docstring]:
    """Return the public docstrings of an installed `package`, sorted by qualified name.

    Raises:
        ModuleNotFoundError: `package` is not installed.
    """
    root = _directory(package)
    site = root.parents[package.count(".")]
    found: list[_Object] = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(site)
        module = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
        if _is_public(module):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found.extend(_objects(module, tree, place.as_posix(), None))
    kept = _without_repeats(found)
    return sorted(Docstring(item.name, _text(item), item.source, package) for item in kept)


def _directory(package: str) -> Path:
    """Return the directory of `package` without importing it or its parents."""
    path: list[str] | None = None
    for part in package.split("."):
        spec = PathFinder.find_spec(part, path)
        if spec is None or spec.submodule_search_locations is None:
            message = f"No package named {package!r} is installed"
            raise ModuleNotFoundError(message, name=package)
        path = list(spec.submodule_search_locations)
    return Path(path[0]) if path else Path()


def _is_public(name: str) -> bool:
    """Return whether no part of a dotted name is private or a test."""
    return not any(part.startswith("_") or part in _HIDDEN for part in name.split("."))


def _objects(
    name: str, node: _Documented, place: str, owner: ast.ClassDef | None
) -> Iterator[_Object]:
    """Yield a node and all that is defined in it, if public and not deprecated."""
    doc = ast.get_docstring(node) or ""
    marks = [ast.unparse(mark) for mark in getattr(node, "decorator_list", [])]
    if any("deprecated" in mark for mark in marks) or "deprecated" in doc[:80].lower():
        return
    yield _Object(name, node, doc, f"{place}:{getattr(node, 'lineno', 1)}", owner)
    if isinstance(node, _Function):
        return
    inside = node if isinstance(node, ast.ClassDef) else None
    for child in node.body:
        if isinstance(child, ast.ClassDef | _Function) and _is_public(child.name):
            yield from _objects(f"{name}.{child.name}", child, place, inside)


def _is_documented(item: _Object) -> bool:
    """Return whether the docstring says more than the name does."""
    method = isinstance(item.node, _Function) and item.owner is not None
    named = not method and not isinstance(item.node, ast.Module)
    return len(item.doc) >= (SHORTEST_TOP if named else SHORTEST)


def _without_repeats(found: list[_Object]) -> list[_Object]:
    """Return the objects that do not merely repeat another one."""
    bases = {
        item.node.name: [ast.unparse(base).partition("[")[0] for base in item.node.bases]
        for item in found
        if isinstance(item.node, ast.ClassDef)
    }
    documented = [item for item in found if _is_documented(item)]
    methods = {(item.owner.name, _short(item)): item.doc for item in documented if item.owner}
    seen: set[tuple[str, str]] = set()
    kept = []
    for item in documented:
        key = (_short(item), " ".join(item.doc.split()))
        if key not in seen and not (item.owner and _repeats(item, item.owner, bases, methods)):
            kept.append(item)
        seen.add(key)
    return kept


def _short(item: _Object) -> str:
    """Return the last part of an object's name."""
    return item.name.rpartition(".")[2]


def _repeats(
    item: _Object,
    owner: ast.ClassDef,
    bases: dict[str, list[str]],
    methods: dict[tuple[str, str], str],
) -> bool:
    """Return whether a method is the async version or an override of a documented one."""
    short = _short(item)
    twin = methods.get((owner.name, short[1:]), "") if short.startswith("a") else ""
    if len(twin) * 2 > len(item.doc):
        return True
    waiting, seen = list(bases.get(owner.name, ())), {owner.name}
    while waiting:
        name = waiting.pop()
        if (name, short) in methods and name not in seen:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(bases.get(name, ()))
    return False


def _text(item: _Object) -> str:
    """Return the text to retrieve by: kind, name, docstring without code, names of arguments."""
    words = _CODE.sub("", item.doc).split()[:LONGEST]
    return " ".join([_kind(item), f"{item.name}:", *words, *_arguments(item.node)])


def _kind(item: _Object) -> str:
    """Return the kind of the object: module, class, method or function."""
    if isinstance(item.node, ast.Module):
        return "module"
    if isinstance(item.node, ast.ClassDef):
        return "class"
    return "method" if item.owner else "function"


def _arguments(node: _Documented) -> list[str]:
    """Return the names of a function's arguments or of a class's annotated fields."""
    if isinstance(node, _Function):
        named = [argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]]
        return [name for name in named if name not in {"self", "cls"}]
    fields = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
    return [field.id for field in fields if isinstance(field, ast.Name) and _is_public(field.id)]
