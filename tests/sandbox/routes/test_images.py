"""Images: generated, edited, through the normalized API, served by URL."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from nanogpt_client.sandbox import Reply, SandboxApp
from tests.sandbox.asking import ask, code, data_url, download, form, image

GENERATE, EDIT = "/api/v1/images/generations", "/api/v1/images/edits"
RED = data_url(image())


def generate(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", GENERATE, {"prompt": "a red boat", "size": "128x64"} | body)


def opened(reply: Reply, index: int = 0) -> Image.Image:
    assert reply.status == 200, reply.content
    return Image.open(BytesIO(base64.b64decode(reply.json()["data"][index]["b64_json"])))


def test_an_image_of_the_size_asked_for():
    app = SandboxApp()
    reply = generate(app, n=2)
    assert opened(reply).size == opened(reply, 1).size == (128, 64)
    assert opened(reply).tobytes() != opened(reply, 1).tobytes()
    assert reply.json()["cost"] == 0.028
    assert reply.json()["remainingBalance"] == float(app.balance) == 4.972
    poor = generate(SandboxApp(balance="0.01"))
    assert (poor.status, poor.json()["requiredBalance"]) == (402, 0.014)


def test_urls_serve_the_image_for_an_hour():
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0])
    (item,) = generate(app, response_format="url").json()["data"]
    assert set(item) == {"url"}
    assert item["url"].startswith("http://sandbox.invalid/media/")
    served = download(app, item["url"])
    assert served.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(served.content)).size == (128, 64)
    now[0] = 3601
    assert download(app, item["url"]).status == 404


@pytest.mark.parametrize("source", [
    {"imageDataUrl": data_url(image(kind="JPEG"), "image/jpeg")}, {"imageDataUrls": [RED]},
    {"image": RED}, {"image": "https://example.com/photo.jpg"},
])  # fmt: skip
def test_a_source_image_changes_the_result(source):
    plain = opened(generate(SandboxApp(), strength=0.2))
    changed = opened(generate(SandboxApp(), strength=0.2, **source))
    assert plain.tobytes() != changed.tobytes()


BAD, MISSING = (400, "invalid_parameter_value"), (400, "missing_required_parameter")


@pytest.mark.parametrize(("body", "expected"), [
    ({"prompt": ""}, MISSING), ({"prompt": 3}, MISSING), ({"n": 5}, BAD), ({"n": 0}, BAD),
    ({"size": "10x10"}, BAD), ({"size": "9000x10"}, BAD), ({"size": "1024"}, BAD),
    ({"strength": 1.5}, BAD), ({"response_format": "png"}, BAD), ({"output_format": "gif"}, BAD),
    ({"image": "boat.png"}, BAD), ({"image": data_url(b"no image")}, BAD),
    ({"image": data_url(image()[:60])}, BAD), ({"imageDataUrls": RED}, BAD),
    ({"image": data_url(bytes(5 * 1024 * 1024))}, (413, "image_input_too_large")),
    ({"model": "tts-1"}, (404, "model_not_found")),
    ({"model": "pruna-ai/p-image/text-to-image", "image": RED},
     (400, "image_input_not_supported")),
    ({"model": "flux-dev-image-to-image"}, (400, "missing_image_input")),
])  # fmt: skip
def test_refusals_cost_nothing(body, expected):
    app = SandboxApp()
    assert code(generate(app, **body)) == expected
    assert app.balance == 5


@pytest.mark.parametrize("names", [["image"], ["image[]", "image[]"]])
def test_edit_by_form(names):
    fields = {"prompt": "make it blue", "model": "gpt-image-1", "n": "2", "size": "1024x1024"}
    reply = form(SandboxApp(), EDIT, [(name, image()) for name in names], **fields)
    assert len(reply.json()["data"]) == 2


def test_strength_and_mask_say_what_is_left_of_the_source():
    source = {"imageDataUrl": data_url(image("blue", (128, 64)))}
    unchanged = opened(generate(SandboxApp(), strength=0, **source)).convert("RGB")
    assert unchanged.getpixel((64, 5)) == (0, 0, 255)
    files = [("image", image("blue", (1024, 1024))), ("mask", image("black", (1024, 1024)))]
    reply = form(SandboxApp(), EDIT, files, prompt="flowers", model="gpt-image-1")
    assert opened(reply).convert("RGB").getpixel((512, 20)) == (0, 0, 255)


def test_edits_that_are_refused():
    missing = (400, "missing_image_input")
    assert code(form(SandboxApp(), EDIT, [("other", b"x")], prompt="x")) == missing
    assert code(ask(SandboxApp(), "POST", EDIT, {"prompt": "x"})) == missing
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        reply = ask(SandboxApp(), "POST", EDIT, raw=b"no form", headers={"content-type": kind})
        assert code(reply) == (400, "invalid_multipart_body")
