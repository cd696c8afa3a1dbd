"""Results people can look at: saved, shown in notebooks."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from decimal import Decimal

import pytest

from nanogpt_client.types.billing import Billing
from nanogpt_client.types.media import (
    GeneratedImage,
    GeneratedImages,
    Segment,
    Speech,
    Transcript,
    Video,
)

PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n!", b"\xff\xd8\xff!", b"RIFF\0\0\0\0WEBP"
MP4 = b"\0\0\0\x20ftypisom"
PAID = Billing(cost=Decimal("0.5"))


@pytest.mark.parametrize(
    "file", [GeneratedImage(url="https://cdn/x"), Video("https://cdn/v", "r-1", "m", PAID, {})]
)
def test_no_property_fetches_and_the_error_says_what_does(file, tmp_path):
    for use in (lambda: file.bytes, lambda: file.mime_type, lambda: file.save(tmp_path / "x")):
        with pytest.raises(ValueError, match=r"client\.download"):
            use()
    assert list(tmp_path.iterdir()) == []


def test_results_can_be_sent_elsewhere():
    video = Video("https://cdn/v", "r-1", "m", PAID, {}, MP4)
    assert pickle.loads(pickle.dumps(video)).bytes == copy.deepcopy(video).bytes == MP4


def test_costs():
    assert GeneratedImages((GeneratedImage(PNG),), PAID, {}).cost == Decimal("0.5")
    assert Speech(b"ID3", "audio/mpeg", PAID).cost == Decimal("0.5")
    assert Transcript("hi", Billing()).cost is None


@pytest.mark.parametrize(
    ("data", "shown"), [(PNG, "_repr_png_"), (JPEG, "_repr_jpeg_"), (WEBP, "_repr_html_")]
)
def test_a_picture_is_shown_in_one_way(data, shown):
    image = GeneratedImage(data)
    ways = ["_repr_png_", "_repr_jpeg_", "_repr_html_"]
    assert [way for way in ways if getattr(image, way)() is not None] == [shown]


def test_what_is_not_here_is_shown_from_its_url():
    image = GeneratedImage(url='https://cdn/x?a=1&b="2"')
    assert image._repr_html_() == (
        '<img src="https://cdn/x?a=1&amp;b=&quot;2&quot;" style="max-width: 24em">'
    )
    video = Video("https://cdn/v.mp4", "r", None, PAID, {})
    assert '<video controls src="https://cdn/v.mp4"' in video._repr_html_()
    assert 'src="data:video/mp4;base64,' in replace(video, data=MP4)._repr_html_()


def test_pictures_are_shown_together():
    shown = GeneratedImages((GeneratedImage(PNG), GeneratedImage(url="u")), PAID, {})._repr_html_()
    assert shown.count("<img") == 2
    assert 'src="data:image/png;base64,' in shown


def test_sound_has_a_player():
    shown = Speech(b"ID3", "audio/mpeg", PAID)._repr_html_()
    assert shown == '<audio controls src="data:audio/mpeg;base64,SUQz"></audio>'


SEGMENTS = (
    Segment("Hi <b>", 0, 1, "A & B"), Segment("there.", 1, 62.5, "A & B"), Segment("Me.", 63, None),
)  # fmt: skip


def test_a_transcript_is_shown_with_speakers_and_times():
    shown = Transcript("…", PAID, segments=SEGMENTS)._repr_html_()
    assert "<td>0:00.0</td><td>A &amp; B</td><td>Hi &lt;b&gt;</td>" in shown
    assert "<td>1:03.0</td><td></td><td>Me.</td>" in shown
    assert Transcript("a < b", PAID)._repr_html_() == "<p>a &lt; b</p>"


def test_the_parts_of_a_transcript():
    heard = Transcript("whole", PAID, language="en", segments=SEGMENTS)
    whole = {"language": "en", "cost": float(PAID.cost or 0)}
    assert list(heard.parts()) == [("whole", whole)]
    for split, found in (("segment", heard.segments), ("speaker", heard.turns)):
        parts = list(heard.parts(split))  # type: ignore[arg-type]
        assert [text for text, _ in parts] == [part.text for part in found]
        assert all(known.items() >= whole.items() for _, known in parts)
        assert [known["start"] for _, known in parts] == [part.start for part in found]
    assert list(Transcript("no times", Billing()).parts("segment")) == [("no times", {})]


def test_turns_put_the_segments_of_one_speaker_together():
    turns = Transcript("…", PAID, segments=SEGMENTS).turns
    assert turns == (Segment("Hi <b> there.", 0, 62.5, "A & B"), SEGMENTS[2])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, []),
        ({"segments": [{"text": " a ", "start": 0, "end": "1"}]}, [("a", 0, 1, None)]),
        (
            {
                "segments": [{"text": "x"}],
                "diarization": {"segments": [{"text": "y", "speaker": 1}]},
            },
            [("y", None, None, "1")],
        ),
        (
            {
                "words": [
                    {"word": "Hi", "start": 0, "end": 1},
                    {"word": "you.", "start": 1, "end": 2},
                ]
            },
            [("Hi you.", 0, 2, None)],
        ),
        (
            {"words": [{"text": "A", "speaker_id": "s0"}, {"text": "B", "speaker_id": "s1"}]},
            [("A", None, None, "s0"), ("B", None, None, "s1")],
        ),
        ({"segments": "x", "words": [None, 3, {}], "diarization": []}, []),
    ],
)
def test_segments_of_every_shape(body, expected):
    found = Transcript.read({"text": "…", **body}, PAID).segments
    assert [(part.text, part.start, part.end, part.speaker) for part in found] == expected


def test_a_transcript_is_saved_as_text(tmp_path):
    heard = Transcript("Grüße", PAID)
    assert heard.save(tmp_path / "notes").name == "notes.txt"
    assert heard.save(tmp_path / "notes.md").read_text("utf-8") == "Grüße"
    with pytest.raises(FileExistsError):
        heard.save(tmp_path / "notes")
    assert heard.save(tmp_path / "notes", overwrite=True).read_text("utf-8") == "Grüße"
