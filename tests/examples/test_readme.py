"""The README says what the code does."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from pulumi_yspartner import PbxCapacity
from pulumi_yspartner.settings import Settings, variable

README = (Path(__file__).parents[2] / "README.md").read_text()


def table(heading: str, first: str) -> dict[str, list[str]]:
    """The table under a heading whose first column has this title: by its first cell, the others."""
    section = re.split(rf"^## {heading}$", README, flags=re.MULTILINE)[1].split("\n## ")[0]
    [rows] = re.findall(rf"^\| {first} .*\n\|[-| ]+\n((?:\|.*\n)+)", section, re.MULTILINE)
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.splitlines()]
    return {row[0].strip("` |"): row[1:] for row in cells}


def test_every_setting_is_in_the_table() -> None:
    rows = table("Settings", "key")

    assert set(rows) == set(Settings.keys())
    assert {key: row[0] for key, row in rows.items()} == {key: f"`{variable(key)}`" for key in rows}


@pytest.mark.parametrize(
    "key",
    [
        "baseUrl",
        "purchases",
        "capacitySource",
        "deadOrderStatuses",
        "settledOrders",
        "settleHours",
        "maxConnections",
        "timeout",
    ],
)
def test_the_defaults_are_the_real_ones(key: str) -> None:
    [name] = [name for name, field in Settings.model_fields.items() if field.alias == key]
    default = Settings.model_fields[name].default

    said = table("Settings", "key")[key][1].strip("`")

    assert said == (json.dumps(default) if isinstance(default, tuple) else str(default))


def test_every_input_is_in_the_table() -> None:
    arguments = set(inspect.signature(PbxCapacity.__init__).parameters) - {"self", "resource_name", "opts"}

    assert set(table("Interface", "input")) == arguments


def test_its_program_and_project_are_the_quick_start_that_was_tried() -> None:
    assert 'PbxCapacity("hq", serial_number="3651D3296882", extensions=250, concurrent_calls=60)' in README
    assert "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60); price 1850.00 USD; 3651D3296882" in README
