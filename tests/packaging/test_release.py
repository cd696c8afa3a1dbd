"""What a release publishes besides the package: the two names without code, the addresses."""

from __future__ import annotations

import tarfile
import tomllib
from email import message_from_bytes

import pytest

from nanogpt_client import __version__
from tests.packaging import release
from tests.packaging.building import contents
from tests.support.paths import ROOT

HOME = "https://example.org/nanogpt-integrations"
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize("package", release.METAPACKAGES, ids=lambda package: package.name)
def test_a_metapackage_asks_for_this_version_and_has_no_code(package, tmp_path):
    sdist, wheel = release.build_metapackage(package, tmp_path / "dist", HOME)
    files = contents(wheel)
    assert all(".dist-info/" in name for name in files)
    (about,) = (data for name, data in files.items() if name.endswith("/METADATA"))
    metadata = message_from_bytes(about)
    assert (metadata["Name"], metadata["Version"]) == (package.name, __version__)
    assert metadata.get_all("Requires-Dist") == [
        f"nanogpt-integrations[{package.extra}]=={__version__}"
    ]
    assert package.extra in release.PROJECT["optional-dependencies"]
    assert metadata["Requires-Python"] == release.PROJECT["requires-python"]
    assert metadata["License-Expression"] == "MIT"
    assert f"Repository, {HOME}" in metadata.get_all("Project-URL", [])
    assert f"`import {package.module}`" in about.decode()
    assert (ROOT / package.module / "__init__.py").exists()
    assert any(name.endswith("licenses/LICENSE") for name in files)
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names


def test_a_release_adds_the_addresses_of_its_repository_and_nothing_else():
    stamped = release.with_urls(PYPROJECT, f"{HOME}/")
    before, after = tomllib.loads(PYPROJECT), tomllib.loads(stamped)
    urls = after["project"].pop("urls")
    assert urls["Homepage"] == urls["Repository"] == HOME
    assert urls["Issues"] == f"{HOME}/issues"
    assert urls.items() >= before["project"].pop("urls").items()
    assert after == before


def test_without_an_address_none_is_invented():
    assert tomllib.loads(release.with_urls(PYPROJECT, None)) == tomllib.loads(PYPROJECT)
    assert all("nano-gpt.com" in url for url in release.urls_of(None).values())


@pytest.mark.parametrize("tag", ["v9.9.9", __version__])
def test_a_tag_that_is_not_the_versions_stops_the_release(tag, tmp_path):
    with pytest.raises(SystemExit, match="but the version is"):
        release.main([str(tmp_path / "dist"), "--tag", tag])
    assert not (tmp_path / "dist").exists()


def test_classifiers_name_the_pythons_that_are_supported():
    named = [line for line in release.PROJECT["classifiers"] if "Python :: 3." in line]
    assert [line.rpartition(" ")[2] for line in named] == ["3.11", "3.12", "3.13", "3.14"]
    assert release.PROJECT["requires-python"] == ">=3.11"
