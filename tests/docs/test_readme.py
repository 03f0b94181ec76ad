"""The tables of the README hold what the code has."""

from __future__ import annotations

import inspect
import re
import sys

from doc_pages import ROOT

from pulumi_yspartner import PbxCapacity

README = (ROOT / "README.md").read_text()


def rows(heading: str, first: str) -> list[str]:
    """The rows of the table under a heading whose first column has this title."""
    section = re.split(rf"^## {heading}$", README, flags=re.MULTILINE)[1].split("\n## ")[0]
    [table] = re.findall(rf"^\| {first} .*\n\|[-| ]+\n((?:\|.*\n)+)", section, re.MULTILINE)
    return table.splitlines()


def test_the_settings_are_those_of_the_model() -> None:
    sys.path.insert(0, str(ROOT / "docs" / "_extensions"))
    import settings_reference

    expected = settings_reference.rows()

    assert rows("Settings", "key") == expected, "the README's table should be:\n" + "\n".join(expected)


def test_every_input_is_in_the_table() -> None:
    arguments = set(inspect.signature(PbxCapacity.__init__).parameters) - {"self", "resource_name", "opts"}

    assert {row.split("|")[1].strip(" `") for row in rows("Interface", "input")} == arguments
