"""The sync and the async client are the same but for ``await``, statement by statement."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest
from numpy.typing import NDArray

from nanogpt_client import async_client, client
from nanogpt_client._methods import batches
from nanogpt_client._methods.base_client import BaseClient
from nanogpt_client._methods.texts import AsyncTextMethods, TextMethods
from nanogpt_client._transport import http
from nanogpt_client._transport.runner import AsyncRunner, Runner
from nanogpt_client.async_client import AsyncNanoGPTClient, AsyncStream
from nanogpt_client.client import NanoGPTClient, Stream

NAMES = {
    "AsyncNanoGPTClient": "NanoGPTClient",
    "AsyncPaymentMethods": "PaymentMethods",
    "AsyncMethods": "Methods",
    "AsyncPageMethods": "PageMethods",
    "AsyncRunner": "Runner",
    "AsyncStream": "Stream",
    "AsyncTextMethods": "TextMethods",
    "AsyncTransport": "Transport",
    "AsyncVideoMethods": "VideoMethods",
    "AsyncVoiceMethods": "VoiceMethods",
    "AsyncBatches": "Batches",
    "AsyncGenerator": "Generator",
    "AsyncIterator": "Iterator",
    "aclose": "close",
    "anext": "next",
    "asyncio": "time",
    "block_async": "block",
    "in_tasks": "in_threads",
    "invoke_async": "invoke",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}


class WithoutAsync(ast.NodeTransformer):
    """Turns async code into its blocking twin, docstrings aside."""

    def visit(self, node: ast.AST) -> ast.AST:
        node = self.generic_visit(node)
        for field in ("name", "id", "attr", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                setattr(node, field, NAMES.get(name, name))
        return self._same(self._blocking(node))

    def _blocking(self, node: ast.AST) -> ast.AST:
        plain = {
            ast.AsyncFunctionDef: ast.FunctionDef, ast.AsyncFor: ast.For, ast.AsyncWith: ast.With,
        }.get(type(node))  # fmt: skip
        if plain is not None:
            node = plain(**dict(ast.iter_fields(node)))
        return node.value if isinstance(node, ast.Await) else node

    def _same(self, node: ast.AST) -> ast.AST:
        """Level what differs in form alone: order of imports, names in ``__all__``, docstrings."""
        match node:
            case ast.ImportFrom() | ast.Import():
                node.names.sort(key=lambda alias: alias.name)
            case ast.Constant(value=str() as text):
                node.value = NAMES.get(text, text)
            case ast.Subscript(value=ast.Name(id="Generator"), slice=ast.Tuple(elts=[item, _])):
                # What an async generator has no type for: its return value.
                node.slice = ast.Tuple([item, ast.Constant(None), ast.Constant(None)], ast.Load())
            case ast.Module() | ast.ClassDef() | ast.FunctionDef():
                if ast.get_docstring(node) is not None:
                    node.body = node.body[1:] or [ast.Pass()]
        return node


def plain(source: str) -> list[str]:
    """Return the statements of a module, classes and functions, without what async adds."""
    tree = WithoutAsync().visit(ast.parse(source))
    lines = ast.unparse(ast.fix_missing_locations(tree)).splitlines()
    imports = sorted(line for line in lines if line.startswith(("import ", "from ")))
    return imports + [line for line in lines if not line.startswith(("import ", "from "))]


SYNC, ASYNC = (
    Path(str(module.__file__)).read_text("utf-8") + "".join(map(inspect.getsource, more))
    for module, *more in (
        (client, Runner, TextMethods),
        (async_client, AsyncRunner, AsyncTextMethods),
    )
)


def test_both_clients_are_the_same_but_for_await():
    assert plain(ASYNC) == plain(SYNC)


METHODS = [
    (cls, twin)
    for cls, twin in zip(NanoGPTClient.__bases__, AsyncNanoGPTClient.__bases__, strict=True)
    if cls is not BaseClient
]


@pytest.mark.parametrize(("cls", "twin"), METHODS, ids=lambda cls: cls.__name__)
def test_methods_by_subject_are_the_same_but_for_await(cls, twin):
    source, other = inspect.getsource(cls), inspect.getsource(twin)
    assert plain(other) == plain(source)
    assert plain(other.replace("await self.", "await self.other.", 1)) != plain(source)


@pytest.mark.parametrize(
    ("cut", "instead"),
    [
        ("return await self.send(endpoints.account.balance())", "pass"),
        ("connection.aclose()", "connection.other()"),
        ("await asyncio.sleep(seconds)", "await asyncio.sleep(0)"),
        ("await invoke_async(step)", "await invoke_async(None)"),
        ("        finally:\n            steps.close()\n", "        finally:\n            pass\n"),
    ],
)
def test_a_difference_is_found(cut, instead):
    assert cut in ASYNC
    assert plain(ASYNC.replace(cut, instead, 1)) != plain(SYNC)


def test_a_truncated_twin_is_found():
    whole = ast.parse(ASYNC)
    whole.body[-1].body.pop()  # type: ignore[attr-defined]
    assert plain(ast.unparse(whole)) != plain(SYNC)


def public(cls: type) -> dict[str, inspect.Signature]:
    return {
        NAMES.get(name, name): inspect.signature(member)
        for name, member in inspect.getmembers(cls, callable)
        if not name.startswith("_")
    }


def test_every_method_has_the_same_signature():
    sync, other = public(NanoGPTClient), public(AsyncNanoGPTClient)
    assert sync.keys() == other.keys()
    for name, signature in sync.items():
        twin = other[name]
        assert signature.parameters == twin.parameters, name
        assert str(twin.return_annotation).replace("AsyncStream", "Stream") == str(
            signature.return_annotation
        ), name


def test_streams_have_the_same_methods():
    assert public(Stream).keys() == public(AsyncStream).keys()


def test_the_methods_of_the_design_are_there():
    names = """chat stream_chat embed embed_all generate_image edit_image speak stream_speech
    transcribe submit_video video_status wait_for_video generate_video recover_videos search_web
    list_models balance usage subscription_usage estimate_chat_cost estimate_image_cost can_afford
    create_deposit deposit_limits deposit_status scrape transcribe_youtube clone_voice
    submit_voice_clone voice_clone_status wait_for_voice_clone submit_video_extension send run"""
    assert set(names.split()) <= public(NanoGPTClient).keys()


def test_annotations_can_be_read_at_run_time():
    for cls in (NanoGPTClient, AsyncNanoGPTClient):
        for name, member in inspect.getmembers(cls, inspect.isfunction):
            # NumPy's types alone are not there: it is loaded at its first use.
            numpy = {"np": np, "NDArray": NDArray}
            assert get_type_hints(member, localns=numpy) is not None, name


def test_both_transports_have_the_same_methods():
    names = [public(cls).keys() for cls in (http.Transport, http.AsyncTransport)]
    assert names[0] == names[1]


def test_batches_are_the_same_but_for_await():
    sync, other = (
        plain("import x\n" + inspect.getsource(cls))
        for cls in (batches.Batches, batches.AsyncBatches)
    )
    assert other == sync
    signatures = public(batches.Batches), public(batches.AsyncBatches)
    assert signatures[0] == signatures[1]
