"""``nanogpt embed --jobs``: a file of texts, embedded once however often it is interrupted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nanogpt_client.cli import jobs
from tests.support.rawserver import End, RawServer, http_reply
from tests.support.vectors import reply_to, vectors_of
from tests.unit.nanogpt_client.cli.running import as_json, offline, run

TEXTS = [f"text {number}" for number in range(7)]
BROKEN = [http_reply(b'{"error": {"message": "no", "type": "server_error"}}', status=400)]


@pytest.fixture(autouse=True)
def few_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs, "CHUNK", 3)
    (tmp_path / "texts.txt").write_text("\n\n".join(TEXTS))
    return tmp_path


def answer(request):
    return [http_reply(reply_to(request.body))]


def test_an_interrupted_job_goes_on_where_it_stopped(few_at_once):
    with RawServer(answer, BROKEN, answer) as server:
        command = ("embed", "--jobs", "texts.txt")
        where = {"NANOGPT_BASE_URL": server.base_url}
        failed = run(*command, **where)
        assert failed.exit_code == 5
        assert "3 of 7 texts" in failed.stderr
        assert sorted(path.name for path in few_at_once.iterdir()) == [
            "texts.txt", "texts.txt.paid.db",
        ]  # fmt: skip
        done = run(*command, **where)
        assert (done.exit_code, done.stdout) == (0, "texts.txt.npy\n")
        assert "7 of 7 texts" in done.stderr
        assert server.posts == 4
        vectors = np.load("texts.txt.npy")
        assert vectors.dtype == np.float32
        assert np.array_equal(vectors, vectors_of(TEXTS))
        assert run(*command, "--force", **where).exit_code == 0
        assert server.posts == 4
        assert run(*command, **where).exit_code == 2  # the file is there


def test_json_lines_keep_their_fields(few_at_once):
    rows = [{"id": at, "body": text} for at, text in enumerate(TEXTS)]
    (few_at_once / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    value = as_json("embed", "--jobs", "rows.jsonl", "--column", "body", "-o", "out.jsonl",
                    "--dimensions", "8", "--store", "sqlite:///all.db")  # fmt: skip
    assert value["texts"] == 7
    assert value["dimensions"] == 8
    assert value["unknown"] == 0
    assert value["files"] == ["out.jsonl"]
    written = [json.loads(line) for line in (few_at_once / "out.jsonl").read_text().splitlines()]
    assert [{"id": row["id"], "body": row["body"]} for row in written] == rows
    assert {len(row["vector"]) for row in written} == {8}
    assert (few_at_once / "all.db").exists()
    again = as_json("embed", "--jobs", "rows.jsonl", "--column", "body", "-o", "again.jsonl",
                    "--dimensions", "8", "--store", "sqlite:///all.db")  # fmt: skip
    assert again["cost_usd"] == "0"


def test_requests_of_unknown_outcome_are_reported():
    with RawServer([End.CLOSE], answer) as server:
        where = {"NANOGPT_BASE_URL": server.base_url}
        command = ("embed", "--jobs", "texts.txt")
        assert run(*command, **where).exit_code == 10
        stopped = run(*command, "--on-unknown", "raise", **where)
        assert stopped.exit_code == 10
        assert server.posts == 1
        done = run(*command, **where)
        assert done.exit_code == 0
        assert "1 requests may have been billed" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", b'{"text": "a"}\nnope\n', "x.jsonl:2 is not JSON"),
        ("x.jsonl", b"[1]\n", "x.jsonl:1 is not a JSON object"),
        ("x.jsonl", b'{"words": "a"}\n', "row 1 has no text in 'text'"),
        ("x.txt", b"\n \n", "has no texts"),
        ("x.txt", b"\xff\xfe\xff", "is not UTF-8"),
        ("x.parquet", b"nope", "Parquet"),
    ],
)
def test_unreadable_files_are_wrong_usage(few_at_once, name, content, message):
    (few_at_once / name).write_bytes(content)
    result = offline("embed", "--jobs", name)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--jobs", "missing.txt"),
        ("--jobs", "texts.txt", "a text"),
        ("--jobs", "texts.txt", "-o", "vectors.csv"),
        ("--jobs", "texts.txt", "--store", "paid.db"),
        ("a text", "--store", "sqlite:///paid.db"),
    ],
)
def test_wrong_usage_sends_nothing(arguments):
    assert offline("embed", *arguments).exit_code == 2
