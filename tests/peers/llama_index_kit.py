"""LlamaIndex: the conformance kit, which `NanoGPT` passes, on `OpenAILike` as well.

`NanoGPT` runs it with all other tests; here it runs again to be counted the same way.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from tests.conformance.llama_index.kit import invariants
from tests.peers.compare import print_column
from tests.support.paths import ROOT

TABLE = "llama-index-kit"
OURS = "NanoGPT"
PEERS: Sequence[str] = ("OpenAILike",)

_TESTS = {
    "NanoGPT": "tests/conformance/llama_index/test_nanogpt.py",
    "OpenAILike": "tests/peers/openai_like.py",
}


def column(client: str) -> dict[str, str]:
    """Return for each invariant whether it holds, or in how many of its cases."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        # Another client's tests fail, and its tracebacks are of no use here.
        quiet = ("-q", "--tb=native", "-p", "no:cacheprovider", f"--junitxml={report}")
        alone = ("--noconftest", "-c", "tests/peers/pytest.ini", "--rootdir", str(ROOT))
        subprocess.run(
            [sys.executable, "-m", "pytest", *quiet, *alone, _TESTS[client]],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        passed = _passed(report)
    return {sentence: _verdict(passed[name]) for name, sentence in invariants().items()}


def _passed(report: Path) -> dict[str, list[bool]]:
    """Return by test whether each of its cases passed."""
    passed: dict[str, list[bool]] = defaultdict(list)
    for case in ET.parse(report).iter("testcase"):
        name = case.attrib["name"].partition("[")[0]
        passed[name].append(case.find("failure") is None and case.find("error") is None)
    return passed


def _verdict(passed: Sequence[bool]) -> str:
    if not passed:
        raise LookupError("a test of the kit did not run")
    good, cases = sum(passed), len(passed)
    return "holds" if good == cases else f"{good} of {cases}" if good else "fails"


if __name__ == "__main__":
    print_column(sys.modules[__name__])
