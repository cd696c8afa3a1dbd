"""A transcription as NanoGPT returns it: two speakers, three segments."""

from __future__ import annotations

SEGMENTS = [
    {"speaker": "A", "text": "Hello.", "start": 0, "end": 1},
    {"speaker": "A", "text": "Who is there?", "start": 1, "end": 2},
    {"speaker": "B", "text": "Me.", "start": 2.5, "end": 3},
]
TRANSCRIPTION = {
    "transcription": "Hello. Who is there? Me.", "metadata": {"cost": 0.25, "language": "en"},
    "diarization": {"segments": SEGMENTS},
}  # fmt: skip
