"""``make dist``: build what a release publishes, with a folder for each project.

nanogpt-integrations itself, and two projects without code, under the names that the frameworks'
users look for: LangChain's own error messages say ``pip install langchain-nanogpt``. They ask for
exactly this version of nanogpt-integrations with the extra of their framework.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from nanogpt_client import __version__
from tests.packaging.building import build, unpack
from tests.support.paths import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME: str = PROJECT["name"]
URLS = "[project.urls]\n"


class Metapackage(NamedTuple):
    """A project that only asks for nanogpt-integrations with an extra."""

    name: str
    extra: str
    framework: str
    module: str


METAPACKAGES = (
    Metapackage("langchain-nanogpt", "langchain", "LangChain", "langchain_nanogpt"),
    Metapackage("llama-index-llms-nanogpt", "llama-index", "LlamaIndex", "llama_index_nanogpt"),
)

README = """\
# {name}

NanoGPT for {framework}: more than 500 models behind one key, paid per prompt.

    pip install {name}

installs [nanogpt-integrations]({home}), which has the code: `import {module}`. This project has
none of its own; it exists so that users of {framework} find the integration by its usual name.
"""

PYPROJECT = """\
[build-system]
requires = {build}
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "NanoGPT for {framework}: installs nanogpt-integrations."
readme = "README.md"
requires-python = "{python}"
license = "{license}"
license-files = ["LICENSE"]
authors = [{{ name = {author} }}]
keywords = {keywords}
classifiers = {classifiers}
dependencies = ["{requirement}"]

{urls}
[tool.hatch.build.targets.wheel]
bypass-selection = true # it has no files

[tool.hatch.build.targets.sdist]
only-include = ["README.md", "LICENSE"]
"""


def urls_of(repository: str | None) -> dict[str, str]:
    """Return the addresses for the metadata; those of a repository only if it is named."""
    named = dict(PROJECT["urls"])
    if repository is None:
        return named
    home = repository.rstrip("/")
    own = {
        "Homepage": home,
        "Repository": home,
        "Documentation": f"{home}/tree/main/cookbook",
        "Changelog": f"{home}/blob/main/CHANGELOG.md",
        "Issues": f"{home}/issues",
    }
    return own | named


def urls_table(repository: str | None) -> str:
    """Return the table ``project.urls`` of a pyproject.toml."""
    lines = [f"{json.dumps(name)} = {json.dumps(url)}" for name, url in urls_of(repository).items()]
    return URLS + "\n".join(lines) + "\n"


def with_urls(pyproject: str, repository: str | None) -> str:
    """Return the text of a pyproject.toml, with the repository's addresses in its table."""
    before, _, rest = pyproject.partition(URLS)
    _, separator, after = rest.partition("\n\n")
    return before + urls_table(repository).rstrip("\n") + separator + after


def build_project(folder: Path, repository: str | None) -> list[Path]:
    """Build nanogpt-integrations: the sdist, and the wheel from that sdist."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tree = unpack(build("sdist", ROOT, work / "plain"), work / "tree")
        pyproject = tree / "pyproject.toml"
        pyproject.write_text(with_urls(pyproject.read_text("utf-8"), repository), "utf-8")
        return _build_both(tree, work, folder)


def build_metapackage(package: Metapackage, folder: Path, repository: str | None) -> list[Path]:
    """Build a project without code: the sdist, and the wheel from that sdist."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        tree = work / "tree"
        tree.mkdir()
        about = {
            **package._asdict(),
            "home": repository or PROJECT["urls"]["NanoGPT"],
            "version": __version__,
            "build": json.dumps(["hatchling>=1.27"]),
            "python": PROJECT["requires-python"],
            "license": PROJECT["license"],
            "author": json.dumps(PROJECT["authors"][0]["name"]),
            "keywords": json.dumps(PROJECT["keywords"]),
            "classifiers": json.dumps(PROJECT["classifiers"]),
            "requirement": f"{NAME}[{package.extra}]=={__version__}",
            "urls": urls_table(repository),
        }
        (tree / "pyproject.toml").write_text(PYPROJECT.format(**about), "utf-8")
        (tree / "README.md").write_text(README.format(**about), "utf-8")
        shutil.copy(ROOT / "LICENSE", tree)
        return _build_both(tree, work, folder)


def _build_both(tree: Path, work: Path, folder: Path) -> list[Path]:
    sdist = build("sdist", tree, work / "sdist")
    wheel = build("wheel", unpack(sdist, work / "unpacked"), work / "wheel")
    folder.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copy(built, folder)) for built in (sdist, wheel)]


def build_all(folder: Path, repository: str | None = None) -> list[Path]:
    """Build all projects, each into a folder of its name."""
    built = build_project(folder / NAME, repository)
    for package in METAPACKAGES:
        built += build_metapackage(package, folder / package.name, repository)
    return built


def check_tag(tag: str) -> None:
    """Exit with a message unless the tag, the version and the changelog agree."""
    if tag != f"v{__version__}":
        sys.exit(f"the tag is {tag}, but the version is {__version__}")
    if f"\n## [{__version__}]" not in (ROOT / "CHANGELOG.md").read_text("utf-8"):
        sys.exit(f"CHANGELOG.md has no section for {__version__}")


def main(arguments: list[str] | None = None) -> None:
    """Build everything, and say what was built."""
    parser = argparse.ArgumentParser(prog="python -m tests.packaging.release", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to build; must not exist yet")
    parser.add_argument("--repository", help="the public address of this repository")
    parser.add_argument("--tag", help="the tag of the release; must fit the version")
    options = parser.parse_args(arguments)
    if options.tag is not None:
        check_tag(options.tag)
    if options.folder.exists():
        sys.exit(f"{options.folder} exists already")
    for path in build_all(options.folder, options.repository):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
