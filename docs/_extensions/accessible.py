"""What the theme leaves out: the levels of the navigation's headings, and code that scrolls by keyboard."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

ADDED = {
    "furo_navigation_tree": ('role="heading"', 'role="heading" aria-level="2"'),
    "body": ("<pre>", '<pre tabindex="0">'),
}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme."""
    app.connect("html-page-context", _add, priority=900)
    return {"parallel_read_safe": True}


def _add(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    for part, (plain, accessible) in ADDED.items():
        if part in context:
            context[part] = context[part].replace(plain, accessible)
