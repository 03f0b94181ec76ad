"""The captions of the navigation are headings; readers of a screen hear of which level, which the theme leaves out."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

TREE = "furo_navigation_tree"


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme."""
    app.connect("html-page-context", _add_levels, priority=900)
    return {"parallel_read_safe": True}


def _add_levels(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    if TREE in context:
        context[TREE] = context[TREE].replace('role="heading"', 'role="heading" aria-level="2"')
