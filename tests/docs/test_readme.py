"""The tables of the README hold what the code has."""

from __future__ import annotations

import inspect
import re
import tomllib

import settings_reference
from doc_pages import ROOT

from pulumi_yspartner import PbxCapacity

README = (ROOT / "README.md").read_text()


def rows(heading: str, first: str) -> list[str]:
    """The rows of the table under a heading whose first column has this title."""
    section = re.split(rf"^## {heading}$", README, flags=re.MULTILINE)[1].split("\n## ")[0]
    [table] = re.findall(rf"^\| {first} .*\n\|[-| ]+\n((?:\|.*\n)+)", section, re.MULTILINE)
    return table.splitlines()


def test_the_settings_are_those_of_the_model() -> None:
    expected = settings_reference.rows()

    assert rows("Settings", "key") == expected, "the README's table should be:\n" + "\n".join(expected)


def test_every_input_is_in_the_table() -> None:
    arguments = set(inspect.signature(PbxCapacity.__init__).parameters) - {"self", "resource_name", "opts"}

    assert {row.split("|")[1].strip(" `") for row in rows("Interface", "input")} == arguments


def test_the_layers_are_those_that_are_held() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [layers] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    height = {
        name.strip().removeprefix("pulumi_yspartner."): number
        for number, layer in enumerate(layers)
        for name in layer.split("|")
    }
    [listed] = re.findall(r"^```text\n(cli .+?)^```", README, re.MULTILINE | re.DOTALL)
    names = [name for line in listed.splitlines() for name in re.split(r", ", re.split(r" {2,}|$", line)[0])]

    assert set(names) == set(height)
    assert [height[name] for name in names] == sorted(height[name] for name in names)
