"""The commands `ask` and `chat`: the answer is written as it arrives."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from nanogpt_client._media.files import from_base64
from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, Session, model_option, session, text_or_stdin
from nanogpt_client.cli.output import write
from nanogpt_client.client import NanoGPTClient, Stream
from nanogpt_client.errors import NanoGPTError
from nanogpt_client.messages import assistant_message, image_part
from nanogpt_client.types.chat import ChatChunk, ChatCompletion, Citation
from nanogpt_client.types.options import ReasoningEffort

_MARK = re.compile(r"\s*\[(\d{1,3})\]")
CHAT_MODEL = "openai/gpt-5.2"
_LEAVE = frozenset({"/exit", "/quit", "exit", "quit"})

_CHAT_OPTIONS = (
    model_option(CHAT_MODEL, "NANOGPT_MODEL", "Chat model"),
    click.option("--system", "-s", metavar="TEXT", help="System message."),
    click.option(
        "--web", "web_search", is_flag=True, help="Search the web first; list the sources."
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(min=1),
        metavar="N",
        help="Maximum tokens of the answer.",
    ),
    click.option(
        "--temperature",
        type=click.FloatRange(0, 2),
        metavar="0..2",
        help="Sampling temperature: higher is more varied.",
    ),
    click.option(
        "--effort",
        "reasoning_effort",
        type=click.Choice(get_args(ReasoningEffort)),
        help="Reasoning effort.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="Do not show the reasoning."),
)


def _chat_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_CHAT_OPTIONS):
        command = option(command)
    return command


@click.command(
    cls=Command,
    examples=[
        'nanogpt ask "What is the Nano currency?" --web',
        'nanogpt ask "Summarize this:" --max-tokens 300 < notes.txt',
        'nanogpt ask "What is in this picture?" --image cat.jpg',
    ],
)
@click.argument("question", nargs=-1, metavar="[QUESTION]...")
@_chat_options
@click.option("--image", "images", multiple=True, metavar="FILE",
              help="Image to ask about: a file, a URL, - for stdin; may be repeated.")  # fmt: skip
@session
def ask(
    run: Session,
    /,
    question: tuple[str, ...],
    *,
    system: str | None,
    images: tuple[str, ...],
    **options: Any,
) -> None:
    """Ask a model; the answer is written as it arrives.

    Text from stdin is appended to the question. The answer and its sources go to stdout, reasoning
    and the cost to stderr.
    """
    parts = [_image(source) for source in images]
    from_stdin = files.STDIN not in images
    text = text_or_stdin(question, both=True) if from_stdin else " ".join(question)
    content = [{"type": "text", "text": text}, *parts] if parts else text
    with run.client() as client:
        _answer(run, client, [*_system(system), {"role": "user", "content": content}], options)


@click.command(
    cls=Command,
    examples=["nanogpt chat --model anthropic/claude-sonnet-4.5", "nanogpt chat < questions.txt"],
)
@_chat_options
@session
def chat(run: Session, /, *, system: str | None, **options: Any) -> None:
    """Chat with a model, line by line.

    Each line is a message, and the model sees those before it. Empty lines are ignored; /quit, or
    the end of the input (Ctrl-D), ends the conversation. On a terminal an error is shown and the
    conversation goes on; in a pipe it ends the command.
    """
    if run.as_json:
        raise click.UsageError("A conversation is no single JSON object; use ask --json.")
    messages = _system(system)
    with run.client() as client:
        for line in _lines():
            asked = [*messages, {"role": "user", "content": line}]
            try:
                answer = _answer(run, client, asked, options)
            except NanoGPTError as error:
                if not sys.stdin.isatty():
                    raise
                run.fail(error)
                continue
            reply = assistant_message(answer.text, extra=answer.message.extra)
            messages = [*asked, reply]


def _lines() -> Iterator[str]:
    """Yield the user's messages."""
    interactive = sys.stdin.isatty()
    while True:
        try:
            line = input("> ") if interactive else sys.stdin.readline()
        except EOFError:
            line = ""
        if (not line and not interactive) or line.strip() in _LEAVE:
            return
        if line.strip():
            yield line.strip()


def _system(text: str | None) -> list[dict[str, Any]]:
    return [{"role": "system", "content": text}] if text else []


def _image(source: str) -> dict[str, Any]:
    found = files.read_source(source)
    if isinstance(found, str) and "://" not in found and not found.startswith("data:"):
        found = Path(found).read_bytes()
    return image_part(found)


def _answer(
    run: Session,
    client: NanoGPTClient,
    messages: Sequence[dict[str, Any]],
    options: dict[str, Any],
) -> ChatCompletion:
    """Send a conversation, write the answer while it arrives, and return it."""
    given = {name: value for name, value in options.items() if value is not False}  # 0 is a value
    quiet = given.pop("quiet", False)
    with client.stream_chat(messages, **given) as stream:
        answer = _write_stream(run, stream, reasoning=not quiet)
    if answer.finish_reason == "length":
        run.note("(cut off: the limit of tokens is reached)")
    return answer


def _write_stream(run: Session, stream: Stream[ChatChunk], *, reasoning: bool) -> ChatCompletion:
    """Write the answer while it arrives, and return it."""
    written = "\n"  # what was written last; an error's line must not continue the answer's
    in_reasoning = False
    try:
        for chunk in stream:
            if run.as_json:
                continue
            if chunk.reasoning and reasoning:
                in_reasoning, written = True, chunk.reasoning
                write(run.err, chunk.reasoning, style="dim", end="")
            if text := chunk.text or chunk.refusal:
                if in_reasoning:
                    write(run.err, "\n")
                    in_reasoning = False
                written = text
                write(run.out, text, end="")
    finally:
        if not written.endswith("\n"):
            write(run.err if in_reasoning else run.out, "")
    answer = stream.get_final()
    run.paid_result(_as_json(answer), lambda: _write_rest(run, answer))
    return answer


def _write_rest(run: Session, answer: ChatCompletion) -> None:
    """Write what comes after the text: sources, tool calls, and where its images are."""
    if answer.citations:
        notes = _footnotes(answer.text, answer.citations)
        write(run.out, "\n" + "\n".join(f"[{mark}] {source}" for mark, source in notes.items()))
    if answer.tool_calls:
        write(run.out, "\n".join(f"{call.name}({call.arguments})" for call in answer.tool_calls))
    for url in answer.images:
        image = from_base64(url) if url.startswith("data:") else None
        saved = files.Target(None, "answer").save(run, image) if image else None
        write(run.out, str(saved or url))


def _footnotes(text: str, citations: Sequence[Citation]) -> dict[int, str]:
    """Return the sources by number: the one after the cited passage, or else the next."""
    notes: dict[int, str] = {}
    for citation in citations:
        source = f"{citation.title}: {citation.url}" if citation.title else citation.url
        mark = _MARK.match(text, citation.end_index or len(text))
        if mark:
            notes.setdefault(int(mark[1]), source)
        elif source not in notes.values():
            notes[max(notes, default=0) + 1] = source
    return dict(sorted(notes.items()))


def _as_json(answer: ChatCompletion) -> dict[str, Any]:
    usage = answer.usage
    return {
        "model": answer.model,
        "text": answer.text,
        "reasoning": answer.reasoning,
        "refusal": answer.message.refusal,
        "citations": [{"url": c.url, "title": c.title} for c in answer.citations],
        "images": list(answer.images),
        "finish_reason": answer.finish_reason,
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "request_id": answer.billing.request_id,
    }
