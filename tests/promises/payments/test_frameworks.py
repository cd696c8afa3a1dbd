"""Chats without an account in both frameworks, paid in the sandbox's Nano."""

from __future__ import annotations

import asyncio
import copy
import pickle
import threading
from decimal import Decimal
from typing import Any, get_args

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.load import dumps
from llama_index.core.base.llms.types import ChatMessage

from langchain_nanogpt import ChatNanoGPT, NanoGPTWebLoader
from llama_index_nanogpt import NanoGPT, NanoGPTWebReader
from nanogpt_client import (
    AsyncNanoGPTClient,
    Budget,
    ConfigurationError,
    Ledger,
    NanoGPTClient,
    NanoGPTError,
    Payer,
    PaymentError,
    PaymentExpiredError,
    PaymentUnderpaidError,
    SpendNotApprovedError,
)
from nanogpt_client.config import KEY_VARIABLES
from nanogpt_client.sandbox import Sandbox, Script, ToolCalls
from nanogpt_client.types.payments import PaidKind

MODEL = "openai/gpt-5.2"


async def _texts(chunks: Any, read: Any) -> str:
    return "".join([read(chunk) async for chunk in chunks])


LANGCHAIN: dict[str, Any] = {
    "invoke": lambda m: m.invoke("Say ok").content,
    "stream": lambda m: "".join(chunk.content for chunk in m.stream("Say ok")),
    "ainvoke": lambda m: asyncio.run(m.ainvoke("Say ok")).content,
    "astream": lambda m: asyncio.run(_texts(m.astream("Say ok"), lambda c: c.content)),
}
LLAMA_INDEX: dict[str, Any] = {
    "chat": lambda m: m.chat([ChatMessage("Say ok")]).message.content,
    "stream": lambda m: "".join(c.delta or "" for c in m.stream_complete("Say ok")),
    "acomplete": lambda m: asyncio.run(m.acomplete("Say ok")).text,
    "astream": lambda m: asyncio.run(_astream(m)),
}


async def _astream(model: NanoGPT) -> str:
    return await _texts(await model.astream_complete("Say ok"), lambda c: c.delta or "")


CALLS = [
    *((ChatNanoGPT, name, call) for name, call in LANGCHAIN.items()),
    *((NanoGPT, name, call) for name, call in LLAMA_INDEX.items()),
]
each_call = pytest.mark.parametrize(
    ("kind", "call"),
    [(kind, call) for kind, _, call in CALLS],
    ids=[f"{kind.__name__}.{name}" for kind, name, _ in CALLS],
)


def never(_: Any) -> None:
    pytest.fail("it paid")


@pytest.fixture(scope="module")
def running():
    with Sandbox(model=lambda _: "ok", rate=None) as box:
        yield box


@pytest.fixture
def box(running, monkeypatch):
    for variable in KEY_VARIABLES:
        monkeypatch.setenv(variable, "sk-of-the-environment")
    running.requests.clear()
    return running


def sent(box: Sandbox) -> list[tuple[str, int]]:
    return [(request.path.rpartition("/pay_")[0] or request.path, request.status)
            for request in box.requests]  # fmt: skip


PAID = [
    ("/api/v1/chat/completions", 402), ("/api/x402/status", 200), ("/api/x402/complete", 200),
]  # fmt: skip


@each_call
def test_a_chat_is_paid_in_nano(box, kind, call):
    wallet, ledger, budget = box.wallet(), Ledger(), Budget("1")
    model = kind(
        model=MODEL, base_url=box.base_url, pay=wallet.pay, ledger=ledger, budget=budget,
        max_tokens=20,
    )  # fmt: skip
    assert call(model) == "ok"
    assert sent(box) == PAID
    assert not any({"authorization", "x-api-key"} & request.headers.keys()
                   for request in box.requests)  # fmt: skip
    (payment,) = wallet.sent
    begun, entry = ledger
    assert (begun.kind, entry.outcome, entry.paid) == ("payment", "ok", f"{payment[1]} XNO")
    assert entry.cost == budget.spent > 0
    assert (budget.assumed, budget.calls) == (Decimal(0), 1)
    assert box.balance == Decimal("5.00")


