"""Videos, offline: an MP4 of three posters of the prompt, without audio."""

import io
from fractions import Fraction
from typing import Final

import numpy as np

from nanogpt_client.extras import needs
from nanogpt_client.sandbox.media import ImageSpec
from nanogpt_client.sandbox.media.images import MARK, render

with needs("sandbox", "the sandbox's video"):
    import av
    from PIL import Image

_LONGER_SIDE: Final = 640  # pixels
_IMAGES: Final = 3
# "cpu-independent" makes the encoder's sums, and with them the bytes, the same in every run.
_X264: Final = {"preset": "veryfast", "crf": "24", "x264-params": "cpu-independent=1"}


def make_video(
    prompt: str,
    *,
    seconds: float,
    aspect_ratio: str = "16:9",
    image: bytes | None = None,
    seed: int = 0,
    model: str = "",
) -> bytes:
    """Return an MP4 (H.264, longer side 640 pixels); `image` is shown above the prompt."""
    wide, high = map(float, aspect_ratio.split(":"))
    width, height = (round(_LONGER_SIDE * side / max(wide, high) / 2) * 2 for side in (wide, high))
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", options={"fflags": "+bitexact"}) as output:
        output.metadata.update(title=prompt.encode("utf-8", "replace").decode(), comment=MARK)
        rate = Fraction(_IMAGES / seconds).limit_denominator(1_000)
        stream = output.add_stream("libx264", rate=rate, options=_X264)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        for number in range(_IMAGES):
            spec = ImageSpec(prompt, width, height, seed + number, source=image, model=model)
            with Image.open(io.BytesIO(render(spec))) as image_file:
                pixels = np.asarray(image_file)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    return target.getvalue()
