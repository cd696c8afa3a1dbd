"""What is published: what is in it, what it asks for, and that the sdist builds the same wheel."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.packaging.building import build, contents, unpack
from tests.support.paths import ROOT

NAMESPACE = "llama_index_nanogpt/_namespace"
PACKAGES = ("nanogpt_client", "langchain_nanogpt", "llama_index_nanogpt")
LLAMA_INDEX_NAMES = """
import llama_index.core  # from elsewhere: both share the namespace
from llama_index.embeddings.nanogpt import NanoGPTEmbedding
from llama_index.llms.nanogpt import NanoGPT
from llama_index.postprocessor.nanogpt import NanoGPTRerank
from llama_index.tools.nanogpt import NanoGPTToolSpec
print(NanoGPTRerank.__name__, NanoGPT.__name__, NanoGPTEmbedding.__name__, NanoGPTToolSpec.__name__)
"""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


class Built(NamedTuple):
    sdist: Path
    wheel: Path
    files: dict[str, bytes]

    def of_info(self, name: str) -> bytes:
        (found,) = (data for path, data in self.files.items() if path.endswith(f"info/{name}"))
        return found

    @property
    def metadata(self) -> Message:
        return message_from_bytes(self.of_info("METADATA"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    wheel = build("wheel", ROOT, folder / "wheel")
    return Built(build("sdist", ROOT, folder / "sdist"), wheel, contents(wheel))


def test_the_wheel_holds_the_packages_whole_and_nothing_else(built):
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in built.files if ".dist-info/" not in name}
    mapped = {name.replace(NAMESPACE, "llama_index", 1): name for name in sources}
    assert inside == mapped.keys()
    assert "llama_index/llms/nanogpt/py.typed" in inside
    assert {f"{package}/py.typed" for package in PACKAGES} <= inside
    assert "nanogpt_client/data/models.jsonl" in inside
    assert any(name.startswith("nanogpt_client/sandbox/data/") for name in inside)
    assert all(built.files[name] == (ROOT / mapped[name]).read_bytes() for name in inside)


def test_llama_indexs_own_names_lead_to_the_package(built, tmp_path):
    with zipfile.ZipFile(built.wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LLAMA_INDEX_NAMES],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        "NanoGPTRerank",
        "NanoGPT",
        "NanoGPTEmbedding",
        "NanoGPTToolSpec",
    ]


def test_the_wheel_is_for_any_python_3_and_installs_the_command(built):
    assert built.wheel.name.endswith("-py3-none-any.whl")
    assert built.of_info("entry_points.txt").decode().split("\n")[:2] == [
        "[console_scripts]",
        "nanogpt = nanogpt_client.__main__:main",
    ]
    assert built.of_info("licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_its_metadata_are_those_of_the_project(built):
    metadata = built.metadata
    extras = PROJECT["optional-dependencies"]
    assert metadata["Name"] == PROJECT["name"]
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert metadata["License-Expression"] == PROJECT["license"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(extras)
    asked = metadata.get_all("Requires-Dist", [])
    assert sum("extra ==" not in line for line in asked) == len(PROJECT["dependencies"])
    readme = built.of_info("METADATA").partition(b"\n\n")[2]
    assert readme.strip() == (ROOT / "README.md").read_bytes().strip()


def test_all_is_every_other_extra_but_ray_which_is_a_gigabyte():
    extras = PROJECT["optional-dependencies"]
    others = ",".join(sorted(set(extras) - {"all", "ray"}))
    assert extras["all"] == [f"{PROJECT['name']}[{others}]"]


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    again = build("wheel", unpack(built.sdist, tmp_path / "tree"), tmp_path / "wheel")
    assert again.name == built.wheel.name
    assert contents(again) == built.files


def test_the_sdist_holds_no_caches_and_no_settings_of_a_machine(built):
    with tarfile.open(built.sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO", "tests/conftest.py"} <= set(names)
    hidden = {name for name in names if any(part.startswith(".") for part in name.split("/"))}
    assert hidden <= {".gitignore"}
    assert not [name for name in names if "__pycache__" in name]
