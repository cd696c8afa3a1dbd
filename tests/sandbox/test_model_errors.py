"""A model that raises: the test sees its error, and no client takes it for an outage."""

from __future__ import annotations

import pytest

from nanogpt_client import APIStatusError, AsyncNanoGPTClient, NanoGPTClient
from nanogpt_client.sandbox import ChatRequest, Sandbox, SandboxApp, Script, ScriptError
from tests.sandbox.asking import MODEL, chat
from tests.support.in_process import connection


def broken(request: ChatRequest) -> str:
    return str(request.body["ticket"])


def test_an_app_raises_it():
    app = SandboxApp(model=broken)
    with pytest.raises(KeyError, match="ticket"):
        chat(app)
    assert [each.status for each in app.requests] == [424]
    assert app.balance == 5


async def test_in_process_it_is_raised_once_where_it_was_asked():
    app = SandboxApp(model=broken)
    settings = connection(app)
    async_http = settings.pop("http_async_client")
    with NanoGPTClient(**settings) as nano, pytest.raises(KeyError, match="ticket"):
        nano.chat("Hello!", model=MODEL)
    async with AsyncNanoGPTClient(**settings | {"http_client": async_http}) as nano:
        with pytest.raises(KeyError, match="ticket"):
            await nano.chat("Hello!", model=MODEL)
    assert len(app.requests) == 2


def client(box: Sandbox) -> NanoGPTClient:
    return NanoGPTClient(box.api_key, base_url=box.base_url)


def test_served_it_is_in_the_reply_not_retried_and_raised_at_the_end():
    said = "model raised KeyError: 'ticket'"
    with pytest.raises(KeyError, match="ticket"), Sandbox(model=broken) as box:  # noqa: PT012 - by the end of the block
        with client(box) as nano, pytest.raises(APIStatusError, match=said) as caught:
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
