"""Every exit code is reached, by what its line in the table says."""

from __future__ import annotations

import inspect
import json

import pytest

from nanogpt_client import errors
from nanogpt_client.cli.exits import EXITS, exit_code
from tests.unit.nanogpt_client.cli.running import offline, run

NOWHERE = "http://127.0.0.1:1"


def fault(name: str, *more: str) -> tuple[str, ...]:
    return ("--sandbox", "ask", "hi", "--model", f"sandbox/fault/{name}", *more)


CASES: list[tuple[int, tuple[str, ...]]] = [
    (0, ("--sandbox", "ask", "hi")),
    (1, ("--sandbox", "draw", "hi", "--output", "x" * 300)),
    (2, ("sing",)),
    (2, ("ask", "hi", "--max-tokens", "0")),
    (2, ("--sandbox", "ask", "hi", "--budget", "lots")),
    (2, ("--sandbox", "transcribe", "there-is-no-such-file.wav")),
    (2, ("models", "--offline", "--kind", "image")),
    (3, fault("401")),
    (4, fault("402")),
    (4, fault("402-legacy")),
    (4, ("--sandbox", "ask", "hi", "--budget", "0")),
    (5, fault("403")),
    (5, fault("404-html")),
    (5, fault("context")),
    (5, ("--sandbox", "draw", "hi", "--model", "no/such-model")),
    (6, fault("429-daily")),
    (5, fault("json-error-200")),
    (7, fault("error-frame")),
    (8, fault("html-200")),
    (8, fault("empty-200")),
    (10, fault("cut-before")),
    (10, fault("stall-before", "--timeout", "0.2")),
    (11, fault("cut-mid-frame")),
    (11, fault("no-finish")),
    (11, fault("stall-mid", "--timeout", "0.2")),
    (12, ("--sandbox", "video", "hi", "--model", "sandbox/fault/job-failed")),
    (13, ("--sandbox", "video", "hi", "--model", "sandbox/fault/job-stuck", "--poll-timeout", "0")),
]
ELSEWHERE = {3: "no key", 9: "nothing listens", 130: "a signal", 141: "a closed pipe"}


@pytest.mark.parametrize(("code", "arguments"), CASES)
def test_each_failure_has_its_code(code, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output


def test_no_key():
    result = run("balance", NANOGPT_API_KEY=None)
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "set NANOGPT_API_KEY, or add --sandbox" in result.stderr


def test_nothing_listens():
    result = run("balance", NANOGPT_BASE_URL=NOWHERE)
    assert result.exit_code == 9
    assert "no connection to 127.0.0.1:" in result.stderr
    assert result.stdout == ""


def test_every_code_of_the_table_is_reached_by_a_test():
    assert {exit_.code for exit_ in EXITS} == {code for code, _ in CASES} | set(ELSEWHERE)
    assert len({exit_.code for exit_ in EXITS}) == len(EXITS)


def test_every_exception_has_a_code_and_only_others_end_in_1():
    classes = [
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.NanoGPTError) and cls is not errors.NanoGPTError
    ]
    assert len(classes) > 20
    assert [cls for cls in classes if exit_code(cls("broken")) == 1] == []
    assert exit_code(errors.NanoGPTError("broken")) == exit_code(OSError()) == 1
    assert exit_code(errors.DailyLimitError("later")) == 6
    assert exit_code(errors.ConfigurationError("wrong", param="api_key")) == 3
    assert exit_code(errors.InvalidArgumentError("wrong", param="model")) == 2


def test_help_lists_every_code():
    text = offline("--help").stdout
    for code, meaning, _ in EXITS:
        assert f"\n  {code:<4} {meaning}\n" in text


def test_a_failure_as_json():
    result = run("--json", *fault("402-legacy"))
    assert result.stdout == ""
    error = json.loads(result.stderr)["error"]
    required = error.pop("required_usd")
    assert float(required) > 0
    assert error.pop("request_id").startswith("req_")
    assert error == {
        "type": "InsufficientBalanceError",
        "message": "NanoGPT answered 402: Insufficient balance",
        "exit_code": 4,
        "status_code": 402,
        "code": None,
        "param": None,
        "sends": 1,
        "maybe_billed": False,
        "retry_after": None,
        "run_id": None,
        "partial_text": None,
    }


def test_the_beginning_of_a_broken_answer_is_shown():
    result = run(*fault("cut-mid-frame"))
    assert result.stdout == "You said:\n"
    assert "it may be billed" in result.stderr
    assert "unknown cost" in result.stderr
    error = json.loads(run("--json", *fault("cut-mid-frame")).stderr)["error"]
    assert error["partial_text"] == result.stdout.rstrip("\n")
    assert error["maybe_billed"] is True
    assert error["type"] == "StreamInterruptedError"


def test_a_failed_job_names_the_run_id_that_asks_for_it_again():
    arguments = ("video", "hi", "--model", "sandbox/fault/job-stuck", "--poll-timeout", "0")
    text = offline(*arguments).stderr
    assert "error: " in text
    assert "  run id vid_" in text
    error = json.loads(offline("--json", *arguments).stderr)["error"]
    assert error["run_id"].startswith("vid_")
