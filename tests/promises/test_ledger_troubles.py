"""A ledger never costs an answer, whatever its file does while calls run, and writes all after."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from decimal import Decimal
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client import (
    AccountingWarning,
    AsyncNanoGPTClient,
    ConfigurationError,
    Ledger,
    LedgerEntry,
    NanoGPTClient,
)
from tests.promises.answers import chat_answer
from tests.support.paths import ROOT
from tests.support.rawserver import RawServer

REAL_WRITE = os.write

Trouble = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[None]]


def entry(number: int) -> LedgerEntry:
    return LedgerEntry("chat", f"m{number}", "ok", Decimal(1))


def read(path: Path) -> list[str | None]:
    """Return the models on file, every line of which must be whole."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    entries = [LedgerEntry.from_json(line.decode()) for line in data.splitlines()]
    assert None not in entries
    return [entry.model for entry in entries if entry is not None]


@contextmanager
def told_once(what: str = "cannot be written") -> Iterator[None]:
    """Expect exactly one warning."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    assert [warning.category for warning in told] == [AccountingWarning]
    assert what in str(told[0].message)


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1000))


@contextmanager
def writing_with(write: Callable[[int, bytes], int], patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as changed:
        changed.setattr(os, "write", write)
        yield


def full_disk(_: Path, patch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    def write(_file: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    return writing_with(write, patch)


def nearly_full_disk(_: Path, patch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    """Every second write stores a part, as many a full disk does."""
    done: list[int] = []

    def write(file: int, data: bytes) -> int:
        done.append(file)
        if len(done) % 2:
            return REAL_WRITE(file, data[: 7 * len(done) % len(data)])
        raise OSError(errno.ENOSPC, "No space left on device")

    return writing_with(write, patch)


@contextmanager
def no_descriptors(_: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    real = os.open

    def fail(name: Any, *rest: Any) -> int:
        if str(name).endswith(".jsonl"):
            raise OSError(errno.EMFILE, "Too many open files")
        return real(name, *rest)

    with patch.context() as changed:
        changed.setattr(os, "open", fail)
        yield


@contextmanager
def folder_moved_away(path: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    away = path.parent.with_name("away")
    path.parent.rename(away)
    yield
    away.rename(path.parent)


@contextmanager
def a_directory_in_its_place(path: Path, _: pytest.MonkeyPatch) -> Iterator[None]:
    away = path.rename(path.with_name("away"))
    path.mkdir()
    yield
    path.rmdir()
    away.rename(path)


TROUBLES = [
    full_disk,
    nearly_full_disk,
    no_descriptors,
    folder_moved_away,
    a_directory_in_its_place,
]


@pytest.fixture
def path(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "calls.jsonl"


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_every_answer_arrives_and_every_entry_is_written(trouble, path, monkeypatch):
    ledger = Ledger(path, keep=5)
    with RawServer(chat_answer(cost="0.01")) as server:
        client = NanoGPTClient("any", base_url=server.base_url, ledger=ledger)
        client.chat("hi", model="m-0")
        with trouble(path, monkeypatch), told_once():
            for number in range(1, 21):
                assert client.chat("hi", model=f"m-{number}").text
            async with AsyncNanoGPTClient.sharing(client) as other:
                assert (await other.chat("hi", model="m-21")).text
        assert ledger.write_errors >= 21
        client.chat("hi", model="m-22")
        client.close()
    assert read(path) == [f"m-{number}" for number in range(23)]
    assert [e.model for e in ledger] == read(path)
    assert (len(ledger), ledger.spent, len(ledger.entries)) == (23, Decimal("0.23"), 5)


def test_entries_that_wait_are_written_by_whoever_reads(path, monkeypatch):
    ledger = Ledger(path)
    with full_disk(path, monkeypatch), told_once():
        ledger.record(entry(0))
        assert [e.model for e in ledger] == ["m0"]
    assert [e.model for e in ledger] == read(path) == ["m0"]


def test_each_trouble_is_reported_once(path, monkeypatch):
    ledger = Ledger(path)
    for _ in range(2):
        with full_disk(path, monkeypatch), told_once():
            for number in range(5):
                ledger.record(entry(number))
        ledger.record(entry(9))
    assert ledger.write_errors == 10
    assert len(read(path)) == 12


def test_a_warning_that_is_an_error_costs_no_answer(path, monkeypatch, caplog):
    ledger = Ledger(path)
    with full_disk(path, monkeypatch), warnings.catch_warnings():
        warnings.simplefilter("error")
        ledger.record(entry(0))
    assert "cannot be written" in caplog.text


def test_a_write_that_stops_halfway_once_is_done_again_at_once(path, monkeypatch):
    ledger, done = Ledger(path), []

    def write(file: int, data: bytes) -> int:
        done.append(data)
        return REAL_WRITE(file, data[:9] if len(done) == 1 else data)

    with writing_with(write, monkeypatch):
        ledger.record(entry(0))
    assert (read(path), ledger.write_errors) == (["m0"], 0)


def test_half_a_line_that_cannot_be_taken_back_costs_nobody_else_a_line(path, monkeypatch):
    """Another program has locked the file, so that who wrote half a line must not cut it off."""
    ledger, other = Ledger(path), Ledger(path)
    other.record(entry(0))
    with path.open("ab") as file:
        flock(file, LOCK_EX)
        with nearly_full_disk(path, monkeypatch), told_once():
            ledger.record(entry(1))
        other.record(entry(2))  # waits a moment for the lock, and goes on without it
    ledger.record(entry(3))
    assert [e.model for e in Ledger(path)] == ["m0", "m2", "m1", "m3"]


@pytest.mark.parametrize("where", ["none/calls.jsonl", ".", "pipe", "a\0b", "file/x", "/proc/x"])
def test_a_file_that_cannot_be_used_is_refused_before_anything_is_sent(tmp_path, where):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="a ledger cannot use"):
        Ledger(tmp_path / where)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_is_read_only_is_refused(path):
    path.touch(0o400)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        Ledger(path)


def test_a_file_that_is_gone_cannot_be_gone_through(path):
    ledger = Ledger(path)
    ledger.record(entry(0))
    shutil.rmtree(path.parent)
    for use in (list, Ledger.rows, lambda each: each.totals_by("request_id")):
        with pytest.raises(ConfigurationError, match="a ledger cannot use"):
            use(ledger)
    assert (len(ledger), list(ledger.totals_by("model"))) == (1, ["m0"])


# Writes entries into a file that may not grow beyond its present size and a little, then may.
LIMITED = """
import resource, sys, warnings
from decimal import Decimal
from nanogpt_client import Ledger, LedgerEntry

