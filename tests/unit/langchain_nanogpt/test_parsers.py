"""`NanoGPTAudioParser`: recordings as documents."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents.base import Blob
from langchain_core.exceptions import ModelInvalidRequestError

from langchain_nanogpt import NanoGPTAudioParser
from tests.support.in_process import OneReply
from tests.support.transcripts import TRANSCRIPTION


class Wire(OneReply):
    """Answers with one transcript."""

    def parser(self, **settings: Any) -> NanoGPTAudioParser:
        return NanoGPTAudioParser(api_key="k-1", **self.settings, **settings)


@pytest.fixture(params=["sync", "async"])
def parse(request):
    async def act(parser: NanoGPTAudioParser, blob: Blob) -> list[Any]:
        if request.param == "sync":
            return list(parser.lazy_parse(blob))
        return [document async for document in parser.alazy_parse(blob)]

    return act


BLOB = Blob.from_data(b"ID3", path="talk.mp3")


async def test_one_document_for_the_recording(parse):
    (document,) = await parse(Wire(TRANSCRIPTION).parser(), BLOB)
    assert document.page_content == "Hello. Who is there? Me."
    assert document.metadata == {"source": "talk.mp3", "language": "en", "cost": 0.25}


async def test_one_document_per_segment(parse):
    wire = Wire(TRANSCRIPTION)
    documents = await parse(wire.parser(split="segment"), BLOB)
    assert [document.page_content for document in documents] == ["Hello.", "Who is there?", "Me."]
    assert documents[2].metadata == {
        "source": "talk.mp3", "language": "en", "cost": 0.25, "start": 2.5, "end": 3,
        "speaker": "B",
    }  # fmt: skip
    assert b"verbose_json" in wire.sent[0]


async def test_one_document_per_turn_of_a_speaker(parse):
    wire = Wire(TRANSCRIPTION)
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
    wire = Wire(TRANSCRIPTION)
    (document,) = await parse(wire.parser(), Blob.from_path(tmp_path / "talk.mp3"))
    assert b"ID3 from the disk" in wire.sent[0]
    assert document.metadata["source"] == str(tmp_path / "talk.mp3")


async def test_errors_are_langchains(parse):
    with pytest.raises(ModelInvalidRequestError):
        await parse(Wire({"error": "no"}, 400).parser(), BLOB)


def test_nothing_is_sent_before_the_first_document_is_asked_for():
    wire = Wire(TRANSCRIPTION)
    documents = wire.parser().lazy_parse(BLOB)
    assert wire.sent == []
    next(documents)
    assert len(wire.sent) == 1
