"""The pages of the documentation: their code runs, and the site is complete."""

from __future__ import annotations

import importlib
import inspect
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from cookbook import build_site, drawing, shell_session
from cookbook.execute import without_passing_values
from nanogpt_client import errors
from tests.support.markdown_blocks import examples, run_blocks
from tests.support.paths import ROOT

COOKBOOK = ROOT / "cookbook"
PAGES = sorted([COOKBOOK / "index.md", *(COOKBOOK / "guides").glob("*.md")])
PACKAGES = ["nanogpt_client", "langchain_nanogpt", "llama_index_nanogpt", "nanogpt_client.sandbox"]


@examples
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_code_runs(page, sandbox_environment):
    run_blocks(page)


def test_every_error_says_what_to_do():
    page = (COOKBOOK / "guides" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| .+ \| .+ \|$", page, re.MULTILINE)
    named = {name for name in errors.__all__ if inspect.isclass(getattr(errors, name))}
    assert sorted(rows) == sorted(named)


def test_every_test_that_a_page_names_is_there():
    named = {
        found
        for page in [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
        for found in re.findall(r"`(tests/[\w./]*)`", page.read_text("utf-8"))
    }
    assert len(named) > 20
    later = {"tests/cassettes/live/"}  # recorded from NanoGPT, with a key
    assert [name for name in sorted(named - later) if not (ROOT / name).exists()] == []


@pytest.mark.timeout(300)  # two dozen processes
def test_the_shell_session_is_what_the_commands_print():
    page = shell_session.PAGE.read_text("utf-8")
    again = shell_session.recorded(page)
    assert without_passing_values(again) == without_passing_values(page)


def test_the_drawing_is_the_scripts():
    assert drawing.IMAGE_FILE.read_text("utf-8") == drawing.draw()


class Links(HTMLParser):
    """Collects the ids of a page, its links, and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        if found.get("href"):
            (self.loaded if tag == "link" else self.targets).append(found["href"])
        if found.get("src"):
            self.loaded.append(found["src"])


@pytest.mark.timeout(300)  # a second process, on a machine that may be busy
def test_the_site_is_whole(capfd):
    """One test, because the site is built once: dead links, foreign hosts, missing names."""
    assert build_site.main() == 0
    assert "griffe" not in "".join(capfd.readouterr())  # what docstrings are warned about
    site = {page: Links(page) for page in build_site.SITE.rglob("*.html")}
    dead = [
        f"{page.relative_to(build_site.SITE)}: {target}"
        for page, links in site.items()
        for target in [*links.targets, *links.loaded]
        if not leads_somewhere(page, target, site)
    ]
    assert dead == []
    assert [url for links in site.values() for url in links.loaded if "//" in url[:8]] == []
    assert missing_in({name for links in site.values() for name in links.ids}) == []


def leads_somewhere(page, target, site):
    url = urlsplit(target)
    if url.scheme or url.netloc or page.name == "404.html":  # that one's links begin at the root
        return True
    place = (page.parent / unquote(url.path)).resolve() if url.path else page
    if place.is_dir():
        place /= "index.html"
    if not place.exists():
        return False
    return not url.fragment or place not in site or unquote(url.fragment) in site[place].ids


def missing_in(ids):
    """Return the public names that the reference does not have; values need no entry."""
    documented = {found.rpartition(".")[2] for found in ids if "." in found}
    return [
        f"{package}.{name}"
        for package in PACKAGES
        for name in importlib.import_module(package).__all__
        if name not in {"DEFAULT_KEY", "SCENARIOS", "__version__"} | documented
    ]


def test_long_names_in_tables_can_break_between_their_words():
    short, long = (
        "<td><code>api_key=…</code></td>",
        "<td><code>NanoGPTClient.generate_image</code></td>",
    )
    assert build_site.breakable(short) == short
    assert "GPTClient.<wbr>generate_<wbr>image<" in build_site.breakable(long)
    assert "Error<wbr>" not in build_site.breakable("<td><code>InvalidArgumentError</code></td>")
    outside = "<p><code>NanoGPTClient.generate_image</code></p>"
    assert build_site.breakable(outside) == outside


def found(location, title, text="<p>Refuses calls.</p>"):
    return {"location": location, "title": title, "text": text}


def test_the_search_has_guides_before_the_reference_and_no_copies():
    pages = list(build_site.pages_in_order([{"A": [{"B": "guide.md"}]}, {"C": "options.md"}]))
    assert pages == ["guide.html", "options.html"]
    label = "budget  <small><code>instance-attribute</code></small>"
    items = [
        found("model.html#budget", label),
        found("options.html#budget", label),
        found("options.html#bare", "bare", "<pre><code>bare: str\n</code></pre>"),
        found("guide.html#budget", "Set a budget"),
    ]
    again = build_site.searchable(items, [*pages[:1], "model.html", *pages[1:]])
    assert [(item["location"], item["title"]) for item in again] == [
        ("guide.html#budget", "Set a budget"),
        ("options.html#budget", "budget"),
    ]
