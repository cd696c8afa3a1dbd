"""Files that go in and out of tools."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from nanogpt_client._media import files
from nanogpt_client.errors import ConfigurationError, InvalidArgumentError
from nanogpt_client.tools import artifacts
from nanogpt_client.tools.artifacts import Memory, check_output, keep, reachable

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_result_is_kept_under_a_name_told_by_its_content(tmp_path):
    memory = Memory()
    kept = keep(memory, tmp_path / "out", "image", PNG, "image/png")
    assert kept.path == tmp_path / "out" / kept.name
    assert (tmp_path / "out" / kept.name).read_bytes() == PNG
    assert keep(memory, tmp_path / "out", "image", PNG, "image/png") == kept
    assert [path.name for path in (tmp_path / "out").iterdir()] == [kept.name]
    assert memory.get(kept.name) == PNG


def test_without_a_folder_it_stays_in_memory():
    memory = Memory()
    kept = keep(memory, None, "image", PNG, "image/png")
    assert (kept.path, kept.place) == (None, kept.name)
    assert reachable(kept.name, memory, []) == PNG


def test_a_full_disk_costs_no_result(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "save", full)
    memory = Memory()
    kept = keep(memory, tmp_path, "video", PNG, "video/mp4")
    assert (kept.path, kept.data, memory.get(kept.name)) == (None, PNG, PNG)
    assert kept.trouble == "it could not be saved: No space left on device"


def test_a_folder_that_cannot_be_made_is_told_first(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=r"output_dir .* cannot be used"):
        check_output(tmp_path / "file" / "out")
    check_output(tmp_path / "a" / "b")
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b"]
    assert list((tmp_path / "a" / "b").iterdir()) == []
    check_output(None)


@pytest.fixture
def folders(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "cat.png").write_bytes(PNG + folder.name.encode())
    (inside / "sub").mkdir()
    (inside / "sub" / "dog.png").write_bytes(b"dog")
    (inside / "link.png").symlink_to(outside / "cat.png")
    return inside, outside


@pytest.mark.parametrize(
    ("source", "found"),
    [("cat.png", PNG + b"inside"), ("sub/dog.png", b"dog"), ("sub/../cat.png", PNG + b"inside")],
)
def test_files_of_the_folders_can_be_reached(folders, source, found):
    inside, _ = folders
    assert reachable(source, Memory(), [inside]) == found
    assert reachable(str(inside / source), Memory(), [inside]) == found


@pytest.mark.parametrize(
    "source",
    ["../outside/cat.png", "link.png", "/etc/passwd", "~/.ssh/id_rsa", "sub", "none.png", "",
     "a\0b", "x" * 5000, "file:///etc/passwd", "ftp://host/x"],
)  # fmt: skip
def test_nothing_else_can(folders, source):
    inside, _ = folders
    with pytest.raises(InvalidArgumentError, match="there is no file"):
        reachable(source, Memory(), [inside])


def test_the_outside_cannot_be_reached_by_its_whole_path(folders):
    inside, outside = folders
    with pytest.raises(InvalidArgumentError, match=r"or a file under .*inside"):
        reachable(str(outside / "cat.png"), Memory(), [inside])


def test_without_folders_no_file_can_be_reached(folders, monkeypatch):
    monkeypatch.chdir(folders[0])
    with pytest.raises(InvalidArgumentError, match="newest first: none yet"):
        reachable("cat.png", Memory(), [])


def test_a_file_that_is_too_large_is_not_read(folders, monkeypatch):
    monkeypatch.setattr(artifacts, "LARGEST_FILE", 3)
    with pytest.raises(InvalidArgumentError, match="is larger than"):
        reachable("cat.png", Memory(), [folders[0]])


def test_what_tools_made_is_found_by_name_and_by_path():
    memory = Memory()
    memory.put("image-1.png", PNG)
    assert reachable("image-1.png", memory, []) == PNG
    assert reachable("/out/image-1.png", memory, []) == PNG
    with pytest.raises(InvalidArgumentError, match=r"newest first: image-1\.png"):
        reachable("image-2.png", memory, [])


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(artifacts, "MEMORY_BYTES", 5)
    memory = Memory()
    for name in "abc":
        memory.put(name, b"xx")
    memory.put("b", b"xx")
    assert memory.names() == ["b", "c"]
    memory.put("huge", b"x" * 9)
    assert memory.names() == ["huge"]


def test_copies_share_a_memory_and_pickles_are_empty():
    memory = Memory()
    memory.put("a", b"x")
    assert copy.copy(memory) is copy.deepcopy(memory) is memory
    assert pickle.loads(pickle.dumps(memory)).names() == []
