"""Videos are MP4 files of three images, of the length and shape asked for."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from PIL import Image

from nanogpt_client.sandbox.media.video import make_video


def frames_of(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data), "r") as source:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in source.decode(video=0)]


@pytest.mark.parametrize("seconds", [3, 5, 7.5, 10])
def test_a_video_has_three_frames_and_the_length_asked_for(seconds):
    data = make_video("a red rocket 🚀 \ud800", seconds=seconds)
    with av.open(io.BytesIO(data), "r") as source:
        stream = source.streams.video[0]
        assert source.duration == seconds * 1_000_000
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert source.metadata["title"] == "a red rocket 🚀 ?"
    first, second, third = frames_of(data)
    assert np.abs(first - second).mean() > 2
    assert np.abs(second - third).mean() > 2


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("16:9", (640, 360)), ("9:16", (360, 640)), ("1:1", (640, 640)), ("21:9", (640, 274))],
)
def test_the_aspect_ratio_gives_the_size(ratio, size):
    assert frames_of(make_video("x", seconds=1, aspect_ratio=ratio))[0].shape[:2] == size[::-1]


def test_a_given_image_is_in_each_frame():
    target = io.BytesIO()
    Image.new("RGB", (200, 100), (20, 220, 60)).save(target, "PNG")
    for frame in frames_of(make_video("a blue boat", seconds=1, image=target.getvalue())):
        assert frame[40:200].mean(axis=(0, 1)).argmax() == 1
    with pytest.raises(ValueError, match="no image"):
        make_video("x", seconds=1, image=b"none")


def test_same_request_same_bytes():
    assert make_video("zoom", seconds=2) == make_video("zoom", seconds=2)
    assert make_video("zoom", seconds=2, seed=1) != make_video("zoom", seconds=2)
