"""The pictures of the documentation: they can be taken anew, and they stay small."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[2]
MOST_BYTES = 400_000


def size(png: Path) -> tuple[int, int]:
    """Width and height, from a PNG's header."""
    head = png.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_they_show_the_pages_as_they_are_now(browser: Browser, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "tools" / "screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    tool.take(browser, tmp_path)
    taken = {png.name: size(png) for png in tmp_path.iterdir()}
    assert taken == {name: (shot["viewport"]["width"], shot["viewport"]["height"]) for name, shot in tool.SHOTS.items()}
    assert sum(png.stat().st_size for png in tmp_path.iterdir()) < MOST_BYTES
    pages = "".join(page.read_text() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    for name, measures in taken.items():
        assert size(ROOT / "docs" / "images" / name) == measures, "`make screenshots` takes it anew"
        assert f"images/{name})" in pages