warnings.simplefilter("ignore")
ledger = Ledger(sys.argv[1])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), hard))
for number in range(400):
    ledger.record(LedgerEntry("chat", f"m{number}", "ok", Decimal(1)))
print(ledger.write_errors > 0, len(ledger))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
ledger.record(LedgerEntry("chat", "m400", "ok", Decimal(1)))
"""


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_FSIZE)[1] != resource.RLIM_INFINITY,
    reason="files are limited here already",
)
@pytest.mark.parametrize("limit", [1, 1000, 1024])
def test_a_file_that_may_not_grow_gets_every_line_whole_once_it_may(path, limit):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(limit)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=50,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "400"]
    assert read(path) == [f"m{number}" for number in range(401)]


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_400_calls_on_a_full_disk(small_disk):
    path, filler = small_disk / "calls.jsonl", small_disk / "filler"
    ledger = Ledger(path)
    with RawServer(chat_answer(cost="0.01")) as server:
        client = NanoGPTClient("any", base_url=server.base_url, ledger=ledger)
        client.chat("hi", model="m-0")
        fill(filler)
        with told_once():
            for number in range(1, 401):
                assert client.chat("hi", model=f"m-{number}").text
        assert 0 < len(read(path)) < 400
        filler.unlink()
        client.chat("hi", model="m-401")
        client.close()
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    ledger.record(LedgerEntry("chat", "m-402", "ok", None))
    assert read(path) == [f"m-{number}" for number in range(403)]
