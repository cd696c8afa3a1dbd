"""Build the documentation site, ``make docs``: the cookbook's pages, its notebooks, the reference.

Pages are copied to ``build/docs``, notebooks as Markdown with their outputs; Zensical builds
``build/site`` from them and rejects dead links. Nothing is fetched.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

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
        print(f"Open {SITE.relative_to(ROOT) / 'index.html'} in a browser.")
    return status


if __name__ == "__main__":
    sys.exit(main())
