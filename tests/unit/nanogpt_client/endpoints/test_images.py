"""Pictures: sources of every kind in, pictures or an error out."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanogpt_client._protocol.call import RetrySafety
from nanogpt_client._protocol.policy import run_flow
from nanogpt_client.endpoints.images import edit_image, generate_image
from nanogpt_client.errors import InvalidArgumentError, InvalidResponseError, NanoGPTError
from nanogpt_client.ledger import Budget
from tests.support.driving import ODD_VALUES, answer, context, drive, first_call, reply, requests_of
from tests.support.typed import as_declared

PNG = b"\x89PNG\r\n\x1a\nrest"
PNG_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
JPEG = b"\xff\xd8\xff\xe0"
DRAWN = reply({"data": [{"b64_json": base64.b64encode(PNG).decode()}], "cost": 0.5})


def asked(flow, *replies) -> list[Any]:
    """Perform a flow; return its requests."""
    driven = drive(run_flow(flow, context()), *replies, DRAWN)
    if driven.error is not None:
        raise driven.error
    assert driven.result[0].bytes == PNG
    return requests_of(driven)


def body_of(flow, *replies) -> Any:
    return json.loads(asked(flow, *replies)[-1].content)


def test_the_request():
    (request,) = asked(generate_image("a cat", model="hidream", size="1024x1024", n=2, seed=7))
    assert (request.path, request.root) == ("/images/generations", "v1")
    assert json.loads(request.content) == {
        "model": "hidream", "prompt": "a cat", "size": "1024x1024", "n": 2, "seed": 7,
    }  # fmt: skip


def test_it_is_billable_and_never_sent_twice_in_doubt():
    flow = generate_image("a cat", model="m")
    call = first_call(flow)
    assert (call.kind, call.resend, call.billable) == ("image", RetrySafety.IF_REJECTED, True)


def test_sources_become_data_urls(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    body = body_of(generate_image("a cat", model="m", image=[PNG, path, PNG_URL], mask=str(path)))
    jpeg_url = f"data:image/jpeg;base64,{base64.b64encode(JPEG).decode()}"
    assert body["imageDataUrls"] == [PNG_URL, jpeg_url, PNG_URL]
    assert body["maskDataUrl"] == jpeg_url


def test_one_source():
    body = body_of(generate_image("a cat", model="m", image=PNG, strength=0.5))
    assert (body["imageDataUrl"], body["strength"]) == (PNG_URL, 0.5)
    assert "imageDataUrls" not in body


def test_a_source_by_url_is_fetched_first():
    fetch, draw = asked(generate_image("a cat", model="m", image="https://cdn/x.png"), reply(PNG))
    assert (fetch.method, fetch.path) == ("GET", "https://cdn/x.png")
    assert json.loads(draw.content)["imageDataUrl"] == PNG_URL


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"prompt": ""}, "prompt must be a non-empty"),
        ({"model": ""}, "model must be"),
        ({"n": 0}, "n=0"),
        ({"strength": 2}, "strength=2"),
        ({"sizes": "1x1"}, "did you mean 'size'"),
        ({"mask": PNG}, "mask needs the image"),
        ({"image": "missing.png"}, "image 1: cannot read 'missing.png'"),
        ({"image": [PNG, b"text"]}, "image 2 is not a PNG, JPEG, WebP or GIF"),
        ({"image": b""}, "image 1 is empty"),
        ({"image": PNG + b"x" * (4 * 1024 * 1024 + 99)}, "up to 4 MB"),
        ({"image": "data:" + "x" * 6_000_000}, "up to 4 MB"),
    ],
)
def test_what_cannot_work_is_refused_before_sending(options, match):
    options = {"prompt": "a cat", "model": "m"} | options
    driven = drive(run_flow(generate_image(options.pop("prompt"), **options), context()))
    assert requests_of(driven) == []
    with pytest.raises(InvalidArgumentError, match=match):
        raise driven.error  # type: ignore[misc]


def test_edits_go_as_a_form(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    flow = edit_image("a hat", model="m", image=path, mask=PNG, n=2, extra_body={"quality": "high"},
                      timeout=9, extra_headers={"a": "b"})  # fmt: skip
    (request,) = asked(flow)
    assert (request.path, request.content, request.timeout) == ("/images/edits", None, 9)
    assert request.headers == {"a": "b"}
    assert request.form == {"model": "m", "prompt": "a hat", "n": "2", "quality": "high"}
    assert [(f, p.name, p.data, p.content_type) for f, p in request.files] == [
        ("image", "cat.png", PNG, "image/png"), ("mask", "mask.png", PNG, "image/png"),
    ]  # fmt: skip
    assert "rest" not in repr(request)


def test_several_pictures_to_edit():
    flow = edit_image("both", model="m", image=(PNG, PNG_URL, "https://cdn/a/b.webp?sig=1"))
    _, request = asked(flow, reply(b"RIFF\x00\x00\x00\x00WEBP"))
    assert [(f, p.name, p.content_type) for f, p in request.files] == [
        ("image[]", "image-1.png", "image/png"),
        ("image[]", "image-2.png", "image/png"),
        ("image[]", "b.webp", "image/webp"),
    ]


@pytest.mark.parametrize(
    ("image", "match"),
    [
        ([], "image is empty"),
        (b"", "is empty"),
        ("data:image/png,", "without base64"),
        ("nowhere.png", "cannot read"),
    ],
)
def test_edits_without_a_picture(image, match):
    with pytest.raises(InvalidArgumentError, match=match):
        answer(edit_image("a hat", model="m", image=image))


def images(body: Any) -> Any:
    return answer(generate_image("a cat", model="m"), reply(body))


def test_pictures_come_as_bytes_or_urls():
    drawn = images(
        {
            "created": 1,
            "data": [
                {"b64_json": base64.b64encode(PNG).decode(), "revised_prompt": "a nice cat"},
                {"b64_json": PNG_URL},
                {"url": "https://cdn/x.png"},
            ],
            "cost": "0.02", "paymentSource": "USD", "remainingBalance": 3,
        }
    )  # fmt: skip
    assert [(i.data, i.url, i.revised_prompt) for i in drawn] == [
        (PNG, None, "a nice cat"), (PNG, None, None), (None, "https://cdn/x.png", None),
    ]  # fmt: skip
    assert (str(drawn.billing.cost), drawn.billing.balance) == ("0.02", 3)
    assert drawn.raw["created"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": []},
        {"data": [{}]},
        {"data": [{"b64_json": "#"}]},
        {"data": [{"url": 7}, {}]},
        {"data": "x"},
    ],
)
def test_no_picture_is_an_error(body):
    with pytest.raises(InvalidResponseError, match="without an image"):
        images(body)


ITEM = st.dictionaries(
    st.sampled_from(["b64_json", "url", "revised_prompt"]), st.sampled_from(ODD_VALUES)
)


@given(
    st.sampled_from(ODD_VALUES)
    | st.fixed_dictionaries({"data": st.lists(ITEM) | st.sampled_from(ODD_VALUES)})
)
def test_any_json_is_an_answer_or_an_error(body):
    with suppress(NanoGPTError):
        assert len(as_declared(images(body))) > 0


@pytest.mark.parametrize("prompt", ["", None])
def test_a_prompt_may_be_left_out_beside_a_picture(prompt):
    call = first_call(generate_image(prompt, model="upscaler", image=PNG))
    assert call.request.json["prompt"] == ""  # openapi requires the key
    assert "imageDataUrl" in call.request.json
    assert first_call(edit_image(prompt, model="m", image=PNG)).request.form["prompt"] == ""
    sources = {"imageDataUrl": "data:image/png;base64,eA=="}
    assert first_call(generate_image(model="m", extra_body=sources)).request.json["prompt"] == ""
    with pytest.raises(InvalidArgumentError, match="prompt must be"):
        first_call(generate_image(prompt, model="upscaler"))


@pytest.mark.parametrize("word", ["XNO", "nano"])
def test_pictures_paid_in_nano_cost_no_known_dollars(word):
    rules = context(budget=Budget(usd=1))
    body = {
        "data": [{"url": "https://cdn/a.png"}, {"url": "https://cdn/b.png"}],
        "cost": 0.0043, "paymentSource": word, "remainingBalance": 0.8,
    }  # fmt: skip
    drawn = answer(generate_image("a cat", model="m"), reply(body), rules=rules)
    assert (drawn.cost, drawn.billing.balance) == (None, None)
    assert [image.cost for image in drawn] == [None, None]
    assert (str(drawn.billing.cost_nano), str(drawn.billing.balance_nano)) == ("0.0043", "0.8")
    assert rules.ledger.totals.unknown_costs == 1
    assert rules.ledger.spent == 0
