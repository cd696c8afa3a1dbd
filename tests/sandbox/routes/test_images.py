"""Images: generated, edited, through the normalized API, served by URL."""

from __future__ import annotations

import base64
import uuid
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from nanogpt_client.sandbox import Reply, Request, SandboxApp
from tests.sandbox.asking import ask, code

GENERATE = "/api/v1/images/generations"
EDIT = "/api/v1/images/edits"


def picture(size: tuple[int, int] = (64, 64), colour: str = "red", kind: str = "PNG") -> bytes:
    target = BytesIO()
    Image.new("RGB", size, colour).save(target, kind)
    return target.getvalue()


def url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def generate(app: SandboxApp, **body: Any) -> Reply:
    return ask(app, "POST", GENERATE, {"prompt": "a red boat", "size": "128x64"} | body)


def opened(reply: Reply, index: int = 0) -> Image.Image:
    assert reply.status == 200, reply.content
    return Image.open(BytesIO(base64.b64decode(reply.json()["data"][index]["b64_json"])))


def form(app: SandboxApp, fields: dict[str, str], files: list[tuple[str, bytes]]) -> Reply:
    """Send a multipart form."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts += [
        (
            f"--{boundary}\r\nContent-Disposition: form-data; "
            f'name="{name}"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        ).encode()
        + data
        + b"\r\n"
        for name, data in files
    ]
    raw = b"".join(parts) + f"--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return ask(app, "POST", EDIT, raw=raw, headers=headers)


def test_a_picture_of_the_size_asked_for():
    app = SandboxApp()
    reply = generate(app)
    assert opened(reply).size == (128, 64)
    found = reply.json()
    assert found["cost"] == 0.014
    assert found["remainingBalance"] == float(app.balance) == 4.986


def test_several_pictures_differ():
    reply = generate(SandboxApp(), n=2)
    assert len(reply.json()["data"]) == 2
    assert opened(reply, 0).tobytes() != opened(reply, 1).tobytes()


def test_urls_serve_the_picture_for_an_hour():
    now = [0.0]
    app = SandboxApp(clock=lambda: now[0])
    (item,) = generate(app, response_format="url").json()["data"]
    assert set(item) == {"url"}
    assert item["url"].startswith("http://sandbox.invalid/media/")
    path = item["url"].removeprefix("http://sandbox.invalid")
    served = app.handle(Request("GET", path))  # without a key
    assert served.headers["content-type"] == "image/png"
    assert Image.open(BytesIO(served.content)).size == (128, 64)
    now[0] = 3601
    assert app.handle(Request("GET", path)).status == 404


@pytest.mark.parametrize(
    "source",
    [
        {"imageDataUrl": url(picture(kind="JPEG"), "image/jpeg")},
        {"imageDataUrls": [url(picture())]},
        {"image": url(picture())},
        {"image": "https://example.com/photo.jpg"},
    ],
)
def test_a_source_picture_changes_the_result(source):
    plain = opened(generate(SandboxApp(), strength=0.2))
    changed = opened(generate(SandboxApp(), strength=0.2, **source))
    assert plain.tobytes() != changed.tobytes()


def test_strength_says_how_far_to_leave_the_source():
    source = {"imageDataUrl": url(picture((128, 64), "blue"))}
    kept = opened(generate(SandboxApp(), strength=0, **source)).convert("RGB")
    assert kept.getpixel((64, 5)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": ""}, (400, "missing_required_parameter")),
        ({"prompt": 3}, (400, "missing_required_parameter")),
        ({"n": 5}, (400, "invalid_parameter_value")),
        ({"n": 0}, (400, "invalid_parameter_value")),
        ({"size": "10x10"}, (400, "invalid_parameter_value")),
        ({"size": "9000x10"}, (400, "invalid_parameter_value")),
        ({"size": "1024"}, (400, "invalid_parameter_value")),
        ({"strength": 1.5}, (400, "invalid_parameter_value")),
        ({"response_format": "png"}, (400, "invalid_parameter_value")),
        ({"output_format": "gif"}, (400, "invalid_parameter_value")),
        ({"image": "boat.png"}, (400, "invalid_parameter_value")),
        ({"image": url(b"no picture")}, (400, "invalid_parameter_value")),
        ({"image": url(picture()[:60])}, (400, "invalid_parameter_value")),
        ({"image": url(bytes(5 * 1024 * 1024))}, (413, "image_input_too_large")),
        ({"imageDataUrls": url(picture())}, (400, "invalid_parameter_value")),
        ({"model": "tts-1"}, (404, "model_not_found")),
        (
            {"model": "pruna-ai/p-image/text-to-image", "image": url(picture())},
            (400, "image_input_not_supported"),
        ),
    ],
)
def test_refusals_cost_nothing(body, expected):
    app = SandboxApp()
    assert code(generate(app, **body)) == expected
    assert app.balance == 5


def test_a_picture_the_balance_does_not_cover():
    reply = generate(SandboxApp(balance="0.01"))
    assert (reply.status, reply.json()["requiredBalance"]) == (402, 0.014)


def test_edit_by_form():
    source, mask = picture(), picture(colour="white")
    fields = {"prompt": "make it blue", "model": "gpt-image-1", "n": "2"}
    for names in (["image"], ["image[]", "image[]"], ["image", "mask"]):
        files = [(name, mask if name == "mask" else source) for name in names]
        reply = form(SandboxApp(), fields, files)
        assert len(reply.json()["data"]) == 2


def test_a_mask_keeps_the_rest():
    black = picture((1024, 1024), "black")
    blue = picture((1024, 1024), "blue")
    fields = {"prompt": "flowers", "model": "gpt-image-1"}
    reply = form(SandboxApp(), fields, [("image", blue), ("mask", black)])
    assert opened(reply).convert("RGB").getpixel((512, 20)) == (0, 0, 255)


def test_edit_needs_a_picture():
    assert code(form(SandboxApp(), {"prompt": "x"}, [])) == (400, "missing_image_input")
    reply = ask(SandboxApp(), "POST", EDIT, {"prompt": "x"})
    assert code(reply) == (400, "missing_image_input")


def test_a_broken_form():
    headers = {"content-type": "multipart/form-data; boundary=x"}
    reply = ask(SandboxApp(), "POST", EDIT, raw=b"no form at all", headers=headers)
    assert code(reply) == (400, "invalid_multipart_body")
    headers = {"content-type": "multipart/form-data"}
    reply = ask(SandboxApp(), "POST", EDIT, raw=b"--x--", headers=headers)
    assert code(reply) == (400, "invalid_multipart_body")
