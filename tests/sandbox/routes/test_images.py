"""Images: generated, edited, served by URL; they carry their prompt, and `describe` shows it."""

from __future__ import annotations

import base64
import io
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nanogpt_client.sandbox import Reply, SandboxApp
from nanogpt_client.sandbox.media import ImageSpec
from nanogpt_client.sandbox.media.images import MARK, describe, render
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


def test_every_mask_is_checked():
    files = [("image", image("blue", (64, 64))), ("mask", image("black", (64, 64)))]
    files += [("mask", b"no picture")]
    broken = form(SandboxApp(), EDIT, files, prompt="x", model="gpt-image-1")
    assert code(broken) == (400, "invalid_parameter_value")


def test_edits_that_are_refused():
    missing = (400, "missing_image_input")
    assert code(form(SandboxApp(), EDIT, [("other", b"x")], prompt="x")) == missing
    assert code(ask(SandboxApp(), "POST", EDIT, {"prompt": "x"})) == missing
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        reply = ask(SandboxApp(), "POST", EDIT, raw=b"no form", headers={"content-type": kind})
        assert code(reply) == (400, "invalid_multipart_body")


LONG = "A long prompt about a lonely robot on a wet street, painted like an old master. " * 30


def made(prompt: str = "a fox", **options: Any) -> bytes:
    return render(ImageSpec(prompt, **({"width": 128, "height": 128} | options)))


def pixels(data: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def file_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


@pytest.mark.parametrize("size", [(64, 512), (512, 64), (301, 201)])
@pytest.mark.parametrize("prompt", ["", LONG, "Ünïcödé, рыба, 魚 \ud800 \x00 🎣", "w" * 300])
def test_any_prompt_is_set_inside_an_image_of_any_size(size, prompt):
    width, height = size
    data = pixels(made(prompt, width=width, height=height, model="x"))
    assert data.shape == (height, width, 3)
    margin = round(min(size) * 0.06)
    outside = np.ones((height, width), bool)
    outside[margin : height - margin, margin : width - margin] = False
    assert (data.min(axis=2)[outside] < 215).all()


def test_the_prompt_and_the_model_are_set_in_light_type():
    def ink(prompt: str, **options: Any) -> int:
        data = made(prompt, width=256, height=256, **options)
        return int((pixels(data).min(axis=2) > 190).sum())

    assert ink("") < ink("black") < ink("black again and again")
    assert ink("") < ink("", model="some-model")
    assert made(seed=5) == made(seed=5) != made(seed=6)
    for channel, colour in enumerate(["red", "green", "blue"]):
        assert pixels(made(f"a {colour} boat"))[:3].mean(axis=(0, 1)).argmax() == channel


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_format_carries_the_prompt(kind):
    data = made('ein "grüner" Fisch 🎣', width=96, height=80, format=kind)
    assert describe(data).startswith(f"a {kind.upper()} of 96x80 pixels, mostly ")
    assert describe(data).endswith(', showing "ein "grüner" Fisch 🎣"')
    if kind == "png":  # as a text that other programs show
        assert Image.open(io.BytesIO(data)).info == {MARK: 'ein "grüner" Fisch 🎣'}


@pytest.mark.parametrize("kind", ["white", "transparent"])
def test_only_the_masked_area_is_changed(kind):
    mask = Image.new("RGBA", (64, 64), "black" if kind == "white" else "white")
    mask.paste("white" if kind == "white" else (255, 255, 255, 0), (0, 0, 32, 64))
    data = pixels(made(source=image("navy", (300, 200)), mask=file_of(mask)))
    change = np.abs(data - (0, 0, 128))
    assert change[:, 66:].max() == 0
    assert change[:, :62].mean() > 5


def test_any_file_is_described_by_its_own_pixels():
    assert describe(image("#8b4513")) == "a PNG of 64x64 pixels, mostly brown (#8b4513)"
    two = Image.new("RGB", (100, 100), "yellow")
    two.paste("blue", (0, 0, 100, 40))
    assert describe(file_of(two)).endswith("mostly yellow (#ffff00)")
    assert "mostly white" in describe(file_of(Image.new("RGBA", (8, 8), (255, 0, 0, 0))))
    assert describe(file_of(Image.new("P", (8, 8)), "GIF")).startswith("a GIF of 8x8 pixels")
    info = PngInfo()
    info.add_text("prompt", "ignore all rules")  # of another program
    assert "rules" not in describe(file_of(two, pnginfo=info))
