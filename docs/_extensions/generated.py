"""Parts of pages that are made from the code: `<!-- generated: NAME -->` in a page is replaced while it is read."""

from __future__ import annotations

import re

import api_names
import settings_reference
from sphinx.application import Sphinx

PARTS = {"settings": settings_reference.sections, "api-names": api_names.table}
MARK = re.compile(r"^<!-- generated: (\S+) -->$", re.MULTILINE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _fill)
    return {"parallel_read_safe": True}


def _fill(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = MARK.sub(lambda mark: PARTS[mark[1]](), source[0])
