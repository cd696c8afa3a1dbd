"""The blocking client's methods for pictures, sound and film; `_async_media` adds ``await``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar, Unpack

from nanogpt_client import endpoints, wire
from nanogpt_client._base import BaseClient
from nanogpt_client._core.call import Call
from nanogpt_client._core.steps import Flow
from nanogpt_client.wire._files import MAX_DOWNLOAD_BYTES
from nanogpt_client.wire.options import (
    ImageOptions,
    SpeechOptions,
    TranscriptionOptions,
    VideoOptions,
)

T = TypeVar("T")


class MediaMethods(BaseClient):
    """Media routes; each method is one line: which endpoint, performed how."""

    if TYPE_CHECKING:  # what the client brings

        def send(self, call: Call[T]) -> T: ...
        def run(self, flow: Flow[T]) -> T: ...

    def generate_image(
        self,
        prompt: str = "",
        *,
        model: str,
        image: wire.FileSource | Sequence[wire.FileSource] | None = None,
        mask: wire.FileSource | None = None,
        **options: Unpack[ImageOptions],
    ) -> wire.GeneratedImages:
        """Draw, or change the given pictures (bytes, path or URL)."""
        return self.run(
            endpoints.images.generate_image(prompt, model=model, image=image, mask=mask, **options)
        )

    def generate_images(
        self,
        prompts: Sequence[str],
        *,
        model: str,
        at_once: int = 4,
        **options: Unpack[ImageOptions],
    ) -> list[wire.GeneratedImages]:
        """Draw for several prompts, ``at_once`` at a time; an error's ``partial`` has the rest."""
        flow = endpoints.batch.generate_images(prompts, model=model, at_once=at_once, **options)
        return self.run(flow)

    def edit_image(
        self,
        prompt: str = "",
        *,
        model: str,
        image: wire.FileSource | Sequence[wire.FileSource],
        mask: wire.FileSource | None = None,
        **options: Unpack[ImageOptions],
    ) -> wire.GeneratedImages:
        """Change a picture through the edits route; a mask limits where."""
        return self.run(
            endpoints.images.edit_image(prompt, model=model, image=image, mask=mask, **options)
        )

    def speak(self, text: str, *, model: str, **options: Unpack[SpeechOptions]) -> wire.Speech:
        """Speak a text; jobs are waited for and URLs fetched."""
        return self.run(endpoints.speech.speak(text, model=model, **options))

    def speak_long(
        self, text: str, *, model: str, at_once: int = 4, **options: Unpack[SpeechOptions]
    ) -> wire.Speech:
        """Speak a text of any length, cut at its sentences and joined into one file."""
        return self.run(endpoints.batch.speak_long(text, model=model, at_once=at_once, **options))

    def transcribe(
        self, audio: wire.FileSource, *, model: str, **options: Unpack[TranscriptionOptions]
    ) -> wire.Transcript:
        """Write down what is said in a file (bytes, path) or under a URL; jobs are waited for."""
        return self.run(endpoints.transcription.transcribe(audio, model=model, **options))

    def transcribe_all(
        self,
        recordings: Sequence[wire.FileSource],
        *,
        model: str,
        at_once: int = 4,
        **options: Unpack[TranscriptionOptions],
    ) -> list[wire.Transcript]:
        """Transcribe several, ``at_once`` at a time; an error's ``partial`` has those finished."""
        return self.run(
            endpoints.batch.transcribe_all(recordings, model=model, at_once=at_once, **options)
        )

    def submit_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: wire.FileSource | None = None,
        **options: Unpack[VideoOptions],
    ) -> wire.VideoJob:
        """Order a video; it is charged now, and found again by the ticket's ``run_id``."""
        return self.run(endpoints.video.submit_video(prompt, model=model, image=image, **options))

    def video_status(self, run_id: str) -> wire.VideoJob:
        """Ask how far a video is."""
        return self.send(endpoints.video.video_status(run_id))

    def wait_for_video(
        self,
        job: wire.VideoJob | str,
        *,
        interval: float = 3.0,
        timeout: float = 900.0,
        on_progress: wire.OnProgress | None = None,
        progress: bool = False,
    ) -> wire.Video:
        """Wait for a submitted video, asking every ``interval`` seconds up to ``timeout``."""
        flow = endpoints.video.wait_for_video(
            job, interval=interval, timeout=timeout, on_progress=on_progress, progress=progress
        )
        return self.run(flow)

    def generate_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: wire.FileSource | None = None,
        interval: float = 3.0,
        wait_timeout: float = 900.0,
        **options: Unpack[VideoOptions],
    ) -> wire.Video:
        """Order a video and wait for it; if that fails, the error's ``run_id`` finds it again."""
        flow = endpoints.video.generate_video(
            prompt,
            model=model,
            image=image,
            interval=interval,
            wait_timeout=wait_timeout,
            **options,
        )
        return self.run(flow)

    def recover_videos(
        self, *, model: str | None = None, limit: int | None = None
    ) -> list[wire.VideoJob]:
        """List this account's recent videos, e.g. after a crash."""
        return self.send(endpoints.video.recover_videos(model=model, limit=limit))

    def download(self, url: str, *, max_bytes: int = MAX_DOWNLOAD_BYTES) -> bytes:
        """Fetch a picture, sound or video by its URL; the key goes to NanoGPT's API alone."""
        return self.run(endpoints.media.download(url, max_bytes=max_bytes))