@each_call
def test_an_underpaid_chat_leaves_its_payment_and_is_completed(box, kind, call):
    wallet = box.wallet()

    def pay(challenge: Any) -> None:
        option = challenge.option()
        wallet.send(option.pay_to, option.value / 2)

    model = kind(model=MODEL, base_url=box.base_url, pay=pay, max_tokens=20)
    with pytest.raises(PaymentUnderpaidError) as caught:
        call(model)
    error = caught.value
    assert isinstance(error, ModelError) == (kind is ChatNanoGPT)
    assert getattr(error, "is_retryable", False) is False
    error = pickle.loads(pickle.dumps(error))
    option = error.challenge.option()
    assert error.remaining == option.value / 2
    wallet.send(option.pay_to, error.remaining)
    with NanoGPTClient(pay=never, base_url=box.base_url) as client:
        assert client.complete_payment(error.payment_id).text == "ok"
        with pytest.raises(PaymentError, match="completed already"):
            client.complete_payment(error.payment_id)


@pytest.mark.parametrize("kind", [ChatNanoGPT, NanoGPT])
def test_an_asynchronous_wallet_and_one_that_blocks(box, kind):
    wallet, threads = box.wallet(), []

    async def pay(challenge: Any) -> None:
        await asyncio.sleep(0)
        wallet.pay(challenge)

    def block(challenge: Any) -> None:
        threads.append(threading.current_thread())
        wallet.pay(challenge)

    settings = {"model": MODEL, "base_url": box.base_url, "max_tokens": 20}
    call = (LANGCHAIN if kind is ChatNanoGPT else LLAMA_INDEX)["astream"]
    assert call(kind(pay=pay, **settings)) == "ok"
    assert call(kind(pay=block, **settings)) == "ok"
    assert threads != [threading.main_thread()]
    blocking = (LANGCHAIN if kind is ChatNanoGPT else LLAMA_INDEX)["stream"]
    with pytest.raises(PaymentError, match="asynchronous; it needs AsyncNanoGPTClient"):
        blocking(kind(pay=pay, **settings))
    assert len(wallet.sent) == 2


@pytest.mark.parametrize("kind", [ChatNanoGPT, NanoGPT])
def test_pay_takes_limits_stays_in_its_process_and_excludes_a_key(box, kind):
    wallet = box.wallet()
    payer = Payer(wallet.pay, refuse_above_usd="0.00000001")
    model = kind(model=MODEL, base_url=box.base_url, pay=payer)
    call = (LANGCHAIN if kind is ChatNanoGPT else LLAMA_INDEX)["stream"]
    with pytest.raises(SpendNotApprovedError, match="nothing was paid"):
        call(model)
    assert wallet.sent == []
    for written in (repr(model), str(model.model_dump())):
        assert "Payer" not in written
        assert "sk-of-the-environment" not in written
    for dump in (pickle.dumps, lambda m: pickle.dumps(m._client())):
        with pytest.raises(ConfigurationError, match="pay=… cannot be pickled"):
            dump(model)
    for same in (copy.deepcopy(model), model.model_copy(update={"temperature": 0.5}),
                 model.model_copy(update={"timeout": 9.0})):  # fmt: skip
        with pytest.raises(SpendNotApprovedError):
            call(same)
    with pytest.raises(ConfigurationError, match="not both") as caught:
        kind(model=MODEL, api_key="sk-given", pay=payer)
    assert caught.value.param == "pay"
    shared = kind(model=MODEL, client=NanoGPTClient(base_url=box.base_url, pay=wallet.pay))
    assert call(shared) == "ok"


def test_langchain_serialises_no_wallet(box):
    model = ChatNanoGPT(model=MODEL, base_url=box.base_url, pay=box.wallet().pay)
    assert "wallet" not in dumps(model).lower()


def test_an_agents_loop_pays_for_each_call():
    script = Script(ToolCalls(look={"word": "x"}), "found")
    with Sandbox(model=script) as box:
        wallet = box.wallet()
        model = ChatNanoGPT(model=MODEL, base_url=box.base_url, pay=wallet.pay, max_tokens=50)

        def look(word: str) -> str:
            """Look a word up."""
            return word

        called = model.bind_tools([look]).invoke("Look")
        assert [call["name"] for call in called.tool_calls] == ["look"]
        assert model.invoke("And?").content == "found"
        assert len(wallet.sent) == 2


