"""Options in the docstrings of the clients' methods."""

from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from typing import get_type_hints

import pytest

from nanogpt_client import AsyncNanoGPTClient, NanoGPTClient
from nanogpt_client._methods.batches import AsyncBatches, Batches
from nanogpt_client.types._docs import option_docs
from nanogpt_client.types.options import ChatOptions, VideoJobOptions

CLASSES = [NanoGPTClient, AsyncNanoGPTClient, Batches, AsyncBatches]


def methods():
    for cls in CLASSES:
        for name, method in inspect.getmembers(cls, inspect.isfunction):
            annotation = method.__annotations__.get("options", "")
            if not name.startswith("_") and annotation.startswith("Unpack["):
                options = vars(sys.modules[method.__module__])[annotation[7:-1]]
                yield pytest.param(method, options, id=f"{cls.__name__}.{name}")


def test_there_are_many():
    assert len(list(methods())) > 50


@pytest.mark.parametrize(("method", "options"), list(methods()))
def test_help_names_every_option_with_its_description(method, options):
    shown = pydoc.plain(pydoc.render_doc(method))
    for name in get_type_hints(options):
        (line,) = [line for line in shown.splitlines() if line.strip().startswith(f"{name}: ")]
        assert len(line.strip()) > len(name) + 4
    assert shown.count("Options:") == 1


def test_inherited_options_come_along():
    docs = option_docs(VideoJobOptions)
    assert docs.keys() == get_type_hints(VideoJobOptions).keys()
    assert docs["timeout"] == option_docs(ChatOptions)["timeout"]
    assert "poll_interval" in docs


def test_without_sources_methods_keep_their_docstrings(tmp_path):
    script = (
        "import pathlib\n"
        "pathlib.Path.read_text = lambda *_: (_ for _ in ()).throw(FileNotFoundError())\n"
        "from nanogpt_client import NanoGPTClient\n"
        "print(NanoGPTClient.search_web.__doc__)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert shown.startswith("Search the web")
