"""The command `search`: NanoGPT's web search, without a model."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Column

from nanogpt_client.cli.base import Command, Session, session, text_or_stdin
from nanogpt_client.cli.output import write, write_table
from nanogpt_client.types.search import WebSearchResult

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(
    cls=Command,
    examples=[
        "nanogpt search Nano block lattice -n 3",
        'nanogpt search "What is the Nano currency?" --answer --since 2026-01-01',
    ],
)
@click.argument("query", nargs=-1, metavar="[QUERY]...")
@click.option("--limit", "-n", "max_results", type=click.IntRange(min=1), default=5,
              show_default=True, metavar="N", help="Number of pages, at most.")  # fmt: skip
@click.option("--answer", is_flag=True, help="Answer the query, with sources.")
@click.option("--deep", is_flag=True, help="Search deeper; it costs more.")
@click.option("--provider", metavar="NAME", help="Search provider, e.g. linkup.")
@click.option("--since", "from_date", type=_DAY, metavar="YYYY-MM-DD",
              help="Only pages since this day.")  # fmt: skip
@click.option("--site", "include_domains", multiple=True, metavar="DOMAIN",
              help="Only this site; may be repeated.")  # fmt: skip
@session
def search(
    run: Session,
    /,
    query: tuple[str, ...],
    *,
    answer: bool,
    deep: bool,
    from_date: Any,
    include_domains: tuple[str, ...],
    **options: Any,
) -> None:
    """Search the web: titles, addresses and excerpts of pages.

    Without a QUERY it is read from stdin.
    """
    text = text_or_stdin(query)
    with run.client() as client, run.spinner("searching …"):
        found = client.search_web(
            text,
            output_type="sourcedAnswer" if answer else "searchResults",
            depth="deep" if deep else None,
            from_date=from_date.date() if from_date else None,
            include_domains=list(include_domains) or None,
            **options,
        )
    hits = [
        {"title": hit.title, "url": hit.url, "content": hit.content, "date": hit.date}
        for hit in found.hits
    ]
    run.paid_result({"answer": found.answer, "hits": hits}, lambda: _show(run, found))


def _show(run: Session, found: WebSearchResult) -> None:
    if found.answer:
        write(run.out, f"{found.answer}\n")
    if not found.hits:
        run.note("nothing was found")
    rows = [(hit.url, hit.title, " ".join(hit.content.split())) for hit in found.hits]
    if not run.out.is_terminal:
        write_table(run.out, [Column("url"), Column("title"), Column("excerpt")], rows)
        return
    for at, (url, title, excerpt) in enumerate(rows, 1):
        short = f"{excerpt[:300]}…" if len(excerpt) > 300 else excerpt
        write(run.out, f"[{at}] {title}\n    {url}\n    {short}\n")