def test_a_quote_expires_while_the_wallet_waits():
    now = [1_800_000_000.0]
    with Sandbox(model=lambda _: "ok", clock=lambda: now[0]) as box:
        wallet = box.wallet()

        def pay(challenge: Any) -> None:
            now[0] += 901
            wallet.pay(challenge)

        with NanoGPTClient(
            pay=lambda _: now.append(now.pop() + 901), base_url=box.base_url
        ) as late:
            with pytest.raises(PaymentExpiredError) as caught:
                late.chat("hi", model=MODEL)
            assert caught.value.maybe_billed is False
            assert (caught.value.challenge.expires_at, wallet.sent) == (now[0] - 1, [])
        with NanoGPTClient(pay=pay, base_url=box.base_url) as client:
            with pytest.raises(PaymentExpiredError) as caught:
                client.chat("hi", model=MODEL)
            assert (caught.value.maybe_billed, len(wallet.sent)) == (True, 1)


async def test_a_cancelled_call_leaves_a_payment_that_is_completed(box):
    wallet, begun, go_on = box.wallet(), threading.Event(), threading.Event()

    def pay(challenge: Any) -> None:
        begun.set()
        assert go_on.wait(10)
        wallet.pay(challenge)

    async with AsyncNanoGPTClient(pay=pay, base_url=box.base_url) as client:
        call = asyncio.create_task(client.chat("hi", model=MODEL, max_tokens=20))
        await asyncio.to_thread(begun.wait, 10)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        go_on.set()
        (payment_id,) = client.ledger.open_payments()
        assert (await client.complete_payment(payment_id)).text == "ok"
        assert client.ledger.open_payments() == []
    assert len(wallet.sent) == 1


async def test_routes_and_images_of_a_client_without_an_account(box):
    wallet = box.wallet()
    async with AsyncNanoGPTClient(pay=wallet.pay, base_url=box.base_url) as client:
        routes = [(each.endpoint, each.schemes) for each in await client.payable_endpoints()]
        assert ("/api/v1/chat/completions", ("nano",)) in routes
        image = await client.generate_image("a cat", model="hidream", size="256x256")
        assert image[0].data
        assert (await client.search_web("What is Nano?")).hits
        assert (await client.scrape("https://nano.org"))[0].text
        with pytest.raises(NanoGPTError, match="payable_endpoints"):
            await client.embed(["a"], model="text-embedding-3-small")
        kinds = [entry.kind for entry in client.ledger if entry.paid]
        assert kinds == ["image", "search", "scrape"]
        (first, *_) = [entry.payment_id for entry in client.ledger if entry.paid]
        assert (await client.payment_status(str(first))).status == "completed"
    assert len(wallet.sent) == 3


class Died(BaseException):
    """In the place of a process that ends while it waits for the money."""


PAYABLE: dict[str, tuple[Any, Any]] = {
    "chat": (lambda c: c.chat("hi", model=MODEL, max_tokens=20), lambda found: found.text),
    "image": (
        lambda c: c.generate_image("a cat", model="hidream", size="256x256"),
        lambda found: found[0].data,
    ),
    "search": (lambda c: c.search_web("What is Nano?"), lambda found: found.hits),
    "scrape": (lambda c: c.scrape("https://nano.org"), lambda found: found[0].text),
}


def test_every_payable_route_has_its_kind(box):
    with NanoGPTClient(pay=never, base_url=box.base_url) as client:
        routes = {each.endpoint for each in client.payable_endpoints()}
    assert len(routes) == len(PAYABLE) + 1  # images are made and edited
    assert set(get_args(PaidKind)) == set(PAYABLE)


@pytest.mark.parametrize("kind", PAYABLE)
def test_any_call_that_was_paid_is_completed_by_another_client(box, kind):
    call, content = PAYABLE[kind]
    wallet, ledger = box.wallet(), Ledger()

    def pay(challenge: Any) -> None:
        wallet.pay(challenge)
        raise Died

    with NanoGPTClient(pay=pay, base_url=box.base_url, ledger=ledger) as client:
        with pytest.raises(Died):
            call(client)
    (payment_id,) = ledger.open_payments()
    with NanoGPTClient(pay=never, base_url=box.base_url, ledger=ledger) as other:
        assert content(other.complete_payment(payment_id, kind=kind))
    assert ledger.open_payments() == []
    assert len(wallet.sent) == 1


@pytest.mark.parametrize("load", [
    lambda settings: NanoGPTWebLoader(urls="https://nano.org", **settings).load()[0].page_content,
    lambda settings: NanoGPTWebReader(**settings).load_data("https://nano.org")[0].text,
])  # fmt: skip
def test_pages_are_paid_per_call_in_both_frameworks(box, load):
    wallet = box.wallet()
    assert load({"pay": wallet.pay, "base_url": box.base_url})
    assert next(path for path, _ in sent(box)) == "/api/v1/data/url/scrape"
    assert len(wallet.sent) == 1
