"""Where things lie, wherever a test module may stand."""

from __future__ import annotations

from pathlib import Path

ROOT = next(path for path in Path(__file__).parents if (path / "pyproject.toml").is_file())
TESTS = ROOT / "tests"
README = ROOT / "README.md"
CASSETTES = TESTS / "cassettes"
SAMPLES = TESTS / "samples"

# NanoGPT's published data, beside the checkout; its tests are skipped where it is absent.
REFERENCE = ROOT.parent / "shared" / "nanogpt"
