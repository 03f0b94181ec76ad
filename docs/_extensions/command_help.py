"""What `--help` says, on a page: its examples and lists as they stand, and nothing in it read as markup."""

from __future__ import annotations

import re

import click
from sphinx.application import Sphinx

LINE_KEEPING = "\b"
"""Before a paragraph: click leaves its lines as they are."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension("sphinx_click")
    app.connect("sphinx-click-process-description", _describe)
    app.connect("sphinx-click-process-epilog", _end)
    return {"parallel_read_safe": True}


def _describe(_app: Sphinx, context: click.Context, lines: list[str]) -> None:
    lines[:] = _written(context.command.help or "")


def _end(_app: Sphinx, context: click.Context, lines: list[str]) -> None:
    lines[:] = _written(context.command.epilog or "")


def _written(text: str) -> list[str]:
    written: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        if paragraph.startswith(LINE_KEEPING):
            heading, *items = paragraph.removeprefix(LINE_KEEPING).strip("\n").splitlines()
            written += [f"{heading}:", "", *(f"   {item.strip()}" for item in items), ""]
        else:
            written += [*(re.sub(r"[*_|\\]", r"\\\g<0>", line.strip()) for line in paragraph.splitlines()), ""]
    return written
