"""CONTRIBUTING.md tells where everything is."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_folder_of_tests_has_its_place() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    folders = {each.parent.relative_to(ROOT).as_posix() for each in (ROOT / "tests").glob("*/test_*.py")}
    assert "tests/unit" in folders
    assert {folder for folder in folders if f"`{folder}`" not in text} == set()
