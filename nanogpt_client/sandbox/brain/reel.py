"""Moving pictures: the frames of a slow approach to a still picture, and their MP4."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from PIL import Image

from nanogpt_client.sandbox.brain import caption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RATE: Final = 8  # frames per second
ZOOM: Final = 1.2  # how much larger the still picture is than the window that moves over it

# "cpu-independent" makes the encoder's sums, and with them the bytes, the same in every run.
_X264: Final = {"preset": "veryfast", "crf": "24", "x264-params": "cpu-independent=1"}
_MARGIN_COLOUR: Final = (40, 40, 52)
_LIGHT_COLOUR: Final = (255, 246, 214)


def frames(
    still: Image.Image, words: caption.Caption, size: tuple[int, int], count: int
) -> Iterator[Image.Image]:
    """Yield frames of a size (width, height): a window on the still picture, the words below."""
    width, height = size[0], size[1] - words.band
    light = Image.radial_gradient("L").resize((min(size) // 3, min(size) // 3))
    light = light.point([max(0, 170 - step) for step in range(256)])
    for index in range(count):
        done = index / max(1, count - 1)
        frame = Image.new("RGB", size, _MARGIN_COLOUR)
        box = _window(still, done)
        frame.paste(still.resize((width, height), Image.Resampling.BILINEAR, box=box))
        turn = 2 * math.pi * done
        x = width * (0.5 + 0.36 * math.cos(turn)) - light.width / 2
        y = height * (0.45 + 0.3 * math.sin(turn)) - light.height / 2
        frame.paste(_LIGHT_COLOUR, (round(x), round(y)), light)
        yield caption.write(frame, words)


def encode(pictures: Iterable[Image.Image], size: tuple[int, int], *, title: str) -> bytes:
    """Return the pictures (RGB, of that size) as an MP4: H.264, yuv420p, `RATE` per second."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", options={"fflags": "+bitexact"}) as output:
        output.metadata.update(title=title, comment=caption.MARK)
        stream = output.add_stream("libx264", rate=RATE, options=_X264)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def _window(still: Image.Image, done: float) -> tuple[float, float, float, float]:
    """Return the part of the still picture seen when a share 0..1 of the film is done."""
    zoom = 1 - (1 - 1 / ZOOM) * (1 - math.cos(math.pi * done)) / 2
    width, height = still.width * zoom, still.height * zoom
    left = (still.width - width) * (0.5 + 0.3 * math.sin(2 * math.pi * done))
    top = (still.height - height) * 0.75
    return left, top, left + width, top + height
