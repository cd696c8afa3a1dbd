"""Every fault shows what it promises, by model name and by scenario."""

from __future__ import annotations

import json

import pytest

from nanogpt_client.sandbox import Cut, SandboxApp, Scenario, Stall, faults
from tests.sandbox.asking import HELLO, ask, chat, code, frames

STALL = 12.0


def fail(name: str, **body):
    return chat(
        SandboxApp(stall=STALL, clock=lambda: 86_400 * 20_000 + 60.0),
        model=f"sandbox/fault/{name}",
        **body,
    )


def finishes(reply) -> list[str]:
    found = [piece for piece in reply.body if isinstance(piece, bytes)]
    parsed = [json.loads(piece[6:]) for piece in found if piece.startswith(b"data: {")]
    return [
        choice["finish_reason"]
        for frame in parsed
        for choice in frame["choices"]
        if choice["finish_reason"]
    ]


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("400", 400, "invalid_parameter_value"),
        ("401", 401, "invalid_api_key"),
        ("402", 402, "insufficient_balance"),
        ("402-memory", 402, "memory_balance_required"),
        ("403", 403, "model_not_allowed"),
        ("405", 405, "method_not_allowed"),
        ("408", 408, "request_timeout"),
        ("409", 409, "conflict"),
        ("413", 413, "payload_too_large"),
        ("415", 415, "unsupported_content_encoding"),
        ("422", 422, "INVALID_INPUT"),
        ("429", 429, "rate_limit_exceeded"),
        ("429-daily", 429, "daily_rpd_limit_exceeded"),
        ("500", 500, None),
        ("503", 503, "all_fallbacks_failed"),
        ("504", 504, "timeout"),
        ("context", 400, "context_length_exceeded"),
        ("policy", 400, "content_policy_violation"),
        ("json-error-200", 200, "provider_error"),
        ("402-x402", 402, "insufficient_quota"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors(name, status, expected, stream):
    assert code(fail(name, stream=stream)) == (status, expected)


def test_retry_after():
    assert fail("429").headers["retry-after"] == "1"
    assert fail("429-daily").headers["retry-after"] == str(86_400 - 60)


def test_the_legacy_envelope_and_the_quote():
    assert fail("402-legacy").json() == {
        "error": "Insufficient balance",
        "status": 402,
        "requiredBalance": 0.0035,
    }
    assert fail("402-x402").json()["payment"]["amountUsd"] == "0.0035"


@pytest.mark.parametrize(
    ("name", "status"), [("404-html", 404), ("502-html", 502), ("html-200", 200)]
)
def test_web_pages(name, status):
    reply = fail(name)
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert reply.content.startswith(b"<!DOCTYPE html>")


def test_empty_and_whole():
    assert (fail("empty-200").status, fail("empty-200").content) == (200, b"")
    whole = fail("json-200", stream=True)
    assert whole.headers["content-type"] == "application/json"
    assert whole.json()["choices"][0]["message"]["content"]


def test_no_choices():
    assert fail("no-choices").json()["choices"] == []
    assert [frame["choices"] for frame in frames(fail("no-choices", stream=True))] == [[]]


@pytest.mark.parametrize("stream", [False, True])
def test_cut_before(stream):
    assert fail("cut-before", stream=stream).body == (Cut(),)


@pytest.mark.parametrize("stream", [False, True])
def test_cut_mid_frame(stream):
    *pieces, last, cut = fail("cut-mid-frame", stream=stream).body
    assert cut == Cut()
    assert bool(pieces) is stream
    assert not last.endswith(b"\n\n")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(last.removeprefix(b"data: "))


@pytest.mark.parametrize("stream", [False, True])
def test_cut_mid_character(stream):
    *_, last, cut = fail("cut-mid-character", stream=stream).body
    assert cut == Cut()
    with pytest.raises(UnicodeDecodeError):
        last.decode()


def test_no_finish():
    reply = fail("no-finish", stream=True)
    assert finishes(reply) == []
    assert b"[DONE]" not in reply.content
    assert fail("no-finish").json()["choices"][0]["finish_reason"] is None


def test_no_done():
    reply = fail("no-done", stream=True)
    assert finishes(reply) == ["stop"]
    assert b"[DONE]" not in reply.content


@pytest.mark.parametrize(("name", "error"), [("error-frame", 503), ("error-frame-bare", None)])
def test_error_frames(name, error):
    *_, last = frames(fail(name, stream=True))
    assert last["choices"][0]["finish_reason"] == "error"
    assert last.get("error", {}).get("status") == error
    whole = fail(name).json()
    assert whole["choices"][0]["finish_reason"] == "error"
    assert whole.get("error", {}).get("status") == error


def test_stall_before():
    assert fail("stall-before", stream=True).body[0] == Stall(STALL)
    assert fail("stall-before").body[0] == Stall(STALL)


@pytest.mark.parametrize("stream", [False, True])
def test_stall_mid(stream):
    body = fail("stall-mid", stream=stream).body
    place = body.index(Stall(STALL))
    assert 0 < place < len(body) - 1
    plain = fail("no-done", stream=stream)
    assert len(fail("stall-mid", stream=stream).content) >= len(plain.content)


def test_stall_keepalive():
    reply = fail("stall-keepalive", stream=True)
    stalls = [piece.seconds for piece in reply.body if isinstance(piece, Stall)]
    assert sum(stalls) == pytest.approx(STALL)
    assert reply.content.count(b": keep-alive\n\n") == len(stalls)
    assert finishes(reply) == ["stop"]
    whole = fail("stall-keepalive")
    assert whole.json()["choices"]


def test_stall_after_finish():
    *_, finish, stall, done = fail("stall-after-finish", stream=True).body
    assert b'"finish_reason":"stop"' in finish
    assert (stall, done) == (Stall(STALL), b"data: [DONE]\n\n")


def test_slow():
    body = fail("slow", stream=True).body
    assert all(isinstance(piece, Stall) for piece in body[::2])


def test_odd_framing():
    reply = fail("odd-framing", stream=True)
    text = reply.content.decode()
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


def test_truncated_tool_call():
    whole = fail("truncated-tool-call").json()["choices"][0]
    arguments = whole["message"]["tool_calls"][0]["function"]["arguments"]
    assert whole["finish_reason"] == "length"
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(arguments)
    deltas = [
        frame["choices"][0]["delta"] for frame in frames(fail("truncated-tool-call", stream=True))
    ]
    pieces = [
        delta["tool_calls"][0]["function"]["arguments"] for delta in deltas if "tool_calls" in delta
    ]
    assert "".join(pieces) == arguments


def test_leaked_tool_markup():
    text = fail("leaked-tool-markup").json()["choices"][0]["message"]["content"]
    assert text.startswith("<tool_call>")
    deltas = [
        frame["choices"][0]["delta"] for frame in frames(fail("leaked-tool-markup", stream=True))
    ]
    assert "".join(delta.get("content", "") for delta in deltas) == text


def test_malformed_json():
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        fail("malformed-json").json()
    lines = fail("malformed-json", stream=True).content.decode().split("\n\n")
    broken = [line for line in lines if line and not line.endswith(("}", "[DONE]"))]
    assert len(broken) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/embeddings", {"input": "x"}),
        ("/api/v1/images/generations", {"prompt": "x", "size": "64x64"}),
        ("/api/v1/audio/speech", {"input": "x"}),
        ("/api/generate-video", {"prompt": "x"}),
    ],
)
def test_faults_of_other_routes(path, body):
    def post(name: str):
        return ask(SandboxApp(), "POST", path, body | {"model": f"sandbox/fault/{name}"})

    assert post("503").status == 503
    assert post("cut-mid-frame").body[-1] == Cut()
    assert post("stall-before").body[0] == Stall(30.0)


