"""`docs/safety.md` and the tests that it names are in step."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from test_faults import FAULTS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "safety.md").read_text()
LISTED = dict(re.findall(r"^- `(\w+)`: (.+)$", TEXT, re.MULTILINE))
PATTERNS = {outcome: names.replace("`", "").split(", ") for outcome, names in LISTED.items()}


@pytest.mark.parametrize(("name", "outcome"), [(name, case.outcome) for name, case in FAULTS.items()])
def test_every_fault_stands_under_its_outcome(name: str, outcome: str) -> None:
    found = {listed for listed, patterns in PATTERNS.items() if any(fnmatchcase(name, each) for each in patterns)}
    assert found == {outcome}


@pytest.mark.parametrize("outcome", LISTED)
def test_every_outcome_has_a_row_and_every_listed_case_exists(outcome: str) -> None:
    assert f"| `{outcome}` |" in TEXT
    for pattern in PATTERNS[outcome]:
        assert any(fnmatchcase(name, pattern) for name in FAULTS), pattern


def test_every_named_test_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    folders = [ROOT / "tests" / "safety", ROOT / "tests" / "kills"]
    sources = "\n".join(file.read_text() for folder in folders for file in folder.glob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in sources} == set()
