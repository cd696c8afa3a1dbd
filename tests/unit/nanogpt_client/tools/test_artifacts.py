"""Files that go in and out of tools."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from nanogpt_client._media import files
from nanogpt_client.errors import ConfigurationError, InvalidArgumentError
from nanogpt_client.tools import artifacts
from nanogpt_client.tools.artifacts import ArtifactStore, check_output_dir, read_file, save_file

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_result_is_saved_under_a_name_made_of_its_content(tmp_path):
    store = ArtifactStore()
    saved = save_file(store, tmp_path / "out", "image", PNG, "image/png")
    assert saved.path == tmp_path / "out" / saved.name
    assert (tmp_path / "out" / saved.name).read_bytes() == PNG
    assert save_file(store, tmp_path / "out", "image", PNG, "image/png") == saved
    assert [path.name for path in (tmp_path / "out").iterdir()] == [saved.name]
    assert store.get(saved.name) == PNG


def test_without_a_folder_it_stays_in_the_store():
    store = ArtifactStore()
    saved = save_file(store, None, "image", PNG, "image/png")
    assert saved.path is None
    assert saved.describe(None) == f"File: {saved.name}."
    assert read_file(saved.name, store, []) == PNG


def test_a_full_disk_costs_no_result(tmp_path, monkeypatch):
    def full(*_: object, **__: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "save", full)
    store = ArtifactStore()
    saved = save_file(store, tmp_path, "video", PNG, "video/mp4")
    assert (saved.path, saved.data, store.get(saved.name)) == (None, PNG, PNG)
    assert saved.error == "it could not be saved: No space left on device"


def test_a_folder_that_cannot_be_created_is_reported_first(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ConfigurationError, match=r"output_dir .* cannot be used"):
        check_output_dir(tmp_path / "file" / "out")
    check_output_dir(tmp_path / "a" / "b")
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b"]
    assert list((tmp_path / "a" / "b").iterdir()) == []
    check_output_dir(None)


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
    assert read_file(source, ArtifactStore(), [inside]) == found
    assert read_file(str(inside / source), ArtifactStore(), [inside]) == found


@pytest.mark.parametrize(
    "source",
    ["../outside/cat.png", "link.png", "/etc/passwd", "~/.ssh/id_rsa", "sub", "none.png", "",
     "a\0b", "x" * 5000, "file:///etc/passwd", "ftp://host/x"],
)  # fmt: skip
def test_nothing_else_can(folders, source):
    inside, _ = folders
    with pytest.raises(InvalidArgumentError, match="there is no file"):
        read_file(source, ArtifactStore(), [inside])


def test_the_outside_cannot_be_reached_by_its_whole_path(folders):
    inside, outside = folders
    with pytest.raises(InvalidArgumentError, match=r"or a file under .*inside"):
        read_file(str(outside / "cat.png"), ArtifactStore(), [inside])


def test_without_folders_no_file_can_be_reached(folders, monkeypatch):
    monkeypatch.chdir(folders[0])
    with pytest.raises(InvalidArgumentError, match="newest first: none yet"):
        read_file("cat.png", ArtifactStore(), [])


def test_a_file_that_is_too_large_is_not_read(folders, monkeypatch):
    monkeypatch.setattr(artifacts, "MAX_FILE_BYTES", 3)
    with pytest.raises(InvalidArgumentError, match="is larger than"):
        read_file("cat.png", ArtifactStore(), [folders[0]])


def test_files_that_tools_made_are_found_by_name_and_by_path():
    store = ArtifactStore()
    store.put("image-1.png", PNG)
    assert read_file("image-1.png", store, []) == PNG
    assert read_file("/out/image-1.png", store, []) == PNG
    with pytest.raises(InvalidArgumentError, match=r"newest first: image-1\.png"):
        read_file("image-2.png", store, [])


def test_the_oldest_are_dropped(monkeypatch):
    monkeypatch.setattr(artifacts, "STORE_BYTES", 5)
    store = ArtifactStore()
    for name in "abc":
        store.put(name, b"xx")
    store.put("b", b"xx")
    assert store.names() == ["b", "c"]
    store.put("huge", b"x" * 9)
    assert store.names() == ["huge"]


def test_copies_share_a_store_and_pickles_are_empty():
    store = ArtifactStore()
    store.put("a", b"x")
    assert copy.copy(store) is copy.deepcopy(store) is store
    assert pickle.loads(pickle.dumps(store)).names() == []
