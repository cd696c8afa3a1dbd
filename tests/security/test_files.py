"""Files that tools read and write: checked before money is spent, reported if they fail."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import Any

import pytest

from nanogpt_client._media import files


def paid(client) -> list[str]:
    return [e.kind for e in client.ledger if e.kind not in {"account", "catalog", "download"}]


WORK = [
    ("generate_image", {"prompt": "x"}),
    ("speak", {"text": "x"}),
    ("generate_video", {"prompt": "x"}),
    ("edit_image", {"prompt": "x", "image": "a.png"}),
]


@pytest.mark.parametrize("trouble", ["a file", "read-only", "full"])
def test_a_folder_that_cannot_be_written_to(way, client, tmp_path, monkeypatch, trouble):
    folder = tmp_path / "out"
    if trouble == "a file":
        folder.write_bytes(b"")
    else:
        code = errno.EROFS if trouble == "read-only" else errno.ENOSPC

        def refuse(*_: Any, **__: Any) -> Any:
            raise OSError(code, "no")

        monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    for tool, asked in WORK:
        seen = way.call(client, tool, asked, output_dir=folder)
        assert seen.failed
        assert "output_dir" in seen.text
        assert "cannot be used" in seen.text
    assert paid(client) == []


@pytest.mark.parametrize(
    ("tool", "asked"),
    [("transcribe", {"audio": "a.wav"}), ("edit_image", {"prompt": "x", "image": "a.wav"}),
     ("generate_video", {"prompt": "x", "image": "a.wav"})],
)  # fmt: skip
def test_a_file_that_cannot_be_read(way, client, tmp_path, monkeypatch, tool, asked):
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    real = Path.open

    def refuse(path: Path, *args: Any, **named: Any) -> Any:
        if path.name == "a.wav":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *args, **named)

    monkeypatch.setattr(Path, "open", refuse)
    seen = way.call(client, tool, asked, readable_dirs=[tmp_path])
    assert seen.failed
    assert "'a.wav' cannot be read: Permission denied" in seen.text
    assert paid(client) == []


def test_a_circle_of_links_is_no_file(way, client, tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for folder in (tmp_path, tmp_path / "a"):
        seen = way.call(client, "transcribe", {"audio": "a"}, readable_dirs=[folder])
        assert "there is no file" in seen.text


# USB sticks and mounts have the first errors, those on Windows the third, Android the last.
@pytest.mark.parametrize("error", [None, errno.ENOTSUP, errno.EPERM, errno.EINVAL, errno.EACCES])
def test_a_file_system_without_hard_links(tmp_path, monkeypatch, error):
    if error is not None:

        def refuse(*_: Any) -> None:
            raise OSError(error, "no links")

        monkeypatch.setattr("os.link", refuse)
    path = files.save(b"data", tmp_path / "x.png", "image/png", overwrite=False)
    assert path.read_bytes() == b"data"
    with pytest.raises(FileExistsError):
        files.save(b"new", tmp_path / "x.png", "image/png", overwrite=False)
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]
    assert path.read_bytes() == b"data"


def test_the_processs_umask_is_left_alone(tmp_path, monkeypatch):
    """It is the process's: for a moment, other threads' files would be everybody's to read."""

    def never(_: int) -> int:
        raise AssertionError

    monkeypatch.setattr("os.umask", never)
    files.save(b"data", tmp_path / "x.png", "image/png", overwrite=False)
