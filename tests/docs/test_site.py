"""The documentation's site: it builds without a warning, is whole, and can be read in a browser, also on a phone."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import click
import pytest
from axe_playwright_python.sync_playwright import Axe
from doc_pages import ROOT

import pulumi_yspartner
from pulumi_yspartner import testing
from pulumi_yspartner.cli import main
from pulumi_yspartner.partner.answers import SOUGHT
from pulumi_yspartner.settings import Settings, variable

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"viewport": {"width": 375, "height": 700}, "device_scale_factor": 2, "is_mobile": True}
PAGES = sorted(page.stem for page in (ROOT / "docs").glob("*.md"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    [line] = re.findall(r"^\t\$\(BIN\)/(sphinx-build .*) build/docs$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    words = line.replace("build/doctrees", str(folder / "doctrees")).split()
    built = subprocess.run(
        [sys.executable, "-m", "sphinx.cmd.build", *words[1:], folder / "html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert built.returncode == 0, f"`make docs` fails:\n{built.stdout}{built.stderr}"
    return folder / "html"


class Anchors(HTMLParser):
    """The anchors of a page, and the links on it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[str] = []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if name in ("href", "src") and value:
                self.targets.append(value)


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    pages = {page: Anchors(page) for page in site.glob("*.html")}

    for page, read in pages.items():
        for target in read.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert file.exists(), f"{page.name} links to {target}"
            if parts.fragment and file in pages:
                assert unquote(parts.fragment) in pages[file].ids, f"{page.name} links to {target}"


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        loaded = re.findall(r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=\"(https?:[^\"]*)\"", page.read_text())
        assert loaded == [], page.name


def test_the_settings_page_has_every_setting(site: Path) -> None:
    page = (site / "settings.html").read_text()

    for key in Settings.keys():  # noqa: SIM118 - a classmethod, not a mapping
        assert re.search(rf"<h2><code[^>]*><span class=\"pre\">{key}</span>", page), key
        assert variable(key) in page


def test_the_page_about_the_api_has_every_name_that_is_looked_for(site: Path) -> None:
    page = (site / "known-api.html").read_text()

    for name in {name for sought in SOUGHT for name in sought.names}:
        assert f'<span class="pre">{name}</span>' in page, name


def test_the_python_page_has_everything_that_is_exported(site: Path) -> None:
    ids = Anchors(site / "python-api.html").ids

    for name in pulumi_yspartner.__all__:
        assert f"pulumi_yspartner.{name}" in ids
    for name in set(testing.__all__) - set(pulumi_yspartner.__all__):
        assert f"pulumi_yspartner.testing.{name}" in ids


def test_the_command_page_has_every_verb(site: Path) -> None:
    page = (site / "command-line.html").read_text()

    for verb, command in main.commands.items():
        assert f'id="yspartner-{verb}"' in page, verb
        for option in command.params:
            if isinstance(option, click.Option):
                assert f'id="cmdoption-yspartner-{verb}-{option.opts[0].strip("-")}"' in page, option.opts[0]


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("index", "light"),
        ("index", "dark"),
        ("settings", "light"),
        ("known-api", "dark"),
        ("troubleshooting", "light"),
        ("python-api", "light"),
        ("command-line", "dark"),
    ],
)
def test_a_page_is_accessible(site: Path, new_page: Callable[..., Page], name: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    page.goto((site / f"{name}.html").as_uri())

    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})

    assert found.violations_count == 0, found.generate_report()


def test_no_page_scrolls_sideways_on_a_phone(site: Path, new_page: Callable[..., Page]) -> None:
    page = new_page(**PHONE)
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 375, f"{name} is {wide} px wide"


def test_from_the_index_one_gets_to_every_page(site: Path, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 1300, "height": 900})
    for name in PAGES:
        page.goto((site / "index.html").as_uri())
        if name != "index":
            page.locator(f".sidebar-tree a[href='{name}.html']").click()
        assert page.locator("h1").first.inner_text().rstrip("#¶")
        assert page.url.endswith(f"/{name}.html")


def test_the_search_finds_a_message(site: Path, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto((site / "search.html").as_uri() + "?q=moved+reviewed")

    page.locator("#search-results a", has_text="Troubleshooting").first.wait_for()
