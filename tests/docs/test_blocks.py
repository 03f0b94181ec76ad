"""Every block of code and every command of the README, the pages and the examples' READMEs is run as it stands."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from doc_pages import PAGES, Block, blocks, contents, name_of
from doc_story import Story

LANGUAGES = {"python", "sh", "console", "yaml", "json", "text"}

FRESH = "here the package is installed already; the test of the wheel runs it in a fresh environment"
NOT_RUN = {
    "make ": "it needs the checkout; tests/examples/test_demo.py runs the demo, and `make test` is what runs this",
    "pulumi login --local": "it would keep state in the home folder of whoever runs the tests",
    "pip wheel": FRESH,
    "python3 -m venv .venv": FRESH,
    ". .venv/bin/activate": FRESH,
    "pip install": FRESH,
}
"""Commands that are not run here, by how their line begins, each with the reason."""

COMMANDS = re.compile(r"^\s*(\$ |(pulumi|yspartner|make|pip|python3?|git|export) \S)", re.MULTILINE)


def used(pages: list[Path]) -> set[str]:
    lines = [line for page in pages for block in blocks(page) for line in block.text.splitlines()]
    return {start for start in NOT_RUN if any(line.removeprefix("$ ").startswith(start) for line in lines)}


def programs_before(page: Path) -> set[str]:
    """The programs of the pages before this one: one that is shown again is run once."""
    return {block.text for other in PAGES[: PAGES.index(page)] for block in blocks(other) if block.language == "python"}


def stories() -> list[object]:
    """All pages. Most examples are left to the deep run: their own tests do the same."""
    quick = [page for page in PAGES if page.parent.parent.name != "examples" or page.parent.name == "quickstart"]
    return [pytest.param(page, id=name_of(page), marks=[] if page in quick else [pytest.mark.deep]) for page in PAGES]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", stories())
def test_what_a_page_shows_can_be_done(page: Path, pulumi_cli: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    if page.parent.parent.name == "examples":
        shutil.copytree(page.parent, folder, ignore=shutil.ignore_patterns("__pycache__", "Pulumi.dev.yaml"))
    else:
        folder.mkdir()

    with ExitStack() as open_files:
        story = Story(folder, pulumi_cli, list(NOT_RUN), open_files)
        for each in contents(page):
            if not (isinstance(each, Block) and each.language == "python" and each.text in programs_before(page)):
                story.tell(each)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block}: a block is one of {', '.join(sorted(LANGUAGES))}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_command_hides_in_a_block_of_text(page: Path) -> None:
    for block in blocks(page):
        if block.language == "text":
            assert not COMMANDS.search(block.text), f"{block} holds a command; call it sh or console"


def test_nothing_is_left_out_that_is_not_there() -> None:
    assert used(PAGES) == set(NOT_RUN)
