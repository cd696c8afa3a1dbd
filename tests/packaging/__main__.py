"""``make dist-check``: install what a release publishes as users do, and try each installation.

An empty environment for each extra alone, for none and for all of them, and for the two projects
without code, with the newest versions that the package index offers: pip finds nothing broken,
everything that the extra is for runs, and with `all` the README's examples do. What is published
passes twine's checks. Takes some minutes and the network.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from tests.packaging.building import build, contents
from tests.packaging.release import METAPACKAGES, build_all
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

# What modules may need beyond the extras in `all`.
OUTSIDE = {"langfuse", "openinference", "opentelemetry", "ray"}

IMPORT_ALL = """
import importlib, pkgutil
for package in {packages!r}:
    root = importlib.import_module(package)
    for name in root.__all__:
        getattr(root, name)
    if {deep}:
        for module in pkgutil.walk_packages(root.__path__, package + "."):
            if not module.name.endswith("__main__"):
                try:
                    importlib.import_module(module.name)
                except ModuleNotFoundError as error:  # tracers and Ray, which `all` leaves out
                    assert error.name.partition(".")[0] in {outside!r}, error
"""

CLIENT = """
import httpx
from nanogpt_client import NanoGPTClient
from nanogpt_client.sandbox import SandboxApp, SandboxTransport
app = SandboxApp()
client = NanoGPTClient(
    app.api_key,
    base_url="http://sandbox.invalid/api/v1",
    http_client=httpx.Client(transport=SandboxTransport(app)),
)
assert "12 times 7" in client.chat("What is 12 times 7?", model="openai/gpt-5.2").text
assert client.embed("hi", model="text-embedding-3-small").vectors.shape == (1, 1536)
"""

LANGCHAIN = (
    CLIENT
    + """
from langchain_nanogpt import ChatNanoGPT, NanoGPTEmbeddings
model = ChatNanoGPT(model="openai/gpt-5.2", client=client)
assert "12 times 7" in model.invoke("What is 12 times 7?").text
assert "".join(chunk.text for chunk in model.stream("What is 12 times 7?"))
assert len(NanoGPTEmbeddings(model="text-embedding-3-small", client=client).embed_query("hi"))
"""
)

LLAMA_INDEX = (
    CLIENT
    + """
from llama_index.embeddings.nanogpt import NanoGPTEmbedding
from llama_index.llms.nanogpt import NanoGPT
llm = NanoGPT(model="openai/gpt-5.2", client=client)
assert "12 times 7" in llm.complete("What is 12 times 7?").text
embedding = NanoGPTEmbedding(model_name="text-embedding-3-small", client=client)
assert len(embedding.get_query_embedding("hi")) == 1536
"""
)

SANDBOX = (
    CLIENT
    + """
from nanogpt_client.sandbox import Sandbox
with Sandbox() as box, NanoGPTClient(box.api_key, base_url=box.base_url) as client:
    assert client.generate_image("a cat", model="hidream")[0].mime_type == "image/png"
    speech = client.speak("Good morning!", model="tts-1", voice="alloy")
    assert "morning" in client.transcribe(speech.bytes, model="Whisper-Large-V3").text
"""
)

COMMAND = """
import subprocess, sys
for start in ([sys.executable, "-m", "nanogpt_client"], [sys.prefix + "/bin/nanogpt"]):
    done = subprocess.run([*start, "--sandbox", "ask", "What is 12 times 7?"], capture_output=True)
    assert done.returncode == 0 and b"12 times 7" in done.stdout, done
"""

NO_COMMAND = """
import subprocess, sys
done = subprocess.run([sys.executable, "-m", "nanogpt_client"], capture_output=True, text=True)
assert done.returncode == 1 and "[cli]" in done.stderr, done
"""

# With the newest SDK; the tests' environment has the one that the frameworks' clients ask for.
MCP = """
import asyncio, os, sys
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client

async def answer(context, params):
    return types.ElicitResult(action="accept", content={"allow": True})

async def use(mode, **options):
    arguments = ["-m", "nanogpt_client", "mcp", "--sandbox", "--budget", "0.02"]
    server = StdioServerParameters(
        command=sys.executable, args=[*arguments, "--confirm-above", "0.001"], env=dict(os.environ)
    )
    async with Client(stdio_client(server), mode=mode, **options) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"search_web", "fetch_page", "check_balance"} <= names, names
        return [await client.call_tool("generate_image", {"prompt": "a cat"}) for _ in range(2)]

for mode in ("legacy", "auto"):
    made, stopped = asyncio.run(use(mode, elicitation_callback=answer))
    assert not made.is_error and made.content[1].type == "image", made
    assert stopped.is_error and "Make no more paid calls" in stopped.content[0].text, stopped
    refused, _ = asyncio.run(use(mode))
    assert refused.is_error and "elicitation" in refused.content[0].text, refused