def test_a_fault_in_a_form_field():
    raw = (
        b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nsandbox/fault/504\r\n--x--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=x"}
    path = "/api/v1/audio/transcriptions"
    assert ask(SandboxApp(), "POST", path, raw=raw, headers=headers).status == 504


def test_unknown_faults_and_mentions_are_none():
    assert code(fail("999")) == (404, "model_not_found")
    assert chat(SandboxApp(), 'Use "model": "sandbox/fault/503".').status == 200


def test_faults_in_place_of_the_reply_are_free_and_others_are_not():
    app = SandboxApp()
    chat(app, model="sandbox/fault/503")
    assert app.balance == 5
    chat(app, model="sandbox/fault/cut-mid-frame")
    assert app.balance < 5


def test_every_fault_is_in_the_table():
    assert faults.__doc__
    table = [line for line in faults.__doc__.splitlines() if line.startswith("| ")]
    words = {word for line in table[2:] for word in line.split("|")[1].replace(",", " ").split()}
    assert words == faults.NAMES


def test_a_scenario_plays_once():
    app = SandboxApp(scenario=Scenario(("429", None, "503")))
    assert [chat(app).status for _ in range(5)] == [429, 200, 503, 200, 200]


def test_a_scenario_can_repeat_and_be_kept_to_a_path():
    app = SandboxApp(scenario=Scenario(("500", None), repeat=True, path="chat"))
    assert [chat(app).status for _ in range(4)] == [500, 200, 500, 200]
    assert ask(app, "GET", "/api/v1/usage").status == 200


@pytest.mark.parametrize(
    ("name", "statuses"),
    [
        ("rate-limited", [429, 429, 200]),
        ("outage", [503, 503, 200]),
        ("503", [503] * 3),
        ("broke", [402] * 3),
    ],
)
def test_scenarios_by_name(name, statuses):
    app = SandboxApp(scenario=name)
    assert [chat(app).status for _ in range(3)] == statuses


def test_a_scenario_of_jobs():
    app = SandboxApp(scenario=Scenario(("job-failed",)), job_pace=0)
    run = ask(app, "POST", "/api/generate-video", {"model": "sora-2", "prompt": "x"}).json()[
        "runId"
    ]
    state = ask(app, "GET", f"/api/video/status?requestId={run}").json()["data"]["status"]
    assert state == "FAILED"


def test_unknown_scenarios_are_refused():
    with pytest.raises(ValueError, match="unknown fault 'sunshine'"):
        SandboxApp(scenario="sunshine")


def test_faults_need_the_key_too():
    body = {"model": "sandbox/fault/503", "messages": HELLO}
    reply = ask(SandboxApp(), "POST", "/api/v1/chat/completions", body, headers={"x-api-key": "no"})
    assert reply.status == 401
