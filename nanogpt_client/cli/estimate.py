"""The command `estimate`: what a call would cost, before it is paid."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Column

from nanogpt_client.cli.ask import CHAT_MODEL
from nanogpt_client.cli.base import Command, Session, model_option, session, text_or_stdin
from nanogpt_client.cli.output import write_table
from nanogpt_client.types.plain import exact


@click.command(
    cls=Command,
    examples=[
        'nanogpt estimate "What is Nano?" --model anthropic/claude-sonnet-4.5',
        "nanogpt estimate --model sora-2 --seconds 8",
        "nanogpt estimate --model tts-1 --speech < story.txt",
    ],
)
@click.argument("prompt", nargs=-1, metavar="[PROMPT]...")
@model_option(CHAT_MODEL, "NANOGPT_MODEL", "Model of any kind")
@click.option("--speech", is_flag=True, help="The text is to be read aloud.")
@click.option("--seconds", type=click.FloatRange(min=0), metavar="N",
              help="Length of a video, or of a recording to transcribe.")  # fmt: skip
@click.option("--resolution", metavar="LINES", help="Of a video, e.g. 720p.")
@click.option("--size", metavar="WxH", help="Of images, e.g. 1024x1024.")
@click.option("-n", "n", type=click.IntRange(min=1), metavar="N", help="Number of images.")
@session
def estimate(
    run: Session, /, prompt: tuple[str, ...], *, model: str, speech: bool, **work: Any
) -> None:
    """Estimate what a call would cost; it is free.

    The estimate is NanoGPT's, or from the prices of its model list, and is compared with the
    balance. What a chat costs depends on the length of its answer.
    """
    given = {name: value for name, value in work.items() if value is not None}
    text = None if given else text_or_stdin(prompt)
    if speech:
        given["text"], text = text, None
    with run.client() as client, run.spinner("estimating …"):
        found = client.can_afford(text, model=model, **given)
    rows = [
        ("USD", exact(found.estimate.usd)),
        ("balance", exact(found.balance.usd)),
        ("covered", {True: "yes", False: "no", None: "unknown"}[found.affordable]),
    ]
    value = {
        "model": model,
        "estimate_usd": exact(found.estimate.usd),
        "balance_usd": exact(found.balance.usd),
        "affordable": found.affordable,
    }
    run.result(value, lambda: write_table(run.out, [Column(""), Column("")], rows))
