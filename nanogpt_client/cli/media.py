"""The commands `draw`, `speak`, `transcribe` and `video`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, Session, model_option, session, text_or_stdin
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
@model_option(IMAGE_MODEL, "NANOGPT_IMAGE_MODEL", "Image model")
@click.option("--size", metavar="WxH", help="Size in pixels, e.g. 1024x1024.")
@click.option("-n", "n", type=click.IntRange(1, 10), default=1, metavar="N",
              help="Number of images.")  # fmt: skip
@click.option("--image", "images", multiple=True, metavar="FILE",
              help="Image to edit: a file, a URL, or - for stdin; may be repeated.")  # fmt: skip
@_output
@_force
@session
def draw(run: Session, /, prompt: tuple[str, ...], **options: Any) -> None:
    """Generate images, or edit one with --image.

    Without a PROMPT it is read from stdin.
    """
    sources = [files.read_source(source) for source in options["images"]]
    text, n = text_or_stdin(prompt), options["n"]
    places = files.targets(options["output"], text, n, force=options["force"])
    for place in places:
        place.check(as_json=run.as_json)
    with run.client() as client:
        with run.spinner("generating …"):
            images = client.generate_image(
                text,
                model=options["model"],
                image=sources or None,
                size=options["size"],
                n=n,
            )
        places += [files.Target(None, text)] * (len(images) - n)  # more than requested: saved, too
        saved = [
            place.save(run, client.download(image).bytes)
            for image, place in zip(images, places, strict=False)
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
@model_option(SPEECH_MODEL, "NANOGPT_SPEECH_MODEL", "Speech model")
@click.option("--voice", metavar="NAME", help="One of the model's voices.")
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
    target = files.Target(output, spoken, force=force)
    target.check(as_json=run.as_json)
    extension = output.suffix[1:].lower() if output else ""
    if extension in _FORMATS:
        if options["response_format"] not in (None, extension):
            raise click.UsageError(
                f"--format {options['response_format']} and {output} name two formats; use one."
            )
        options["response_format"] = extension
    with run.client() as client, run.spinner("synthesizing …"):
        speech = client.speak(spoken, model=model, **options)
    files.write_result(run, [target.save(run, speech.bytes, speech.mime_type)], model=model)


@click.command(cls=Command, examples=["nanogpt transcribe interview.mp3 --language en"])
@click.argument("audio", metavar="FILE")
@model_option(TRANSCRIPTION_MODEL, "NANOGPT_TRANSCRIPTION_MODEL", "Transcription model")
@click.option("--language", metavar="CODE", help="Language of the recording, e.g. en.")
@session
def transcribe(run: Session, /, audio: str, *, model: str, language: str | None) -> None:
    """Transcribe a recording (speech to text).

    FILE is an audio file, a URL, or - for stdin.
    """
    source = files.read_source(audio)
    with run.client() as client, run.spinner("transcribing …"):
        transcript = client.transcribe(source, model=model, language=language)
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
@model_option(VIDEO_MODEL, "NANOGPT_VIDEO_MODEL", "Video model")
@click.option(
    "--image", metavar="FILE", help="First image of the video: a file, a URL, or - for stdin."
)
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
def video(  # noqa: PLR0913 - the options of the command
    run: Session,
    /,
    prompt: tuple[str, ...],
    *,
    output: Path | None,
    force: bool,
    image: str | None,
    run_id: str | None,
    poll_timeout: float,
    **options: Any,
) -> None:
    """Generate a video, which takes minutes.

    It is paid when submitted. If the wait is interrupted, fetch the video with --run-id.
    """
    if run_id and prompt:
        raise click.UsageError("--run-id fetches an earlier video and takes no prompt.")
    if image is not None:
        options["image"] = files.read_source(image)
    text = "" if run_id else text_or_stdin(prompt)
    target = files.Target(output, text or run_id or "", force=force)
    target.check(as_json=run.as_json)
    with run.client() as client:
        if run_id is None:
            run_id = client.submit_video(text, **options).run_id
            run.note(f"submitted; run id {run_id}")
        run.run_id = run_id
        with run.spinner("generating …"):
            result = client.wait_for_video(run_id, poll_timeout=poll_timeout)
            saved = target.save(run, client.download(result).bytes)
    files.write_result(run, [saved], model=result.model, run_id=run_id)
