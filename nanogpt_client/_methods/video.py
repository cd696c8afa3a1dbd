"""Videos."""

from __future__ import annotations

from typing import Unpack

from nanogpt_client import endpoints, types
from nanogpt_client._methods.base import AsyncMethods, Methods
from nanogpt_client.types.options import RequestOptions, VideoJobOptions, VideoOptions, WaitOptions

__all__ = ["AsyncVideoMethods", "VideoMethods"]


class VideoMethods(Methods):
    """Videos, for blocking code."""

    def submit_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | None = None,
        video: types.FileSource | None = None,
        **options: Unpack[VideoOptions],
    ) -> types.VideoJob:
        """Submit a video job, which is billed now; the job's ``run_id`` identifies it later.

        ``image`` is the first image, ``video`` a source to extend, edit or upscale. With either the
        prompt may be omitted, but for models that extend or edit a video.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/video-generation
        """
        flow = endpoints.video.submit_video(
            prompt, model=model, image=image, video=video, **options
        )
        return self.run(flow)

    def video_status(self, run_id: str) -> types.VideoJob:
        """Return the current status of a video job; free."""
        return self.send(endpoints.video.video_status(run_id))

    def wait_for_video(
        self, job: types.VideoJob | str, **options: Unpack[WaitOptions]
    ) -> types.Video:
        """Wait for a video job and return its video.

        Asks every ``poll_interval`` (3) seconds, for at most ``poll_timeout`` (900) seconds.

        Raises:
            JobTimeoutError: the job is still running; call this again with its ``run_id``.
            JobFailedError: the job failed; NanoGPT refunds it.
        """
        return self.run(endpoints.video.wait_for_video(job, **options))

    def generate_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | None = None,
        video: types.FileSource | None = None,
        **options: Unpack[VideoJobOptions],
    ) -> types.Video:
        """Submit a video job and wait for it; see `submit_video` and `wait_for_video`.

        If waiting fails, the error's ``run_id`` identifies the job.
        """
        flow = endpoints.video.generate_video(
            prompt, model=model, image=image, video=video, **options
        )
        return self.run(flow)

    def recover_videos(
        self, *, model: str | None = None, limit: int | None = None
    ) -> list[types.VideoJob]:
        """List the account's recent video jobs, e.g. after a crash."""
        return self.send(endpoints.video.recover_videos(model=model, limit=limit))

    def submit_video_extension(
        self,
        job: types.VideoJob | types.Video | str,
        *,
        index: int = 0,
        **options: Unpack[RequestOptions],
    ) -> types.VideoJob:
        """Extend one of the 4 videos of an earlier Midjourney job, by its run id; billed now.

        Other models extend a source video: ``generate_video(prompt, model=…, video=…)``.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/video-extend
        """
        flow = endpoints.video.submit_video_extension(job, index=index, **options)
        return self.run(flow)


class AsyncVideoMethods(AsyncMethods):
    """Videos, for asyncio."""

    async def submit_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | None = None,
        video: types.FileSource | None = None,
        **options: Unpack[VideoOptions],
    ) -> types.VideoJob:
        """Submit a video job, which is billed now; the job's ``run_id`` identifies it later.

        ``image`` is the first image, ``video`` a source to extend, edit or upscale. With either the
        prompt may be omitted, but for models that extend or edit a video.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/video-generation
        """
        flow = endpoints.video.submit_video(
            prompt, model=model, image=image, video=video, **options
        )
        return await self.run(flow)

    async def video_status(self, run_id: str) -> types.VideoJob:
        """Return the current status of a video job; free."""
        return await self.send(endpoints.video.video_status(run_id))

    async def wait_for_video(
        self, job: types.VideoJob | str, **options: Unpack[WaitOptions]
    ) -> types.Video:
        """Wait for a video job and return its video.

        Asks every ``poll_interval`` (3) seconds, for at most ``poll_timeout`` (900) seconds.

        Raises:
            JobTimeoutError: the job is still running; call this again with its ``run_id``.
            JobFailedError: the job failed; NanoGPT refunds it.
        """
        return await self.run(endpoints.video.wait_for_video(job, **options))

    async def generate_video(
        self,
        prompt: str = "",
        *,
        model: str,
        image: types.FileSource | None = None,
        video: types.FileSource | None = None,
        **options: Unpack[VideoJobOptions],
    ) -> types.Video:
        """Submit a video job and wait for it; see `submit_video` and `wait_for_video`.

        If waiting fails, the error's ``run_id`` identifies the job.
        """
        flow = endpoints.video.generate_video(
            prompt, model=model, image=image, video=video, **options
        )
        return await self.run(flow)

    async def recover_videos(
        self, *, model: str | None = None, limit: int | None = None
    ) -> list[types.VideoJob]:
        """List the account's recent video jobs, e.g. after a crash."""
        return await self.send(endpoints.video.recover_videos(model=model, limit=limit))

    async def submit_video_extension(
        self,
        job: types.VideoJob | types.Video | str,
        *,
        index: int = 0,
        **options: Unpack[RequestOptions],
    ) -> types.VideoJob:
        """Extend one of the 4 videos of an earlier Midjourney job, by its run id; billed now.

        Other models extend a source video: ``generate_video(prompt, model=…, video=…)``.
        Follows https://docs.nano-gpt.com/api-reference/endpoint/video-extend
        """
        flow = endpoints.video.submit_video_extension(job, index=index, **options)
        return await self.run(flow)
