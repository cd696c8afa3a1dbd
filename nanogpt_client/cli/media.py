"""The commands `draw`, `speak`, `transcribe` and `video`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, session, text_or_stdin
from nanogpt_client.cli.session import Session
from nanogpt_client.cli.show import write

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
    help="Where to write; - is the pipe. By default a new file named after the text.",
)
_force = click.option("--force", "-f", is_flag=True, help="Write over a file that is there.")


@click.command(cls=Command)
@click.argument("words", nargs=-1, metavar="[PROMPT]...")
@click.option("--model", "-m", default=IMAGE_MODEL, show_default=True, help="Which to ask.")
@click.option("--size", metavar="WxH", help="In pixels, e.g. 1024x1024.")
@click.option("-n", "n", type=click.IntRange(1, 10), default=1, help="How many.")
@click.option("--image", "images", multiple=True, metavar="FILE",
              help="A picture, or its URL, to change; may be given several times.")  # fmt: skip
@_output
@_force
@session
def draw(run: Session, /, words: tuple[str, ...], **options: Any) -> None:
    """Draw a picture."""
    prompt = text_or_stdin(words)
    n, force = options["n"], options["force"]
    paths = files.targets(options["output"], prompt, n)
    files.check_targets(paths, force=force, as_json=run.as_json)
    with run.client() as client:
        with run.busy("drawing …"):
            pictures = client.generate_image(
                prompt,
                model=options["model"],
                image=list(options["images"]) or None,
                size=options["size"],
                n=n,
            )
        paths += [paths[-1]] * (len(pictures) - n)  # more than asked for are kept, too
        saved = [
            files.save(client.download(picture).bytes, path, force=force and at < n)
            for at, (picture, path) in enumerate(zip(pictures, paths, strict=False))
        ]
    files.finish(run, saved, model=options["model"])


@click.command(cls=Command)
@click.argument("words", nargs=-1, metavar="[TEXT]...")
@click.option("--model", "-m", default=SPEECH_MODEL, show_default=True, help="Which to ask.")
@click.option("--voice", help="One of the model's voices.")
@click.option(
    "--format",
    "response_format",
    type=click.Choice(_FORMATS),
    help="Of the file; by default as -o ends.",
)
@click.option(
    "--speed", type=click.FloatRange(0.25, 4), metavar="0.25..4", help="1 is the normal one."
)
@click.option("--instructions", metavar="TEXT", help="How to speak.")
@_output
@_force
@session
def speak(
    run: Session,
    /,
    words: tuple[str, ...],
    *,
    output: Path | None,
    force: bool,
    model: str,
    **options: Any,
) -> None:
    """Speak a text."""
    text = text_or_stdin(words)
    paths = files.targets(output, text)
    files.check_targets(paths, force=force, as_json=run.as_json)
    ending = paths[0].suffix[1:].lower()
    if options["response_format"] is None and ending in _FORMATS:
        options["response_format"] = ending
    with run.client() as client, run.busy("speaking …"):
        speech = client.speak(text, model=model, **options)
    saved = files.save(speech.bytes, paths[0], force=force, mime_type=speech.mime_type)
    files.finish(run, [saved], model=model)


@click.command(cls=Command)
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--model", "-m", default=TRANSCRIPTION_MODEL, show_default=True, help="Which to ask.")
@click.option("--language", metavar="CODE", help="What is spoken, e.g. en.")
@session
def transcribe(run: Session, /, source: str, *, model: str, language: str | None) -> None:
    """Write down what is said in a sound file, or under a URL."""
    with run.client() as client, run.busy("listening …"):
        heard = client.transcribe(source, model=model, language=language)
    value = {
        "model": model,
        "text": heard.text,
        "language": heard.language,
        "duration": heard.duration,
    }
    run.paid(value, lambda: write(run.out, heard.text))


@click.command(cls=Command)
@click.argument("words", nargs=-1, metavar="[PROMPT]...")
@click.option("--model", "-m", default=VIDEO_MODEL, show_default=True, help="Which to ask.")
@click.option("--image", metavar="FILE", help="The first frame, or its URL.")
@click.option("--duration", metavar="SECONDS", help="How long it shall be.")
@click.option("--aspect-ratio", metavar="W:H", help="E.g. 16:9.")
@click.option("--resolution", metavar="LINES", help="E.g. 720p.")
@click.option(
    "--poll-timeout",
    type=click.FloatRange(min=0),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for it.",
)
@click.option("--run-id", metavar="ID", help="Fetch a video ordered before; free, needs no prompt.")
@_output
@_force
@session
def video(
    run: Session,
    /,
    words: tuple[str, ...],
    *,
    output: Path | None,
    force: bool,
    run_id: str | None,
    poll_timeout: float,
    **options: Any,
) -> None:
    """Order a video and wait for it.

    It is paid when ordered, and takes minutes; an interrupted wait goes on with --run-id.
    """
    if run_id and words:
        raise click.UsageError("--run-id fetches what was ordered: there is no prompt then.")
    prompt = "" if run_id else text_or_stdin(words)
    path = files.targets(output, prompt or run_id or "")[0]
    files.check_targets([path], force=force, as_json=run.as_json)
    with run.client() as client:
        if run_id is None:
            run_id = client.submit_video(prompt, **options).run_id
            run.say(f"ordered; run id {run_id}")
        run.run_id = run_id
        with run.busy("filming …"):
            film = client.wait_for_video(run_id, poll_timeout=poll_timeout)
            saved = files.save(client.download(film).bytes, path, force=force)
    files.finish(run, [saved], model=film.model, run_id=run_id)
