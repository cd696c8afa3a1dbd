"""Fresh processes that are measured from outside: how long an import takes, what a stream holds."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from typing import NamedTuple

from tests.support.paths import ROOT

# What is imported, in which environment, and what it is compared with.
IMPORTS = {
    "langchain_core's chat model": "from langchain_core.language_models import BaseChatModel",
    "langchain_nanogpt": "import langchain_nanogpt",
    "langchain_openai": "import langchain_openai",
    "langchain_openrouter": "import langchain_openrouter",
    "llama_index.core.llms": "import llama_index.core.llms",
    "llama_index_nanogpt": "import llama_index_nanogpt",
    "llama_index.llms.openai_like": "import llama_index.llms.openai_like",
    "nanogpt_client": "import nanogpt_client",
    "nanogpt_client.NanoGPTClient": "from nanogpt_client import NanoGPTClient; NanoGPTClient('k')",
    "openai": "import openai",
}
PEERS = {"langchain_openai", "langchain_openrouter", "llama_index.llms.openai_like", "OpenAILike"}


class Finished(NamedTuple):
    """CPU seconds of a process, and its largest size in MB."""

    seconds: float
    megabytes: float


def python_of(subject: str, peers: str) -> str:
    """Return the interpreter that has a subject."""
    return peers if subject in PEERS else sys.executable


def compile_ours() -> None:
    """Compile our packages, as pip does with those that it installs."""
    for package in ("nanogpt_client", "langchain_nanogpt", "llama_index_nanogpt"):
        if not compileall.compile_dir(ROOT / package, quiet=1):
            raise RuntimeError(f"{package} cannot be compiled")


def imported(name: str, peers: str) -> Finished:
    """Import something in a fresh process."""
    command = [python_of(name, peers), "-c", IMPORTS[name]]
    return _finished(command)


def _finished(command: list[str]) -> Finished:
    with subprocess.Popen(command, cwd=ROOT) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return Finished(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def held(subject: str, url: str, pieces: int, peers: str) -> float:
    """Return the MB that a fresh process holds at most while it reads a long stream to its end.

    It reads a short one first, because much is loaded with a first answer.
    """
    code = (
        "import sys, tracemalloc\n"
        "from tests.benchmarks.subjects import SUBJECTS\n"
        "subject, *bases = sys.argv[1:]\n"
        "short, long = map(SUBJECTS[subject]().stream, bases)\n"
        "short()\n"
        "tracemalloc.start()\n"
        "long()\n"
        "print(tracemalloc.get_traced_memory()[1])\n"
    )
    bases = [f"{url}/long-{count}/v1" for count in (1, pieces)]
    command = [python_of(subject, peers), "-c", code, subject, *bases]
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    return int(output) / 1e6
