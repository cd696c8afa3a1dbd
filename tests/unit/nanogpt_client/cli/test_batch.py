"""`nanogpt batch`: JSONL in, JSONL out, over the emulator."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest

from nanogpt_client.cli.batch import batch
from nanogpt_client.sandbox import Sandbox
from tests.unit.nanogpt_client.cli.running import as_json, offline, run

MODEL = "openai/gpt-5.2"
ROWS = "".join(
    json.dumps({"custom_id": name, "body": {"messages": [{"role": "user", "content": name}],
                                             "max_tokens": 9}}) + "\n"
    for name in ("b", "a")
)  # fmt: skip
SUBMIT = ("batch", "submit", "-", "-m", MODEL, "--poll-interval", "0.01")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.jsonl").write_text(ROWS)
    return tmp_path


def served(box: Sandbox, *arguments: str, code: int = 0) -> Any:
    result = run("--json", *arguments, NANOGPT_API_KEY=box.api_key, NANOGPT_BASE_URL=box.base_url)
    assert result.exit_code == code, result.output
    return json.loads(result.stdout or result.stderr)


def test_rows_through_a_pipe_and_results_through_a_pipe():
    result = offline(*SUBMIT, "--wait", stdin=ROWS)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["custom_id"] for line in lines] == ["b", "a"]
    assert lines[1]["response"]["body"]["choices"][0]["message"]["content"] == "You said: a"
    assert "batch_" in result.stderr
    assert "$0.0000" in result.stderr


def test_the_keys_of_the_json():
    about = {"id", "status", "rows", "completed", "failed", "error", "sandbox"}
    assert set(as_json(*SUBMIT, stdin=ROWS)) == about
    value = as_json(*SUBMIT, "--file", "--wait", stdin=ROWS)
    assert set(value) == about | {"results", "cost_usd"}
    assert (value["status"], value["rows"], len(value["results"])) == ("completed", 2, 2)
    assert set(as_json("batch", "list")) == {"batches", "has_more", "sandbox"}


def test_results_go_into_a_file(folder):
    value = as_json(*SUBMIT, "--wait", "-o", "out.jsonl", stdin=ROWS)
    assert value["files"] == ["out.jsonl"]
    assert len((folder / "out.jsonl").read_text().splitlines()) == 2
    again = offline(*SUBMIT, "--wait", "-o", "out.jsonl", stdin=ROWS)
    assert (again.exit_code, "exists already" in again.stderr) == (2, True)
    assert offline(*SUBMIT, "-o", "x.jsonl", stdin=ROWS).exit_code == 2


def test_one_process_submits_and_others_follow():
    with Sandbox(job_pace=1e9) as box:
        submitted = served(box, "batch", "submit", "rows.jsonl", "-m", MODEL)
        (listed,) = served(box, "batch", "list", "--status", "validating")["batches"]
        assert listed["id"] == submitted["id"]
        assert served(box, "batch", "status", submitted["id"])["status"] == "validating"
        found = served(box, "batch", "results", submitted["id"], "--poll-interval", "0.01")
        assert [each["custom_id"] for each in found["results"]] == ["b", "a"]
        error = served(box, "batch", "cancel", submitted["id"], code=5)
        assert "completed" in error["error"]["message"]
        other = served(box, "batch", "submit", "rows.jsonl", "-m", MODEL, "--file")
        assert served(box, "batch", "cancel", other["id"])["status"] == "cancelling"
        posts = [each.path for each in box.requests if each.method == "POST"]
        assert posts.count("/api/beta/batches") == posts.count("/api/v1/batches") == 1


def test_wrong_rows_are_refused_before_anything_is_sent():
    result = offline("batch", "submit", "rows.jsonl")
    assert (result.exit_code, "line 1 names no model" in result.stderr) == (2, True)
    assert offline("batch", "submit", "none.jsonl").exit_code == 2
    assert offline("batch", "status", "batch_x").exit_code == 5


def test_every_option_is_explained():
    for command in batch.commands.values():
        assert command.help
        assert f"  nanogpt batch {command.name}" in offline("batch", str(command.name), "-h").stdout
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, option.name
