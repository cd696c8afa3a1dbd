"""Build the documentation site, ``make docs``: the cookbook's pages, its notebooks, the reference.

Pages are copied to ``build/docs``, notebooks as Markdown with their outputs; Zensical builds
``build/site`` from them and rejects dead links. Nothing is fetched. The search index is put in
order afterwards: as built, a setting's five copies come before the guide that explains it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import DictLoader
from nbconvert import MarkdownExporter

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "cookbook"
PAGES = ROOT / "build" / "docs"
SITE = ROOT / "build" / "site"
COPIED = {".svg", ".png", ".css", ".js"}
# The generator's script for pages opened as files comes from elsewhere; ours is beside this one.
FOREIGN_SCRIPT, SCRIPT = "https://unpkg.com/iframe-worker/shim", "worker.js"
FROM_THE_TOP = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}

_INDEX = "var __index = {};"  # of pages that were opened as files; served ones read the JSON
_SIGNATURE = re.compile(r"\s*<pre><code>[^<]*</code></pre>\s*")
_LABEL = re.compile(r"\s*<small><code>[^<]*</code></small>")

_CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
_BREAK = re.compile(r"(?<=[\w)][._/(])(?=\w)|(?<=[a-z])(?=[A-Z])")
# Cells as highlighted code, their text output as plain blocks.
_TEMPLATE = {
    "output.md.j2": """\
{% extends 'markdown/index.md.j2' %}
{% block input %}
```python
{{ cell.source }}
```
{% endblock %}
{% block stream %}
```{ .text .output }
{{ output.text.rstrip() }}
```
{% endblock %}
{% block data_text %}
```{ .text .output }
{{ output.data['text/plain'].rstrip() }}
```
{% endblock %}
{% block data_html %}
<div class="output" markdown="0">
{{ output.data['text/html'] }}
</div>
{% endblock %}
"""
}

_LINK = re.compile(r"(\]\([^)#\s]*)\.ipynb(?=[)#])")
_SCRIPT = re.compile(r"\[(`[^`]+`)\]\([^)\s]+\.py\)")  # scripts are no pages


def gather() -> None:
    """Copy every page to the folder that the generator reads."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix not in {".md", ".ipynb", *COPIED} or ".ipynb_checkpoints" in path.parts:
            continue
        target = PAGES / path.relative_to(SOURCE)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            convert(path, target.with_suffix(".md"))
        elif path.suffix == ".md":
            target.write_text(_as_page(path.read_text("utf-8")), "utf-8")
        else:
            shutil.copyfile(path, target)
    for name, page in FROM_THE_TOP.items():
        text = (ROOT / name).read_text("utf-8")
        (PAGES / page).write_text(text.replace("](cookbook/", "]("), "utf-8")


def _as_page(text: str) -> str:
    return _SCRIPT.sub(r"\1", _LINK.sub(r"\1.md", text))


def convert(notebook: Path, page: Path) -> None:
    """Write a notebook as Markdown, with its images in a folder."""
    images = f"{page.stem}_files"
    exporter = MarkdownExporter(  # type: ignore[no-untyped-call] # its own
        extra_loaders=[DictLoader(_TEMPLATE)], template_file="output.md.j2"
    )
    text, resources = exporter.from_filename(str(notebook), resources={"output_files_dir": images})
    page.write_text(_as_page(text), "utf-8")
    for name, data in resources["outputs"].items():
        image = page.parent / name
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(data)


def breakable(page: str) -> str:
    """Let long names in tables break between their words."""
    names = re.compile(r"(?<=<code>)[^<]{20,}(?=</code>)")
    return _CELL.sub(
        lambda cell: names.sub(lambda name: _BREAK.sub("<wbr>", name[0]), cell[0]), page
    )


def pages_in_order(nav: Sequence[Any]) -> Iterator[str]:
    """Yield the pages of the navigation."""
    for entry in nav:
        for below in entry.values():
            if isinstance(below, str):
                yield below.removesuffix(".md") + ".html"
            else:
                yield from pages_in_order(below)


def searchable(items: Sequence[dict[str, Any]], pages: Sequence[str]) -> list[dict[str, Any]]:
    """Put the search's items in the order of the pages, for equal hits are shown in that order.

    Left out are names without a description, and all copies of an inherited one but the last, which
    is on the page of all settings.
    """
    place = {page: number for number, page in enumerate(pages)}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for item in sorted(items, key=lambda item: place.get(item["location"].partition("#")[0], 99)):
        if not _SIGNATURE.fullmatch(item["text"]):
            found[item["title"], item["text"]] = item | {"title": _LABEL.sub("", item["title"])}
    return list(found.values())


def tidy_search() -> None:
    """Rewrite both forms of the search index."""
    settings = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))
    index = json.loads((SITE / "search.json").read_text("utf-8"))
    index["items"] = searchable(index["items"], list(pages_in_order(settings["project"]["nav"])))
    text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
    (SITE / "search.json").write_text(text, "utf-8")
    (SITE / "search.js").write_text(_INDEX.format(text), "utf-8")


def main() -> int:
    """Build the site; return the generator's exit status. Warnings are errors."""
    gather()
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own
    if status == 0:
        for path in SITE.rglob("*.html"):
            script = "../" * (len(path.relative_to(SITE).parts) - 1) + SCRIPT
            text = path.read_text("utf-8").replace(FOREIGN_SCRIPT, script)
            path.write_text(breakable(text), "utf-8")
        tidy_search()
        print(f"Open {SITE.relative_to(ROOT) / 'index.html'} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
