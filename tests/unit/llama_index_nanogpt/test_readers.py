"""Recordings, web pages and transcripts of YouTube as documents."""

from __future__ import annotations

import pickle
from decimal import Decimal
from typing import Any

import pytest
from llama_index.core import SimpleDirectoryReader
from llama_index.core.schema import MetadataMode

from llama_index_nanogpt import (
    NanoGPTAudioReader,
    NanoGPTCostHandler,
    NanoGPTWebReader,
    NanoGPTYoutubeReader,
)
from nanogpt_client import (
    BadRequestError,
    DownloadError,
    InsufficientBalanceError,
    InvalidArgumentError,
)
from tests.support.in_process import OneReply
from tests.support.transcripts import TRANSCRIPTION
from tests.support.web_pages import URLS, VIDEOS, PageWire

KEY = "sk-nano-0123abcd-4567-89ab-cdef-0123456789ab"


class Wire(OneReply):
    """Answers with one transcript."""

    def reader(self, **settings: Any) -> NanoGPTAudioReader:
        return NanoGPTAudioReader(api_key=KEY, **self.settings, **settings)


@pytest.fixture(params=["load_data", "aload_data", "lazy_load_data", "alazy_load_data"])
def load(request):
    async def act(reader: NanoGPTAudioReader, *args: Any, **words: Any) -> list[Any]:
        found = getattr(reader, request.param)(*args, **words)
        return list(await found if request.param.startswith("a") else found)

    return act


async def test_one_document_for_the_recording(load):
    (document,) = await load(Wire(TRANSCRIPTION).reader(), b"ID3")
    assert document.text == "Hello. Who is there? Me."
    assert document.metadata == {"language": "en", "cost": 0.25}


async def test_one_document_per_segment(load):
    wire = Wire(TRANSCRIPTION)
    documents = await load(wire.reader(split="segment"), "https://cdn.example/talk.mp3")
    assert [document.text for document in documents] == ["Hello.", "Who is there?", "Me."]
    assert documents[2].metadata == {
        "source": "https://cdn.example/talk.mp3", "language": "en", "cost": 0.25,
        "start": 2.5, "end": 3, "speaker": "B",
    }  # fmt: skip
    assert b"verbose_json" in wire.sent[0]


async def test_one_document_per_turn_of_a_speaker(load):
    wire = Wire(TRANSCRIPTION)
    documents = await load(wire.reader(split="speaker"), b"ID3")
    assert [(d.text, d.metadata["speaker"], d.metadata["end"]) for d in documents] == [
        ("Hello. Who is there?", "A", 2), ("Me.", "B", 3),
    ]  # fmt: skip
    assert b"diarize" in wire.sent[0]


async def test_a_model_that_tells_no_times_gives_one_document(load):
    (document,) = await load(Wire({"text": "Hello."}).reader(split="speaker"), b"ID3")
    assert document.text == "Hello."
    assert "cost" not in document.metadata


async def test_several_recordings_with_metadata_of_ones_own(load, tmp_path):
    paths = [tmp_path / "a.mp3", tmp_path / "b.mp3"]
    for path in paths:
        path.write_bytes(b"ID3" + path.name.encode())
    wire = Wire(TRANSCRIPTION)
    documents = await load(wire.reader(), paths, {"series": "talks"})
    assert [d.metadata["source"] for d in documents] == list(map(str, paths))
    assert {d.metadata["series"] for d in documents} == {"talks"}
    assert len(wire.sent) == 2


async def test_models_read_who_spoke_but_no_prices(load):
    document = (await load(Wire(TRANSCRIPTION).reader(split="speaker"), b"ID3"))[0]
    read = document.get_content(MetadataMode.LLM)
    assert "speaker: A" in read
    assert "cost" not in read


async def test_a_folder(tmp_path):
    (tmp_path / "talk.mp3").write_bytes(b"ID3 from the disk")
    wire = Wire(TRANSCRIPTION)
    folder = SimpleDirectoryReader(
        tmp_path, file_extractor={".mp3": wire.reader()}, raise_on_error=True
    )
    (document,) = folder.load_data()
    assert b"ID3 from the disk" in wire.sent[0]
    assert document.metadata["file_name"] == "talk.mp3"
    (document,) = await folder.aload_data()
    assert document.text == "Hello. Who is there? Me."


def test_another_file_system(tmp_path):
    (tmp_path / "talk.mp3").write_bytes(b"ID3 elsewhere")

    class Elsewhere:
        def open(self, path: str, mode: str) -> Any:
            return (tmp_path / path).open(mode)

    wire = Wire(TRANSCRIPTION)
    (document,) = wire.reader().load_data("talk.mp3", fs=Elsewhere())
    assert b"ID3 elsewhere" in wire.sent[0]
    assert document.metadata["source"] == "talk.mp3"


async def test_costs_are_told_to_handlers(load):
    with NanoGPTCostHandler() as costs:
        await load(Wire(TRANSCRIPTION).reader(), [b"ID3", b"ID3"])
        with pytest.raises(BadRequestError):
            await load(Wire({"error": "no"}, 400).reader(), b"ID3")
    assert [(e.kind, e.model, str(e.cost), e.outcome) for e in costs.ledger] == [
        ("transcription", "Whisper-Large-V3", "0.25", "ok"),
        ("transcription", "Whisper-Large-V3", "0.25", "ok"),
        ("transcription", "Whisper-Large-V3", "0", "BadRequestError"),
    ]


