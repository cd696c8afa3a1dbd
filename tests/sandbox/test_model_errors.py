"""A model that raises: the test sees its error, and no client takes it for an outage."""

from __future__ import annotations

import pytest

from nanogpt_client import APIStatusError, NanoGPTClient
from nanogpt_client._transport.http import httpx
from nanogpt_client.sandbox import (
    AsyncSandboxTransport,
    ChatRequest,
    Sandbox,
    SandboxApp,
    SandboxTransport,
    Script,
    ScriptError,
)
from tests.sandbox.asking import MODEL, chat


def broken(request: ChatRequest) -> str:
    return str(request.body["ticket"])


def test_an_app_raises_it():
    app = SandboxApp(model=broken)
    with pytest.raises(KeyError, match="ticket"):
        chat(app)
    assert [each.status for each in app.requests] == [424]
    assert app.balance == 5


def client(box: Sandbox) -> NanoGPTClient:
    return NanoGPTClient(box.api_key, base_url=box.base_url)


def test_in_process_it_is_raised_once_where_it_was_asked():
    box = Sandbox(model=broken)
    with (
        httpx.Client(transport=SandboxTransport(box.app)) as http,
        NanoGPTClient(box.api_key, base_url="http://s.invalid/api/v1", http_client=http) as nano,
        pytest.raises(KeyError, match="ticket"),
    ):
        nano.chat("Hello!", model=MODEL)
    assert len(box.requests) == 1


async def test_in_process_async_too():
    app = SandboxApp(model=broken)
    transport = AsyncSandboxTransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://s.invalid") as http:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}]}
        with pytest.raises(KeyError, match="ticket"):
            await http.post(
                "/api/v1/chat/completions", json=body, headers={"x-api-key": app.api_key}
            )


def test_served_it_is_in_the_reply_not_retried_and_raised_at_the_end():
    with pytest.raises(KeyError, match="ticket"), Sandbox(model=broken) as box:  # noqa: PT012 - by the end of the block
        with (
            client(box) as nano,
            pytest.raises(APIStatusError, match="model raised KeyError: 'ticket'") as caught,
        ):
            nano.chat("Hello!", model=MODEL)
        assert (caught.value.status_code, caught.value.code) == (424, "sandbox_model_error")
        assert len(box.requests) == 1


async def test_served_async_it_takes_the_place_of_what_it_led_to():
    with pytest.raises(ScriptError, match="no answer left") as caught:  # noqa: PT012 - by the end of the block
        async with Sandbox(model=Script()) as box:
            with client(box) as nano:
                nano.chat("Hello!", model=MODEL)
    assert isinstance(caught.value.__context__, APIStatusError)


def test_a_failed_check_inside_a_model_fails_the_test():
    def model(_: ChatRequest) -> str:
        pytest.fail("no tools were sent")

    with pytest.raises(pytest.fail.Exception, match="no tools"), Sandbox(model=model) as box:
        with client(box) as nano, pytest.raises(APIStatusError):
            nano.chat("Hello!", model=MODEL)
