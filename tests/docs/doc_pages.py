"""The README, the pages of `docs/` and the like, as their blocks, with what a comment before a block says about it.

A comment is invisible to readers, on the site and elsewhere. Before a block it may say:

- `<!-- file: NAME -->`: the block is this file; later blocks use it.
- `<!-- exit: 1 -->`: its last command ends with this exit code.
- `<!-- stdin: TEXT -->`: what a person types when the commands ask.

Anywhere on a page it may say:

- `<!-- sandbox: ARGUMENTS -->`: from here on, a sandbox with these arguments runs, and the environment names it.
- `<!-- stack: NAME -->`: from here on, the folder has a project and this stack.
- `<!-- first: COMMAND -->`: a command that readers don't need to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md"), reverse=True),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]

COMMENT = re.compile(r"^<!-- (file|exit|stdin|sandbox|stack|first): (.*) -->$", re.MULTILINE)
BEFORE_A_BLOCK = ("file", "exit", "stdin")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    page: str
    line: int
    language: str
    """As the fence says; empty for none."""
    text: str
    notes: dict[str, str] = field(default_factory=dict)
    """What the comments right before it say."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Step:
    """Something that a comment asks for, by itself."""

    kind: str
    text: str


def name_of(page: Path) -> str:
    """A page's name in messages: its path in the project."""
    return str(page.relative_to(ROOT))


def contents(page: Path) -> list[Block | Step]:
    """The blocks and steps of a page, in their order."""
    return list(_contents(page))


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page."""
    return [each for each in _contents(page) if isinstance(each, Block)]


def _contents(page: Path) -> Iterator[Block | Step]:
    notes: dict[str, str] = {}
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        if token.type == "html_block":
            for kind, text in COMMENT.findall(token.content):
                if kind in BEFORE_A_BLOCK:
                    notes[kind] = text
                else:
                    yield Step(kind, text)
        elif token.type in ("fence", "code_block") and not token.info.startswith("{"):
            line = token.map[0] + 1 if token.map else 0
            yield Block(name_of(page), line, token.info.strip(), token.content, notes)
            notes = {}
        elif token.type == "inline":
            assert not notes, f"{name_of(page)}: a comment {notes} stands before no block"


def inline_code(page: Path) -> list[str]:
    """Everything that stands in single backticks on a page."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        for child in token.children or []:
            if child.type == "code_inline":
                found.append(child.content)
    return found


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text()):
        for child in token.children or []:
            if child.type in ("link_open", "image"):
                found.append(str(child.attrGet("href") or child.attrGet("src")))
    return found
