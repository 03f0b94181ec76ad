"""What README, pages and examples say of settings is true: every setting exists, and every example is accepted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from doc_pages import PAGES, blocks, name_of

from pulumi_yspartner.settings import Settings, load, variable

VARIABLES = {variable(key): key for key in Settings.keys()}  # noqa: SIM118 - a classmethod, not a mapping


NO_SETTINGS = {"YSPARTNER_RUN_LIMITS": "an option of `yspartner review`"}
"""Variables that look like settings and are none, with what they are."""


def commands(page: Path) -> list[list[str]]:
    """The commands of a page, in words."""
    lines = [line for block in blocks(page) if block.language in ("sh", "console") for line in block.text.splitlines()]
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if "pulumi config set" in line]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    text = page.read_text()
    keys = set(re.findall(r"yspartner:([A-Za-z]+)", text)) - {"KEY", "PbxCapacity"}
    variables = set(re.findall(r"\bYSPARTNER_[A-Z_]+\b", text))

    assert keys <= set(Settings.keys())
    assert variables - set(NO_SETTINGS) <= set(VARIABLES)


def test_no_name_is_excused_that_no_page_has() -> None:
    text = "".join(page.read_text() for page in PAGES)

    assert all(name in text for name in NO_SETTINGS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_value_that_is_set_is_accepted(page: Path) -> None:
    for words in commands(page):
        *_, name, value = words
        if name.startswith("yspartner:"):
            load({name.removeprefix("yspartner:"): value}, {})
