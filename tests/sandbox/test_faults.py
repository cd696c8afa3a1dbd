"""Every fault shows what it promises, by model name and by scenario."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nanogpt_client.sandbox import Cut, Reply, SandboxApp, Scenario, Stall, faults
from tests.sandbox.asking import CHAT, HELLO, ask, chat, chunks, code, deltas, form
from tests.support.paths import ROOT

STALL = 12.0
BOTH = pytest.mark.parametrize("stream", [False, True])
BROKEN = r"Unterminated|Expecting"


def fail(name: str, **body: Any) -> Any:
    app = SandboxApp(stall=STALL, clock=lambda: 86_400 * 20_000 + 60.0)
    return chat(app, model=f"sandbox/fault/{name}", **body)


def finishes(reply: Reply) -> list[str]:
    found = [part for part in reply.body if isinstance(part, bytes)]
    parsed = [json.loads(part[6:]) for part in found if part.startswith(b"data: {")]
    reasons = [choice["finish_reason"] for chunk in parsed for choice in chunk["choices"]]
    return [reason for reason in reasons if reason]


@BOTH
@pytest.mark.parametrize(("name", "status", "expected"), [
    ("400", 400, "invalid_parameter_value"), ("401", 401, "invalid_api_key"),
    ("402", 402, "insufficient_balance"),
    ("402-memory", 402, "memory_balance_required"), ("402-x402", 402, "insufficient_quota"),
    ("403", 403, "model_not_allowed"), ("405", 405, "method_not_allowed"),
    ("408", 408, "request_timeout"), ("409", 409, "conflict"), ("413", 413, "payload_too_large"),
    ("415", 415, "unsupported_content_encoding"), ("422", 422, "INVALID_INPUT"),
    ("429", 429, "rate_limit_exceeded"),
    ("429-daily", 429, "daily_rpd_limit_exceeded"), ("500", 500, None),
    ("503", 503, "all_fallbacks_failed"), ("504", 504, "timeout"),
    ("context", 400, "context_length_exceeded"), ("policy", 400, "content_policy_violation"),
    ("json-error-200", 200, "provider_error"), ("999", 404, "model_not_found"),
])  # fmt: skip
def test_errors(name, status, expected, stream):
    assert code(fail(name, stream=stream)) == (status, expected)


def test_what_comes_with_errors():
    assert fail("429").headers["retry-after"] == "1"
    assert fail("429-daily").headers["retry-after"] == str(86_400 - 60)
    legacy = {"error": "Insufficient balance", "status": 402, "requiredBalance": 0.0035}
    assert fail("402-legacy").json() == legacy
    assert fail("402-x402").json()["payment"]["amountUsd"] == "0.0035"


@pytest.mark.parametrize(("name", "status"), [
    ("404-html", 404), ("502-html", 502), ("html-200", 200),
])  # fmt: skip
def test_web_pages(name, status):
    reply = fail(name)
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert reply.content.startswith(b"<!DOCTYPE html>")


def test_replies_of_another_form():
    assert (fail("empty-200").status, fail("empty-200").content) == (200, b"")
    whole = fail("json-200", stream=True)
    assert whole.headers["content-type"] == "application/json"
    assert whole.json()["choices"][0]["message"]["content"]
    assert fail("no-choices").json()["choices"] == []
    assert [chunk["choices"] for chunk in chunks(fail("no-choices", stream=True))] == [[]]


@BOTH
def test_cuts(stream):
    assert fail("cut-before", stream=stream).body == (Cut(),)
    *events, last, cut = fail("cut-mid-frame", stream=stream).body
    assert (cut, bool(events)) == (Cut(), stream)
    assert not last.endswith(b"\n\n")
    with pytest.raises(ValueError, match=BROKEN):
        json.loads(last.removeprefix(b"data: "))
    *_, last, cut = fail("cut-mid-character", stream=stream).body
    assert cut == Cut()
    with pytest.raises(UnicodeDecodeError):
        last.decode()


@pytest.mark.parametrize(("name", "reasons"), [("no-finish", []), ("no-done", ["stop"])])
def test_streams_without_an_end(name, reasons):
    reply = fail(name, stream=True)
    assert finishes(reply) == reasons
    assert b"[DONE]" not in reply.content
    assert fail(name).json()["choices"][0]["finish_reason"] == (reasons[0] if reasons else None)


@pytest.mark.parametrize(("name", "error"), [("error-frame", 503), ("error-frame-bare", None)])
def test_errors_in_the_stream(name, error):
    for last in (chunks(fail(name, stream=True))[-1], fail(name).json()):
        assert last["choices"][0]["finish_reason"] == "error"
        assert last.get("error", {}).get("status") == error


@BOTH
def test_stalls(stream):
    assert fail("stall-before", stream=stream).body[0] == Stall(STALL)
    body = fail("stall-mid", stream=stream).body
    assert 0 < body.index(Stall(STALL)) < len(body) - 1
    plain = fail("no-done", stream=stream)
    assert len(fail("stall-mid", stream=stream).content) >= len(plain.content)


def test_stalls_of_streams():
    reply = fail("stall-keepalive", stream=True)
    stalls = [part.seconds for part in reply.body if isinstance(part, Stall)]
    assert sum(stalls) == pytest.approx(STALL)
    assert reply.content.count(b": keep-alive\n\n") == len(stalls)
    assert finishes(reply) == ["stop"]
    assert fail("stall-keepalive").json()["choices"]
    *_, finish, stall, done = fail("stall-after-finish", stream=True).body
    assert b'"finish_reason":"stop"' in finish
    assert (stall, done) == (Stall(STALL), b"data: [DONE]\n\n")
    assert all(isinstance(part, Stall) for part in fail("slow", stream=True).body[::2])


def test_odd_framing():
    text = fail("odd-framing", stream=True).content.decode()
    assert text.startswith(": hello\r\n\r\n")
    assert not text.endswith("\r\n\r\n")
    events = [event for event in text.split("\r\n\r\n") if "data: " in event]
    data = [
        "\n".join(line[6:] for line in event.split("\r\n") if line.startswith("data: "))
        for event in events
    ]
    assert data[-1].strip() == "[DONE]"
    assert [json.loads(item)["choices"] for item in data[:-1]]
    assert fail("odd-framing").json()["choices"]


def test_broken_tool_calls_and_json():
    whole = fail("truncated-tool-call").json()["choices"][0]
    arguments = whole["message"]["tool_calls"][0]["function"]["arguments"]
    assert whole["finish_reason"] == "length"
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(arguments)
    calls = deltas(fail("truncated-tool-call", stream=True), "tool_calls")
    assert "".join(call["function"]["arguments"] for (call,) in calls) == arguments
    text = fail("leaked-tool-markup").json()["choices"][0]["message"]["content"]
    assert text.startswith("<tool_call>")
    assert "".join(deltas(fail("leaked-tool-markup", stream=True), "content")) == text
    with pytest.raises(ValueError, match=BROKEN):
        fail("malformed-json").json()
    lines = fail("malformed-json", stream=True).content.decode().split("\n\n")
    assert len([line for line in lines if line and not line.endswith(("}", "[DONE]"))]) == 1


@pytest.mark.parametrize(("path", "body"), [
    ("/api/v1/embeddings", {"input": "x"}),
    ("/api/v1/images/generations", {"prompt": "x", "size": "64x64"}),
    ("/api/v1/audio/speech", {"input": "x"}), ("/api/generate-video", {"prompt": "x"}),
])  # fmt: skip
def test_faults_of_other_routes(path, body):
    def post(name: str) -> Reply:
        return ask(SandboxApp(), "POST", path, body | {"model": f"sandbox/fault/{name}"})

    assert post("503").status == 503
    assert post("cut-mid-frame").body[-1] == Cut()
    assert post("stall-before").body[0] == Stall(30.0)


def test_where_a_fault_is_named():
    reply = form(SandboxApp(), "/api/v1/audio/transcriptions", [("file", b"")],
                 model="sandbox/fault/504")  # fmt: skip
    assert reply.status == 504
    assert chat(SandboxApp(), 'Use "model": "sandbox/fault/503".').status == 200
    body = {"model": "sandbox/fault/503", "messages": HELLO}
    assert ask(SandboxApp(), "POST", CHAT, body, headers={"x-api-key": "no"}).status == 401


def test_faults_in_place_of_the_reply_are_free_and_others_are_not():
    app = SandboxApp()
    chat(app, model="sandbox/fault/503")
    assert app.balance == 5
    chat(app, model="sandbox/fault/cut-mid-frame")
    assert app.balance < 5


def test_every_fault_is_in_the_table():
    page = (ROOT / "cookbook/reference/sandbox.md").read_text("utf-8")
    table = [line for line in page.splitlines() if line.startswith("| ")]
    named = {name for line in table[2:] for name in line.split("|")[1].replace(",", " ").split()}
    assert named == faults.NAMES


@pytest.mark.parametrize(("scenario", "statuses"), [
    (Scenario(("429", None, "503")), [429, 200, 503, 200, 200]),
    (Scenario(("500", None), repeat=True, path="chat"), [500, 200, 500, 200]),
    ("rate-limited", [429, 429, 200]), ("outage", [503, 503, 200]), ("503", [503] * 3),
    ("broke", [402] * 3),
])  # fmt: skip
def test_scenarios(scenario, statuses):
    app = SandboxApp(scenario=scenario)
    if isinstance(scenario, Scenario) and scenario.path:
        assert ask(app, "GET", "/api/v1/usage").status == 200
    assert [chat(app).status for _ in statuses] == statuses


def test_a_scenario_of_jobs():
    app = SandboxApp(scenario=Scenario(("job-failed",)), job_pace=0)
    run = ask(app, "POST", "/api/generate-video", {"model": "sora-2", "prompt": "x"}).json()
    state = ask(app, "GET", f"/api/video/status?requestId={run['runId']}").json()["data"]
    assert state["status"] == "FAILED"


def test_unknown_scenarios_are_refused():
    with pytest.raises(ValueError, match="there is no 'sunshine'"):
        SandboxApp(scenario="sunshine")