"""

BY_NAME = """
import os
os.environ["NANOGPT_API_KEY"] = "sk-nano-of-the-trial"
from deepagents import create_deep_agent
create_deep_agent(model="nanogpt:openai/gpt-5.2")  # by the entry point, before any register()
from langchain.agents import create_agent
from langchain.embeddings import init_embeddings
from langchain_nanogpt import NanoGPTEmbeddings, register
register()
create_agent("nanogpt:openai/gpt-5.2", [])
assert isinstance(init_embeddings("nanogpt:text-embedding-3-small"), NanoGPTEmbeddings)
"""

CORE = ["nanogpt_client"]
ADAPTERS = {"langchain": "langchain_nanogpt", "llama-index": "llama_index_nanogpt"}
EVERYTHING = [*CORE, *ADAPTERS.values()]

IN_THE_SANDBOX = """
import atexit, os
from nanogpt_client.sandbox import Sandbox
box = Sandbox()
box.start()
atexit.register(box.stop)
os.environ |= {"NANOGPT_BASE_URL": box.base_url, "NANOGPT_API_KEY": box.api_key}
"""

# What a trial needs besides the extra.
BESIDE = {"agents": ["deepagents>=0.7"]}

TRIALS: dict[str, list[str]] = {
    "": [IMPORT_ALL.format(packages=CORE, deep=False, outside=OUTSIDE), CLIENT, NO_COMMAND],
    "cli": [IMPORT_ALL.format(packages=CORE, deep=False, outside=OUTSIDE), COMMAND],
    "agents": [BY_NAME],
    "progress": [IMPORT_ALL.format(packages=CORE, deep=False, outside=OUTSIDE)],
    "redis": ["import redis", CLIENT],
    "cli,mcp,sandbox": [IMPORT_ALL.format(packages=CORE, deep=False, outside=OUTSIDE), MCP],
    "sandbox": [IMPORT_ALL.format(packages=CORE, deep=False, outside=OUTSIDE), SANDBOX],
    "langchain": [
        IMPORT_ALL.format(packages=[*CORE, ADAPTERS["langchain"]], deep=False, outside=OUTSIDE),
        LANGCHAIN,
    ],
    "llama-index": [
        IMPORT_ALL.format(packages=[*CORE, ADAPTERS["llama-index"]], deep=False, outside=OUTSIDE),
        LLAMA_INDEX,
    ],
    "all": [
        IMPORT_ALL.format(packages=EVERYTHING, deep=True, outside=OUTSIDE),
        *(LANGCHAIN, LLAMA_INDEX, SANDBOX, COMMAND, MCP),
        "\n".join([IN_THE_SANDBOX, *BLOCKS]),
    ],
}


# The two projects without code, by their extras.
WITHOUT_CODE = {package.name: package.extra for package in METAPACKAGES}


def main(trials: list[str]) -> None:
    """Check the extras and projects named, or all of them."""
    with tempfile.TemporaryDirectory(prefix="nanogpt-dist-") as name:
        folder = Path(name)
        built = build_all(folder / "dist")
        wheel = built[1]
        if contents(build("wheel", ROOT, folder / "again")) != contents(wheel):
            sys.exit("the sdist builds another wheel than the tree")
        say(f"{wheel.name}: the sdist builds the same")
        check_with_twine(built, folder / "env-twine")
        for trial in trials or (*TRIALS, *WITHOUT_CODE):
            check(built, trial, folder / f"env-{trial}")


def check_with_twine(built: list[Path], folder: Path) -> None:
    """Have twine check what an index would say of the files; a warning is an error."""
    python = new_environment(folder, ["twine"])
    command = [str(python), "-m", "twine", "--no-color", "check", "--strict", *map(str, built)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    say(f"twine check: {len(built)} files, {1 + len(METAPACKAGES)} projects")


def check(built: list[Path], name: str, folder: Path) -> None:
    """Install an extra, or a project without code, and run its trials in its environment."""
    wheel = built[1]
    if extra := WITHOUT_CODE.get(name):
        (path,) = (
            found for found in built[2:] if found.parent.name == name and ".whl" in found.name
        )
        wanted = ["--find-links", str(wheel.parent), str(path)]
    else:
        extra = name
        wanted = [f"nanogpt-integrations[{extra}] @ {wheel.as_uri()}" if extra else str(wheel)]
        wanted += BESIDE.get(extra, [])
    python = new_environment(folder, wanted)
    subprocess.run([python, "-m", "pip", "check", "--quiet"], check=True, stdout=subprocess.DEVNULL)
    elsewhere = folder / "empty"
    elsewhere.mkdir()
    for trial in TRIALS[extra]:
        subprocess.run([python, "-c", trial], cwd=elsewhere, env={}, check=True)
    packages = len(list((folder / "lib").glob("*/site-packages/*.dist-info"))) - 1  # without pip
    say(f"{name or 'no extra'}: {len(TRIALS[extra])} trials, {packages} packages installed")
    shutil.rmtree(folder)


def new_environment(folder: Path, wanted: list[str]) -> Path:
    """Make an environment and install what pip is asked for; return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *wanted], check=True)
    return python


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
