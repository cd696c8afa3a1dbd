"""Videos are MP4 files of three images, of the length and shape asked for."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from nanogpt_client.sandbox.media.video import make_video
from tests.sandbox.asking import image


def frames_of(data: bytes) -> list[np.ndarray]:
    with av.open(io.BytesIO(data), "r") as source:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in source.decode(video=0)]


@pytest.mark.parametrize(("seconds", "ratio", "size"), [
    (3, "16:9", (640, 360)), (5, "9:16", (360, 640)), (7.5, "1:1", (640, 640)),
    (10, "21:9", (640, 274)),
])  # fmt: skip
def test_a_video_has_the_length_and_the_shape_asked_for(seconds, ratio, size):
    data = make_video("a red rocket 🚀 \ud800", seconds=seconds, aspect_ratio=ratio)
    assert make_video("a red rocket 🚀 \ud800", seconds=seconds, aspect_ratio=ratio) == data
    with av.open(io.BytesIO(data), "r") as source:
        context = source.streams.video[0].codec_context
        assert source.duration == seconds * 1_000_000
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert source.metadata["title"] == "a red rocket 🚀 ?"
    first, second, third = frames_of(data)
    assert first.shape[:2] == size[::-1]
    assert np.abs(first - second).mean() > 2
    assert np.abs(second - third).mean() > 2


def test_a_given_image_is_in_each_frame():
    source = image("#14dc3c", (200, 100))
    for frame in frames_of(make_video("a blue boat", seconds=1, image=source)):
        assert frame[40:200].mean(axis=(0, 1)).argmax() == 1
    with pytest.raises(ValueError, match="no image"):
        make_video("x", seconds=1, image=b"none")
