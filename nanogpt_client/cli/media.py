"""The commands `draw`, `speak`, `transcribe` and `video`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, Session, session, text_or_stdin
from nanogpt_client.cli.output import write

IMAGE_MODEL = "hidream"
SPEECH_MODEL = "tts-1"
TRANSCRIPTION_MODEL = "Whisper-Large-V3"
VIDEO_MODEL = "sora-2"

_FORMATS = ("mp3", "wav", "opus", "flac", "aac", "pcm")

_output = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write, - for stdout. By default a new file named after the text.",
)
_force = click.option("--force", "-f", is_flag=True, help="Overwrite existing files.")


@click.command(
    cls=Command,
    examples=[
        "nanogpt draw a red fox in the snow -o fox.png",
        'nanogpt draw "make it night" --image fox.png',
    ],
)
@click.argument("prompt", nargs=-1, metavar="[PROMPT]...")
@click.option("--model", "-m", default=IMAGE_MODEL, show_default=True, help="Image model.")
@click.option("--size", metavar="WxH", help="Size in pixels, e.g. 1024x1024.")
@click.option("-n", "n", type=click.IntRange(1, 10), default=1, help="Number of images.")
@click.option("--image", "images", multiple=True, metavar="FILE",
              help="Image to edit, a file or a URL; may be repeated.")  # fmt: skip
@_output
@_force
@session
def draw(run: Session, /, prompt: tuple[str, ...], **options: Any) -> None:
    """Generate images, or edit one with --image.

    Without a PROMPT it is read from stdin.
    """
    text = text_or_stdin(prompt)
    n, force = options["n"], options["force"]
    paths = files.output_paths(options["output"], text, n)
    files.check_paths(paths, force=force, as_json=run.as_json)
    with run.client() as client:
        with run.spinner("generating …"):
            images = client.generate_image(
                text,
                model=options["model"],
                image=list(options["images"]) or None,
                size=options["size"],
                n=n,
            )
        paths += [paths[-1]] * (len(images) - n)  # more than requested are saved, too
        saved = [
            files.save(client.download(image).bytes, path, force=force and at < n)
            for at, (image, path) in enumerate(zip(images, paths, strict=False))
        ]
    files.write_result(run, saved, model=options["model"])


@click.command(
    cls=Command,
    examples=[
        "nanogpt speak Good morning --voice nova -o morning.mp3",
        "nanogpt speak --format wav -o - < story.txt | aplay",
    ],
)
@click.argument("text", nargs=-1, metavar="[TEXT]...")
@click.option("--model", "-m", default=SPEECH_MODEL, show_default=True, help="Speech model.")
@click.option("--voice", help="One of the model's voices.")
@click.option(
    "--format",
    "response_format",
    type=click.Choice(_FORMATS),
    help="Audio format; by default that of the --output extension, or the model's own.",
)
@click.option(
    "--speed", type=click.FloatRange(0.25, 4), metavar="0.25..4", help="Speed; 1 is normal."
)
@click.option("--instructions", metavar="TEXT", help="How to speak, e.g. calmly.")
@_output
@_force
@session
def speak(
    run: Session,
    /,
    text: tuple[str, ...],
    *,
    output: Path | None,
    force: bool,
    model: str,
    **options: Any,
) -> None:
    """Read a text aloud into an audio file (text to speech).

    Without a TEXT it is read from stdin.
    """
    spoken = text_or_stdin(text)
    paths = files.output_paths(output, spoken)
    files.check_paths(paths, force=force, as_json=run.as_json)
    extension = paths[0].suffix[1:].lower()
    if options["response_format"] is None and extension in _FORMATS:
        options["response_format"] = extension
    with run.client() as client, run.spinner("synthesizing …"):
        speech = client.speak(spoken, model=model, **options)
    saved = files.save(speech.bytes, paths[0], force=force, mime_type=speech.mime_type)
    files.write_result(run, [saved], model=model)


@click.command(cls=Command, examples=["nanogpt transcribe interview.mp3 --language en"])
@click.argument("audio", metavar="FILE_OR_URL")
@click.option("--model", "-m", default=TRANSCRIPTION_MODEL, show_default=True,
              help="Transcription model.")  # fmt: skip
@click.option("--language", metavar="CODE", help="Language of the recording, e.g. en.")
@session
def transcribe(run: Session, /, audio: str, *, model: str, language: str | None) -> None:
    """Transcribe an audio file (speech to text)."""
    with run.client() as client, run.spinner("transcribing …"):
        transcript = client.transcribe(audio, model=model, language=language)
    value = {
        "model": model,
        "text": transcript.text,
        "language": transcript.language,
        "duration": transcript.duration,
    }
    run.paid_result(value, lambda: write(run.out, transcript.text))


@click.command(
    cls=Command,
    examples=[
        "nanogpt video a red fox in the snow --duration 5",
        'nanogpt video "it runs away" --image fox.png -o fox.mp4',
        "nanogpt video --run-id vid_123",
    ],
)
@click.argument("prompt", nargs=-1, metavar="[PROMPT]...")
@click.option("--model", "-m", default=VIDEO_MODEL, show_default=True, help="Video model.")
@click.option("--image", metavar="FILE", help="First image of the video, a file or a URL.")
@click.option("--duration", metavar="SECONDS", help="Length in seconds.")
@click.option("--aspect-ratio", metavar="W:H", help="Aspect ratio, e.g. 16:9.")
@click.option("--resolution", metavar="LINES", help="Resolution, e.g. 720p.")
@click.option(
    "--poll-timeout",
    type=click.FloatRange(min=0),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="Longest wait for the video.",
)
@click.option("--run-id", metavar="ID", help="Fetch an earlier video, free of charge.")
@_output
@_force
@session
def video(
    run: Session,
    /,
    prompt: tuple[str, ...],
    *,
    output: Path | None,
    force: bool,
    run_id: str | None,
    poll_timeout: float,
    **options: Any,
) -> None:
    """Generate a video, which takes minutes.

    It is paid when submitted. If the wait is interrupted, fetch the video with --run-id.
    """
    if run_id and prompt:
        raise click.UsageError("--run-id fetches an earlier video and takes no prompt.")
    text = "" if run_id else text_or_stdin(prompt)
    path = files.output_paths(output, text or run_id or "")[0]
    files.check_paths([path], force=force, as_json=run.as_json)
    with run.client() as client:
        if run_id is None:
            run_id = client.submit_video(text, **options).run_id
            run.note(f"submitted; run id {run_id}")
        run.run_id = run_id
        with run.spinner("generating …"):
            result = client.wait_for_video(run_id, poll_timeout=poll_timeout)
            saved = files.save(client.download(result).bytes, path, force=force)
    files.write_result(run, [saved], model=result.model, run_id=run_id)
