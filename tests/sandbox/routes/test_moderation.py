"""Moderation: one result an input, by lists of terms; the check before chats and images."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import MODEL, ask, chat, code, data_url, image

GUARD = "meta-llama/llama-guard-4-12b"
CHECK = "x-nanogpt-inline-moderation-"


def moderate(given: Any, app: SandboxApp | None = None, **extra: Any) -> Reply:
    return ask(app or SandboxApp(), "POST", "/api/v1/moderations", {"input": given} | extra)


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ("A quiet day at the sea.", [False]),
        ("I will kill him.", [True]),
        (["peace", "a bomb"], [False, True]),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "stab"}], [True]),
    ],
)
def test_results(given, flags):
    app = SandboxApp()
    reply = moderate(given, app)
    found = reply.json()
    assert [result["flagged"] for result in found["results"]] == flags
    assert found["model"] == "omni-moderation-latest"
    tokens = found["usage"]["total_tokens"]
    assert Decimal(reply.headers["x-cost"]) == 5 - app.balance == tokens * Decimal("1e-7")


def test_images_are_judged_by_what_they_show():
    app = SandboxApp()
    made = ask(app, "POST", "/api/v1/images/generations", {"prompt": "a bomb", "model": "hidream"})
    shown = f"data:image/png;base64,{made.json()['data'][0]['b64_json']}"
    assert moderate([picture(shown)], app, model=GUARD).json()["results"][0]["flagged"]
    far = picture("https://example.com/sea.png")
    assert not moderate([far], model=GUARD).json()["results"][0]["flagged"]


@pytest.mark.parametrize(
    ("given", "extra", "expected"),
    [
        ("", {}, (400, "empty_input")),
        ([], {}, (400, "empty_input")),
        (None, {}, (400, "missing_required_parameter")),
        ([1], {}, (400, "invalid_parameter_value")),
        ([{"type": "audio"}], {}, (400, "invalid_parameter_value")),
        ([picture("https://x.example/a.png")], {}, (400, "unsupported_input_modality")),
        (["a", "b"], {"model": GUARD}, (400, "unsupported_batch_input")),
        ("word " * 50_000, {}, (400, "context_length_exceeded")),
        ("x", {"model": "nobody"}, (404, "model_not_found")),
    ],
)
def test_refusals_are_free(given, extra, expected):
    app = SandboxApp()
    assert code(moderate(given, app, **extra)) == expected
    assert app.balance == 5


def asked(text: str, app: SandboxApp | None = None, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    return ask(app or SandboxApp(), "POST", "/api/v1/chat/completions", body, headers=named)


def test_a_chat_that_passes_has_the_headers_and_costs_more():
    app = SandboxApp()
    reply = asked("A quiet day.", app, moderation="true")
    assert (reply.status, reply.headers[f"{CHECK}flagged"]) == (200, "false")
    assert reply.headers[f"{CHECK}model"] == "omni-moderation-latest"
    cost = reply.json()["x_nanogpt_pricing"]["cost"]
    check = Decimal(reply.headers[f"{CHECK}cost-usd"])
    assert check > 0
    assert 5 - app.balance == Decimal(str(cost)) + check


@pytest.mark.parametrize("route", ["chat", "stream", "image", "video"])
def test_flagged_input_costs_the_check_alone(route):
    app, headers = SandboxApp(), {"moderation": GUARD}
    if route == "image":
        body: dict[str, Any] = {"prompt": "a bomb", "model": "hidream"}
        reply = ask(app, "POST", "/api/v1/images/generations", body, headers=headers)
    elif route == "video":
        body = {"prompt": "a bomb", "model": "veo2-video"}
        reply = ask(app, "POST", "/api/generate-video", body, headers=headers)
    else:
        message = {"role": "user", "content": [{"type": "text", "text": "a bomb"}]}
        body = {"model": MODEL, "messages": [message], "stream": route == "stream"}
        reply = ask(app, "POST", "/api/v1/chat/completions", body, headers=headers)
    assert code(reply) == (400, "content_policy_violation")
    assert reply.json()["moderation"]["results"][0]["categories"]["violence"]
    assert reply.headers[f"{CHECK}flagged"] == "true"
    assert 5 - app.balance == Decimal(reply.headers[f"{CHECK}cost-usd"]) > 0


@pytest.mark.parametrize(
    ("wanted", "status", "checked"),
    [(GUARD, 200, True), ("nobody", 404, False), ("false", 200, False)],
)
def test_its_header(wanted, status, checked):
    reply = asked("Hello", moderation=wanted)
    assert (reply.status, f"{CHECK}model" in reply.headers) == (status, checked)


def test_nothing_to_check_is_refused():
    reply = chat(SandboxApp(), [{"role": "user", "content": "Hi"}])
    assert reply.status == 200
    assert code(asked(" ", moderation="true")) == (400, "empty_moderation_input")


def test_pictures_of_a_chat_are_checked():
    app = SandboxApp()
    content = [{"type": "text", "text": "What is this?"}, picture(data_url(image()))]
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
    refused = ask(app, "POST", "/api/v1/chat/completions", body, headers={"moderation": "true"})
    assert code(refused) == (400, "unsupported_input_modality")
    passed = ask(app, "POST", "/api/v1/chat/completions", body, headers={"moderation": GUARD})
    assert passed.status == 200
