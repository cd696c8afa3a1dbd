"""`NanoGPTAudioParser`: recordings as documents."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from langchain_core.documents.base import Blob
from langchain_core.exceptions import ModelInvalidRequestError

from langchain_nanogpt import NanoGPTAudioParser

SEGMENTS = [
    {"speaker": "A", "text": "Hello.", "start": 0, "end": 1},
    {"speaker": "A", "text": "Who is there?", "start": 1, "end": 2},
    {"speaker": "B", "text": "Me.", "start": 2.5, "end": 3},
]
HEARD = {
    "transcription": "Hello. Who is there? Me.", "metadata": {"cost": 0.25, "language": "en"},
    "diarization": {"segments": SEGMENTS},
}  # fmt: skip


class Wire:
    """Answers with one transcript, and remembers what was sent."""

    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.body, self.status = body, status
        self.sent: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.content)
        return httpx.Response(self.status, json=self.body)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self(request)

    def parser(self, **settings: Any) -> NanoGPTAudioParser:
        return NanoGPTAudioParser(
            api_key="k-1",
            max_retries=0,
            http_client=httpx.Client(transport=httpx.MockTransport(self)),
            http_async_client=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)),
            **settings,
        )


@pytest.fixture(params=["sync", "async"])
def parse(request):
    async def act(parser: NanoGPTAudioParser, blob: Blob) -> list[Any]:
        if request.param == "sync":
            return list(parser.lazy_parse(blob))
        return [document async for document in parser.alazy_parse(blob)]

    return act


BLOB = Blob.from_data(b"ID3", path="talk.mp3")


async def test_one_document_for_the_recording(parse):
    (document,) = await parse(Wire(HEARD).parser(), BLOB)
    assert document.page_content == "Hello. Who is there? Me."
    assert document.metadata == {"source": "talk.mp3", "language": "en", "cost": 0.25}


async def test_one_document_per_segment(parse):
    wire = Wire(HEARD)
    documents = await parse(wire.parser(split="segment"), BLOB)
    assert [document.page_content for document in documents] == ["Hello.", "Who is there?", "Me."]
    assert documents[2].metadata == {
        "source": "talk.mp3", "language": "en", "cost": 0.25, "start": 2.5, "end": 3,
        "speaker": "B",
    }  # fmt: skip
    assert b"verbose_json" in wire.sent[0]


async def test_one_document_per_turn_of_a_speaker(parse):
    wire = Wire(HEARD)
    documents = await parse(wire.parser(split="speaker"), BLOB)
    assert [(d.page_content, d.metadata["speaker"]) for d in documents] == [
        ("Hello. Who is there?", "A"), ("Me.", "B"),
    ]  # fmt: skip
    assert [(d.metadata["start"], d.metadata["end"]) for d in documents] == [(0, 2), (2.5, 3)]
    assert b"diarize" in wire.sent[0]


async def test_timed_words_alone_make_sentences(parse):
    words = [
        {"word": word, "start": n, "end": n + 1}
        for n, word in enumerate("Hello there. Good bye.".split())
    ]
    documents = await parse(Wire({"text": "…", "words": words}).parser(split="segment"), BLOB)
    assert [(d.page_content, d.metadata["start"], d.metadata["end"]) for d in documents] == [
        ("Hello there.", 0, 2), ("Good bye.", 2, 4),
    ]  # fmt: skip


async def test_a_model_that_tells_no_times_gives_one_document(parse):
    (document,) = await parse(Wire({"text": "Hello."}).parser(split="speaker"), BLOB)
    assert document.page_content == "Hello."
    assert "cost" not in document.metadata


async def test_a_file_is_read_from_its_path(parse, tmp_path):
    (tmp_path / "talk.mp3").write_bytes(b"ID3 from the disk")
    wire = Wire(HEARD)
    (document,) = await parse(wire.parser(), Blob.from_path(tmp_path / "talk.mp3"))
    assert b"ID3 from the disk" in wire.sent[0]
    assert document.metadata["source"] == str(tmp_path / "talk.mp3")


async def test_errors_are_langchains(parse):
    with pytest.raises(ModelInvalidRequestError):
        await parse(Wire({"error": "no"}, 400).parser(), BLOB)


def test_nothing_is_sent_before_the_first_document_is_asked_for():
    wire = Wire(HEARD)
    documents = wire.parser().lazy_parse(BLOB)
    assert wire.sent == []
    next(documents)
    assert len(wire.sent) == 1
