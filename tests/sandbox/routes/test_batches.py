"""Files and batches in the sandbox: as strict as documented, half the price, charged at the end."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from nanogpt_client.sandbox import Failure, Reply, SandboxApp, Scenario
from tests.sandbox.asking import HELLO, MODEL, ask, chat, code

FILES, BATCHES, INLINE = "/api/v1/files", "/api/v1/batches", "/api/beta/batches"
CHAT = "/v1/chat/completions"
CREATE = {"endpoint": CHAT, "completion_window": "24h"}


def row(name: str = "a", **body: Any) -> dict[str, Any]:
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 50} | body
    return {"custom_id": name, "method": "POST", "url": CHAT, "body": body}


def upload(app: SandboxApp, *rows: Any, purpose: str = "batch", raw: bytes | None = None) -> Reply:
    data = raw if raw is not None else "\n".join(map(json.dumps, rows)).encode()
    files = [("file", ("batch.jsonl", data))]
    encoded = httpx.Request("POST", "http://x", data={"purpose": purpose}, files=files)
    headers = {"content-type": encoded.headers["content-type"]}
    return ask(app, "POST", FILES, raw=encoded.read(), headers=headers)


def submit(app: SandboxApp, *rows: Any, **more: Any) -> Reply:
    name = upload(app, *rows).json()["id"]
    return ask(app, "POST", BATCHES, CREATE | {"input_file_id": name} | more)


def submit_inline(app: SandboxApp, *rows: Any, **more: Any) -> Reply:
    requests = [{"custom_id": each["custom_id"], "body": each["body"]} for each in rows]
    for each in requests:
        each["body"].pop("model", None)
    return ask(app, "POST", INLINE, {"endpoint": CHAT, "model": MODEL, "requests": requests} | more)


def state(app: SandboxApp, batch: Any, root: str = BATCHES) -> dict[str, Any]:
    found: dict[str, Any] = ask(app, "GET", f"{root}/{batch['id']}").json()
    return found


def finished(app: SandboxApp, batch: Any, root: str = BATCHES) -> dict[str, Any]:
    for _ in range(5):
        found = state(app, batch, root)
        if found["status"] in {"completed", "failed", "expired", "cancelled"}:
            return found
    raise AssertionError(found)


def lines(app: SandboxApp, name: str) -> list[dict[str, Any]]:
    reply = ask(app, "GET", f"{FILES}/{name}/content")
    assert reply.headers["content-type"] == "application/jsonl"
    return [json.loads(line) for line in reply.content.splitlines()]


def test_a_file_and_its_batch_up_to_the_output():
    app = SandboxApp(job_pace=1e9)
    file = upload(app, row("a"), row("b")).json()
    assert file.items() >= {"object": "file", "purpose": "batch", "status": "processed"}.items()
    assert ask(app, "GET", f"{FILES}/{file['id']}").json() == file
    reply = ask(app, "POST", BATCHES, CREATE | {"input_file_id": file["id"]})
    batch = reply.json()
    assert (reply.status, batch["status"], batch["output_file_id"]) == (200, "validating", None)
    seen = [state(app, batch)["status"] for _ in range(4)]
    assert seen == ["validating", "in_progress", "finalizing", "completed"]
    final = state(app, batch)
    assert final["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    assert final["error_file_id"] is None
    output = lines(app, final["output_file_id"])
    assert [each["custom_id"] for each in output] == ["a", "b"]
    body = output[0]["response"]["body"]
    assert body["choices"][0]["message"]["content"] == "You said: Hello!"
    assert final["usage"]["prompt_tokens"] == 2 * body["usage"]["prompt_tokens"]


def test_half_the_price_is_charged_once_at_the_end():
    app, single = SandboxApp(job_pace=1e9), SandboxApp()
    full = Decimal(str(chat(single, max_tokens=50).json()["x_nanogpt_pricing"]["cost"]))
    batch = submit_inline(app, row("a"), row("b")).json()
    assert app.balance == 5
    final = finished(app, batch, INLINE)
    assert Decimal(5) - app.balance == full  # two rows at half the price
    finished(app, batch, INLINE)
    assert Decimal(5) - app.balance == full
    assert ask(app, "GET", "/api/v1/usage").json()["totals"]["requests"] == 1
    (first, _) = final["results"]
    assert first["response"]["body"]["x_nanogpt_pricing"]["cost"] == float(full / 2)


def test_rows_that_fail_are_in_the_error_file():
    def model(request: Any) -> str:
        if request.body["messages"][-1]["content"] == "bad":
            raise Failure("context")
        return "good"

    app = SandboxApp(model=model, job_pace=0)
    bad = [{"role": "user", "content": "bad"}]
    final = finished(app, submit(app, row("a"), row("b", messages=bad), row("c", top_p=7)).json())
    assert final["request_counts"] == {"total": 3, "completed": 1, "failed": 2}
    (context, option) = lines(app, final["error_file_id"])
    assert (context["custom_id"], context["response"]["status_code"]) == ("b", 400)
    assert context["response"]["body"]["error"]["code"] == "context_length_exceeded"
    assert option["response"]["body"]["error"]["param"] == "top_p"


REFUSED = {
    "another endpoint": ({"endpoint": "/v1/embeddings"}, (row(),), "endpoint"),
    "another window": ({"completion_window": "1h"}, (row(),), "completion_window"),
    "no limit": ({}, (row(max_tokens=None),), "max_tokens"),
    "two models": ({}, (row("a"), row("b", model="gpt-4.1")), "model"),
    "an id twice": ({}, (row("a"), row("a")), "custom_id"),
    "no id": ({}, (row(""),), "custom_id"),
    "a stream": ({}, (row(stream=True),), "stream"),
    "no messages": ({}, (row(messages=[]),), "messages"),
    "another method": ({}, (row() | {"method": "GET"},), "method"),
    "another url": ({}, (row() | {"url": "/v1/responses"},), "url"),
    "no row": ({}, (), "requests"),
    "no body": ({}, ({"custom_id": "a"},), "file"),
    "no model": ({}, (row(model=None),), "model"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_page_rules_out_is_refused(what):
    more, rows, param = REFUSED[what]
    reply = submit(SandboxApp(), *rows, **more)
    assert (reply.status, reply.json()["error"]["param"]) == (400, param)


def test_models_that_batches_do_not_support():
    app = SandboxApp()
    for name in ("mistralai/mistral-large", "NousResearch/hermes-4-70b"):
        assert code(submit(app, row(model=name))) == (400, "unsupported_model")
    for name in ("gpt-4.1-mini", "anthropic/claude-sonnet-4.5:thinking", "z-ai/glm-5.2"):
        assert submit(app, row(model=name)).status == 200
    assert code(submit(app, row(), endpoint="/v1/responses"))[0] == 424  # not in the sandbox


def test_uploads_that_are_no_batch():
    app = SandboxApp()
    assert upload(app, row(), purpose="vision").status == 400
    assert ask(app, "POST", FILES, {"purpose": "batch"}).status == 400
    name = upload(app, raw=b"no json").json()["id"]
    assert ask(app, "POST", BATCHES, CREATE | {"input_file_id": name}).status == 400
    assert ask(app, "POST", BATCHES, CREATE).json()["error"]["param"] == "input_file_id"
    assert code(ask(app, "POST", BATCHES, CREATE | {"input_file_id": "x"})) == (404, "not_found")
    assert ask(app, "GET", f"{BATCHES}/x").status == 404


def test_the_limits_of_inline_batches():
    app = SandboxApp()
    assert submit_inline(app, row(max_tokens=250_001)).status == 400
    capless = [row(str(at)) for at in range(62)]
    for each in capless:
        del each["body"]["max_tokens"]
    assert submit_inline(app, *capless).status == 400  # 4,096 tokens each
    assert submit_inline(app, *capless[:60]).status == 202
    assert submit_inline(app, row(), model=None).json()["error"]["param"] == "model"
    assert submit_inline(app, row(), requests={}).json()["error"]["param"] == "requests"


def test_the_balance_must_cover_the_most_that_a_batch_may_cost():
    app = SandboxApp(balance="0.001")
    assert submit(app, row(max_tokens=5)).status == 200
    assert submit(app, row(max_tokens=5_000)).status == 402


def test_cancelling_keeps_what_is_done():
    app = SandboxApp(job_pace=1e9)
    batch = submit(app, row("a"), row("b")).json()
    state(app, batch), state(app, batch)
    cancelled = ask(app, "POST", f"{BATCHES}/{batch['id']}/cancel").json()
    assert cancelled["status"] == "cancelling"
    final = finished(app, batch)
    assert (final["status"], final["request_counts"]["completed"]) == ("cancelled", 1)
    assert ask(app, "POST", f"{BATCHES}/{batch['id']}/cancel").status == 400
    inline = submit_inline(app, row("a"), row("b")).json()
    assert ask(app, "POST", f"{INLINE}/{inline['id']}/cancel").status == 200
    assert finished(app, inline, INLINE)["results"] == []


def test_a_batch_expires_after_a_day():
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0], scenario=Scenario(("job-stuck",), path="batches"))
    batch = submit(app, row("a"), row("b")).json()
    now[0] = 3600.0
    assert state(app, batch)["status"] == "in_progress"
    now[0] = 24 * 3600.0
    final = state(app, batch)
    assert (final["status"], final["request_counts"]["completed"]) == ("expired", 1)


def test_a_batch_may_fail():
    app = SandboxApp(job_pace=0)
    batch = submit_inline(app, row(), model="sandbox/fault/job-failed").json()
    final = finished(app, batch, INLINE)
    assert (final["status"], final["results"]) == ("failed", [])
    assert final["error"]["code"] == "batch_failed"
    assert app.balance == 5


def test_lists():
    now = [100.0]
    app = SandboxApp(clock=lambda: now[0], rate=None)
    empty = ask(app, "GET", INLINE).json()
    assert empty == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip
    ids = []
    for submitted in (submit, submit_inline, submit):
        ids.append(submitted(app, row()).json()["id"])
        now[0] += 10

    def listed(query: str = "", root: str = BATCHES) -> list[int]:
        page = ask(app, "GET", f"{root}?{query}").json()
        return [ids.index(each["id"]) for each in page["data"]]

    assert listed() == [2, 1, 0]
    assert listed(root=INLINE) == [1]
    assert listed("limit=1") == [2]
    assert listed(f"after={ids[2]}") == [1, 0]
    assert listed(f"before={ids[0]}&limit=1") == [1]
    assert listed("created_after=100") == [2, 1]
    assert listed("created_before=1970-01-01T00:01:50Z") == [0]
    assert listed("status=failed,expired") == []
    assert listed("status=validating") == [2, 1, 0]
    for query in (
        f"after={ids[0]}&before={ids[1]}", "after=x", "status=odd", "limit=0", "created_after=x",
        "created_after=1970-01-01T00:00:00", "created_after=9&created_before=5",
    ):  # fmt: skip
        assert ask(app, "GET", f"{BATCHES}?{query}").status == 400, query
