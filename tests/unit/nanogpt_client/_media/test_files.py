"""Media bytes: their kind by their first bytes, and into a file whole or not at all."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._media import files

PNG = b"\x89PNG\r\n\x1a\n" + b"rest"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"fLaC", "audio/flac"),
        (b"OggS", "audio/ogg"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x1aE\xdf\xa3", "video/webm"),
        (b"%PDF-1.7", "application/pdf"),
        (b"", "application/octet-stream"),
        (b"RIFF", "application/octet-stream"),
    ],
)
def test_mime_types(data, kind):
    assert files.mime_type_of(data) == kind


def test_the_first_bytes_beat_what_the_server_told():
    assert files.mime_type_of(PNG, "image/jpeg") == "image/png"
    assert files.mime_type_of(b"raw", "audio/pcm") == "audio/pcm"


@given(st.binary())
def test_data_urls_read_back(data):
    assert files.from_base64(files.data_url(data)) == data
    assert files.from_base64(base64.b64encode(data).decode()) == data


@pytest.mark.parametrize("text", ["a", "é", "data:text/plain"])
def test_what_is_no_base64(text):
    assert not files.from_base64(text)


@pytest.mark.parametrize(
    ("name", "kind", "saved"),
    [
        ("x.png", "image/png", "x.png"),
        ("x.PNG", "image/png", "x.PNG"),
        ("x", "image/png", "x.png"),
        ("x.png", "image/jpeg", "x.jpg"),
        ("x.wav", "audio/mpeg", "x.mp3"),
        ("model v1.2", "image/png", "model v1.2.png"),
        ("x.bin", "application/octet-stream", "x.bin"),
    ],
)
def test_saving_under_an_extension_that_fits(tmp_path, name, kind, saved):
    path = files.save(b"data", tmp_path / "deep" / name, kind, overwrite=False)
    assert path == tmp_path / "deep" / saved
    assert path.read_bytes() == b"data"
    assert [p.name for p in path.parent.iterdir()] == [saved]


def test_saving_never_overwrites_unless_told(tmp_path):
    path = files.save(b"old", tmp_path / "x.png", "image/png", overwrite=False)
    with pytest.raises(FileExistsError):
        files.save(b"new", path, "image/png", overwrite=False)
    assert path.read_bytes() == b"old"
    assert files.save(b"new", path, "image/png", overwrite=True).read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.save(b"data", tmp_path / "x.png", "image/png", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_saved_files_have_the_usual_permissions(tmp_path):
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    saved = files.save(b"", tmp_path / "x", "text/plain", overwrite=False)
    assert saved.stat().st_mode == plain.stat().st_mode


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.save(b"", "~/x.png", "image/png", overwrite=False) == tmp_path / "x.png"
