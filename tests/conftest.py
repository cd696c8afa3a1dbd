"""Fixtures for all tests: a clean environment, sandboxes, and cassettes.

Cassettes have two sources that never mix: ``--cassettes=sandbox`` (the default) and
``--cassettes=live``. `recorded` says where a cassette test sends its requests; while replaying,
nothing listens there.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Generator, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from coverage import Coverage

from tests.support.paths import CASSETTES, TESTS
from tests.support.vcr_hooks import SCRUBBED, Scrubber, configure

if TYPE_CHECKING:
    from vcr import VCR
    from vcr.cassette import Cassette

    from nanogpt_client.sandbox import Sandbox


# Read before `clean_environment` hides it from the tests: only recording may use it.
_LIVE_KEY = os.environ.get("NANOGPT_API_KEY")
_LIVE_URL = "https://nano-gpt.com/api/v1"

# Many tests share one account, and send faster than NanoGPT's 25 requests a second.
_SHARED: dict[str, Any] = {"balance": "10000", "rate": None}

# Settings of the machine that would change what a test sends, or where.
_FOREIGN_PREFIXES = ("NANOGPT_", "NANO_GPT_", "LANGCHAIN_", "LANGSMITH_", "OPENAI_")

_OF_THIS_MACHINE = {None, "", "localhost", b"localhost", socket.gethostname()}

# Folders and files whose tests coverage does not watch, for that doubles their time: they run over
# and over, or in other programs, what the tests beside each module reach as well. The mark
# `unwatched` says so of a single test.
_UNWATCHED = (
    "benchmarks/", "conformance/", "cookbook/", "faults/", "packaging/", "peers/", "promises/",
    "sandbox/test_skill", "security/", "unit/test_parity",
)  # fmt: skip


class Recorded(NamedTuple):
    """Where a cassette test sends its requests."""

    base_url: str
    api_key: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cassettes",
        choices=["sandbox", "live"],
        default="sandbox",
        help="which cassettes to replay or record: of the sandbox, or of NanoGPT itself",
    )
    parser.addoption(
        "--cassette-dir",
        type=Path,
        help="a folder of their own for the cassettes of LangChain's suites: make conformance",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect no garbage while tests are collected, which stay, nor watch who only hands them out.

    `pytest_collection_finish` lets the collector work again.
    """
    gc.disable()
    hands_out = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if hands_out and (watcher := Coverage.current()):
        watcher.stop()


def pytest_sessionstart() -> None:
    """Keep asyncio from making a loop for who asks first (LlamaIndex does): nobody closes it.

    And heed Ctrl-C even where a shell runs the tests in the background: it lets them ignore the
    signal, and the processes that they start would inherit that.
    """
    asyncio.set_event_loop(None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what `make record` is to show first: the shapes that nobody has seen."""
    items.sort(key=lambda item: not item.path.is_relative_to(TESTS / "conformance/live"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the thousands of tests that it would walk over each time."""
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def what_a_module_leaves() -> Iterator[None]:
    """Collect its garbage while its own filters hold, and spare the collector what is still used.

    Tests that call it would walk over what all tests before them left.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let coverage look away from a test that it need not see."""
    watcher, file = Coverage.current(), item.path.relative_to(TESTS).as_posix()
    unwatched = file.startswith(_UNWATCHED) or item.get_closest_marker("unwatched")
    if watcher is None or not unwatched:
        return (yield)
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("COVERAGE_PROCESS_CONFIG")  # which would watch its processes
        watcher.stop()
        try:
            return (yield)
        finally:
            watcher.start()


def pytest_recording_configure(config: pytest.Config, vcr: VCR) -> None:
    configure(vcr)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide keys, tracing and proxies of the machine."""
    for name in os.environ:
        if name.startswith(_FOREIGN_PREFIXES) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def no_names_are_looked_up(pytestconfig: pytest.Config) -> Iterator[None]:
    """Know this machine's names alone, as without a network, but at once: others take seconds."""
    look_up = socket.getaddrinfo

    def of_this_machine(host: Any, *args: Any, **more: Any) -> Any:
        if host not in _OF_THIS_MACHINE:
            try:
                ip_address(os.fsdecode(host))
            except ValueError:
                raise socket.gaierror(socket.EAI_NONAME, "tests look up no names") from None
        return look_up(host, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        if not pytestconfig.getoption("force_enable_socket"):  # as recording from NanoGPT does
            patch.setattr(socket, "getaddrinfo", of_this_machine)
        yield


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox server, shared by all tests of a process."""
    from nanogpt_client.sandbox import Sandbox  # noqa: PLC0415 - not every test needs its parts

    with Sandbox(**_SHARED) as server:
        yield server


@pytest.fixture
def sandbox_environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a user sets to let the sandbox stand in for NanoGPT, in an empty folder."""
    monkeypatch.setenv("NANOGPT_API_KEY", sandbox.api_key)
    monkeypatch.setenv("NANOGPT_BASE_URL", sandbox.base_url)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def box() -> Sandbox:
    """A fresh emulated account in this process: use its ``app`` or ``transport()``."""
    from nanogpt_client.sandbox import Sandbox  # noqa: PLC0415 - as above

    return Sandbox()


@pytest.fixture(scope="session")
def cassette_source(request: pytest.FixtureRequest) -> str:
    """``sandbox`` or ``live``."""
    return str(request.config.getoption("--cassettes"))


@pytest.fixture
def recorded(request: pytest.FixtureRequest, cassette_source: str, record_mode: str) -> Recorded:
    """Where to send the requests of a cassette test; while replaying, nobody listens there."""
    if cassette_source == "live":
        return Recorded(_LIVE_URL, _LIVE_KEY or SCRUBBED)
    if record_mode == "none":
        return Recorded("http://127.0.0.1:1/api/v1", SCRUBBED)
    server: Sandbox = request.getfixturevalue("sandbox")
    return Recorded(server.base_url, server.api_key)


@pytest.fixture(scope="module")
def vcr_cassette_dir(request: pytest.FixtureRequest, cassette_source: str) -> str:
    """``tests/cassettes/<source>/<the test module's path>``."""
    module = request.path.relative_to(TESTS).with_suffix("")
    folder = request.config.getoption("--cassette-dir") or CASSETTES
    return str(folder / cassette_source / module)


@pytest.fixture
def vcr_config(recorded: Recorded) -> dict[str, Any]:
    scrubber = Scrubber(recorded.api_key, _LIVE_KEY)
    return {
        "match_on": ["method", "scheme", "host", "path", "query", "same_body"],
        "allow_playback_repeats": False,
        "decode_compressed_response": True,
        "before_record_request": scrubber.request,
        "before_record_response": scrubber.response,
    }


@pytest.fixture(autouse=True)
def every_reply_was_asked_for(vcr: Cassette | None, record_mode: str) -> Iterator[None]:
    """Fail a cassette test that sent fewer requests than were recorded."""
    yield
    if vcr is not None and record_mode == "none":
        assert vcr.all_played, f"{vcr.play_count} of {len(vcr)} recorded replies were asked for"
