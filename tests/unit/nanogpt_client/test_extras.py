"""What a missing extra is said to need: a command that works where the package came from."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

import langchain_nanogpt
from nanogpt_client import ConfigurationError, extras
from nanogpt_client._protocol.progress import ProgressReporter
from nanogpt_client.account import Account
from nanogpt_client.extras import install_command, needs
from nanogpt_client.jobs import PaidStore
from nanogpt_client.sandbox import Sandbox
from tests.packaging.test_architecture import modules


@pytest.mark.parametrize(
    ("origin", "requirement"),
    [
        ({}, '"nanogpt-integrations[cli]"'),
        (
            {"url": "file:///src/my%20code", "dir_info": {"editable": True}},
            '-e "/src/my code[cli]"',
        ),
        ({"url": "file:///src/it", "dir_info": {}}, '"/src/it[cli]"'),
        (
            {"url": "file:///it-1-py3-none-any.whl", "archive_info": {}},
            '"nanogpt-integrations[cli] @ file:///it-1-py3-none-any.whl"',
        ),
        (
            {"url": "https://example.org/it.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            '"nanogpt-integrations[cli] @ git+https://example.org/it.git@abc"',
        ),
    ],
)
def test_what_pip_is_to_install(origin, requirement):
    assert extras._requirement(origin, "cli") == requirement


def test_a_missing_module_is_named_with_what_brings_it():
    with pytest.raises(
        ModuleNotFoundError, match=r"it needs no_such_module: pip install .*\[cli\]"
    ):
        with needs("cli", "it"):
            import no_such_module  # type: ignore[import-not-found]  # noqa: F401, PLC0415
    with pytest.raises(ZeroDivisionError):
        with needs("cli", "it"):
            _ = 1 / 0


BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {missing!r}:
            raise ModuleNotFoundError(name + " is blocked", name=name)

sys.meta_path.insert(0, Blocker())
try:
    import {package}
except ModuleNotFoundError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "missing", "extra"),
    [
        ("langchain_nanogpt", "langchain_core", "[langchain]"),
        ("llama_index_nanogpt", "llama_index", "[llama-index]"),
    ],
)
def test_an_adapter_without_its_framework_says_what_to_install(package, missing, extra):
    code = BLOCKED.format(package=package, missing=missing)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout.startswith(f"{package} needs {missing}: pip install ")
    assert extra in done.stdout


@pytest.mark.parametrize(
    ("extra", "missing", "use"),
    [
        ("redis", "redis", lambda: Account("redis://127.0.0.1/0")),
        ("redis", "redis", lambda: PaidStore("redis://127.0.0.1/0").get([])),
        ("ray", "ray", lambda: Account("ray://name")),
        ("agents", "langchain.chat_models.base", langchain_nanogpt.register),
        ("progress", "tqdm.auto", lambda: ProgressReporter({"progress": True}).__enter__()),
        ("sandbox", "uvicorn", lambda: Sandbox().start()),
    ],
)
def test_what_uses_an_extra_says_what_to_install(extra, missing, use, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        (ConfigurationError, ImportError), match=r"needs .*: pip install "
    ) as caught:
        use()
    assert install_command(extra) in str(caught.value)


@pytest.mark.unwatched
def test_no_message_names_an_extra_of_a_package_from_an_index():
    """Where the package came from a file or a folder, such a command would install another one."""
    named = [
        f"{module.name}:{node.lineno}"
        for module in modules("nanogpt_client", "langchain_nanogpt", "llama_index_nanogpt")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"pip install\W+nanogpt", node.value)
    ]
    assert named == []
