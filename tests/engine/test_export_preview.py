"""An exported fleet, declared by examples/fleet: the first preview says that there is nothing to buy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml
from engine_stack import ROOT, Stack, succeeded

from pulumi_yspartner.sandbox import DIALECTS, PBX_CLIENT_ID, PBX_CLIENT_SECRET

EXAMPLE = ROOT / "examples" / "fleet"
SERIALS = [f"3651D33000{number:02}" for number in range(50)]


def export(stack: Stack) -> str:
    """What the command prints, with the settings of the stack's environment."""
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_yspartner", "export"],
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture
def fifty(stack: Stack) -> Stack:
    """Fifty PBXs of different sizes, and the example's program."""
    stack.portal.pbxs.clear()
    for number, serial in enumerate(SERIALS):
        stack.portal.add_pbx(serial, extensions=20 + number, concurrent_calls=5 + number % 7)
    for file in ("__main__.py", "fleet_file.py"):
        shutil.copy(EXAMPLE / file, stack.folder / file)
    return stack


@pytest.mark.deep
@pytest.mark.parametrize("source", ["portal", "pbx", "mixed"])
def test_the_first_preview_of_an_exported_fleet_buys_nothing(fifty: Stack, source: str) -> None:
    stack = fifty
    access = {"clientId": PBX_CLIENT_ID, "clientSecret": PBX_CLIENT_SECRET}
    own = {"portal": [], "pbx": SERIALS, "mixed": SERIALS[::2]}[source]
    stack.settings(
        CAPACITY_SOURCE=source,
        PBXS=json.dumps({serial: {"url": f"{stack.url}/pbx/{serial}", **access} for serial in own}),
    )
    if source == "pbx":
        stack.portal.dialect = DIALECTS["no-counts"]
    exported = export(stack)
    (stack.folder / "fleet.yaml").write_text(exported)

    with stack.only_reads():
        preview = succeeded(stack.preview())
        assert len(preview.rows) == 51
        assert sum("nothing to buy" in row for row in preview.rows.values()) == 50
        assert "would buy" not in preview
        succeeded(stack.up())
        succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.purchases == 0
    assert len(stack.resources) == 50
    assert PBX_CLIENT_SECRET not in preview
    assert PBX_CLIENT_SECRET not in stack.checkpoint

    # and it is under code: the next raise buys just that
    declared = yaml.safe_load(exported)
    declared[7]["extensions"] += 5
    (stack.folder / "fleet.yaml").write_text(yaml.safe_dump(declared))
    succeeded(stack.preview(), "1 of 50 PBXs would buy: 5 extensions")
