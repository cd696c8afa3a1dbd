"""Cloned voices."""

from __future__ import annotations

from typing import Unpack

from nanogpt_client import endpoints, types
from nanogpt_client._methods.base import AsyncMethods, Methods
from nanogpt_client.types.options import VoiceCloneJobOptions, VoiceCloneOptions, WaitOptions

__all__ = ["AsyncVoiceMethods", "VoiceMethods"]


class VoiceMethods(Methods):
    """Cloned voices, for blocking code."""

    def submit_voice_clone(
        self,
        audio: types.FileSource,
        *,
        provider: types.VoiceProvider,
        **options: Unpack[VoiceCloneOptions],
    ) -> types.VoiceJob:
        """Submit a recording to clone its voice; billed now: 1 USD (MiniMax) or 0.25 USD (Qwen).

        Follows https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
        """
        flow = endpoints.voices.submit_voice_clone(audio, provider=provider, **options)
        return self.run(flow)

    def voice_clone_status(
        self, job: types.VoiceJob | str, *, provider: types.VoiceProvider | None = None
    ) -> types.VoiceJob:
        """Return the current status of a job; free. With a run id, ``provider`` is required."""
        return self.send(endpoints.voices.voice_clone_status(job, provider=provider))

    def wait_for_voice_clone(
        self,
        job: types.VoiceJob | str,
        *,
        provider: types.VoiceProvider | None = None,
        **options: Unpack[WaitOptions],
    ) -> types.ClonedVoice:
        """Wait for a job, or a run id of a ``provider``, and return the voice; see `clone_voice`.

        Raises:
            JobTimeoutError: the job is still running; call this again with its ``run_id``.
            JobFailedError: the job failed; NanoGPT refunds it.
        """
        flow = endpoints.voices.wait_for_voice_clone(job, provider=provider, **options)
        return self.run(flow)

    def clone_voice(
        self,
        audio: types.FileSource,
        *,
        provider: types.VoiceProvider,
        **options: Unpack[VoiceCloneJobOptions],
    ) -> types.ClonedVoice:
        """Clone the voice of a recording (bytes, path or URL), and wait for it.

        Its ``voice_id`` (MiniMax) or ``url`` (Qwen) is for `speak`: see `ClonedVoice`. If waiting
        fails, the error's ``run_id`` identifies the job.
        """
        flow = endpoints.voices.clone_voice(audio, provider=provider, **options)
        return self.run(flow)


class AsyncVoiceMethods(AsyncMethods):
    """Cloned voices, for asyncio."""

    async def submit_voice_clone(
        self,
        audio: types.FileSource,
        *,
        provider: types.VoiceProvider,
        **options: Unpack[VoiceCloneOptions],
    ) -> types.VoiceJob:
        """Submit a recording to clone its voice; billed now: 1 USD (MiniMax) or 0.25 USD (Qwen).

        Follows https://docs.nano-gpt.com/api-reference/endpoint/voice-cloning
        """
        flow = endpoints.voices.submit_voice_clone(audio, provider=provider, **options)
        return await self.run(flow)

    async def voice_clone_status(
        self, job: types.VoiceJob | str, *, provider: types.VoiceProvider | None = None
    ) -> types.VoiceJob:
        """Return the current status of a job; free. With a run id, ``provider`` is required."""
        return await self.send(endpoints.voices.voice_clone_status(job, provider=provider))

    async def wait_for_voice_clone(
        self,
        job: types.VoiceJob | str,
        *,
        provider: types.VoiceProvider | None = None,
        **options: Unpack[WaitOptions],
    ) -> types.ClonedVoice:
        """Wait for a job, or a run id of a ``provider``, and return the voice; see `clone_voice`.

        Raises:
            JobTimeoutError: the job is still running; call this again with its ``run_id``.
            JobFailedError: the job failed; NanoGPT refunds it.
        """
        flow = endpoints.voices.wait_for_voice_clone(job, provider=provider, **options)
        return await self.run(flow)

    async def clone_voice(
        self,
        audio: types.FileSource,
        *,
        provider: types.VoiceProvider,
        **options: Unpack[VoiceCloneJobOptions],
    ) -> types.ClonedVoice:
        """Clone the voice of a recording (bytes, path or URL), and wait for it.

        Its ``voice_id`` (MiniMax) or ``url`` (Qwen) is for `speak`: see `ClonedVoice`. If waiting
        fails, the error's ``run_id`` identifies the job.
        """
        flow = endpoints.voices.clone_voice(audio, provider=provider, **options)
        return await self.run(flow)
