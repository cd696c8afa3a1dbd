"""Films are MP4 files of the asked length and shape, in which something moves."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from PIL import Image

from nanogpt_client.sandbox.brain.film import film
from nanogpt_client.sandbox.brain.picture import draw


def _frames(data):
    with av.open(io.BytesIO(data), "r") as source:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in source.decode(video=0)]


def test_a_film_opens_with_the_asked_length():
    data = film("a red rocket over the mountains", seconds=3)
    assert data[4:8] == b"ftyp"
    with av.open(io.BytesIO(data), "r") as source:
        stream = source.streams.video[0]
        assert source.duration == 3_000_000
        assert (stream.width, stream.height) == (320, 180)
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.codec_context.name == "h264"
        assert source.metadata["title"] == "a red rocket over the mountains"
        assert len(list(source.decode(video=0))) == 24


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("16:9", (320, 180)),
        ("9:16", (180, 320)),
        ("1:1", (320, 320)),
        ("4:3", (320, 240)),
        ("21:9", (320, 138)),
        ("1:4", (80, 320)),
    ],
)
def test_the_aspect_ratio_gives_the_size(ratio, size):
    (frame,) = _frames(film("x", seconds=0.1, aspect_ratio=ratio))
    assert frame.shape[:2] == size[::-1]


def test_the_picture_moves_and_the_words_stay():
    frames = _frames(film("a green cat", seconds=2))
    assert np.abs(frames[0][:120] - frames[8][:120]).mean() > 3
    assert np.abs(frames[0][-16:] - frames[8][-16:]).mean() < 2
    assert (frames[0][-26:].min(axis=2) > 150).sum() > 40  # letters


def test_a_given_image_is_animated():
    target = io.BytesIO()
    Image.new("RGB", (200, 100), (20, 160, 60)).save(target, "PNG")
    frames = _frames(film("x", seconds=1, image=target.getvalue()))
    assert np.abs(frames[0][5:30, 5:30] - (20, 160, 60)).max() < 12
    lit = [int(frame[:150].sum(axis=2).max(axis=0).argmax()) for frame in frames]
    assert max(lit) - min(lit) > 100  # the light wanders, though the image is plain


def test_the_seed_and_the_prompt_change_the_film_and_nothing_else_does():
    first, again = (film("zoom", seconds=2, aspect_ratio="1:1") for _ in range(2))
    assert first == again
    assert film("zoom", seconds=2, aspect_ratio="1:1", seed=1) != first
    assert film("Zoom", seconds=2, aspect_ratio="1:1") != first


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0},
        {"seconds": 121},
        {"seconds": float("nan")},
        {"aspect_ratio": "wide"},
        {"aspect_ratio": "16:0"},
        {"aspect_ratio": "5:1"},
        {"aspect_ratio": "-1:1"},
        {"image": b"no picture"},
    ],
)
def test_what_cannot_be_filmed_is_refused(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        film("x", **({"seconds": 1} | wrong))


def test_a_drawn_picture_can_be_filmed():
    image = draw("a fish in the sea", width=128, height=128, seed=0)
    assert len(_frames(film("swim", seconds=1, image=image))) == 8
