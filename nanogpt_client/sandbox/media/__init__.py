"""What the sandbox serves besides chat: images, audio, video, embeddings and web search."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The image to generate.

    Sizes are in pixels. `strength` (0 to 1) is how far to leave the source; the mask is white or
    transparent where the source may change. `model` is shown small.
    """

    prompt: str
    width: int = 512
    height: int = 512
    seed: int = 0
    format: str = "png"
    source: bytes | None = None
    mask: bytes | None = None
    strength: float = 0.8
    model: str = ""
