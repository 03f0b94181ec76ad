"""docs/gitops.md keeps up with the pipelines and the tests that it names."""

from __future__ import annotations

import re

from engine_stack import ROOT

PAGE = (ROOT / "docs" / "gitops.md").read_text()


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    defined = {
        name for file in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", file.read_text())
    }

    assert named
    assert named <= defined, named - defined


def test_every_secret_and_variable_of_the_pipelines_is_in_the_table() -> None:
    for name in (".github/workflows/review.yml", ".github/workflows/buy.yml"):
        text = (ROOT / "examples" / "gitops" / name).read_text()
        for used in re.findall(r"(?:secrets|vars)\.(\w+)", text):
            assert f"`{used}`" in PAGE, used


def test_every_environment_is_explained() -> None:
    pipeline = (ROOT / "examples" / "gitops" / ".gitlab-ci.yml").read_text()

    environments = set(re.findall(r"environment:\n +name: ([\w/$]+)", pipeline))
    assert environments == {"review", "comment", "purchases/$STACK"}
    assert all(f"`{name.replace('$STACK', '*')}`" in PAGE for name in environments)
