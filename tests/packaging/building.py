"""Build what is published: an sdist of the tree, and a wheel of the tree or of that sdist."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path


def build(kind: str, source: Path, target: Path) -> Path:
    """Build an ``sdist`` or a ``wheel`` of a source tree with this environment's hatchling."""
    target.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind]
    command += ["--directory", str(target)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)
    (built,) = target.iterdir()
    return built


def unpack(sdist: Path, target: Path) -> Path:
    """Unpack an sdist; return the tree in it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    (tree,) = target.iterdir()
    return tree


def contents(wheel: Path) -> dict[str, bytes]:
    """Return every file of a wheel with its bytes."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
