"""The machinery of the benchmarks works; no test asserts a time."""

from __future__ import annotations

import json
import sys

import pytest

from tests.benchmarks import __main__ as program
from tests.benchmarks import cases, processes, replies, report, runner
from tests.benchmarks.server import serving

pytestmark = pytest.mark.timeout(300)


def test_ours_is_measured_beside_the_floors():
    plan = [
        cases.Case(
            "stream", "stream", "text-20",
            ("langchain_nanogpt", "langchain floor", "httpx + json"),
            units=20, rounds=2, seconds=0.0, floors=cases.FLOORS["LangChain"],
        ),
        cases.Case(
            "call", "ainvoke", "chat", ("nanogpt_client", "httpx + json"), tasks=2,
            rounds=2,
        ),
        cases.Case(
            "vectors", "embed_array", "vectors-8", ("langchain_nanogpt", "httpx + json"),
            faster={"httpx + json": 0.001}, rounds=2,
        ),
    ]  # fmt: skip
    with serving() as url:
        measured = list(runner.run(plan, url, sys.executable))
    assert all(f.median >= f.least > 0 for _, figures in measured for f in figures.values())
    rows = [row for case, figures in measured for row in report.case_rows(case, figures)]
    assert [row.other for row in rows] == [
        "langchain floor + httpx + json",
        "httpx + json",
        "httpx + json",
    ]


def test_a_picture_is_drawn(tmp_path):
    measured = [
        (case, {name: runner.Figure(at, at) for at, name in enumerate(case.subjects, 1)})
        for case in cases.plan()
    ]
    report.draw(tmp_path / "images" / "speed.png", measured)
    assert (tmp_path / "images" / "speed.png").read_bytes().startswith(b"\x89PNG")


def test_the_program_measures_and_tells(capsys):
    assert program.main(["--quick", "--only", "core call"]) == 0
    assert "openai" in capsys.readouterr().out


def test_imports_and_memory_are_measured_in_processes_of_their_own():
    rows = report.import_rows(runner.imports(sys.executable, 1, ["nanogpt_client"]))
    assert [row.asked for row in rows] == ["<= 0.45 s"]
    with serving() as url:
        held = processes.held("nanogpt_client", url, 200, sys.executable)
    assert held > 0.1  # MB: the text alone


def test_the_plan_asks_for_what_was_promised():
    wanted = {
        (case.subjects[0], name): by for case in cases.plan() for name, by in case.faster.items()
    }
    assert wanted["nanogpt_client", "openai"] == 1.9
    assert len({case.name for case in cases.plan()}) == len(cases.plan())


@pytest.mark.parametrize("kind", replies.DELTAS)
def test_the_server_streams_are_whole(kind):
    *frames, done, end = replies.stream(kind, 40).split(b"\n\n")
    assert (done, end) == (b"data: [DONE]", b"")
    deltas = [json.loads(frame[6:])["choices"] for frame in frames[1:-2]]
    assert len(deltas) == 40


def test_the_server_calls_have_whole_arguments():
    arguments: dict[int, str] = {}
    for delta in replies.DELTAS["tools"](200):
        for call in delta["tool_calls"]:
            text = call["function"]["arguments"]
            arguments[call["index"]] = arguments.get(call["index"], "") + text
    assert all(len(json.loads(text)) > 40 for text in arguments.values())
