"""Several at once: order, progress, and what is kept when one of them fails."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from nanogpt_client import (
    BadRequestError,
    InvalidArgumentError,
    InvalidResponseError,
    Progress,
    ServerError,
)
from tests.unit.nanogpt_client._media.test_audio_concat import wav
from tests.unit.nanogpt_client.clients.shell import BOTH

PNG = b"\x89PNG\r\n\x1a\n"


class Wire:
    """Draws each prompt's last letter, speaks WAV samples, writes down a file's first byte."""

    def __init__(self, *, fails_at: str | None = None, sound: str = "audio/wav") -> None:
        self.asked: list[str] = []
        self.fails_at = fails_at
        self.sound = sound

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            entry = {"id": "m", "supported_parameters": {"max_chars": 20}}
            return httpx.Response(200, json={"data": [entry]})
        if request.url.path.endswith("transcriptions"):
            word = "ABC"[[b"ID3a", b"ID3b", b"ID3c"].index(_part(request.content))]
        else:
            body = json.loads(request.content)
            word = body.get("prompt") or body["input"]
        self.asked.append(word)
        if word == self.fails_at:
            return httpx.Response(400, json={"error": {"message": "no"}})
        return self._answer(request.url.path, word)

    def _answer(self, path: str, word: str) -> httpx.Response:
        if path.endswith("speech"):
            headers = {"content-type": self.sound, "x-cost": "0.25"}
            sound = wav(b"\1\0" * len(word)) if self.sound == "audio/wav" else b"fLaC"
            return httpx.Response(200, headers=headers, content=sound)
        if path.endswith("transcriptions"):
            return httpx.Response(200, json={"text": word, "cost": 0.25})
        picture = base64.b64encode(PNG + word.encode()).decode()
        return httpx.Response(200, json={"data": [{"b64_json": picture}], "cost": 0.25})

    async def answer(self, request: httpx.Request) -> httpx.Response:
        return self(request)


def _part(content: bytes) -> bytes:
    return content[content.index(b"ID3") :][:4]


@pytest.fixture(params=BOTH, ids=lambda shell: shell.name)
def use(request):
    """Return a function that does one thing with either client, over a wire in memory."""

    def act(wire: Wire, method: str, *args: Any, **options: Any) -> Any:
        handler = wire if request.param.name == "sync" else wire.answer
        transport: Any = httpx.MockTransport(handler)
        cls = httpx.Client if request.param.name == "sync" else httpx.AsyncClient
        settings = {"http_client": cls(transport=transport), "max_retries": 0}
        return request.param.use(settings, method, *args, model="m", **options)[0]

    return act


def test_results_have_the_order_of_what_was_asked(use):
    seen: list[Progress] = []
    images = use(
        Wire(), "generate_images", list("abcde"), max_concurrency=2, on_progress=seen.append
    )
    assert [image[0].bytes[-1:] for image in images] == [b"a", b"b", b"c", b"d", b"e"]
    assert sorted(progress.done for progress in seen) == [1, 2, 3, 4, 5]
    assert {(progress.kind, progress.total) for progress in seen} == {("image", 5)}
    assert {id(progress.result) for progress in seen} == set(map(id, images))


def test_recordings(use):
    found = use(Wire(), "transcribe_all", [b"ID3a", b"ID3b", b"ID3c"])
    assert [transcript.text for transcript in found] == ["A", "B", "C"]


def test_after_a_failure_nothing_further_is_begun_and_what_is_there_is_kept(use):
    wire = Wire(fails_at="b")
    with pytest.raises(BadRequestError) as caught:
        use(wire, "generate_images", list("abcd"), max_concurrency=1)
    assert wire.asked == ["a", "b"]
    first, *others = caught.value.partial
    assert first[0].bytes == PNG + b"a"
    assert others == [None, None, None]


@pytest.mark.parametrize(
    ("method", "values", "options", "match"),
    [
        ("generate_images", ["a", " "], {}, r"prompts\[1\] must be a non-empty"),
        ("generate_images", "a cat", {}, "prompts must be a list, not str"),
        ("generate_images", ["a"], {"max_concurrency": 0}, "max_concurrency must be at least 1"),
        ("generate_images", ["a"], {"sise": "x"}, "did you mean 'size'"),
        ("transcribe_all", b"ID3", {}, "recordings must be a list, not bytes"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_sent(use, method, values, options, match):
    wire = Wire()
    with pytest.raises(InvalidArgumentError, match=match):
        use(wire, method, values, **options)
    assert wire.asked == []


def test_nothing_asked_for_is_nothing_done(use):
    assert use(Wire(), "generate_images", []) == []


def test_a_failing_progress_function_costs_nobody_a_result(use, caplog):
    def tell(progress: Progress) -> None:
        raise RuntimeError("broken")

    assert len(use(Wire(), "generate_images", ["a"], on_progress=tell)) == 1
    assert "on_progress failed" in caplog.text


LONG = "One sentence here. " * 60


def test_a_long_text_is_spoken_in_pieces_and_joined(use):
    wire = Wire()
    seen: list[Progress] = []
    sound = use(wire, "speak_long", LONG, response_format="wav", on_progress=seen.append)
    assert len(wire.asked) == 60
    assert {len(piece) for piece in wire.asked} == {18}
    assert len(sound.bytes) == 44 + 2 * 18 * 60
    assert (sound.mime_type, sound.cost) == ("audio/wav", Decimal("0.25") * 60)
    assert [progress.done for progress in seen][-1] == 60
    assert {progress.total for progress in seen} == {60}


def test_a_text_that_fits_is_one_request(use):
    wire = Wire()
    assert use(wire, "speak_long", "Short.").mime_type == "audio/wav"
    assert wire.asked == ["Short."]


@pytest.mark.parametrize("kind", ["flac", "opus"])
def test_a_format_that_cannot_be_joined_is_refused_unsent(use, kind):
    wire = Wire()
    with pytest.raises(InvalidArgumentError, match=f"{kind} cannot be joined without loss"):
        use(wire, "speak_long", LONG, response_format=kind)
    assert wire.asked == []


def test_a_format_that_was_not_asked_for_costs_one_piece_alone(use):
    wire = Wire(sound="audio/flac")
    with pytest.raises(InvalidResponseError, match="NanoGPT returned audio/flac") as caught:
        use(wire, "speak_long", LONG)
    assert len(wire.asked) == 1
    assert caught.value.maybe_billed
    assert caught.value.partial[0].bytes == b"fLaC"


def test_pieces_that_were_spoken_are_kept(use):
    wire = Wire(fails_at="Two words here.")
    with pytest.raises(BadRequestError) as caught:
        use(wire, "speak_long", "One words here. Two words here. " + LONG, max_concurrency=1)
    first, second, *_ = caught.value.partial
    assert (len(first.bytes), second) == (44 + 2 * len("One words here."), None)


def test_an_unknown_cost_of_one_piece_makes_the_whole_unknown(use):
    class Partly(Wire):
        def _answer(self, path, word):
            answer = super()._answer(path, word)
            if len(self.asked) > 1:
                del answer.headers["x-cost"]
            return answer

    assert use(Partly(), "speak_long", LONG).cost is None


def test_a_server_error_is_raised_as_such(use):
    class Down(Wire):
        def _answer(self, *_):
            return httpx.Response(500, json={"error": "down"})

    with pytest.raises(ServerError):
        use(Down(), "generate_images", ["a", "b"])
