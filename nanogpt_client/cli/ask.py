"""The command `ask`: one question, the answer as it comes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from nanogpt_client._media import files as media_files
from nanogpt_client.cli import files
from nanogpt_client.cli.base import Command, session, text_or_stdin
from nanogpt_client.cli.session import Session
from nanogpt_client.cli.show import write
from nanogpt_client.client import Stream
from nanogpt_client.types.chat import ChatChunk, ChatCompletion, Citation
from nanogpt_client.types.options import ReasoningEffort

_MARK = re.compile(r"\s*\[(\d{1,3})\]")
CHAT_MODEL = "openai/gpt-5.2"


@click.command(cls=Command)
@click.argument("words", nargs=-1, metavar="[QUESTION]...")
@click.option("--model", "-m", default=CHAT_MODEL, show_default=True, help="Which to ask.")
@click.option("--system", "-s", metavar="TEXT", help="How the model shall behave.")
@click.option("--web", "web_search", is_flag=True, help="Search the web first; name the sources.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="End the answer there.")
@click.option("--temperature", type=click.FloatRange(0, 2), metavar="0..2", help="How free to be.")
@click.option("--effort", "reasoning_effort", type=click.Choice(get_args(ReasoningEffort)),
              help="How long to think.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="No reasoning.")
@session
def ask(
    run: Session,
    /,
    words: tuple[str, ...],
    *,
    model: str,
    system: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Ask a model; the answer is written as it comes.

    What comes through a pipe follows the question: nanogpt ask "Summarise this:" < notes.txt.
    Reasoning and the cost go to stderr, the answer and its sources to stdout.
    """
    messages = [{"role": "user", "content": text_or_stdin(words, both=True)}]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    given = {name: value for name, value in options.items() if value is not False}  # 0 is a value
    with run.client() as client, client.stream_chat(messages, model=model, **given) as stream:
        answer = _show(run, stream, reasoning=not quiet)
    if answer.finish_reason == "length":
        run.say("(cut off: the limit of tokens is reached)")


def _show(run: Session, stream: Stream[ChatChunk], *, reasoning: bool) -> ChatCompletion:
    """Write the answer while it comes, and return it."""
    last = ChatChunk()
    ends = "\n"  # how what is written ends; an error's line must not stand in the answer's
    thinking = False
    try:
        for last in stream:
            if run.as_json:
                continue
            if last.reasoning and reasoning:
                thinking, ends = True, last.reasoning
                write(run.err, last.reasoning, style="dim", end="")
            if text := last.text or last.refusal:
                if thinking:
                    write(run.err, "\n")
                    thinking = False
                ends = text
                write(run.out, text, end="")
    finally:
        if not ends.endswith("\n"):
            write(run.err if thinking else run.out, "")
    answer = stream.get_final()
    run.paid(_as_json(answer), lambda: _show_rest(run, answer))
    return answer


def _show_rest(run: Session, answer: ChatCompletion) -> None:
    """Write what comes behind the text: sources, tool calls, and where its pictures are."""
    if answer.citations:
        notes = _footnotes(answer.text, answer.citations)
        write(run.out, "\n" + "\n".join(f"[{mark}] {source}" for mark, source in notes.items()))
    if answer.tool_calls:
        write(run.out, "\n".join(f"{call.name}({call.arguments})" for call in answer.tool_calls))
    for url in answer.images:
        picture = media_files.from_base64(url) if url.startswith("data:") else None
        saved = files.save(picture, Path("answer"), force=False) if picture else None
        write(run.out, str(saved or url))


def _footnotes(text: str, citations: Sequence[Citation]) -> dict[int, str]:
    """Return the sources by number: the one behind what they are cited for, or the next."""
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
