"""The command `ask`: one question, and the answer as it arrives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from nanogpt_client._media.files import from_base64
from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, Session, session, text_or_stdin
from nanogpt_client.cli.output import write
from nanogpt_client.client import Stream
from nanogpt_client.types.chat import ChatChunk, ChatCompletion, Citation
from nanogpt_client.types.options import ReasoningEffort

_MARK = re.compile(r"\s*\[(\d{1,3})\]")
CHAT_MODEL = "openai/gpt-5.2"


@click.command(
    cls=Command,
    examples=[
        'nanogpt ask "What is Nano?" --web',
        'nanogpt ask "Summarise this:" --max-tokens 300 < notes.txt',
    ],
)
@click.argument("question", nargs=-1, metavar="[QUESTION]...")
@click.option("--model", "-m", default=CHAT_MODEL, show_default=True, help="Chat model.")
@click.option("--system", "-s", metavar="TEXT", help="System message.")
@click.option("--web", "web_search", is_flag=True, help="Search the web first; list the sources.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N",
              help="Maximum tokens of the answer.")  # fmt: skip
@click.option("--temperature", type=click.FloatRange(0, 2), metavar="0..2",
              help="Sampling temperature.")  # fmt: skip
@click.option("--effort", "reasoning_effort", type=click.Choice(get_args(ReasoningEffort)),
              help="Reasoning effort.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Do not show the reasoning.")
@session
def ask(
    run: Session,
    /,
    question: tuple[str, ...],
    *,
    model: str,
    system: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Ask a model; the answer is written as it arrives.

    Text from stdin is appended to the question. The answer and its sources go to stdout, reasoning
    and the cost to stderr.
    """
    messages = [{"role": "user", "content": text_or_stdin(question, both=True)}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    given = {name: value for name, value in options.items() if value is not False}  # 0 is a value
    with run.client() as client, client.stream_chat(messages, model=model, **given) as stream:
        answer = _write_stream(run, stream, reasoning=not quiet)
    if answer.finish_reason == "length":
        run.note("(cut off: the limit of tokens is reached)")


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
        saved = files.save(image, Path("answer"), force=False) if image else None
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