@pytest.mark.usefixtures("key_in_environment")
def test_it_is_stored_without_its_key():
    reader = NanoGPTAudioReader(api_key=KEY, split="speaker", language="en")
    stored = reader.to_dict()
    assert KEY not in str(stored) + repr(reader) + reader.to_json()
    assert stored["class_name"] == "NanoGPTAudioReader"
    again = NanoGPTAudioReader.from_dict(stored)
    assert (again.split, again.language, again.is_remote) == ("speaker", "en", True)
    assert again.api_key is None
    assert pickle.loads(pickle.dumps(reader)).api_key is None
    reader.pickle_api_key = True
    assert pickle.loads(pickle.dumps(reader)).api_key == reader.api_key


def web(wire: PageWire, **settings: Any) -> NanoGPTWebReader:
    return NanoGPTWebReader(**wire.settings, **settings)


async def test_a_document_for_each_page(load):
    wire = PageWire()
    first, *others = await load(web(wire), URLS, {"lang": "en"})
    assert (first.text, first.id_) == (f"# {URLS[0]}", URLS[0])
    assert first.metadata == {
        "source": URLS[0], "title": f"Title of {URLS[0]}", "cost": 0.001, "lang": "en",
    }  # fmt: skip
    assert "cost" not in first.get_content(MetadataMode.LLM)
    assert URLS[0] in first.get_content(MetadataMode.LLM)
    assert [document.id_ for document in others] == URLS[1:]
    assert [body["urls"] for body in wire.sent] == [URLS[:5], URLS[5:10], URLS[10:]]


async def test_a_document_for_each_video(load):
    wire = PageWire()
    documents = await load(NanoGPTYoutubeReader(**wire.settings), VIDEOS)
    assert [document.text for document in documents] == [f"said in {url}" for url in VIDEOS]
    assert [len(body["urls"]) for body in wire.sent] == [10, 2]


async def test_one_url_alone(load):
    (document,) = await load(web(PageWire(), stealth=True), URLS[0])
    assert document.id_ == URLS[0]


def test_a_part_is_paid_when_it_is_needed():
    wire = PageWire()
    documents = web(wire).lazy_load_data(URLS)
    assert wire.sent == []
    next(iter(documents))
    assert len(wire.sent) == 1


async def test_a_page_that_fails_is_skipped_with_a_warning(load):
    with pytest.warns(UserWarning, match=f"{URLS[1]} is skipped, free of charge: gone"):
        documents = await load(web(PageWire(URLS[1])), URLS[:3])
    assert [document.id_ for document in documents] == [URLS[0], URLS[2]]


async def test_or_kept_empty_with_its_error(load):
    _, kept, _ = await load(web(PageWire(URLS[1]), on_error="keep"), URLS[:3])
    assert (kept.text, kept.metadata["error"]) == ("", "gone")


async def test_or_raised_after_the_others_have_been_passed_on(load):
    with pytest.raises(DownloadError, match=f"1 of 3 URLs .* {URLS[1]}: gone"):
        await load(web(PageWire(URLS[1]), on_error="raise"), URLS[:3])


@pytest.mark.parametrize("method", ["load_data", "aload_data", "alazy_load_data"])
@pytest.mark.parametrize(
    ("wire", "on_error", "paid"),
    [
        (PageWire(refuses=URLS[5]), "skip", URLS[:5]),
        (PageWire(URLS[6]), "raise", [*URLS[:6], *URLS[7:10]]),
    ],
)
async def test_what_was_paid_before_an_error_is_on_it(method, wire, on_error, paid):
    async def act() -> None:
        found = getattr(web(wire, on_error=on_error), method)(URLS)
        if method.startswith("a"):
            await found

    with pytest.raises((DownloadError, InsufficientBalanceError)) as caught:
        await act()
    assert [document.id_ for document in caught.value.partial] == paid


async def test_a_bad_url_is_refused_before_anything_is_paid(load):
    wire = PageWire()
    with pytest.raises(InvalidArgumentError, match=r"urls\[12\]"):
        await load(web(wire), [*URLS, "https://youtu.be/x"])
    with pytest.raises(InvalidArgumentError, match=r"urls\[1\]"):
        await load(NanoGPTYoutubeReader(**wire.settings), [VIDEOS[0], URLS[0]])
    assert wire.sent == []


def test_what_pages_cost_is_reported_to_handlers():
    with NanoGPTCostHandler() as handler, pytest.raises(InsufficientBalanceError):
        web(PageWire(refuses=URLS[5])).load_data(URLS)
    assert [(entry.kind, entry.outcome, entry.cost) for entry in handler.ledger] == [
        ("scrape", "ok", Decimal("0.005")), ("scrape", "InsufficientBalanceError", 0),
    ]  # fmt: skip


def test_readers_of_pages_are_stored_without_their_key():
    reader = NanoGPTWebReader(api_key=KEY, on_error="keep", stealth=True)
    assert reader.is_remote
    stored = reader.to_dict()
    assert (stored["class_name"], stored["stealth"]) == ("NanoGPTWebReader", True)
    assert KEY not in str(stored)
    assert NanoGPTYoutubeReader(api_key=KEY).to_dict()["class_name"] == "NanoGPTYoutubeReader"
    assert KEY.encode() not in pickle.dumps(reader)
