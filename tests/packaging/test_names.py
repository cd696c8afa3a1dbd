"""The field's words: none of those that we gave up is in an identifier or a public docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

PACKAGES = ("nanogpt_client", "langchain_nanogpt", "llama_index_nanogpt")

# What we say instead: argument, option, setting; reported; cached, metadata; state, reserved;
# prototype; record, ledger entry; chunk, part, segment; event; reasoning; image; job; sees, runs;
# format.
GIVEN_UP = frozenset(
    "words told known facts held mould booking booked piece pieces frame frames thoughts picture "
    "pictures ticket tickets meets sheet sheets brain".split()
)
PHRASES = ("that is none",)

# Where they are the field's own: words of real texts and transcripts, frames of audio, video and
# tables, and the ticket of a support desk in an example.
MEANT = {
    "words": ("sandbox/answers", "sandbox/media", "sandbox/routes/audio", "types/media"),
    "frame": ("_media/audio_concat", "sandbox", "ledger.py"),
    "frames": ("_media/audio_concat", "endpoints/_prices", "sandbox/media"),
    "ticket": ("sandbox/__init__", "sandbox/answers/script"),
}  # fmt: skip


def is_meant(word: str, path: Path) -> bool:
    return any(place in path.as_posix() for place in MEANT.get(word, ()))


def modules() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def parts_of(name: str) -> set[str]:
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def named_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What a module gives names to: classes, functions, arguments, variables and attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name, node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno


def public_docstrings(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The docstrings of a module, and of what in it has no underscore."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = getattr(node, "name", "")
            if name.startswith("_") and not name.startswith("__"):
                continue
            for below in node.body:  # its own docstring, and those of its attributes
                match below:
                    case ast.Expr(value=ast.Constant(value=str(text))):
                        yield text, below.lineno
        waiting.extend(ast.iter_child_nodes(node))


def is_used(word: str, place: str) -> bool:
    return any(
        place in path.as_posix() and word in path.read_text("utf-8").lower() for path in modules()
    )


def test_every_package_and_room_is_looked_at():
    looked_at = {path.parent.relative_to(ROOT).as_posix() for path in modules()}
    rooms = {package.parent for name in PACKAGES for package in (ROOT / name).rglob("__init__.py")}
    assert {room.relative_to(ROOT).as_posix() for room in rooms} <= looked_at
    assert {f"nanogpt_client/{room}" for room in ("account", "jobs", "mcp")} <= looked_at


def test_each_exception_is_still_needed():
    unused = [
        (w, place) for w, places in MEANT.items() for place in places if not is_used(w, place)
    ]
    assert not unused


def test_no_module_is_named_so():
    found = [path for path in modules() if GIVEN_UP & parts_of(path.stem)]
    assert [path.name for path in found if not is_meant(path.stem, path)] == []


def test_no_identifier_uses_them():
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in modules()
        for name, line in named_in(ast.parse(path.read_text()))
        if any(not is_meant(word, path) for word in GIVEN_UP & parts_of(name))
    ]
    assert not found, "\n".join(found)


def given_up_in(text: str) -> set[str]:
    found = set(re.findall(r"[a-z]+", text.lower())) & GIVEN_UP
    return found | {phrase for phrase in PHRASES if phrase in " ".join(text.lower().split())}


def test_no_public_docstring_uses_them():
    found = [
        f"{path.relative_to(ROOT)}:{line} {sorted(used)}"
        for path in modules()
        for text, line in public_docstrings(ast.parse(path.read_text()))
        if (used := {word for word in given_up_in(text) if not is_meant(word, path)})
    ]
    assert not found, "\n".join(found)
