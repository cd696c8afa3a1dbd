"""The tool that generates videos."""

from __future__ import annotations

from nanogpt_client._protocol.steps import Flow
from nanogpt_client.endpoints import video
from nanogpt_client.errors import InvalidArgumentError
from nanogpt_client.tools import files
from nanogpt_client.tools.approval import require_approval
from nanogpt_client.tools.results import ToolResult, media_artifact, price
from nanogpt_client.tools.schemas import VideoArguments
from nanogpt_client.tools.settings import VideoToolSettings
from nanogpt_client.types.media import VideoJob
from nanogpt_client.types.progress import OnProgress


def generate_video(
    settings: VideoToolSettings, arguments: VideoArguments, on_progress: OnProgress | None
) -> Flow[ToolResult]:
    """Submit a video and wait for it; with a run id only wait, so it is never paid twice."""
    yield from files.prepare_output(settings)
    job: VideoJob | str | None = arguments.run_id
    if job is None:
        job = yield from _submit(settings, arguments)
    made = yield from video.wait_for_video(
        job,
        poll_interval=settings.poll_interval,
        poll_timeout=settings.poll_timeout,
        on_progress=on_progress,
    )
    artifact = media_artifact("video", made.model or settings.model, made.billing) | {
        "run_id": made.run_id,
        "url": made.url,
        **files.NO_FILE,
    }
    text, trouble = [f"The video is ready{price(made.billing)}."], None
    if settings.output_dir is not None:
        data, trouble = yield from files.download_result(made.url)
        if data is not None:
            saved = yield from files.save_result(settings, "video", data)
            artifact |= files.file_artifact(settings, saved)
            text.append(saved.describe(made.url))
    text.append(f"URL, for a limited time: {made.url}{f', {trouble}' if trouble else ''}")
    return ToolResult(f"{' '.join(text)} (run id {made.run_id}).", artifact)


def _submit(settings: VideoToolSettings, arguments: VideoArguments) -> Flow[VideoJob]:
    prompt, image, duration = arguments.prompt, arguments.image, arguments.duration
    if prompt is None and image is None:
        raise InvalidArgumentError("a video needs a prompt, or the run_id of an earlier one")
    if image is not None:
        image = yield from files.read_input(settings, image)
    mode = None if image is None else "image_to_video"
    yield from require_approval(
        settings, "generate_video", arguments, "video", seconds=duration, mode=mode
    )
    return (
        yield from video.submit_video(
            prompt or "",
            model=settings.model,
            image=image,
            duration=duration,
            aspect_ratio=arguments.aspect_ratio,
        )
    )
